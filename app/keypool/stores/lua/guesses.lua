-- A rate that no header names: additive increase, multiplicative decrease (Chiu and Jain 1989).
--
-- Until a provider that sends no rate limit headers answers 429, nothing is known of its limit. Then the rate at which
-- requests were sent and not refused is the first guess. Successes raise it while it is used, the more so the longer no
-- 429 came; each further 429 cuts it.
-- A guess is {n = requests that were sent and not refused, each fading with time, at = when the last one was counted,
-- cut = when the rate was last cut, 0 if nothing is guessed}.

-- over how long requests are counted: so many microseconds, and at least the time of so many of them
C.COUNTED_US, C.COUNTED = 2e6, 4
-- By how much a rate that is used rises with each second since the last 429, for a rate of a request per second and
-- more, in requests/s; slower ones rise by this share with each success since. No success adds more than a fifth.
C.INCREASE, C.SLOW_INCREASE, C.LARGEST_INCREASE = 0.002, 0.01, 0.2
-- What a 429 leaves, at most once in so long; and what if less than a third of the rate was accepted, so that the guess
-- is far too high.
C.CUT_GAP_US, C.DECREASE, C.FAR, C.FAR_DECREASE = 500000, 0.85, 1 / 3, 0.5
-- a rate is used if so much of it is
C.USED = 0.5

local function guess_window(rate)
  if not rate then return C.COUNTED_US end
  return math.max(C.COUNTED_US, C.COUNTED * C.MINUTE_US / rate)
end

local function still_counted(g, rate, now) return g.n * math.max(0, 1 - (now - g.at) / guess_window(rate)) end
local function counted_rate(g, rate, now) return still_counted(g, rate, now) * C.MINUTE_US / guess_window(rate) end

local function count_sent(g, rate, now) g.n, g.at = still_counted(g, rate, now) + 1, now end

local function raised_rate(g, rate, now)
  if counted_rate(g, rate, now) <= rate * C.USED then return rate end
  local per_second, since = rate / 60, (now - g.cut) / 1e6
  local share = since * math.min(C.INCREASE / per_second, C.SLOW_INCREASE * per_second)
  return rate * (1 + math.min(share, C.LARGEST_INCREASE))
end

-- after a 429; -> the rate, nil if nothing was ever accepted
local function refused_rate(g, rate, sent, now)
  g.n, g.at = math.max(0, still_counted(g, rate, now) - 1), now
  local accepted = counted_rate(g, rate, now)
  if not rate then
    if accepted == 0 then return nil end
    g.cut = now
    return accepted
  end
  if sent <= g.cut + C.CUT_GAP_US then return rate end
  g.cut = now
  return rate * (accepted > rate * C.FAR and C.DECREASE or C.FAR_DECREASE)
end
