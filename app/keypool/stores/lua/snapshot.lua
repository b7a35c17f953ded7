-- Return the figures of the configured keys, then those of other known keys.
-- KEYS[1]: prefix. ARGV: now ('' = server time), then key and group of each configured key
-- Reply: {now, JSON {{the fields of `KeySnapshot`}, ...}}. Times since the epoch are strings: JSON rounds numbers.

local now = clock(ARGV[1])
local day = day_of(now)
local found, mine, is_off = {}, {}, disabled_keys()
local function add(id, group)
  local name = P .. ':k:' .. id
  local v = redis.call('HMGET', name, 'mk', 'c', 'ra', 'gr', 'rq', 'ok', 'ng', 'rl', 'lu')
  if not group and num(v[5], 0) == 0 then return end
  local q = redis.call('HMGET', P .. ':q:' .. (group or v[4] or id), 'ga', 'cool')
  local spent = redis.call('HMGET', P .. ':d:' .. day .. ':' .. id, unpack(SPENT))
  redis.call('ZREMRANGEBYSCORE', P .. ':f:' .. id, '-inf', now)
  local circuit, retry_at, cooling = num(v[2], CLOSED), num(v[3], 0), num(q[2], 0)
  local state = is_off[id] and 'disabled' or state_of(circuit, retry_at, num(q[1], 0), cooling, now)
  found[#found + 1] = {
    key_id = id, mask = v[1] or '', state = group and state or 'draining',
    rate_limited = group ~= nil and cooling > now, requests = num(v[5], 0), successes = num(v[6], 0),
    failures = num(v[7], 0), rate_limits = num(v[8], 0), in_flight = redis.call('ZCARD', P .. ':f:' .. id),
    last_used_us = v[9] or nil, rests_us = math.max(0, math.floor(cooling - now)),
    probe_in_us = circuit == CLOSED and 0 or math.max(0, math.floor(retry_at - now)),
    spent_today = {num(spent[1], 0), num(spent[2], 0), num(spent[3], 0), num(spent[4], 0)},
  }
end
for n = 2, #ARGV, 2 do
  mine[ARGV[n]] = true
  add(ARGV[n], ARGV[n + 1]) -- the group in this configuration, which the server may not know yet
end
for _, id in ipairs(redis.call('ZRANGE', P .. ':keys', 0, -1)) do
  if not mine[id] then add(id) end
end
return {text(now), cjson.encode(found)}
