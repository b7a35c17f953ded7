-- The meter of one limit. It models two buckets: the provider's bucket, as the response headers describe it, and our
-- own bucket, which limits our requests more strictly. A request needs capacity in both.
--
-- A bucket is stored as the time at which it will be full again (the theoretical arrival time of the generic cell rate
-- algorithm, ITU-T I.371). Times are in microseconds, and rates are per minute.
--
-- A meter is {
--   l = limit per minute, nil until a response names it; c = capacity, as responses show it;
--   f = when the provider's bucket is full, reservations included; x = the sum of all corrections to f, which move
--       every reservation;
--   p, y = f and x of our own bucket: it counts only our requests, and no header changes it; a = the largest burst
--       that it allows (slow start);
--   n = the sum of all charges; i = n when the bucket was last full;
--   g = n when the limit changed: earlier charges do not belong to the present bucket;
--   s = the factor by which our own bucket refills more slowly than the limit}

-- A part of each burst stays unused, because headers are rounded and requests take time to arrive. This reserve is a
-- share of the burst, but at most what the limit refills in C.LONGEST_RESERVE_S seconds (or one request, if that is
-- more). Requests with a reservation may use half of it, so that corrections do not delay them.
C.SCHEDULE_RESERVE, C.GATE_RESERVE, C.LONGEST_RESERVE_S = 0.2, 0.1, 1
-- If a response reports an emptier bucket than computed, the whole difference is applied, unless it is under 2 ms,
-- which is network noise. If it reports a fuller bucket, a quarter of the difference is applied, and small differences
-- are ignored (see learn_meter).
C.LATE_NOISE_US, C.EARLY_STEP = 2000, 0.25
-- If a response reports a smaller capacity, a quarter of the difference is applied, because headers are rounded.
C.CAPACITY_STEP = 0.25
-- The rate of a daily limit is computed from rounded figures. Rates within this share count as the same limit.
C.WAVERING = 0.25
-- Slow start: a provider may enforce a limit per minute in each second. Bursts therefore start at one second's worth,
-- and grow by a tenth of the request's units with each success that used up the burst. A 429 that contradicts the
-- headers shrinks them.
C.GROWTH, C.CUT = 0.1, 0.9
-- After a token 429 that contradicts the headers, our own bucket refills more slowly than the limit, because no header
-- describes the exhausted bucket, and an estimate that is 1 % too low would empty it again. Each such 429 adds
-- C.SLOWING to the factor, up to C.SLOWEST.
C.SLOWING, C.SLOWEST = 0.01, 1.04
-- The assumed variation of transit times. A bucket that holds little more than one request needs this much slack.
C.JITTER_US = 10000
-- A guessed limit allows bursts of this many seconds' worth, and at least one request.
C.GUESSED_BURST_S = 0.2

local METER = {'l', 'c', 'f', 'x', 'a', 'p', 'y', 'n', 'i', 'g', 's'}
local function unknown_meter() return {c = 1, f = 0, x = 0, a = 0, p = 0, y = 0, n = 0, i = 0, g = 0, s = 1} end

local function interval(m)
  if m.l then return C.MINUTE_US / m.l end
  return 0
end

-- Return how many units of a burst of `largest` units may be used, including this request.
local function burst_of(m, largest, units, reserve)
  local kept = math.min(reserve * largest,
    reserve / C.SCHEDULE_RESERVE * math.max(units, (m.l or 0) / 60 * C.LONGEST_RESERVE_S))
  return math.max(largest - kept, math.min(units, m.c))
end

-- Return the slack (in microseconds) for varying transit times, which a bucket with little reserve needs.
local function pad(m, largest, units, reserve)
  return math.max(0, C.JITTER_US - math.max(0, largest - burst_of(m, largest, units, reserve)) * interval(m))
end

-- Return how long before its theoretical arrival time a request may be sent, if bursts have `largest` units.
local function lead(m, largest, units, reserve)
  return burst_of(m, largest, units, reserve) * interval(m) - pad(m, largest, units, reserve)
end

local function pace(m) return math.min(m.c, m.a) end

local function go_at(m, full_at, paced_at, units, reserve)
  local need = math.min(units, m.c) * interval(m)
  return math.max(full_at + need - lead(m, m.c, units, reserve),
    paced_at + need - lead(m, pace(m), units, reserve))
end

-- Return when there is capacity for `units`, or 0 while the limit is unknown. A request with more units than the bucket
-- holds may be sent when the bucket is full.
local function meter_free_at(m, units, reserve)
  if not m.l then return 0 end
  return math.ceil(go_at(m, m.f, m.p, units, reserve))
end

local function meter_capacity_at(m, units, start, reserve)
  return math.max(start, meter_free_at(m, units, reserve))
end

