-- One limit: the provider's bucket as headers describe it, and our own pace. A request needs capacity in both.
--
-- A bucket is stored as the time at which it will be full again, the theoretical arrival time of the generic cell rate
-- algorithm (ITU-T I.371). Times are microseconds, rates are per minute.
--
-- A meter is {
--   l = limit per minute, nil until a response names it; c = capacity, as responses show it;
--   f = when the provider's bucket is full, reservations included; x = the sum of all corrections to f, which move
--       every reservation;
--   p, y = the same for our pace, whose burst is the allowance a of slow start: it counts only our requests, and no
--       header changes it;
--   n = the sum of all charges; i = n when the bucket was last full;
--   g = n when the limit changed: earlier charges do not belong to the present bucket;
--   s = the factor by which our pace is slower than the limit}

-- The reserve, because headers are rounded and requests take time to arrive: a share of the burst, at most the worth of
-- these seconds (and one request). Requests with a reservation may use half of it, for corrections while they wait.
C.SCHEDULE_RESERVE, C.GATE_RESERVE, C.LONGEST_RESERVE_S = 0.2, 0.1, 1
-- A response that reports an emptier bucket than computed is applied in full above this; 2 ms is network noise. One
-- that reports a fuller bucket is applied by a quarter, and only outside a band (see learn_meter).
C.LATE_NOISE_US, C.EARLY_STEP = 2000, 0.25
-- A smaller capacity than known is applied by a quarter, because headers are rounded.
C.CAPACITY_STEP = 0.25
-- The rate of a daily limit is computed from rounded figures: within this share, it is the same limit.
C.WAVERING = 0.25
-- Slow start: a limit per minute may be enforced per second, so that bursts start at one second's worth, and grow by a
-- tenth of a request with each success that used them. A 429 that contradicts the headers shrinks them.
C.GROWTH, C.CUT = 0.1, 0.9
-- After such a 429 for tokens, our pace leaves a part of the limit unused: no header describes that bucket, and an
-- estimate that is 1 % too low empties it. Each 429 adds this share, up to the maximum.
C.SLOWING, C.SLOWEST = 0.01, 1.04
-- The variation of transit times: the slack of a bucket that holds little more than one request.
C.JITTER_US = 10000
-- A guessed limit allows bursts of this many seconds' worth, and at least one request.
C.GUESSED_BURST_S = 0.2

local METER = {'l', 'c', 'f', 'x', 'a', 'p', 'y', 'n', 'i', 'g', 's'}
local function unknown_meter() return {c = 1, f = 0, x = 0, a = 0, p = 0, y = 0, n = 0, i = 0, g = 0, s = 1} end

local function interval(m)
  if m.l then return C.MINUTE_US / m.l end
  return 0
end

-- Return the part of a burst of `largest` units that may be used, this request included.
local function burst_of(m, largest, units, reserve)
  local kept = math.min(reserve * largest,
    reserve / C.SCHEDULE_RESERVE * math.max(units, (m.l or 0) / 60 * C.LONGEST_RESERVE_S))
  return math.max(largest - kept, math.min(units, m.c))
end

-- Return the slack for varying transit times that a bucket with (almost) no reserve needs.
local function pad(m, largest, units, reserve)
  return math.max(0, C.JITTER_US - math.max(0, largest - burst_of(m, largest, units, reserve)) * interval(m))
end

-- Return how long before an arrival time a request may be sent, with a burst of `largest` units.
local function lead(m, largest, units, reserve)
  return burst_of(m, largest, units, reserve) * interval(m) - pad(m, largest, units, reserve)
end

local function pace(m) return math.min(m.c, m.a) end

local function go_at(m, full_at, paced_at, units, reserve)
  local need = math.min(units, m.c) * interval(m)
  return math.max(full_at + need - lead(m, m.c, units, reserve),
    paced_at + need - lead(m, pace(m), units, reserve))
end

-- Return when `units` fit; 0 while the limit is unknown. More units than the bucket holds are sent when it is full.
local function meter_free_at(m, units, reserve)
  if not m.l then return 0 end
  return math.ceil(go_at(m, m.f, m.p, units, reserve))
end

local function meter_capacity_at(m, units, start, reserve)
  return math.max(start, meter_free_at(m, units, reserve))
end

-- A charge is {f, x, p, y, n} of the meter at a lease's admission; f is 0 while the limit is unknown.
local function known(m, charge) return m.l and charge.f ~= 0 end

-- Return whether the limit has changed since a charge, whose time and lessons then belong to another bucket.
local function outdated(m, charge) return known(m, charge) and charge.n <= m.g end

-- Return the charge of a lease with all corrections so far.
local function own(m, charge)
  if not known(m, charge) then return charge end
  return {f = charge.f + (m.x - charge.x), x = m.x, p = charge.p + (m.y - charge.y), y = m.y, n = charge.n}
end

-- Return when a reservation may be sent, after the corrections since.
local function gate_at(m, units, charge)
  if not known(m, charge) then return 0 end
  local mine, taken = own(m, charge), units * interval(m)
  return math.ceil(go_at(m, mine.f - taken, mine.p - taken * m.s, units, C.GATE_RESERVE))
end

-- Charge `units` now, or reserve them for `at` with slack for varying transit times.
local function charge_meter(m, units, at, reserved)
  if not m.l then return end
  local taken = units * interval(m)
  local full_from = at - (reserved and pad(m, m.c, units, C.SCHEDULE_RESERVE) or 0)
  local paced_from = at - (reserved and pad(m, pace(m), units, C.SCHEDULE_RESERVE) or 0)
  m.n = m.n + units
  if m.f <= full_from then m.i = m.n end
  m.f = math.max(m.f, full_from) + taken
  m.p = math.max(m.p, paced_from) + taken * m.s
