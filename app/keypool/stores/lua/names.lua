-- Names and number formats. The table C, defined above, has the constants that Python also needs.
-- Names after the pool's prefix P:
--   k:<key>           hash: one key (keys.lua). c = circuit (0 closed, 1 open, 2 dead), fa = failures, ge = generation,
--                     ve = verified (it has answered), ra = when it may be probed, op = openings, pu = probe until,
--                     pa = when the probe was sent, pr = the process that sent it; gr = its group, gn = number of keys
--                     in the group, mk = mask, se = when a process last registered it; x:<model> = forbidden until;
--                     tu = the number of its latest lease; rq, ok, ng, rl = requests, successes, failures, rate limits;
--                     lu = last used; h0, h1 = requests in the clock hour hr and in the hour before
--   q:<group>         hash: its quota (keys.lua). ge = generation, ga = time between probes (0: it has quota),
--                     du = when the next probe is due, pa, pu = as above, pk = the key that probes; cool = end of the
--                     latest cooldown of any model
--   g:<group>         set:  the keys of the group
--   b:<group>:<model> hash: the bucket (buckets.lua). cd = cooldown until, co = the limit that caused the cooldown,
--                     st = until when bursts do not grow; r and t with a letter of meters.lua = the meters of requests
--                     and tokens; gn, ga, gc = n, at, and cut of the guess (guesses.lua)
--   m:<model>         hash: df = the latest retry time of rejected callers, sr, st = sums of the limits of requests and
--                     tokens, su = the time until which saturation is counted, s:<set> = the keys of this set are in
--                     the index
--   i:<model>         sorted set, the index: key -> a lower bound of when it can take a request, corrected when read
--   w                 sorted set: key that is being probed -> until when other requests wait for the result
--   us                sorted set: key -> when it may take requests according to its circuit and quota
--   f:<key>           sorted set: open lease -> when it expires
--   d:<day>[:<key>], t:<batch>  hash: c, t, u, h = calls, tokens, microusd, cached tokens; kc, kt, ku, kh = the part
--                     that was known when the server was lost. d:<day> also has x:<budget> = the largest cap that
--                     has rejected a request
--   c:<key>           hash: counts (tally.py). open, closed, dead, no_quota, cooling = state changes; with the prefix
--                     <model>\31: outcomes, i, o = tokens of input and output, u = microusd, h = cached input tokens
--   w:<model>         hash: counts. b<n> = sent requests in bucket n of the waiting time histogram, us = the sum of the
--                     waiting times, r:<reason> = rejected requests, s:<unit> = microseconds without capacity
--   r:<lease>         hash: lease ('' = undone), key, at, sent, last, probe (0/1) = the reply of acquire, in case it
--                     was lost
--   n:<lease>         exists if the reserved request was counted as sent
--   u:<lease>         exists if the end of the stream was counted
--   a:<report>        exists if this report of offline activity was added
--   e:<bulk>          string: the day on which the bulk was charged, followed by + once it is settled
--   off               hash: key -> 1 = disabled by an operator, 0 = enabled again
--   s:<set>           sorted set: the keys of one configuration -> position
--   keys              sorted set of all keys in the order of their first registration
--   models            sorted set: model -> when a request for it was last admitted
--   p                 hash: leases = the number of the latest lease, known = how many keys were ever registered, losses
--   procs             sorted set: process -> its last heartbeat


-- How long unused circuits, figures, and limits are kept.
C.TTL_MS = 7 * 86400 * 1000
-- Spending is kept a little longer than the longest period of a report.
C.SPENT_TTL_MS = 35 * 86400 * 1000
-- How long the list of disabled keys is kept after the last registration by any process.
C.DISABLED_TTL_MS = 400 * 86400 * 1000
-- Maximum number of models whose data is kept.
C.MOST_MODELS = 100
-- How long a reply is kept, in case it was lost and the client repeats the call.
C.REPLY_LOST_MS = 120000
C.MINUTE_US = 60e6

local P = KEYS[1]

-- Let the data of these names expire a week from now.
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

-- Return the number of whole days since the Unix epoch, as text.
local function day_of(at) return whole(math.floor(at / C.DAY_US)) end

local function known_models() return redis.call('ZRANGE', P .. ':models', 0, -1) end

-- Record that a request for this model was admitted. Delete the data of unused models, and of the oldest models above
-- the maximum. Otherwise, a service whose callers choose the model could slow down the pool.
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
