-- Health of keys, money of limit groups, and the index of who may go when. The rules are breaker.py's and state.py's.
-- Names below the pool's prefix P (one hash tag, so that a cluster keeps them together):
--   k:<key>           hash: health, figures, group, mask; x:<model> = forbidden until
--   q:<group>         hash: quota state; cool = end of the latest cooldown of any model
--   g:<group>         set:  the keys of the group
--   b:<group>:<model> hash: the bucket
--   m:<model>         hash: token ratio, deferral clock, sums of limits; s:<set> = that set's keys are in the index;
--                     su = until when it is known that no key has room
--   i:<model>         sorted set: key -> no request can go before (a lower bound, corrected when it is looked at)
--   w                 sorted set: key -> when the lease of its one request ends
--   f:<key>           sorted set: leases in flight -> when they are forgotten
--   d:<day>[:<key>], t:<batch>  hash: calls, tokens, microusd; of the day also x:<budget> = the largest cap that had no
--                     room for a request
--   c:<key>           hash: counts (tally.py). open, closed, dead, no_quota, cooling; and <model>\31 before: an outcome,
--                     i, o = tokens of input and output, u = microusd
--   w:<model>         hash: counts. b<n> = sent requests by how long they had waited, us = their waits together,
--                     r:<reason> = refusals, s:<unit> = microseconds without room
--   u:<lease>         what the stream of this lease has used is counted
--   a:<report>        what a process did while it was alone has been added
--   e:<bulk>          requests that are sent together were charged: the day; + = and they are over
--   off               hash: key -> 1 = an operator has disabled it, 0 = and enabled it again
--   s:<set>           sorted set: the keys of one configuration -> position; keys: sorted set of all keys; models: set; p: hash, procs: sorted set

local P = KEYS[1]
local CLOSED, OPEN, DEAD = 0, 1, 2
local DAY = 86400000000

local function clock(given)
  if given ~= '' then return tonumber(given) end
  local t = redis.call('TIME')
  return tonumber(t[1]) * 1000000 + tonumber(t[2])
end

-- who asked has given up by then: a server that hung must not act on it later, or it would be done twice
local function is_too_late(now, not_after) return not_after ~= '' and now > tonumber(not_after) end

local function text(number) return string.format('%.17g', number) end
local function whole(number) return string.format('%.0f', number) end

local function load_key(id, model)
  local v = redis.call('HMGET', P .. ':k:' .. id, 'c', 'fa', 'ge', 've', 'ra', 'op', 'pu', 'pa', 'tu', 'gr', 'gn',
    'x:' .. model, 'pr')
  return {
    id = id, circuit = num(v[1], CLOSED), failures = num(v[2], 0), generation = num(v[3], 0), verified = v[4] == '1',
    retry_at = num(v[5], 0), openings = num(v[6], 0), probe_until = num(v[7], 0), probed_at = num(v[8], 0),
    turn = num(v[9], 0), group = v[10] or id, siblings = num(v[11], 1), forbidden = num(v[12], 0),
    prober = v[13] or '',
  }
end

-- whom an operator has disabled
local function disabled_keys()
  local found, all = {}, redis.call('HGETALL', P .. ':off')
  for n = 1, #all, 2 do found[all[n]] = all[n + 1] == '1' end
  return found
end
local function is_disabled(id) return redis.call('HGET', P .. ':off', id) == '1' end

-- no process has had this key in its configuration for hours
local function is_forgotten(id, now)
  return now - num(redis.call('HGET', P .. ':k:' .. id, 'se'), 0) > C.UNREGISTERED_US
end

-- as much of it as admission looks at
local function glance_at_key(id, model)
  local v = redis.call('HMGET', P .. ':k:' .. id, 'c', 've', 'ra', 'pu', 'pa', 'tu', 'gr', 'x:' .. model, 'pr')
  return {
    id = id, circuit = num(v[1], CLOSED), verified = v[2] == '1', retry_at = num(v[3], 0), probe_until = num(v[4], 0),
    probed_at = num(v[5], 0), turn = num(v[6], 0), group = v[7] or id, forbidden = num(v[8], 0),
    prober = v[9] or '',
  }
end

local function save_health(k)
  redis.call('HSET', P .. ':k:' .. k.id, 'c', k.circuit, 'fa', k.failures, 'ge', k.generation, 've',
    k.verified and 1 or 0, 'ra', k.retry_at, 'op', k.openings, 'pu', k.probe_until, 'pa', k.probed_at)
end

local function load_quota(group)
  local v = redis.call('HMGET', P .. ':q:' .. group, 'ge', 'ga', 'du', 'pa', 'pu', 'pk')
  return {
    group = group, generation = num(v[1], 0), gap = num(v[2], 0), due = num(v[3], 0), probed_at = num(v[4], 0),
    probe_until = num(v[5], 0), prober = v[6] or '',
  }
end

