-- A rate that no header names: additive increase, multiplicative decrease (Chiu and Jain 1989).
--
-- The limit of a provider without rate limit headers is unknown until the first 429. The first guess is the rate at
-- which requests were accepted. Successes raise the guess while the rate is used, faster with more time since the last
-- 429. Each further 429 cuts it. A guess is {n = accepted requests, each fading with time, at = when the last one was
-- counted, cut = when the rate was last cut, 0 if nothing is guessed}.

-- The window in which requests are counted: at least this many microseconds, and the time of this many requests.
C.COUNTED_US, C.COUNTED = 2e6, 4
-- The increase of a used rate per second since the last 429, in requests/s, for rates of at least one request per
-- second. Slower rates rise by this share with each success. No success adds more than a fifth.
C.INCREASE, C.SLOW_INCREASE, C.LARGEST_INCREASE = 0.002, 0.01, 0.2
-- The share that a 429 leaves, at most once per interval. The second share applies if less than a third of the rate was
-- accepted, because the guess is then far too high.
C.CUT_GAP_US, C.DECREASE, C.FAR, C.FAR_DECREASE = 500000, 0.85, 1 / 3, 0.5
-- A rate counts as used if more than this share of it is used.
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

-- Update the guess after a 429. Returns the rate, nil if nothing was ever accepted.
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
