-- Register the keys of a configuration. Processes repeat this at intervals, so that the data does not expire.
-- KEYS[1]: prefix. ARGV: now ('' = server time), set, JSON {keys = {{id, group, mask}, ...}, verified = {id, ...},
-- learned = {{group, model, request limit, capacity, token limit, capacity}, ...},
-- spent = {row (ledger.lua), ...}, disabled = {id, ...}}
-- If this server has lost its data and knows no limit, the learned limit is used, with an empty bucket.
-- Reply: {now}

local now = clock(ARGV[1])
local set = P .. ':s:' .. ARGV[2]
local given = cjson.decode(ARGV[3])
local size, models = {}, known_models()
for _, key in ipairs(given.keys) do size[key[2]] = (size[key[2]] or 0) + 1 end
for position, key in ipairs(given.keys) do
  local id, group, mask = key[1], key[2], key[3]
  local name = P .. ':k:' .. id
  local before = redis.call('HGET', name, 'gr')
  redis.call('HSET', name, 'gr', group, 'mk', mask, 'gn', size[group], 'se', now)
  -- add the key to the index of each model again, in case it was removed as unregistered
  for _, model in ipairs(models) do
    redis.call('ZADD', P .. ':i:' .. model, 'NX', 0, id)
  end
  if before ~= group then
    if before then redis.call('SREM', P .. ':g:' .. before, id) end
    lower(id, 0)
  end
  redis.call('SADD', P .. ':g:' .. group, id)
  note_usable(load_key(id, ''), load_quota(group))
  redis.call('ZADD', set, position - 1, id)
  if redis.call('ZSCORE', P .. ':keys', id) == false then
    redis.call('ZADD', P .. ':keys', redis.call('HINCRBY', P .. ':p', 'known', 1), id)
  end
  keep(':k:' .. id, ':c:' .. id, ':g:' .. group, ':q:' .. group)
end
for _, model in ipairs(models) do keep(':i:' .. model, ':w:' .. model) end
-- Remove keys whose data has expired from the set of all keys.
for _, id in ipairs(redis.call('ZRANGE', P .. ':keys', 0, -1)) do
  if redis.call('EXISTS', P .. ':k:' .. id) == 0 then redis.call('ZREM', P .. ':keys', id) end
end
-- HSETNX keeps existing entries, so a key that was enabled in the meantime stays enabled.
for _, id in ipairs(given.disabled) do redis.call('HSETNX', P .. ':off', id, 1) end
redis.call('PEXPIRE', P .. ':off', C.DISABLED_TTL_MS)
for _, id in ipairs(given.verified) do redis.call('HSETNX', P .. ':k:' .. id, 've', 1) end
for _, l in ipairs(given.learned) do
  local b = load_bucket(l[1], l[2])
  local function take(m, limit, capacity)
    if m.l or limit <= 0 then return end
    m.l, m.c, m.a = limit, capacity, math.max(1, limit / 60)
    m.f, m.p = now + m.c * interval(m), now + pace(m) * interval(m)
  end
  local request_limit, token_limit = b.r.l, b.t.l
  take(b.r, l[3], l[4])
  take(b.t, l[5], l[6])
  save_bucket(b)
  sum_up(l[2], 'sr', request_limit, b.r.l)
  sum_up(l[2], 'st', token_limit, b.t.l)
end
for _, used in ipairs(given.spent) do
  -- Several processes report the spending of the same fleet, so keep the largest value of each figure.
  local name = P .. ':' .. used[1]
  for n, field in ipairs(SPENT) do
    redis.call('HSET', name, field, whole(math.max(num(redis.call('HGET', name, field), 0), used[n + 1])))
  end
  redis.call('PEXPIRE', name, C.SPENT_TTL_MS)
end
keep(':s:' .. ARGV[2], ':keys', ':p', ':models', ':w', ':us')
return {text(now)}
