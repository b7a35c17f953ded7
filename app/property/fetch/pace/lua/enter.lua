-- Start a request at a site, or return when to try again. Implements the same rules as Site.enter in rules.py.
-- KEYS: 1 hash of the site (next, hold, gap, slowed, late: times in µs). Sorted sets: 2 tokens of running requests and
--   3 of waiting requests, scored by the end of their lease; 4 visitors, scored by their reserved time; 5 lanes, scored
--   by the end of their queue
-- ARGV: now ('' = server time), token, visitor, lane, asked gap, left (how long the visitor would still wait), places,
--   lease; poll, waiters, waited, late, forgotten (constants of rules.py); redirected (0/1). Times are in µs.
-- Reply: {µs to wait (0 = started), time reserved (0/1), µs of the wait that the site requested}. All keys expire.

local function text(n) return string.format('%.0f', n) end
local now = tonumber(ARGV[1])
if not now then
  local time = redis.call('TIME')
  now = time[1] * 1000000 + time[2]
end
local token, visitor, lane = ARGV[2], ARGV[3], ARGV[4]
local asked, left, places, lease = tonumber(ARGV[5]), tonumber(ARGV[6]), tonumber(ARGV[7]), tonumber(ARGV[8])
local poll, waiters, waited = tonumber(ARGV[9]), tonumber(ARGV[10]), tonumber(ARGV[11])
local late, forgotten, redirected = tonumber(ARGV[12]), tonumber(ARGV[13]), ARGV[14] == '1'

for place = 2, 3 do redis.call('ZREMRANGEBYSCORE', KEYS[place], '-inf', text(now)) end
redis.call('ZREMRANGEBYSCORE', KEYS[4], '-inf', text(now - forgotten))
redis.call('ZREMRANGEBYSCORE', KEYS[5], '-inf', text(now))

local function keep(furthest)
  local ms = math.ceil((math.max(furthest - now, 0) + forgotten) / 1000)
  for _, key in ipairs(KEYS) do redis.call('PEXPIRE', key, ms, 'GT') redis.call('PEXPIRE', key, ms, 'NX') end
end

local site = redis.call('HMGET', KEYS[1], 'next', 'hold', 'slowed', 'late')
local gap = math.max(asked, tonumber(site[3] or '0'))
local next = tonumber(site[1] or '0')
local known = tonumber(redis.call('ZSCORE', KEYS[3], token) or '')
local free = math.max(redirected and known and known - lease or next, tonumber(site[2] or '0'))
local full = redis.call('ZCARD', KEYS[2]) >= places

if redis.call('ZSCORE', KEYS[2], token) or (free <= now and not full) then
  next = math.max(next, now + gap)
  redis.call('HSET', KEYS[1], 'gap', text(gap), 'next', text(next))
  redis.call('ZADD', KEYS[2], text(now + lease), token)
  redis.call('ZREM', KEYS[3], token)
  redis.call('ZREM', KEYS[4], visitor)
  keep(next)
  return {0, 0, 0}
end

local wait = math.max(free - now, full and poll or 1)
local held = math.max(0, tonumber(site[2] or '0') - now)
local room = known or redis.call('ZCARD', KEYS[3]) < math.max(waiters, math.floor(waited / math.max(gap, 1)))
if wait <= left and (room or redirected) then
  if redirected and not known then redis.call('HSET', KEYS[1], 'next', text(now + wait + gap)) end
  redis.call('ZADD', KEYS[3], text(now + wait + lease), token)
  keep(now + wait)
  return {wait, 0, held}
end
redis.call('ZREM', KEYS[3], token)

local at
local earliest = now + wait
local kept = tonumber(redis.call('ZSCORE', KEYS[4], visitor) or '')
local soon = math.max(tonumber(site[4] or '0'), earliest) + gap
if kept and kept > now + poll then
  at = math.max(kept, earliest)
elseif kept and soon <= now + math.max(late, 2 * gap) then
  at = soon
  redis.call('HSET', KEYS[1], 'late', text(at))
else
  at = math.max(tonumber(redis.call('ZSCORE', KEYS[5], lane) or '0'), earliest)
  local lanes = redis.call('ZCARD', KEYS[5]) + (redis.call('ZSCORE', KEYS[5], lane) and 0 or 1)
  redis.call('ZADD', KEYS[5], text(at + gap * lanes), lane)
end
redis.call('ZADD', KEYS[4], text(at), visitor)
keep(at)
return {at - now, 1, held}