end

local function refund_meter(m, units, charge)
  if not known(m, charge) or outdated(m, charge) then return end
  local taken = units * interval(m)
  m.f = m.f - taken
  m.p = m.p - taken * m.s
end

local function correct(m, by)
  m.f = m.f + by
  m.x = m.x + by
end

local function move(m, by)
  m.p = m.p + by
  m.y = m.y + by
end

-- Adjust for a reserved request that is sent late: the time since the bucket was full is lost.
local function sent_late(m, units, charge, now)
  if not known(m, charge) then return end
  local mine, taken = own(m, charge), units * interval(m)
  correct(m, math.max(0, now - (mine.f - taken)))
  move(m, math.max(0, now - (mine.p - taken * m.s)))
end

local function meter_headroom(m, now)
  if not m.l then return 1 end
  return math.max(0, 1 - math.max(0, m.f - now) / (m.c * interval(m)))
end

-- Return by how much a response reports the bucket later than computed (negative: earlier). The response describes the
-- moment at which the server admitted the request; later charges still count.
local function drift(m, reading, admitted, charge)
  if not known(m, charge) then return 0 end
  return admitted + reading.reset_us - own(m, charge).f
end

-- A limit per minute is full again within a minute; a longer reset means a limit per day (or hour).
local function rate_of(reading)
  local used = reading.limit - reading.remaining
  if reading.reset_us <= 1.05 * C.MINUTE_US or used == 0 then return reading.limit end
  return math.min(reading.limit, used * C.MINUTE_US / reading.reset_us)
end

-- Use a response's limit, and correct the arrival time by the difference. `dead` is the band (units, share of the
-- capacity) within which an earlier time is ignored. A new limit voids reservations (`outdated`), and the burst of our
-- pace then counts as used.
local function learn_meter(m, reading, admitted, charge, units, dead)
  local rate = rate_of(reading)
  local reported = math.max(1, math.min(reading.limit, reading.remaining + reading.reset_us * rate / C.MINUTE_US))
  local first_burst = math.max(rate / 60, units)
  if not known(m, charge) then
    m.l, m.c, m.f, m.a = rate, reported, math.max(m.f, admitted + reading.reset_us), math.max(m.a, first_burst)
    m.p = math.max(m.p, admitted + units * C.MINUTE_US / rate)
    m.i, m.s = m.n, 1
    return
  end
  if outdated(m, charge) then return end
  local other = rate ~= m.l
  if rate ~= reading.limit then other = math.abs(rate - m.l) > C.WAVERING * m.l end
  if other then
    m.f = admitted + reading.reset_us
    m.p = admitted + first_burst * C.MINUTE_US / rate
    m.l, m.c, m.a, m.i, m.g, m.s = rate, reported, first_burst, m.n, m.n, 1
    return
  end
  local by = drift(m, reading, admitted, charge)
  if reported > m.c then m.c = reported else m.c = m.c + (reported - m.c) * C.CAPACITY_STEP end
  local dead_for = math.max(dead[1], dead[2] * m.c) * interval(m)
  local step = 0
  if by > C.LATE_NOISE_US then step = by end
  if by < -dead_for then step = (by + dead_for) * C.EARLY_STEP end
  correct(m, step)
end

-- After a success, let a burst that was used up grow a little.
local function grow(m, units, charge, sent)
  if not known(m, charge) or m.a >= m.c then return end
  local capacity_left = lead(m, pace(m), units, C.SCHEDULE_RESERVE) - (charge.p - sent)
  if capacity_left >= units * interval(m) then return end
  m.a = math.min(m.c, m.a + C.GROWTH * units)
end

local function cut(m, units) m.a = math.max(math.min(units, m.a), m.a * C.CUT) end

-- After a 429, leave capacity for one request at `till`, and for later ones at the limit's rate. This applies to our
-- pace, and to the provider's bucket unless the headers contradict. If they do, the bucket's state is unknown, and we
-- also wait for a part of the burst, or every larger request would be refused again.
local function empty_until(m, till, units, charge, against_the_headers)
  if not known(m, charge) then return end
  local mine, need = own(m, charge), math.min(units, m.c) * interval(m)
  local full = mine.f + need - lead(m, m.c, units, C.SCHEDULE_RESERVE)
  local paced = mine.p + need - lead(m, pace(m), units, C.SCHEDULE_RESERVE)
  local behind = math.max(0, till - paced)
  if against_the_headers then
    move(m, behind + C.GATE_RESERVE * math.max(units, pace(m)) * interval(m))
    if units > 1 then m.s = math.min(C.SLOWEST, m.s + C.SLOWING) end
  else
    move(m, behind)
    correct(m, math.max(0, till - full))
  end
end

local function guessed_burst(rate) return math.max(1, rate / 60 * C.GUESSED_BURST_S) end

-- Set a guessed limit, with capacity for the next request at this time. Reservations become void.
local function guessed_meter(rate, next_at, total)
  local m, burst = unknown_meter(), guessed_burst(rate)
  m.l, m.c, m.a, m.n, m.i, m.g = rate, burst, burst, total, total, total
  m.f = next_at - meter_free_at(m, 1, C.SCHEDULE_RESERVE)
  m.p = m.f
  return m
end

-- Change the rate of a guessed limit.
local function raise_meter(m, rate)
  m.l, m.c, m.a = rate, guessed_burst(rate), guessed_burst(rate)
end

local function forgotten_meter(old)
  local m = unknown_meter()
  m.n, m.g = old.n, old.n
  return m
end
