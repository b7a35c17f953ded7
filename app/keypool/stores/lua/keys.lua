-- The circuits of keys, the quota of limit groups, and the index of when each key may take a request.
--
-- A key's circuit is closed, open, half open (open, and a probe is due; Nygard, "Release It!"), or dead (401). The
-- generation of a key or group counts the changes of its state. A response from an earlier generation cannot undo a
-- later change.

C.HOUR_US = 3600e6
-- The first and the longest interval between probes of a group that is out of quota. It doubles with each probe.
C.FIRST_QUOTA_PROBE_US, C.LONGEST_QUOTA_PROBE_US = C.HOUR_US, 6 * C.HOUR_US
-- A key that no process has registered for this long leaves the index. Processes register their keys every hour.
C.UNREGISTERED_US = 3 * C.HOUR_US
-- A reservation survives a cooldown of up to this length. In a longer cooldown, the request tries another key.
C.SHORT_COOLDOWN_US = 2e6

local CLOSED, OPEN, DEAD = 0, 1, 2

local function load_key(id, model)
  local v = redis.call('HMGET', P .. ':k:' .. id, 'c', 'fa', 'ge', 've', 'ra', 'op', 'pu', 'pa', 'tu', 'gr', 'gn',
    'x:' .. model, 'pr')
  return {
    id = id, circuit = num(v[1], CLOSED), failures = num(v[2], 0), generation = num(v[3], 0), verified = v[4] == '1',
    retry_at = num(v[5], 0), openings = num(v[6], 0), probe_until = num(v[7], 0), probed_at = num(v[8], 0),
    latest_lease = num(v[9], 0), group = v[10] or id, siblings = num(v[11], 1), forbidden = num(v[12], 0),
    prober = v[13] or '',
  }
end

-- Return the `State` (snapshots.py) of a configured key that no operator has disabled.
local function state_of(circuit, retry_at, gap, cooling, now)
  if circuit == DEAD then return 'dead' end
  if circuit == OPEN then return now >= retry_at and 'half_open' or 'open' end
  if gap > 0 then return 'no_quota' end
  return cooling > now and 'cooling' or 'closed'
end

-- Return a table of key ids. The value is true if an operator has disabled the key.
local function disabled_keys()
  local found, all = {}, redis.call('HGETALL', P .. ':off')
  for n = 1, #all, 2 do found[all[n]] = all[n + 1] == '1' end
  return found
end
local function is_disabled(id) return redis.call('HGET', P .. ':off', id) == '1' end

-- Return whether no process has registered this key for C.UNREGISTERED_US.
local function is_forgotten(id, now)
  return now - num(redis.call('HGET', P .. ':k:' .. id, 'se'), 0) > C.UNREGISTERED_US
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

local function save_quota(q)
  local name = P .. ':q:' .. q.group
  redis.call('HSET', name, 'ge', q.generation, 'ga', q.gap, 'du', q.due, 'pa', q.probed_at, 'pu', q.probe_until, 'pk',
    q.prober)
  redis.call('PEXPIRE', name, C.TTL_MS)
end

-- Return a pseudorandom number in [0, 1) for a key's position and a seed. Cubing modulo the prime C.SEEDS permutes the
-- integers below it and scatters neighbors. Doubles represent all intermediate results exactly.
local function chance_of(seed, position)
  local mixed = (seed + position * 40503) % C.SEEDS
  return (mixed * mixed * mixed) % C.SEEDS / C.SEEDS
end

local function needs_probe(k) return not k.verified or k.circuit ~= CLOSED end
-- Return whether the process that sent the probe has stopped sending heartbeats.
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

