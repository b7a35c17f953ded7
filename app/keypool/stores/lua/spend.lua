-- What a settled stream has used, known at its end, once. Mirrors MemoryStore.spend.
-- KEYS[1]: prefix. ARGV: now ('' = server time), not after ('' = any time), lease (21, see lease_from), used tokens,
-- used microusd, output tokens. Reply: {now} | {'too_late', now}

local now = clock(ARGV[1])
if is_too_late(now, ARGV[2]) then return {'too_late', text(now)} end
local lease = lease_from(3)
-- its reply may have been lost: then it comes again
if not redis.call('SET', P .. ':u:' .. lease.id, 1, 'NX', 'PX', C.LEASE_US / 1000) then return {text(now)} end
local tokens, microusd, output = tonumber(ARGV[24]), tonumber(ARGV[25]), tonumber(ARGV[26])
correct_lease(lease, tokens, microusd)
count_usage(lease, tokens, output, microusd)
redis.call('PEXPIRE', P .. ':c:' .. lease.key, C.TTL_MS)
return {text(now)}
