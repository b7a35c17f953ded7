-- Release a reservation that will not be used.
-- KEYS[1]: prefix. ARGV: now ('' = server time), lease, at. Reply: {now}

local now = clock(ARGV[1])
local lease = lease_of(ARGV[2], ARGV[3])
if is_open(lease, now) then
  local k = load_key(lease.key, lease.model)
  give_back(lease, k, load_quota(k.group), load_bucket(k.group, lease.model), now)
end
return {text(now)}
