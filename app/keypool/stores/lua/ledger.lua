-- The usage of model calls and the fleet's budgets. Spending is {calls, tokens, microusd, cached_tokens}; a row is
-- {name or batch, calls, tokens, microusd, cached tokens}.
--
-- The estimate of a call is charged before the call is sent, so that concurrent calls cannot exceed a cap together. The
-- charge is corrected when the usage is known, and refunded if the provider certainly did not bill the call. A
-- reservation is not charged, because its process may crash before it sends the request.

local SPENT, FIGURES = {'c', 't', 'u', 'h'}, {'calls', 'tokens', 'microusd', 'cached_tokens'}

local function spent_of(row) return {calls = row[2], tokens = row[3], microusd = row[4], cached_tokens = row[5]} end

local function add_spent(name, more, sign)
  for n, field in ipairs(SPENT) do count(name, field, sign * more[FIGURES[n]]) end
  redis.call('PEXPIRE', name, C.SPENT_TTL_MS)
end

-- Return the charge of a request, as if nothing were cached. A request that names no model does not count as a call.
local function estimate(model, tokens, microusd)
  return {calls = model ~= '' and 1 or 0, tokens = math.ceil(tokens), microusd = microusd, cached_tokens = 0}
end

local function spend(day, id, batch, more, sign)
  add_spent(P .. ':d:' .. day, more, sign)
  add_spent(P .. ':d:' .. day .. ':' .. id, more, sign)
  if batch ~= '' then add_spent(P .. ':t:' .. batch, more, sign) end
end

-- Refund a request that was not sent, or that the provider certainly did not bill.
local function refund_lease(lease) spend(lease.day, lease.key, lease.batch, lease.charged, -1) end

-- Replace a lease's charge by its usage {tokens, microusd, output_tokens, cached_tokens}.
local function book_usage(lease, used)
  local more = {calls = 0}
  for _, what in ipairs({'tokens', 'microusd', 'cached_tokens'}) do more[what] = used[what] - lease.charged[what] end
  spend(lease.day, lease.key, lease.batch, more, 1)
  count_usage(lease, used)
end

-- Charge a bulk (sign 1), or refund it (-1). `parts` has a row for each batch of jobs whose budget is charged.
local function spend_bulk(day, id, parts, sign)
  for _, part in ipairs(parts) do spend(day, id, part[1], spent_of(part), sign) end
end

-- Return the exhausted budget ('day calls', 'batch tokens', 'key_day microusd'), or nil. A cap of -1 means no cap. A
-- request with no cost exceeds no cap.
local function exceeded(budget, name, cap, more)
  if more.calls == 0 and more.tokens == 0 and more.microusd == 0 then return nil end
  if cap.calls < 0 and cap.tokens < 0 and cap.microusd < 0 then return nil end
  local v = redis.call('HMGET', P .. name, 'c', 't', 'u', 'kc', 'kt', 'ku')
  for n, unit in ipairs({'calls', 'tokens', 'microusd'}) do
    -- While the server is lost, a process may use only its share of what was left of the budget at the loss.
    local before = num(v[n + 3], 0)
    local mine = before + math.floor(math.max(0, cap[unit] - before) / C.PROCESSES)
    if cap[unit] >= 0 and num(v[n], 0) + more[unit] > mine then return budget .. ' ' .. unit end
  end
  return nil
end

local function day_refusal(day, more) return exceeded('day', ':d:' .. day, C.CAP_DAY, more) end
local function batch_refusal(batch, more)
  if batch ~= '' then return exceeded('batch', ':t:' .. batch, C.CAP_BATCH, more) end
end
local function key_refusal(day, id, more) return exceeded('key_day', ':d:' .. day .. ':' .. id, C.CAP_KEY_DAY, more) end

-- Return the exhausted budget of a reserved request, or nil.
local function has_no_budget(lease)
  local more = lease.charged
  return day_refusal(lease.day, more) or batch_refusal(lease.batch, more) or key_refusal(lease.day, lease.key, more)
end

-- Record that this daily budget ('day tokens') has rejected a request. If processes have different caps, keep the
-- largest cap that has rejected a request.
local function note_stop(day, detail)
  local budget, unit = string.match(detail, '^(%S+) (%S+)$')
  local cap = ({day = C.CAP_DAY, key_day = C.CAP_KEY_DAY})[budget]
  if not cap then return end
  local name, field = P .. ':d:' .. day, 'x:' .. detail
  if num(redis.call('HGET', name, field), -1) >= cap[unit] then return end
  redis.call('HSET', name, field, whole(cap[unit]))
  redis.call('PEXPIRE', name, C.SPENT_TTL_MS)
end
