-- Apply an operator's action to one key.
-- KEYS[1]: prefix. ARGV: now ('' = server time), set ('' = no key is configured), key, action (disable, enable, probe)
-- Reply: {now, effect (done, nothing, under_way), state} | {'register', now}

local now = clock(ARGV[1])
if ARGV[2] ~= '' and redis.call('EXISTS', P .. ':s:' .. ARGV[2]) == 0 then return {'register', text(now)} end
local id, action = ARGV[3], ARGV[4]
local k = load_key(id, '')
local q = load_quota(k.group)
local effect, disabled = 'nothing', is_disabled(id)

if action ~= 'probe' then
  if disabled ~= (action == 'disable') then
    effect, disabled = 'done', not disabled
    redis.call('HSET', P .. ':off', id, disabled and 1 or 0)
    if not disabled then lower(id, 0) end
  end
  redis.call('PEXPIRE', P .. ':off', C.DISABLED_TTL_MS)
elseif not disabled then
  if health_awaits(k, now) or (q.gap > 0 and now < q.probe_until) then
    effect = 'under_way'
  else
    if k.circuit ~= CLOSED and now < k.retry_at then
      effect, k.retry_at, k.openings = 'done', now, math.max(0, k.openings - 1)
      save_health(k)
    end
    if q.gap > 0 and now < q.due then
      effect, q.due, q.gap = 'done', now, math.floor(q.gap / 2)
      save_quota(q)
      for _, sibling in ipairs(siblings_of(k)) do lower(sibling, now) end
    end
    if effect == 'done' then
      note_usable(k, q)
      lower(id, now)
    end
  end
end

local cooling = num(redis.call('HGET', P .. ':q:' .. k.group, 'cool'), 0)
return {text(now), effect, disabled and 'disabled' or state_of(k.circuit, k.retry_at, q.gap, cooling, now)}
