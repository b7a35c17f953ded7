-- Confirm a reservation whose time has come.
-- KEYS[1]: prefix. ARGV: now ('' = server time), set, was sent (0/1: the request was already sent, while this
-- server was lost), lease, at.
-- Reply: {'go', now, the lease as sent} | {'later', now, pause} | {'gone', now} | {'register', now}

local now = clock(ARGV[1])
local was_sent, lease = ARGV[3] == '1', lease_of(ARGV[4], ARGV[5])
local k = load_key(lease.key, lease.model)
local q = load_quota(k.group)
local b = load_bucket(k.group, lease.model)
if not is_open(lease, now) then return {'gone', text(now)} end
lease.day = day_of(now)
local marker = P .. ':n:' .. lease.id
if not was_sent and redis.call('EXISTS', marker) == 0 then
  local changed = k.generation ~= lease.generation or q.generation ~= lease.quota_generation
    or outdated(b.r, lease.r) or outdated(b.t, lease.t)
  local set = P .. ':s:' .. ARGV[2]
  if redis.call('EXISTS', set) == 0 then return {'register', text(now)} end
  local out = not redis.call('ZSCORE', set, lease.key) or is_disabled(lease.key)
  if changed or out or b.cooldown > now + C.SHORT_COOLDOWN_US then
    give_back(lease, k, q, b, now)
    return {'gone', text(now)}
  end
  local at = math.max(b.cooldown, gate_at(b.r, 1, lease.r), gate_at(b.t, lease.tokens, lease.t))
  if at > now then return {'later', text(now), text(at - now)} end
  if has_no_budget(lease) then
    give_back(lease, k, q, b, now)
    return {'gone', text(now)}
  end
end
-- Clients repeat the call if its reply was lost, but the request must be counted only once.
if redis.call('SET', marker, 1, 'NX', 'PX', C.REPLY_LOST_MS) then
  note_sent(b, now)
  sent_late(b.r, 1, lease.r, now)
  sent_late(b.t, lease.tokens, lease.t, now)
  save_bucket(b)
  use(k, now)
  spend(lease.day, lease.key, lease.batch, lease.charged, 1)
  redis.call('ZADD', P .. ':f:' .. k.id, now + C.LEASE_US, lease.id)
end
lease.r, lease.t = own(b.r, lease.r), own(b.t, lease.t)
return {'go', text(now), lease_text(lease)}
