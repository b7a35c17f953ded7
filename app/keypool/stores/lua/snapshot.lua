-- Return the figures of the configured keys, then those of other known keys.
-- KEYS[1]: prefix. ARGV: now ('' = server time), then key and group of each configured key
-- Reply: {now, {id, mask, circuit, retry at, quota gap, cooling until, requests, successes, failures, rate limits,
--         in flight, last used, calls, tokens, microusd, cached tokens, disabled (0/1)}, ...}

local now = clock(ARGV[1])
local day = day_of(now)
local reply, mine, is_off = {text(now)}, {}, disabled_keys()
local function add(id, group)
  local name = P .. ':k:' .. id
  local v = redis.call('HMGET', name, 'mk', 'c', 'ra', 'gr', 'rq', 'ok', 'ng', 'rl', 'lu')
  if not group and num(v[5], 0) == 0 then return end
  local q = redis.call('HMGET', P .. ':q:' .. (group or v[4] or id), 'ga', 'cool')
  local used = redis.call('HMGET', P .. ':d:' .. day .. ':' .. id, unpack(SPENT))
  redis.call('ZREMRANGEBYSCORE', P .. ':f:' .. id, '-inf', now)
  reply[#reply + 1] = {
    id, v[1] or '', v[2] or '0', v[3] or '0', q[1] or '0', q[2] or '0', v[5] or '0', v[6] or '0', v[7] or '0',
    v[8] or '0', tostring(redis.call('ZCARD', P .. ':f:' .. id)), v[9] or '', used[1] or '0', used[2] or '0',
    used[3] or '0', used[4] or '0', is_off[id] and '1' or '0',
  }
end
for n = 2, #ARGV, 2 do
  mine[ARGV[n]] = true
  add(ARGV[n], ARGV[n + 1]) -- the group in this configuration, which the server may not know yet
end
for _, id in ipairs(redis.call('ZRANGE', P .. ':keys', 0, -1)) do
  if not mine[id] then add(id) end
end
return reply
