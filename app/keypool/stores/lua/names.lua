-- Where everything is kept, and how numbers are written. C, above this text, has the numbers that Python needs as well.
-- Names below the pool's prefix P:
--   k:<key>           hash: one key (keys.lua). c = circuit (0 closed, 1 open, 2 dead), fa = failures,
--                     ge = generation, ve = verified, ra = retry at, op = openings, pu = probe until, pa = probed at,
--                     pr = the process that probes; gr = its group, gn = how many keys that has, mk = mask,
--                     se = when a process last registered it; x:<model> = forbidden until; tu = the number of its latest lease;
--                     rq, ok, ng, rl = requests, successes, failures, rate limits; lu = last used; h0, h1 = requests of
--                     the clock hour hr and of the one before
--   q:<group>         hash: its quota (keys.lua). ge = generation, ga = time between probes (0: there is quota),
--                     du = next one due, pa, pu = as above, pk = the key that probes; cool = end of the latest cooldown
--                     of any model
--   g:<group>         set:  the keys of the group
--   b:<group>:<model> hash: the bucket (buckets.lua). cd = cooldown until, co = the limit that it is of,
--                     st = bursts do not grow until; r and t with a letter of meters.lua = the meters of requests and
--                     tokens; gn, ga, gc = the guess: requests that count, when the last one did, when the rate was cut
--   m:<model>         hash: df = until when callers were sent away, sr, st = sums of the limits of
--                     requests and tokens, su = until when it is known that no key has room, s:<set> = that set's keys
--                     are in the index
--   i:<model>         sorted set: key -> no request can go before (a lower bound, corrected when it is looked at)
--   w                 sorted set: key -> when the lease of its one request ends
--   us                sorted set: key -> from when on it may take requests, as far as circuit and money go
--   f:<key>           sorted set: leases in flight -> when they are forgotten
--   d:<day>[:<key>], t:<batch>  hash: c, t, u, h = calls, tokens, microusd, cached tokens; kc, kt, ku, kh = what of it
--                     was known when this process was left alone; of the day also x:<budget> = the largest cap that had
--                     no room for a request
--   c:<key>           hash: counts (tally.py). open, closed, dead, no_quota, cooling; and <model>\31 before: an
--                     outcome, i, o = tokens of input and output, u = microusd, h = cached ones of the input
--   w:<model>         hash: counts. b<n> = sent requests by how long they had waited, us = their waits together,
--                     r:<reason> = refusals, s:<unit> = microseconds without room
--   r:<lease>         hash: lease ('' = it was taken back), key, at, sent, last, probe (0/1) = what was admitted, in case
--                     the reply was lost
--   n:<lease>         a reserved request was counted as sent
--   u:<lease>         what the stream of this lease has used is counted
--   a:<report>        what a process did while it was alone has been added
--   e:<bulk>          requests that are sent together were charged: the day; + = and they are over
--   off               hash: key -> 1 = an operator has disabled it, 0 = and enabled it again
--   s:<set>           sorted set: the keys of one configuration -> position
--   keys              sorted set of all keys in the order in which they became known
--   models            sorted set: model -> when a request for it was last admitted
--   p                 hash: the number of the latest lease, how many keys have become known, losses
--   procs             sorted set: process -> its last heartbeat


-- how long unused data is kept: health, figures, limits
C.TTL_MS = 7 * 86400 * 1000
-- what was spent is kept a little longer than any report looks back
C.SPENT_TTL_MS = 35 * 86400 * 1000
-- how long a disabled key is remembered after any process has registered its keys
C.DISABLED_TTL_MS = 400 * 86400 * 1000
-- how many models are known at a time
C.MOST_MODELS = 100
-- how long a reply about a lease is remembered, in case it was lost
C.REPLY_LOST_MS = 120000
C.MINUTE_US = 60e6

local P = KEYS[1]

-- what belongs to these names is used: it is kept for another week
local function keep(...)
  for _, name in ipairs({...}) do redis.call('PEXPIRE', P .. name, C.TTL_MS) end
end

local function num(value, default)
  if value then return tonumber(value) end
  return default
end

local function text(number) return string.format('%.17g', number) end
local function whole(number) return string.format('%.0f', number) end

local function clock(given)
  if given ~= '' then return tonumber(given) end
  local t = redis.call('TIME')
  return tonumber(t[1]) * 1000000 + tonumber(t[2])
end

-- days since the Unix epoch, as text
local function day_of(at) return whole(math.floor(at / C.DAY_US)) end

local function known_models() return redis.call('ZRANGE', P .. ':models', 0, -1) end

-- Remember that a request for this model was admitted. Forget unused names and all but the newest: a service that lets
-- strangers choose the model must not slow everything down.
local function note_model(model, now)
  if redis.call('ZADD', P .. ':models', now, model) == 0 then return end
  redis.call('PEXPIRE', P .. ':models', C.TTL_MS)
  local old = redis.call('ZRANGEBYSCORE', P .. ':models', '-inf', now - 1000 * C.TTL_MS)
  for _, other in ipairs(redis.call('ZRANGE', P .. ':models', 0, -1 - C.MOST_MODELS)) do old[#old + 1] = other end
  for _, other in ipairs(old) do
    redis.call('ZREM', P .. ':models', other)
    redis.call('DEL', P .. ':m:' .. other, P .. ':i:' .. other, P .. ':w:' .. other)
  end
end
