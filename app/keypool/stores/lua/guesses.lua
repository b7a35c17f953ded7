-- A rate that no header names: the rules of app/keypool/guesses.py.
-- A guess is {n = requests that were sent and not refused, at = when the last one was counted, cut = when the rate was
-- last cut, 0 if nothing is guessed}.

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
