-- The bucket of one limit group and model: the meters of requests and tokens, and the cooldown after a 429.

-- The cooldown after a 429 that gives no retry-after, if no rate can be guessed (specification: "disabled for 60
-- seconds").
C.DEFAULT_COOLDOWN_US = 60e6
-- If a response reports a fuller bucket, ignore differences below these units or this share of the capacity.
C.REQUESTS_DEAD, C.TOKENS_DEAD = {1.5, 0.1}, {800, 0.05}
-- For this long after a 429 that contradicts the headers, bursts do not grow.
C.STEADY_US = 600e6
-- Times that differ by at most these microseconds count as equal.
C.ROUNDED_US = 2

local function bucket_name(group, model) return P .. ':b:' .. group .. ':' .. model end

local function load_bucket(group, model)
  local name = bucket_name(group, model)
  local v = redis.call('HMGET', name, 'cd', 'st', 'co', 'gn', 'ga', 'gc', 'rl', 'rc', 'rf', 'rx', 'ra', 'rp', 'ry', 'rn',
    'ri', 'rg', 'rs', 'tl', 'tc', 'tf', 'tx', 'ta', 'tp', 'ty', 'tn', 'ti', 'tg', 'ts')
  local function meter(first)
    local m = unknown_meter()
    for n, field in ipairs(METER) do m[field] = num(v[first + n - 1], m[field]) end
    return m
  end
  return {
    name = name, cooldown = num(v[1], 0), steady = num(v[2], 0), cooldown_of = v[3] or 'requests',
    guess = {n = num(v[4], 0), at = num(v[5], 0), cut = num(v[6], 0)}, r = meter(7), t = meter(7 + #METER),
  }
end

-- Load only the fields that an admission needs, because one admission may read many buckets.
local function glance_at_bucket(group, model)
  local v = redis.call('HMGET', bucket_name(group, model), 'cd', 'rl', 'rc', 'rf', 'ra', 'rp', 'tl', 'tc', 'tf',
    'ta', 'tp', 'co')
  return {
    cooldown = num(v[1], 0), cooldown_of = v[12] or 'requests',
    r = {l = num(v[2]), c = num(v[3], 1), f = num(v[4], 0), a = num(v[5], 0), p = num(v[6], 0)},
    t = {l = num(v[7]), c = num(v[8], 1), f = num(v[9], 0), a = num(v[10], 0), p = num(v[11], 0)},
  }
end

local function save_bucket(b)
  local fields = {'cd', b.cooldown, 'st', b.steady, 'co', b.cooldown_of}
  if b.guess.changed then
    for _, part in ipairs({'gn', b.guess.n, 'ga', b.guess.at, 'gc', b.guess.cut}) do fields[#fields + 1] = part end
  end
  for prefix, m in pairs({r = b.r, t = b.t}) do
    if m.l then
      for field, value in pairs(m) do
        fields[#fields + 1] = prefix .. field
        fields[#fields + 1] = value
      end
    end
  end
  redis.call('HSET', b.name, unpack(fields))
  redis.call('PEXPIRE', b.name, C.TTL_MS)
end

local function capacity_at(b, tokens, start, reserve)
  start = math.max(start, b.cooldown)
  return math.max(meter_capacity_at(b.r, 1, start, reserve), meter_capacity_at(b.t, tokens, start, reserve))
end

-- Return the limit ('requests' or 'tokens') that makes the request wait the longest.
local function in_the_way(b, tokens, reserve)
  local requests_at = meter_free_at(b.r, 1, reserve)
  local tokens_at = meter_free_at(b.t, tokens, reserve)
  if b.cooldown >= math.max(requests_at, tokens_at) - C.ROUNDED_US then return b.cooldown_of end
  return tokens_at > requests_at and 'tokens' or 'requests'
end

-- Return the earliest time at which the smallest request may be sent.
local function earliest(b, start) return capacity_at(b, 0, start, C.GATE_RESERVE) end

local function fits(b, tokens) return not b.t.l or tokens <= b.t.l end

local function headroom(b, now)
  if now < b.cooldown then return 0 end
  return math.min(meter_headroom(b.r, now), meter_headroom(b.t, now))
end

-- Return whether no response header has given the request limit.
local function is_guessed_or_unknown(b) return not b.r.l or b.guess.cut > 0 end

-- Count a sent request. The request limit is guessed from such counts.
local function note_sent(b, now)
  if not is_guessed_or_unknown(b) then return end
  count_sent(b.guess, b.r.l, now)
  b.guess.changed = true
end

-- Drop the guess, because a response header has given the limit.
local function forget_guess(b)
  if b.guess.cut == 0 then return end
  b.r, b.guess = forgotten_meter(b.r), {n = 0, at = 0, cut = 0, changed = true}
end

-- Guess a lower rate after a 429 with no rate limit headers. Return the end of the pause, or nil if no guess is
-- possible.
local function guess_anew(b, sent, pause, now)
  b.guess.changed = true
  local rate = refused_rate(b.guess, b.r.l, sent, now)
  if not rate then return nil end
  if rate ~= b.r.l then
    pause = pause or math.ceil(C.MINUTE_US / rate)
    b.r = guessed_meter(rate, now + pause, b.r.n)
  end
  return now + (pause or 0)
end

-- Update a model's sum of limits after the limit of one group has changed from `before` to `after` (nil: unknown).
local function sum_up(model, field, before, after)
  if before == after then return end
  local name = P .. ':m:' .. model
  redis.call('HSET', name, field, num(redis.call('HGET', name, field), 0) + (after or 0) - (before or 0))
end
