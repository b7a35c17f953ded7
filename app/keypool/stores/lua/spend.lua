-- What a settled stream has used, known at its end. Mirrors MemoryStore.spend.
-- KEYS[1]: prefix. ARGV: lease (21, see lease_from), used tokens, used microusd. Reply: nothing

local lease = lease_from(1)
spend(lease.day, lease.key, lease.batch, 0, tonumber(ARGV[22]) - math.ceil(lease.tokens), tonumber(ARGV[23]) - lease.microusd)
