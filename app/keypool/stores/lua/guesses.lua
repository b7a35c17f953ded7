-- Guess a rate limit that no header gives, by additive increase and multiplicative decrease (Chiu and Jain 1989).
--
-- If a provider sends no rate limit headers, its limit is unknown until the first 429. The first guess is the rate at
-- which requests were accepted before. While requests use the guessed rate, each success raises it. The increase grows
-- with the time since the last 429. Each further 429 lowers the rate. A guess is {n = number of accepted requests, whose
-- weight fades with time; at = when the last request was counted; cut = when the rate was last lowered, 0 if nothing is
-- guessed}.

-- The window in which requests are counted: C.COUNTED requests at the guessed rate, but at least C.COUNTED_US.
C.COUNTED_US, C.COUNTED = 2e6, 4
-- How much one success raises a used rate r (in requests/s), for each second since the last 429: by the smaller of
-- C.INCREASE and C.SLOW_INCREASE * r^2, but never by more than the share C.LARGEST_INCREASE.
C.INCREASE, C.SLOW_INCREASE, C.LARGEST_INCREASE = 0.002, 0.01, 0.2
-- A 429 multiplies the rate by C.DECREASE, at most once per C.CUT_GAP_US. If less than a third of the guessed rate was
-- accepted, the guess is far too high, and C.FAR_DECREASE applies.
C.CUT_GAP_US, C.DECREASE, C.FAR, C.FAR_DECREASE = 500000, 0.85, 1 / 3, 0.5
-- The lowest guessed rate, in requests per minute. It lets a key recover after any number of 429s.
C.LOWEST_RATE = 1
-- The guessed rate counts as used if requests are sent at more than this share of it.
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

-- Update the guess after a 429. Return the new rate, or nil if no request has been accepted recently.
local function refused_rate(g, rate, sent, now)
  g.n, g.at = math.max(0, still_counted(g, rate, now) - 1), now
  local accepted = counted_rate(g, rate, now)
  if not rate then
    if accepted == 0 then return nil end
    g.cut = now
    return math.max(accepted, C.MINUTE_US / C.COUNTED_US) -- the count fades, but shows at least one accepted request
  end
  if sent <= g.cut + C.CUT_GAP_US then return rate end
  g.cut = now
  return math.max(math.min(rate, C.LOWEST_RATE), rate * (accepted > rate * C.FAR and C.DECREASE or C.FAR_DECREASE))
end
