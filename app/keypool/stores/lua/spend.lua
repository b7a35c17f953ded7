-- What a settled stream has used, known at its end. Mirrors MemoryStore.spend.
-- KEYS[1]: prefix. ARGV: lease (21, see lease_from), used tokens, used microusd, output tokens. Reply: nothing

local lease = lease_from(1)
spend(lease.day, lease.key, lease.batch, 0, tonumber(ARGV[22]) - math.ceil(lease.tokens), tonumber(ARGV[23]) - lease.microusd)
count_usage(lease, tonumber(ARGV[22]), tonumber(ARGV[24]), tonumber(ARGV[23]))
redis.call('PEXPIRE', P .. ':c:' .. lease.key, C.TTL_MS)