-- A charge is a copy of the meter's {f, x, p, y, n} from the admission of a lease. f is 0 if the limit was unknown.
local function known(m, charge) return m.l and charge.f ~= 0 end

-- Return whether the limit has changed since a charge. The charge then refers to a bucket that no longer exists.
local function outdated(m, charge) return known(m, charge) and charge.n <= m.g end

-- Return the charge of a lease, moved by all corrections since its admission.
local function own(m, charge)
  if not known(m, charge) then return charge end
  return {f = charge.f + (m.x - charge.x), x = m.x, p = charge.p + (m.y - charge.y), y = m.y, n = charge.n}
end

-- Return how long the bucket takes to refill `units`. A request for more than it holds counts as a full bucket, or as a
-- minute's worth of the whole limit if that is more, because the server rejects the request or counts fewer units.
local function refill_of(m, units)
  return math.min(units, math.max((m.l or 0) * C.PROCESSES, m.c)) * interval(m)
end

-- Return when a reserved request may be sent, after the corrections since its admission.
local function gate_at(m, units, charge)
  if not known(m, charge) then return 0 end
  local mine, taken = own(m, charge), refill_of(m, units)
  return math.ceil(go_at(m, mine.f - taken, mine.p - taken * m.s, units, C.GATE_RESERVE))
end

-- Charge `units` at the time `at`. If `reserved`, add slack for varying transit times.
local function charge_meter(m, units, at, reserved)
  if not m.l then return end
  local taken = refill_of(m, units)
  local full_from = at - (reserved and pad(m, m.c, units, C.SCHEDULE_RESERVE) or 0)
  local paced_from = at - (reserved and pad(m, pace(m), units, C.SCHEDULE_RESERVE) or 0)
  m.n = m.n + units
  if m.f <= full_from then m.i = m.n end
  m.f = math.max(m.f, full_from) + taken
  m.p = math.max(m.p, paced_from) + taken * m.s
end

local function refund_meter(m, units, charge)
  if not known(m, charge) or outdated(m, charge) then return end
  local taken = refill_of(m, units)
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

-- Adjust the meter for a reserved request that is sent late. A full bucket gains no further capacity.
local function sent_late(m, units, charge, now)
  if not known(m, charge) then return end
  local mine, taken = own(m, charge), refill_of(m, units)
  correct(m, math.max(0, now - (mine.f - taken)))
  move(m, math.max(0, now - (mine.p - taken * m.s)))
end

local function meter_headroom(m, now)
  if not m.l then return 1 end
  return math.max(0, 1 - math.max(0, m.f - now) / (m.c * interval(m)))
end

-- Return how much later than computed a response reports the bucket to be full (negative: earlier). The response
-- describes the bucket at the moment of admission, so it is compared with the lease's charge, not with later ones.
local function drift(m, reading, admitted, charge)
  if not known(m, charge) then return 0 end
  return admitted + reading.reset_us - own(m, charge).f
end

-- Return the rate per minute. The bucket of a limit per minute is full again within a minute, so a longer reset means
-- that the limit is per hour or day.
local function rate_of(reading)
  local used = reading.limit - reading.remaining
  if reading.reset_us <= 1.05 * C.MINUTE_US or used == 0 then return reading.limit end
  return math.min(reading.limit, used * C.MINUTE_US / reading.reset_us)
end

-- Learn the limit from a response, and correct the time at which the bucket is full. An earlier time is ignored if it
-- differs by less than `dead` (units, share of the capacity). A changed limit voids reservations (`outdated`), and the
-- burst of our own bucket then counts as used up.
local function learn_meter(m, reading, admitted, charge, units, dead)
  local rate = rate_of(reading)
  local reported = math.max(1, math.min(reading.limit, reading.remaining + reading.reset_us * rate / C.MINUTE_US))
  units = math.min(units, math.max(rate, reported)) -- see refill_of
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

-- After a success, increase the allowed burst a little if the request used it up.
local function grow(m, units, charge, sent)
  if not known(m, charge) or m.a >= m.c then return end
  local capacity_left = lead(m, pace(m), units, C.SCHEDULE_RESERVE) - (charge.p - sent)
  if capacity_left >= units * interval(m) then return end
  m.a = math.min(m.c, m.a + C.GROWTH * units)
end

local function cut(m, units) m.a = math.max(math.min(units, m.a), m.a * C.CUT) end

-- After a 429, set the meter so that it has capacity for one request at `till`, and for later ones at the limit's rate.
-- This always changes our own bucket. It changes the provider's bucket unless the response headers say that it had
-- capacity. If they do, an unknown bucket has rejected the request. Then also wait for a part of the burst, because
-- otherwise every larger request would be rejected again.
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

-- Return a meter for a guessed limit, with capacity for the next request at `next_at`. Existing reservations become
-- void.
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