-- Count a 5xx, a timeout, or a broken connection. If the circuit opens, return the number of failures, otherwise nil.
local function fail(k, lease, now, counts)
  local current = lease.generation == k.generation
  if not counts and k.circuit == CLOSED then
    if current then k.probe_until = 0 end
    return nil
  end
  if not current then return nil end
  k.failures = k.failures + 1
  k.probe_until = 0
  if k.circuit == CLOSED and k.failures < C.FAILURE_THRESHOLD then return nil end
  if k.circuit ~= CLOSED and lease.at < k.retry_at then return nil end
  local open_for = math.min(C.OPEN_US * 2 ^ k.openings, C.MAX_OPEN_US)
  local opened = k.circuit ~= DEAD and k.failures or nil
  if opened then k.circuit = OPEN end
  k.generation, k.retry_at, k.openings = k.generation + 1, now + open_for, math.min(k.openings + 1, 16)
  return opened
end

-- Lower a key's time to `at` in the indexes of all models, because the key may be usable earlier than before.
local function lower(id, at)
  for _, model in ipairs(known_models()) do
    redis.call('ZADD', P .. ':i:' .. model, 'LT', at, id)
  end
end

-- Let every key with an open circuit be probed now, because the provider has recovered.
local function end_outage(now)
  for _, id in ipairs(redis.call('ZRANGE', P .. ':keys', 0, -1)) do
    local v = redis.call('HMGET', P .. ':k:' .. id, 'c', 'ra')
    if num(v[1], CLOSED) == OPEN and num(v[2], 0) > now then
      redis.call('HSET', P .. ':k:' .. id, 'ra', now)
      if redis.call('ZSCORE', P .. ':us', id) ~= 'inf' then redis.call('ZADD', P .. ':us', now, id) end
      lower(id, now)
    end
  end
end

-- Count a success, such as a stream that did not break. Return whether it closed the circuit.
local function complete(k, lease, now)
  local current = lease.generation == k.generation
  if k.circuit ~= CLOSED then
    if not current then return false end
    -- No key was usable, and this request succeeded before the probe was due: an outage of the provider is over.
    if k.circuit == OPEN and lease.at < k.retry_at then end_outage(now) end
    k.circuit, k.failures, k.generation, k.verified = CLOSED, 0, k.generation + 1, true
    k.retry_at, k.openings, k.probe_until, k.probed_at = 0, 0, 0, 0
    return true
  end
  if current then k.failures = math.max(0, k.failures - 1) end
  k.verified, k.probe_until = true, 0
  return false
end

local function use(k, now)
  local hour = math.floor(now / C.HOUR_US)
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
  local hour = math.floor(now / C.HOUR_US)
  local left = 1 - (now % C.HOUR_US) / C.HOUR_US
  local v = redis.call('HMGET', P .. ':k:' .. k.id, 'hr', 'h0', 'h1')
  local last = num(v[1], 0)
  if hour == last then return num(v[2], 0) + num(v[3], 0) * left end
  if hour == last + 1 then return num(v[2], 0) * left end
  return 0
end

-- Record when a key may take requests according to its circuit and quota. A dead key or one without quota never may.
local function note_usable(k, q)
  local from = k.circuit == OPEN and k.retry_at or 0
  redis.call('ZADD', P .. ':us', (k.circuit == DEAD or q.gap > 0) and '+inf' or from, k.id)
end

-- Update the sets of usable keys and of keys being probed, after a change of a key's circuit or its group's quota.
local function note_health(k, q, now)
  note_usable(k, q)
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

-- Set the exact time of this key in the index of one model.
local function index(k, q, b, model, now)
  local from = math.max(now, healthy_at(k, now, false), quota_at(q, now, false), k.forbidden)
  if health_awaits(k, now) then from = look_again_at(k, from, now) end
  redis.call('ZADD', P .. ':i:' .. model, earliest(b, from), k.id)
end

local function siblings_of(k)
  if k.siblings <= 1 then return {} end
  return redis.call('SMEMBERS', P .. ':g:' .. k.group)
end

-- Update the index for this key and the other keys of its group, after a change of the bucket, circuit, or quota.
-- `better` means that requests may be admitted earlier than before.
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
