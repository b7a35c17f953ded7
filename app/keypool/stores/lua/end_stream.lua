-- Count, once, the end of a stream whose lease was settled when the response headers arrived.
-- KEYS[1]: prefix. ARGV: now ('' = server time), lease, at, JSON {broke, usage (none = unknown)}.
-- Reply: {now, JSON {opened_after (none = no), closed}}

local now = clock(ARGV[1])
local lease, given, change = lease_of(ARGV[2], ARGV[3]), cjson.decode(ARGV[4]), {closed = false}
-- Clients repeat the call if its reply was lost, but the end must be counted only once.
if not redis.call('SET', P .. ':u:' .. lease.id, 1, 'NX', 'PX', C.LEASE_US / 1000) then return {text(now), '{}'} end
if given.usage then book_usage(lease, given.usage) end
local name, of_key = P .. ':k:' .. lease.key, P .. ':c:' .. lease.key
if redis.call('EXISTS', name) == 1 then
  local k = load_key(lease.key, lease.model)
  if given.broke then
    redis.call('HINCRBY', name, 'ok', -1)
    redis.call('HINCRBY', name, 'ng', 1)
    change.opened_after = fail(k, lease, now, true)
    count(of_key, lease.model .. '\31server_failure', 1)
  else
    change.closed = complete(k, lease, now)
  end
  count_change(k, change)
  lower(k.id, now)
  save_health(k)
  note_health(k, load_quota(k.group), now)
end
redis.call('PEXPIRE', of_key, C.TTL_MS)
return {text(now), cjson.encode(change)}