-- as much of it as admission looks at
local SOLVENT = {gap = 0}
local function glance_at_quota(group)
  local gap = redis.call('HGET', P .. ':q:' .. group, 'ga')
  if not gap or gap == '0' then return SOLVENT end
  return load_quota(group)
end

local function save_quota(q)
  local name = P .. ':q:' .. q.group
  redis.call('HSET', name, 'ge', q.generation, 'ga', q.gap, 'du', q.due, 'pa', q.probed_at, 'pu', q.probe_until, 'pk',
    q.prober)
  redis.call('PEXPIRE', name, C.TTL_MS)
end

local function needs_probe(k) return not k.verified or k.circuit ~= CLOSED end
-- whoever carried the key's one request has died: it is known by its process, which says every few seconds that it lives
local function orphaned(k, now)
  return k.prober ~= '' and now - k.probed_at > C.SILENT_US and not redis.call('ZSCORE', P .. ':procs', k.prober)
end
local function health_awaits(k, now) return needs_probe(k) and now < k.probe_until and not orphaned(k, now) end
local function look_again_at(k, at, now)
  if k.prober == '' then return at end
  return math.min(at, math.max(k.probed_at, now) + C.SILENT_US)
end
local function quota_awaits(q, id, now) return q.gap > 0 and q.prober == id and now < q.probe_until end

local function usable(k, q, now)
  return (k.circuit == CLOSED or (k.circuit == OPEN and now >= k.retry_at)) and q.gap == 0
end

local function healthy_at(k, now, last_resort)
  if health_awaits(k, now) then return k.probe_until end
  if k.circuit == CLOSED then return now end
  if not last_resort then return math.max(now, k.retry_at) end
  if k.circuit == OPEN then return now end
  return math.max(now, math.min(k.retry_at, k.probed_at + C.LAST_RESORT_US))
end

local function quota_at(q, now, last_resort)
  if q.gap == 0 then return now end
  if now < q.probe_until then return q.probe_until end
  if last_resort then return math.max(now, math.min(q.due, q.probed_at + C.LAST_RESORT_US)) end
  return math.max(now, q.due)
end

local function use(k, now)
  local hour = math.floor(now / 3600000000)
  local name = P .. ':k:' .. k.id
  local v = redis.call('HMGET', name, 'hr', 'h0', 'h1')
  local last, this_hour, hour_before = num(v[1], 0), num(v[2], 0), num(v[3], 0)
  if hour ~= last then
    hour_before = hour == last + 1 and this_hour or 0
    this_hour = 0
  end
  redis.call('HSET', name, 'lu', now, 'hr', hour, 'h0', this_hour + 1, 'h1', hour_before)
  redis.call('HINCRBY', name, 'rq', 1)
end

local function requests_last_hour(k, now)
  local hour = math.floor(now / 3600000000)
  local left = 1 - (now % 3600000000) / 3600000000
  local v = redis.call('HMGET', P .. ':k:' .. k.id, 'hr', 'h0', 'h1')
  local last = num(v[1], 0)
  if hour == last then return num(v[2], 0) + num(v[3], 0) * left end
  if hour == last + 1 then return num(v[2], 0) * left end
  return 0
end

local function set_awaiting(k, q, now)
  local till = 0
  if health_awaits(k, now) then till = k.probe_until end
  if quota_awaits(q, k.id, now) then till = math.max(till, q.probe_until) end
  if till > 0 then
    redis.call('ZADD', P .. ':w', till, k.id)
    redis.call('PEXPIRE', P .. ':w', C.TTL_MS)
  else
    redis.call('ZREM', P .. ':w', k.id)
  end
end

-- this key's own place in the index of one model, exactly
local function index(k, q, b, model, now)
  local from = math.max(now, healthy_at(k, now, false), quota_at(q, now, false), k.forbidden)
  if health_awaits(k, now) then from = look_again_at(k, from, now) end
  redis.call('ZADD', P .. ':i:' .. model, earliest(b, from), k.id)
end

-- it may have become better for a key: no index may keep a later time
local function lower(id, at)
  for _, model in ipairs(redis.call('SMEMBERS', P .. ':models')) do
    redis.call('ZADD', P .. ':i:' .. model, 'LT', at, id)
  end
end

local function siblings_of(k)
  if k.siblings <= 1 then return {} end
  return redis.call('SMEMBERS', P .. ':g:' .. k.group)
end

-- after a change of bucket, health or quota: places in the index of this key and of those that share its limits
local function reindex(k, q, b, model, now, better)
  if better then lower(k.id, now) end
  index(k, q, b, model, now)
  local from = earliest(b, now)
  for _, id in ipairs(siblings_of(k)) do
    if id ~= k.id then
      if better then lower(id, now) else redis.call('ZADD', P .. ':i:' .. model, 'LT', from, id) end
    end
  end
end

-- the limits of all groups for a model, after one of them was learned or changed
local function sum_up(model, field, before, after)
  if before == after then return end
  local name = P .. ':m:' .. model
  redis.call('HSET', name, field, num(redis.call('HGET', name, field), 0) + (after or 0) - (before or 0))
