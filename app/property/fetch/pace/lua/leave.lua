-- End a request at a site, and adapt the gap to the response. Implements the same rules as Site.leave in rules.py.
-- KEYS: 1 hash of the site (see enter.lua); 2 under way, 3 waiting
-- ARGV: now ('' = server time), token, latency ('' = unknown), succeeded (0/1), pushed back (0/1), retry after ('' =
--   none), places; recovery, pushed back, slowest, longest hold, forgotten (times in µs)
-- Reply: the gap that the site's latency requires, in µs

local function text(n) return string.format('%.0f', n) end
local now = tonumber(ARGV[1])
if not now then
  local time = redis.call('TIME')
  now = time[1] * 1000000 + time[2]
end
local latency, retry_after, places = tonumber(ARGV[3]), tonumber(ARGV[6]), tonumber(ARGV[7])
local recovery, pushed_back, slowest = tonumber(ARGV[8]), tonumber(ARGV[9]), tonumber(ARGV[10])
local longest_hold, forgotten = tonumber(ARGV[11]), tonumber(ARGV[12])

redis.call('ZREM', KEYS[2], ARGV[2])
redis.call('ZREM', KEYS[3], ARGV[2])
local site = redis.call('HMGET', KEYS[1], 'hold', 'gap', 'slowed')
local hold, gap, slowed = tonumber(site[1] or '0'), tonumber(site[2] or '0'), tonumber(site[3] or '0')

if ARGV[5] == '1' then
  slowed = math.max(2 * math.max(slowed, gap), pushed_back)
elseif latency then
  local target = math.floor(latency / places)
  if target >= slowed then
    slowed = target
  elseif ARGV[4] == '1' then
    slowed = slowed - math.floor((slowed - target) / recovery)
  end
end
slowed = math.min(slowed, slowest)
if retry_after then hold = math.max(hold, now + math.min(retry_after, longest_hold)) end
redis.call('HSET', KEYS[1], 'hold', text(hold), 'slowed', text(slowed))
local ms = math.ceil((math.max(hold - now, 0) + forgotten) / 1000)
redis.call('PEXPIRE', KEYS[1], ms, 'GT')
redis.call('PEXPIRE', KEYS[1], ms, 'NX')
return slowed
