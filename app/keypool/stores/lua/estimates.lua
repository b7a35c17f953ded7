-- The estimate of input tokens: the rules of app/keypool/estimates.py.

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
