-- What model calls use, against the fleet's budgets. What is spent is {calls, tokens, microusd}.
--
-- A call is charged its estimate when it is about to be sent, so that no two can squeeze below one cap, and corrected to
-- what it used once that is known. Whatever was surely not billed is given back. A reserved place is not charged: the
-- process that holds it may die.

-- what a request is charged; one without a model is no model call
local function estimate(model, tokens, microusd)
  return {calls = model ~= '' and 1 or 0, tokens = math.ceil(tokens), microusd = microusd}
end

local function spend(day, id, batch, more, sign)
  local names = {P .. ':d:' .. day, P .. ':d:' .. day .. ':' .. id}
  if batch ~= '' then names[3] = P .. ':t:' .. batch end
  for _, name in ipairs(names) do
    count(name, 'c', sign * more.calls)
    count(name, 't', sign * more.tokens)
    count(name, 'u', sign * more.microusd)
    redis.call('PEXPIRE', name, C.SPENT_TTL_MS)
  end
end

-- it was surely not billed, or not sent after all
local function refund_lease(lease) spend(lease.day, lease.key, lease.batch, lease.charged, -1) end

-- what it used is known: {tokens, microusd, output_tokens}
local function book_usage(lease, used)
  local charged = lease.charged
  local more = {calls = 0, tokens = used.tokens - charged.tokens, microusd = used.microusd - charged.microusd}
  spend(lease.day, lease.key, lease.batch, more, 1)
  count_usage(lease, used)
end

-- of a bulk: {batch, calls, tokens, microusd} of each batch of jobs that pays
local function spend_bulk(day, id, parts, sign)
  for _, part in ipairs(parts) do
    spend(day, id, part[1], {calls = part[2], tokens = part[3], microusd = part[4]}, sign)
  end
end

-- which figure would exceed the cap, nil if none; a cap of -1 is no cap, and what costs nothing exceeds none
local function exceeded(name, cap, more)
  if more.calls == 0 and more.tokens == 0 and more.microusd == 0 then return nil end
  if cap.calls < 0 and cap.tokens < 0 and cap.microusd < 0 then return nil end
  local v = redis.call('HMGET', name, 'c', 't', 'u', 'kc', 'kt', 'ku')
  for n, unit in ipairs({'calls', 'tokens', 'microusd'}) do
    -- a process that goes on alone may use only its part of what was left then
    local before = num(v[n + 3], 0)
    local mine = before + math.floor(math.max(0, cap[unit] - before) / C.PROCESSES)
    if cap[unit] >= 0 and num(v[n], 0) + more[unit] > mine then return unit end
  end
  return nil
end

-- which budget has no room, nil if none: 'day calls', 'batch tokens', 'key_day microusd'
local function day_refusal(day, more)
  local what = exceeded(P .. ':d:' .. day, C.CAP_DAY, more)
  return what and 'day ' .. what
end
local function batch_refusal(batch, more)
  if batch == '' then return nil end
  local what = exceeded(P .. ':t:' .. batch, C.CAP_BATCH, more)
  return what and 'batch ' .. what
end
local function key_refusal(day, id, more)
  local what = exceeded(P .. ':d:' .. day .. ':' .. id, C.CAP_KEY_DAY, more)
  return what and 'key_day ' .. what
end

-- for a request that held a place
local function has_no_budget(lease)
  local more = lease.charged
  return day_refusal(lease.day, more) or batch_refusal(lease.batch, more) or key_refusal(lease.day, lease.key, more)
end

-- a request had no room in this daily budget ('day tokens'), nor would it have had in any that is smaller
local function note_stop(day, detail)
  local budget, unit = string.match(detail, '^(%S+) (%S+)$')
  local cap = ({day = C.CAP_DAY, key_day = C.CAP_KEY_DAY})[budget]
  if not cap then return end
  local name, field = P .. ':d:' .. day, 'x:' .. detail
  if num(redis.call('HGET', name, field), -1) >= cap[unit] then return end
  redis.call('HSET', name, field, whole(cap[unit]))
  redis.call('PEXPIRE', name, C.SPENT_TTL_MS)
end
