-- A stream that was settled at its head is over, once.
-- KEYS[1]: prefix. ARGV: now ('' = server time), lease, at, broke (0/1), used tokens ('' = unknown), used microusd,
-- output tokens. Reply: {now, opened after ('' = no), closed}

local now = clock(ARGV[1])
local lease, broke = lease_of(ARGV[2], ARGV[3]), ARGV[4] == '1'
-- its reply may have been lost: then it comes again
if not redis.call('SET', P .. ':u:' .. lease.id, 1, 'NX', 'PX', C.LEASE_US / 1000) then return {text(now), '', '0'} end
if ARGV[5] ~= '' then
  local tokens, microusd, output = tonumber(ARGV[5]), tonumber(ARGV[6]), tonumber(ARGV[7])
  correct_lease(lease, tokens, microusd)
  count_usage(lease, tokens, output, microusd)
end
local name, of_key, opened, closed = P .. ':k:' .. lease.key, P .. ':c:' .. lease.key, '', false
if redis.call('EXISTS', name) == 1 then
  local k = load_key(lease.key, lease.model)
  if broke then
    redis.call('HINCRBY', name, 'ok', -1)
    redis.call('HINCRBY', name, 'ng', 1)
    opened = fail(k, lease, now, true)
    count(of_key, lease.model .. '\31server_failure', 1)
    if opened ~= '' then count(of_key, 'open', 1) end
  else
    closed = complete(k, lease, now)
    if closed then count(of_key, 'closed', 1) end
  end
  lower(k.id, now)
  save_health(k)
  note_health(k, load_quota(k.group), now)
end
redis.call('PEXPIRE', of_key, C.TTL_MS)
return {text(now), opened, closed and '1' or '0'}
