-- End a lease, and apply the request's outcome (outcomes.py) to the key, its group, its limits, and the budgets.
-- KEYS[1]: prefix. ARGV: now ('' = server time), lease, at, JSON of a `Settlement` (stores/base.py) without its
-- None values, plus wait_class, and foreign (true if another server gave the lease and counts its usage).
-- Reply: {now, JSON of a `Change`}

local now = clock(ARGV[1])
local lease, given, change = lease_of(ARGV[2], ARGV[3]), cjson.decode(ARGV[4]), {}
local outcome, pause, limited_by, foreign = given.outcome, given.pause_us, given.limited_by, given.foreign
local requests, of_tokens, admitted = given.limits.requests, given.limits.tokens, lease.at + given.admitted_after_us

if not foreign and not is_open(lease, now) then return {text(now), '{}'} end
redis.call('ZREM', P .. ':f:' .. lease.key, lease.id)
local k = load_key(lease.key, lease.model)
local q = load_quota(k.group)
local b = load_bucket(k.group, lease.model)
local name = P .. ':k:' .. k.id
local quota_generation = q.generation
if foreign then
  local nothing = {f = 0, x = 0, p = 0, y = 0, n = 0}
  lease.generation, lease.quota_generation, lease.r, lease.t = k.generation, q.generation, nothing, nothing
end
local function note(field)
  if not foreign then redis.call('HINCRBY', name, field, 1) end
end

-- budgets
if foreign then
  -- the server that gave the lease counts its usage
elseif C.UNBILLED[outcome] or given.unbilled then
  refund_lease(lease)
elseif given.usage then
  book_usage(lease, given.usage)
end

-- A request that is too large for the key used no tokens. Refund its charge, which would block the key for minutes.
if outcome == 'too_large' then
  if lease.t.f ~= 0 then
    refund_meter(b.t, lease.tokens, lease.t)
    local taken = refill_of(b.t, lease.tokens)
    lease.t.f, lease.t.p = lease.t.f - taken, lease.t.p - taken
  end
  lease.tokens = 0
end

-- limits
local request_limit, token_limit = b.r.l, b.t.l
if requests then
  forget_guess(b)
  learn_meter(b.r, requests, admitted, lease.r, 1, C.REQUESTS_DEAD)
end
if of_tokens then learn_meter(b.t, of_tokens, admitted, lease.t, lease.tokens, C.TOKENS_DEAD) end
if outcome == 'success' then
  if b.guess.cut > 0 then
    raise_meter(b.r, raised_rate(b.guess, b.r.l, now))
  elseif now >= b.steady and lease.r.n - b.r.i <= 2 * b.r.a then
    -- larger bursts do not help a bucket that is never full, and would exceed the limit
    grow(b.r, 1, own(b.r, lease.r), lease.at)
  end
  if now >= b.steady then
    grow(b.t, lease.tokens, own(b.t, lease.t), lease.at)
  end
end

-- the key and its group
local current, quota_current = lease.generation == k.generation, lease.quota_generation == q.generation
local awaited = health_awaits(k, now) or now < q.probe_until

if outcome ~= 'quota_exhausted' and quota_current then q.probe_until = 0 end

local function succeed()
  note('ok')
  if outcome == 'success' and quota_current and q.gap > 0 then
    q.generation, q.gap = q.generation + 1, 0
    awaited = true
  end
  if not given.streams then
    change.closed = complete(k, lease, now)
    awaited = awaited or change.closed
  elseif k.circuit == CLOSED then
    k.verified, k.probe_until = true, 0
  end
end

local function no_verdict()
  if current then k.verified, k.probe_until = true, 0 end
end

local function lose_quota()
  if not quota_current then return end
  local news, probe = q.gap == 0, lease.at >= q.due
  if news then
    q.generation, q.gap, q.probed_at = q.generation + 1, C.FIRST_QUOTA_PROBE_US, now
  elseif probe then
    q.gap = math.min(q.gap * 2, C.LONGEST_QUOTA_PROBE_US)
  end
  if news or probe then q.due = now + q.gap end
  q.probe_until = 0
  change.quota_gone = news
end

-- Handle a 429 that has rate limit headers, or after which no rate can be guessed. Return the end of the pause.
local function rest(till)
  local of_r, of_t = limited_by ~= 'tokens' or not b.t.l, limited_by ~= 'requests' or not b.r.l
  local against = (requests or of_tokens) and (not requests or requests.remaining >= 1)
    and (not of_tokens or of_tokens.remaining >= lease.tokens)
  if against then
    b.steady = now + C.STEADY_US
    if of_r then cut(b.r, 1) end
    if of_t then cut(b.t, lease.tokens) end
  end
  if of_r then empty_until(b.r, till, 1, lease.r, against) end
  if of_t then empty_until(b.t, till, lease.tokens, lease.t, against) end
  return till
end

local function cool()
  note('rl')
  local till
  if not requests and not of_tokens and is_guessed_or_unknown(b) then
    till = guess_anew(b, lease.at, pause, now)
  end
  till = till or rest(now + (pause or C.DEFAULT_COOLDOWN_US))
  if till > math.max(now, b.cooldown) then change.cooled_us = till - now end
  if till > b.cooldown then b.cooldown_of = limited_by or 'requests' end
  b.cooldown = math.max(b.cooldown, till)
  local until_now = num(redis.call('HGET', P .. ':q:' .. k.group, 'cool'), 0)
  redis.call('HSET', P .. ':q:' .. k.group, 'cool', math.max(until_now, b.cooldown))
end

if C.ACCEPTED[outcome] then
  succeed()
elseif outcome == 'abandoned' then
  if current then k.probe_until = 0 end
elseif outcome == 'no_capacity' then
  no_verdict()
else
  note('ng')
  if outcome == 'server_failure' then
    change.opened_after = fail(k, lease, now, given.counts)
  elseif outcome == 'invalid_key' then
    if current then
      change.died = k.circuit ~= DEAD
      k.circuit, k.generation, k.retry_at, k.probe_until = DEAD, k.generation + 1, now + C.DEAD_PROBE_US, 0
    end
  else
    no_verdict()
    if outcome == 'rate_limited' then
      cool()
    elseif outcome == 'quota_exhausted' then
      lose_quota()
    elseif outcome == 'forbidden' then
      k.forbidden = now + C.DEAD_PROBE_US
      redis.call('HSET', name, 'x:' .. lease.model, k.forbidden)
    end
  end
end

sum_up(lease.model, 'sr', request_limit, b.r.l)
sum_up(lease.model, 'st', token_limit, b.t.l)
save_bucket(b)
save_health(k)
save_quota(q)

if not foreign then
  count(P .. ':c:' .. k.id, lease.model .. '\31' .. outcome, 1)
  count_change(k, change)
  count(P .. ':w:' .. lease.model, 'us', given.waited_us)
  count_for_model(lease.model, 'b' .. given.wait_class, 1)
end

keep(':k:' .. k.id, ':c:' .. k.id, ':m:' .. lease.model, ':i:' .. lease.model, ':p')
note_health(k, q, now)
if q.generation ~= quota_generation then
  for _, id in ipairs(siblings_of(k)) do
    if id ~= k.id then note_usable(load_key(id, lease.model), q) end
  end
end
reindex(k, q, b, lease.model, now, awaited)
return {text(now), cjson.encode(change)}
