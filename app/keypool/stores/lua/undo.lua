-- An admission whose reply was lost is taken back: nothing was sent.
-- KEYS[1]: prefix. ARGV: now ('' = server time), lease id. Reply: {now}

local now = clock(ARGV[1])
local kept = redis.call('HMGET', P .. ':r:' .. ARGV[2], 'lease', 'at', 'sent')
redis.call('DEL', P .. ':r:' .. ARGV[2])
if kept[1] then
  local lease = lease_of(kept[1], kept[2])
  if is_open(lease, now) then
    local k = load_key(lease.key, lease.model)
    if kept[3] == '1' then
      refund_lease(lease)
      redis.call('HINCRBY', P .. ':k:' .. k.id, 'rq', -1)
    end
    give_back(lease, k, load_quota(k.group), load_bucket(k.group, lease.model), now)
  end
end
return {text(now)}
