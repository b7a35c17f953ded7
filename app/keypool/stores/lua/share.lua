-- What a process that goes on alone knows of limits, and of the fleet when its server was lost (see share.py). Places that
-- were reserved under another limit are void.
-- KEYS[1]: prefix. ARGV: now ('' = server time), JSON {limits = {{group, model, twice (requests, tokens) rate of this
-- process's slots (0 = unknown) and when the first begins, cooldown until, guess cut at}, ...},
-- bad = {{key, circuit}, ...}, disabled = {key, ...}, spent = {{name, calls, tokens, microusd}, ...}}. Reply: {now}

local now = clock(ARGV[1])
local given = cjson.decode(ARGV[2])
for _, l in ipairs(given.limits) do
  local group, model, b = l[1], l[2], load_bucket(l[1], l[2])
  note_model(model, now)
  local function take(m, rate, first)
    if rate <= 0 then return m end
    local mine = unknown_meter()
    mine.l, mine.f, mine.a, mine.n, mine.g = rate, first, 1, m.n, m.n
    return mine
  end
  local request_limit, token_limit = b.r.l, b.t.l
  b.r, b.t = take(b.r, l[3], l[4]), take(b.t, l[5], l[6])
  if l[3] > 0 then b.guess = {n = 0, at = 0, cut = l[8], changed = true} end
  b.cooldown = math.max(b.cooldown, l[7])
  save_bucket(b)
  local quota = P .. ':q:' .. group
  redis.call('HSET', quota, 'cool', math.max(num(redis.call('HGET', quota, 'cool'), 0), b.cooldown))
  sum_up(model, 'sr', request_limit, b.r.l)
  sum_up(model, 'st', token_limit, b.t.l)
end
for _, bad in ipairs(given.bad) do
  -- this process does not probe it: the fleet will, once the server is back
  local k = load_key(bad[1], '')
  k.circuit, k.verified, k.retry_at = bad[2], true, now + C.DEAD_PROBE_US
  save_health(k)
  note_usable(k, load_quota(k.group))
end
for _, id in ipairs(given.disabled) do redis.call('HSET', P .. ':off', id, 1) end
for _, used in ipairs(given.spent) do
  redis.call('HSET', P .. ':' .. used[1], 'c', used[2], 't', used[3], 'u', used[4], 'kc', used[2], 'kt', used[3], 'ku',
    used[4])
end
return {text(now)}
