-- Set the state of a process that has lost the server: its share of the limits, and the last known state of all keys.
--
-- A limit is divided into time slots of one unit each. Of `size` live processes, each owns every size-th slot from
-- `since` on. All processes compute the same slots with the lost server's clock, so that they do not collide.
--
-- KEYS[1]: prefix. ARGV: now ('' = server time), JSON {rank, size, since, limits = {{group, model, requests, tokens
-- (readings of the whole limits, nil = unknown), cooldown until, guess cut at}, ...},
-- bad = {{key, circuit}, ...}, disabled = {key, ...}, spent = {row (ledger.lua), ...}}. Reply: {now}

-- Slots are longer than the limit requires by this factor.
C.MARGIN = 1.05

local now = clock(ARGV[1])
local given = cjson.decode(ARGV[2])

-- Return the meter of this process's share of a limit. If the limit has changed, reservations become void.
local function take(m, reported)
  if not reported then return m end
  local rate, known = rate_of(reported), (m.l or 0) * given.size * C.MARGIN
  if math.abs(rate - known) <= C.WAVERING * known then return m end
  local mine, slot = unknown_meter(), C.MINUTE_US / rate * C.MARGIN
  local cycle, first = given.size * slot, given.rank * slot
  mine.l, mine.a, mine.n, mine.g = C.MINUTE_US / cycle, 1, m.n, m.n
  mine.f = first + math.ceil((given.since - first) / cycle) * cycle
  return mine
end

for _, l in ipairs(given.limits) do
  local group, model, b = l[1], l[2], load_bucket(l[1], l[2])
  note_model(model, now)
  local request_limit, token_limit = b.r.l, b.t.l
  b.r, b.t = take(b.r, l[3]), take(b.t, l[4])
  if b.r.l ~= request_limit then b.guess = {n = 0, at = 0, cut = l[6], changed = true} end
  b.cooldown = math.max(b.cooldown, l[5])
  save_bucket(b)
  local quota = P .. ':q:' .. group
  redis.call('HSET', quota, 'cool', math.max(num(redis.call('HGET', quota, 'cool'), 0), b.cooldown))
  sum_up(model, 'sr', request_limit, b.r.l)
  sum_up(model, 'st', token_limit, b.t.l)
end
for _, bad in ipairs(given.bad) do
  -- Do not probe the key while the server is lost. It is probed after the server returns.
  local k = load_key(bad[1], '')
  k.circuit, k.verified, k.retry_at = bad[2], true, now + C.DEAD_PROBE_US
  save_health(k)
  note_usable(k, load_quota(k.group))
end
for _, id in ipairs(given.disabled) do redis.call('HSET', P .. ':off', id, 1) end
for _, used in ipairs(given.spent) do
  local name = P .. ':' .. used[1]
  for n, field in ipairs(SPENT) do redis.call('HSET', name, field, used[n + 1], 'k' .. field, used[n + 1]) end
end
return {text(now)}
