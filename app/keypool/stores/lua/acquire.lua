-- Admit a request, reserve a time for it, or reject it.
-- KEYS[1]: prefix. ARGV: now ('' = server time), set, model, tokens, max wait, waited (0/1), seed, microusd, batch,
-- lease id, process ('' = unknown), barred keys...
-- Reply: {'lease', now, key, at, reserved (0/1), last resort (0/1), probe (0/1), the lease as text (leases.lua)}
--      | {'later', now, pause} | {'no_capacity', now, retry after, reason, detail} | {'register', now}

-- How often a waiting request checks for the result of a probe: at first, and once the probe is no longer fresh. A
-- request waits for a fresh probe if the earliest reservation is more than C.WORTH_WAITING_US away, and for any other
-- probe if there is no reservation within its maximum wait.
C.LOOK_AGAIN_US, C.LOOK_AGAIN_LATER_US, C.WORTH_WAITING_US = 50000, 250000, 250000
-- The retry-after for callers that would have to wait for a probe, and for all callers while every key is disabled.
C.ANSWER_US, C.DISABLED_RETRY_US = 1e6, 60e6
-- Each rejected caller gets a later retry time than the one before, but at most this long after a key has capacity,
-- because some callers never retry. While no limit is known, each time is C.UNKNOWN_GAP_US after the last.
C.LONGEST_DEFERRAL_US, C.UNKNOWN_GAP_US = 60e6, 100000
-- Maximum number of keys that one admission reads, if one of them can take the request now.
C.MOST_CANDIDATES = 8

local now = clock(ARGV[1])
local set, model = P .. ':s:' .. ARGV[2], ARGV[3]
local tokens, max_wait = tonumber(ARGV[4]), tonumber(ARGV[5])
local reserve = ARGV[6] == '1' and C.GATE_RESERVE or C.SCHEDULE_RESERVE
local seed, microusd, batch, lease_id = tonumber(ARGV[7]), tonumber(ARGV[8]), ARGV[9], ARGV[10]
local process, barred, is_barred = ARGV[11], #ARGV - 11, {}
for n = 12, #ARGV do is_barred[ARGV[n]] = true end
local is_off = disabled_keys()
local function is_out(id) return is_barred[id] or is_off[id] end

-- The client repeats the call because the reply was lost, or `undo` for this lease came first.
local kept = P .. ':r:' .. lease_id
local before = redis.call('HMGET', kept, 'lease', 'key', 'at', 'sent', 'last', 'probe')
if before[1] == '' then return {'no_capacity', text(now), '0', 'barred', ''} end
if before[1] then return admitted(now, before[1], unpack(before, 2)) end

local marker = 's:' .. ARGV[2]
local of_model = redis.call('HMGET', P .. ':m:' .. model, 'df', 'sr', 'st', marker, 'su')
if not of_model[4] then
  local members = redis.call('ZRANGE', set, 0, -1)
  if #members == 0 then return {'register', text(now)} end
  for _, id in ipairs(members) do redis.call('ZADD', P .. ':i:' .. model, 'NX', 0, id) end
  redis.call('PEXPIRE', P .. ':i:' .. model, C.TTL_MS)
  redis.call('HSET', P .. ':m:' .. model, marker, 1)
  redis.call('PEXPIRE', P .. ':m:' .. model, C.TTL_MS)
elseif redis.call('EXISTS', set) == 0 then
  return {'register', text(now)}
end

note_model(model, now)
local more = estimate(model, tokens, microusd)
local day, to_midnight = day_of(now), C.DAY_US - now % C.DAY_US

local function no_capacity(retry_after, reason, detail)
  count_for_model(model, 'r:' .. reason, 1)
  if reason == 'budget' then note_stop(day, detail) end
  return {'no_capacity', text(now), text(retry_after), reason, detail}
end

local no_budget = day_refusal(day, more) or batch_refusal(batch, more)
if no_budget then return no_capacity(to_midnight, 'budget', no_budget) end

-- scripts.py replaces SCORE with the strategy's expression
local function score(c)
  return SCORE
end

-- Return whether the key may not use the model, or has such a long cooldown that keys with open circuits are probed.
local function is_away(k, b) return k.forbidden > now or b.cooldown > now + C.LAST_RESORT_US end

local function candidate(id, position, last_resort)
  local k = load_key(id, model)
  local q = load_quota(k.group)
  local b = glance_at_bucket(k.group, model)
  k.position = position
  local from = math.max(now, healthy_at(k, now, last_resort), quota_at(q, now, last_resort), k.forbidden)
  local broke = key_refusal(day, id, more)
  local start = broke and math.max(from, now + to_midnight) or from
  return {
    k = k, b = b, from = from, start = start, at = capacity_at(b, tokens, start, reserve), broke = broke,
    fits = fits(b, tokens), usable = usable(k, q, now) and not is_away(k, b) and not broke,
    awaits = health_awaits(k, now) or quota_awaits(q, id, now),
  }
end

local function ranks_before(one, other)
  if not other then return true end
  if one.score ~= other.score then return one.score < other.score end
  return one.k.position < other.k.position
