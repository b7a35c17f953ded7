-- Undo an admission whose reply was lost and whose request was not sent.
-- KEYS[1]: prefix. ARGV: now ('' = server time), lease id. Reply: {now}

local now = clock(ARGV[1])
local name = P .. ':r:' .. ARGV[2]
local kept = redis.call('HMGET', name, 'lease', 'at', 'sent')
-- an `acquire` for this lease that arrives later is rejected
redis.call('HSET', name, 'lease', '')
redis.call('PEXPIRE', name, C.REPLY_LOST_MS)
if kept[1] and kept[1] ~= '' then
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
