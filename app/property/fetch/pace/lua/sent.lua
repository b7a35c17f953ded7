-- Record that a request is sent after its slot began, so that the next gap counts from now. See Site.sent in rules.py.
-- KEYS: 1 hash of the site (see enter.lua); 2 under way
-- ARGV: now ('' = server time), token
-- Reply: the time of the next request, in µs; 0 if the token is not under way

local function text(n) return string.format('%.0f', n) end
local now = tonumber(ARGV[1])
if not now then
  local time = redis.call('TIME')
  now = time[1] * 1000000 + time[2]
end
if not redis.call('ZSCORE', KEYS[2], ARGV[2]) then return 0 end
local site = redis.call('HMGET', KEYS[1], 'next', 'gap')
local next = math.max(tonumber(site[1] or '0'), now + tonumber(site[2] or '0'))
redis.call('HSET', KEYS[1], 'next', text(next))
return next
