-- An admission whose reply was lost is taken back: nothing was sent.
-- KEYS[1]: prefix. ARGV: now ('' = server time), lease id, model, microusd, batch. Reply: {now}

local now = clock(ARGV[1])
local kept = redis.call('HGETALL', P .. ':r:' .. ARGV[2])
if #kept > 0 then
  redis.call('DEL', P .. ':r:' .. ARGV[2])
  local v = {}
  for n = 1, #kept, 2 do v[kept[n]] = kept[n + 1] end
  local function charge(f, n) return {f = tonumber(v[f]), x = 0, p = 0, y = 0, n = tonumber(v[n])} end
  local lease = {
    id = ARGV[2], key = v.key, model = ARGV[3], tokens = tonumber(v.tokens), generation = tonumber(v.ge),
    quota_generation = tonumber(v.qg), batch = ARGV[5], day = v.day, r = charge('rf', 'rn'), t = charge('tf', 'tn'),
    charged = estimate(ARGV[3], tonumber(v.tokens), tonumber(ARGV[4])),
  }
  if is_open(lease, now) then
    local k = load_key(lease.key, lease.model)
    if v.sent == '1' then
      refund_lease(lease)
      redis.call('HINCRBY', P .. ':k:' .. k.id, 'rq', -1)
    end
    give_back(lease, k, load_quota(k.group), load_bucket(k.group, lease.model), now)
  end
end
return {text(now)}