end

-- The best keys so far. "fit" means that the key's bucket is large enough for the request, "small" that it is not.
local best = {}
local function consider(c)
  if c.awaits then return end
  local kind = c.fits and 'fit' or 'small'
  if c.at <= now then
    c.score = score(c)
    if ranks_before(c, best[kind .. '_ready']) then best[kind .. '_ready'] = c end
  end
  local first = best[kind .. '_timed']
  if not first or c.at < first.at or (c.at == first.at and c.k.position < first.k.position) then
    best[kind .. '_timed'] = c
  end
  best.any_fit = best.any_fit or c.fits
end

-- Read keys from the index, until no other key can have capacity earlier than the best one. Read at most 8 keys if
-- one of them has capacity now, otherwise 64.
local some_usable, unseen, looked, gone = false, false, 0, {}
local function walk()
  local from, updates = 0, {}
  while true do
    local page = redis.call('ZRANGE', P .. ':i:' .. model, from, from + 15, 'WITHSCORES')
    for n = 1, #page, 2 do
      local id, bound = page[n], tonumber(page[n + 1])
      local first = best.fit_timed
      if bound > now and first and (best.fit_ready or bound > first.at) then return updates end
      local position = not is_out(id) and redis.call('ZSCORE', set, id)
      if not position and not is_barred[id] and is_forgotten(id, now) then
        gone[#gone + 1] = id
      elseif is_off[id] then
        updates[#updates + 1] = {now + C.DAY_US, id} -- enabling the key moves it back
      end
      if position then
        if looked >= C.MOST_CANDIDATES and (best.fit_ready or looked == 8 * C.MOST_CANDIDATES) then
          unseen = bound <= now
          return updates
        end
        looked = looked + 1
        local c = candidate(id, tonumber(position), false)
        some_usable = some_usable or c.usable
        if c.at > now then
          local right = earliest(c.b, c.awaits and look_again_at(c.k, c.from, now) or c.from)
          if right ~= bound then updates[#updates + 1] = {right, id} end
        end
        consider(c)
      end
    end
    if #page < 32 then return updates end
    from = from + 16
  end
end
for _, update in ipairs(walk()) do redis.call('ZADD', P .. ':i:' .. model, update[1], update[2]) end
for _, id in ipairs(gone) do redis.call('ZREM', P .. ':i:' .. model, id) end

-- Return the keys of this configuration. If there are more than 64, return the 64 that may use the model earliest.
local looked_up
local function members_in_order()
  if looked_up then return looked_up end
  local members, most, found = redis.call('ZRANGE', set, 0, -1), 8 * C.MOST_CANDIDATES, {}
  if #members > most then
    for _, id in ipairs(redis.call('ZRANGE', P .. ':us', 0, 4 * most)) do
      if #found < most and not is_off[id] and redis.call('ZSCORE', set, id) and load_key(id, model).forbidden <= now then
        found[#found + 1] = id
      end
    end
    members = #found > 0 and found or {unpack(members, 1, most)}
  end
  looked_up = members
  return members
end

-- If no key is usable for this request, probe keys with open circuits now, and keys that are dead or out of quota at
-- intervals.
local last_resort = false
if not some_usable then
  last_resort = true
  local members = members_in_order()
  for _, id in ipairs(members) do
    local k = load_key(id, model)
    if not is_off[id] and tonumber(redis.call('ZSCORE', P .. ':us', id) or '0') <= now
      and not is_away(k, glance_at_bucket(k.group, model)) and not key_refusal(day, id, more) then
      last_resort = false
      break
    end
  end
  if last_resort then
    best, unseen = {}, false
    for _, id in ipairs(members) do
      if not is_out(id) then consider(candidate(id, tonumber(redis.call('ZSCORE', set, id)), true)) end
    end
  end
end

local kind = best.any_fit and 'fit' or 'small'
local chosen, first = best[kind .. '_ready'], best[kind .. '_timed']

local function reason_of_refusal()
  if some_usable then return 'no_capacity', '' end
  local dead, forbidden, open, eligible, detail = 0, 0, 0, 0, nil
  for _, id in ipairs(members_in_order()) do
    if not is_out(id) then
      eligible = eligible + 1
      local k = load_key(id, model)
      local broke = key_refusal(day, id, more)
      if k.circuit == DEAD then
        dead = dead + 1
      elseif k.forbidden > now then
        forbidden = forbidden + 1
      elseif broke then
        detail = detail or broke
      elseif usable(k, load_quota(k.group), now) then
        return 'no_capacity', ''
      elseif k.circuit == OPEN then
        open = open + 1
      end
    end
  end
  if barred > 0 then return 'barred', '' end
  if eligible == 0 then return 'disabled', '' end
  if dead == eligible then return 'dead', '' end
  if open > 0 then return 'circuit', '' end
  if detail then return 'budget', detail end
  if dead + forbidden == eligible then return 'forbidden', '' end
  return 'quota', ''
end

local function refuse(at)
  local reason, detail = reason_of_refusal()
  if reason == 'disabled' then return no_capacity(C.DISABLED_RETRY_US, reason, '') end
  if not at then return no_capacity(0, 'barred', '') end
  if reason ~= 'no_capacity' then return no_capacity(math.max(1000, at - now), reason, detail) end
  local requests, of_tokens = num(of_model[2], 0), num(of_model[3], 0)
  local gap = requests + of_tokens > 0 and 0 or C.UNKNOWN_GAP_US
  if requests > 0 then gap = C.MINUTE_US / requests end
  if of_tokens > 0 then gap = math.max(gap, tokens * C.MINUTE_US / of_tokens) end
  local slot = math.min(math.max(num(of_model[1], 0) + gap, at), at + C.LONGEST_DEFERRAL_US)
  redis.call('HSET', P .. ':m:' .. model, 'df', slot)
  return no_capacity(math.max(1000, math.floor(slot) - now), 'no_capacity', '')
end

-- Count the time until a key has capacity as saturation, if capacity is the only obstacle. No moment is counted twice.
local function note_saturation()
  if barred > 0 or unseen or not first or first.start > now or first.at <= now then return end
  if last_resort and first.k.circuit ~= CLOSED then return end
  local till = math.min(first.at, now + C.LONGEST_SATURATION_US)
  local since = math.max(now, num(of_model[5], 0))
  if till <= since then return end
  redis.call('HSET', P .. ':m:' .. model, 'su', till)
  count_for_model(model, 's:' .. in_the_way(first.b, tokens, reserve), till - since)
end

local at = now
if not chosen then
  note_saturation()
  -- wait for the result of a probe, if a key is being probed
  local awaiting, fresh = false, false
  for _, id in ipairs(redis.call('ZREVRANGEBYSCORE', P .. ':w', '+inf', '(' .. text(now), 'LIMIT', 0, 32)) do
    if not is_out(id) and redis.call('ZSCORE', set, id) then
      awaiting = true
      local since = tonumber(redis.call('ZSCORE', P .. ':w', id)) - C.PROBE_LEASE_US
      fresh = fresh or (since > now - C.FRESH_PROBE_US and since <= now)
      if fresh then break end
    end
  end
  local pause
  if fresh and (not first or first.at - now > C.WORTH_WAITING_US) then
    pause = C.LOOK_AGAIN_US
  elseif awaiting and (not first or first.at > now + max_wait) then
    pause = C.LOOK_AGAIN_LATER_US
  end
  if unseen and not pause and (not first or first.at > now + max_wait) then pause = 1000 end
  if pause then
    if max_wait > 0 then return {'later', text(now), text(pause)} end
    return refuse(first and math.min(first.at, now + C.ANSWER_US) or now + C.ANSWER_US)
  end
  if not first then return refuse(nil) end
  if first.at > now + max_wait then return refuse(first.at) end
  chosen, at = first, first.at
end

local k = load_key(chosen.k.id, model)
local q = load_quota(k.group)
local b = load_bucket(k.group, model)
local probe = needs_probe(k) or q.gap > 0
if at <= now then note_sent(b, now) end
if b.r.l or b.t.l or b.guess.changed then
  charge_meter(b.r, 1, at, at > now)
  charge_meter(b.t, tokens, at, at > now)
  save_bucket(b)
end
if needs_probe(k) then
  k.probe_until, k.probed_at, k.prober = at + C.PROBE_LEASE_US, at, process
  save_health(k)
  redis.call('HSET', P .. ':k:' .. k.id, 'pr', process)
end
if q.gap > 0 then
  q.probed_at, q.probe_until, q.prober = at, at + C.PROBE_LEASE_US, k.id
  save_quota(q)
end
if probe then note_health(k, q, now) end
k.latest_lease = redis.call('HINCRBY', P .. ':p', 'leases', 1)
if k.latest_lease == 1 then redis.call('PEXPIRE', P .. ':p', C.TTL_MS) end
redis.call('HSET', P .. ':k:' .. k.id, 'tu', k.latest_lease)
if at <= now then
  use(k, now)
  if of_model[1] then redis.call('HDEL', P .. ':m:' .. model, 'df') end
end
redis.call('ZADD', P .. ':f:' .. k.id, at + C.LEASE_US, lease_id)
redis.call('PEXPIRE', P .. ':f:' .. k.id, 2 * C.LEASE_US / 1000)
if at <= now then spend(day, k.id, batch, more, 1) end
local lease = lease_text({
  id = lease_id, key = k.id, model = model, tokens = tokens, microusd = microusd, batch = batch,
  generation = k.generation, quota_generation = q.generation, r = b.r, t = b.t,
})
local sent, last, single = at <= now and '1' or '0', last_resort and '1' or '0', probe and '1' or '0'
redis.call('HSET', kept, 'lease', lease, 'key', k.id, 'at', text(at), 'sent', sent, 'last', last, 'probe', single)
redis.call('PEXPIRE', kept, C.REPLY_LOST_MS)
index(k, q, b, model, now)
return admitted(now, lease, k.id, text(at), sent, last, single)