end

-- for metrics and reports; kept as long as the key or the model is
local function count(name, field, by)
  if by ~= 0 then redis.call('HINCRBY', name, field, whole(by)) end
end

local function count_usage(lease, tokens, output, microusd)
  local name, of = P .. ':c:' .. lease.key, lease.model .. '\31'
  count(name, of .. 'i', math.max(0, tokens - output))
  count(name, of .. 'o', output)
  count(name, of .. 'u', microusd)
end

local function count_for_model(model, field, by)
  local name = P .. ':w:' .. model
  count(name, field, by)
  redis.call('PEXPIRE', name, C.TTL_MS)
end

-- budgets: what is charged here was estimated when the lease was given
local function spend(day, id, batch, calls, tokens, microusd)
  local names = {P .. ':d:' .. day, P .. ':d:' .. day .. ':' .. id}
  if batch ~= '' then names[3] = P .. ':t:' .. batch end
  for _, name in ipairs(names) do
    if calls ~= 0 then redis.call('HINCRBY', name, 'c', whole(calls)) end
    if tokens ~= 0 then redis.call('HINCRBY', name, 't', whole(tokens)) end
    if microusd ~= 0 then redis.call('HINCRBY', name, 'u', whole(microusd)) end
    redis.call('PEXPIRE', name, C.SPENT_TTL_MS)
  end
end

-- of a bulk: {batch, calls, tokens, microusd} of each batch of jobs that pays
local function spend_bulk(day, id, parts, sign)
  for _, part in ipairs(parts) do spend(day, id, part[1], sign * part[2], sign * part[3], sign * part[4]) end
end

-- which figure would exceed the cap, '' if none; a cap of -1 is no cap, and what costs nothing exceeds none
local function exceeded(name, cap, calls, tokens, microusd)
  if calls == 0 and tokens == 0 and microusd == 0 then return '' end
  if cap.calls < 0 and cap.tokens < 0 and cap.microusd < 0 then return '' end
  local v = redis.call('HMGET', name, 'c', 't', 'u')
  if cap.calls >= 0 and num(v[1], 0) + calls > cap.calls then return 'calls' end
  if cap.tokens >= 0 and num(v[2], 0) + tokens > cap.tokens then return 'tokens' end
  if cap.microusd >= 0 and num(v[3], 0) + microusd > cap.microusd then return 'microusd' end
  return ''
end

-- a request had no room in this daily budget ('day tokens'), nor would it have had in any that is smaller
local function note_stop(day, detail)
  local budget, unit = string.match(detail, '^(%S+) (%S+)$')
  local cap = ({day = C.CAP_DAY, key_day = C.CAP_KEY_DAY})[budget]
  if not cap then return end
  local name, field = P .. ':d:' .. day, 'x:' .. detail
  if num(redis.call('HGET', name, field), -1) >= cap[unit] then return end
  redis.call('HSET', name, field, whole(cap[unit]))
  redis.call('PEXPIRE', name, C.SPENT_TTL_MS)
end

local function charge_from(n)
  return {
    f = tonumber(ARGV[n]), x = tonumber(ARGV[n + 1]), p = tonumber(ARGV[n + 2]), y = tonumber(ARGV[n + 3]),
    n = tonumber(ARGV[n + 4]),
  }
end

local function charge_to(charge)
  return text(charge.f), text(charge.x), text(charge.p), text(charge.y), text(charge.n)
end

-- a lease as clients send it back, 21 arguments from ARGV[n] on
local function lease_from(n)
  local model = ARGV[n + 2]
  return {
    id = ARGV[n], key = ARGV[n + 1], model = model, tokens = tonumber(ARGV[n + 3]), generation = tonumber(ARGV[n + 4]),
    quota_generation = tonumber(ARGV[n + 5]), at = tonumber(ARGV[n + 6]), input = tonumber(ARGV[n + 7]),
    microusd = tonumber(ARGV[n + 8]), batch = ARGV[n + 9], day = ARGV[n + 10],
    r = charge_from(n + 11), t = charge_from(n + 16),
    calls = model ~= '' and 1 or 0,
  }
end

local function is_open(lease, now)
  local till = redis.call('ZSCORE', P .. ':f:' .. lease.key, lease.id)
  return till and tonumber(till) > now
end

local function give_back(lease, k, q, b, now)
  redis.call('ZREM', P .. ':f:' .. lease.key, lease.id)
  refund_meter(b.r, 1, lease.r)
  refund_meter(b.t, lease.tokens, lease.t)
  if b.r.l or b.t.l then save_bucket(b) end
  spend(lease.day, lease.key, lease.batch, -lease.calls, -math.ceil(lease.tokens), -lease.microusd)
  if k.generation == lease.generation then k.probe_until = 0 end
  if q.generation == lease.quota_generation and q.probe_until ~= 0 then
    q.probe_until = 0
    save_quota(q)
  end
  save_health(k)
  set_awaiting(k, q, now)
  reindex(k, q, b, lease.model, now, true)
end
