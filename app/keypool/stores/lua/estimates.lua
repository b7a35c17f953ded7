-- The estimate of input tokens, corrected by what the provider was seen to charge.

-- A bucket that was full before tells what an answer was charged: the estimate moves by at most so much towards it. From
-- a deeper bucket only all charges together can be seen: over so many requests' worth of tokens, and then by a larger
-- step.
C.RATIO_STEP, C.SAMPLE_STEP, C.SAMPLE_REQUESTS = 0.02, 0.3, 30
C.SMALLEST_RATIO, C.LARGEST_RATIO = 0.25, 4

local function moved_ratio(ratio, off, lease, step)
  local share = math.max(-1, math.min(1, off / (lease.input * ratio)))
  return math.max(C.SMALLEST_RATIO, math.min(C.LARGEST_RATIO, ratio * (1 + step * share)))
end

-- what the provider charged by what we had estimated, after an answer; the meter remembers what it has to
local function sampled(ratio, m, reading, lease, admitted)
  if not m.l or lease.input <= 0 or lease.t.f == 0 then return ratio end
  local against_uncorrected = admitted + reading.reset - (lease.t.f - lease.t.x)
  local last_total, last_us, since = m.u, m.w, lease.t.n - m.u
  if lease.t.n == m.i then
    m.u, m.w = lease.t.n, against_uncorrected
    return moved_ratio(ratio, reading.reset / interval(m) - lease.tokens, lease, C.RATIO_STEP)
  end
  if last_total < m.i then
    if lease.t.n > m.i then m.u, m.w = lease.t.n, against_uncorrected end
    return ratio
  end
  if since < C.SAMPLE_REQUESTS * lease.tokens then return ratio end
  m.u, m.w = lease.t.n, against_uncorrected
  return moved_ratio(ratio, (against_uncorrected - last_us) / interval(m) / since * lease.tokens, lease,
    C.SAMPLE_STEP)
end
