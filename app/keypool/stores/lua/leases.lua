-- Leases. Clients keep a lease as text and pass it back.

local CHARGE = {'f', 'x', 'p', 'y', 'n'}

-- Return the text of a lease: a JSON array. Numbers are strings, because JSON numbers would lose digits.
local function lease_text(lease)
  local parts = {
    lease.id, lease.key, lease.model, text(lease.tokens), text(lease.microusd), lease.batch, text(lease.generation),
    text(lease.quota_generation),
  }
  for _, charge in ipairs({lease.r, lease.t}) do
    for _, field in ipairs(CHARGE) do parts[#parts + 1] = text(charge[field]) end
  end
  return cjson.encode(parts)
end

-- Parse the text of a lease whose request was sent, or may be sent, at the given time.
local function lease_of(given, at)
  local parts = cjson.decode(given)
  local function charge(first)
    local found = {}
    for n, field in ipairs(CHARGE) do found[field] = tonumber(parts[first + n - 1]) end
    return found
  end
  at = tonumber(at)
  local lease = {
    id = parts[1], key = parts[2], model = parts[3], tokens = tonumber(parts[4]), microusd = tonumber(parts[5]),
    batch = parts[6], generation = tonumber(parts[7]), quota_generation = tonumber(parts[8]), r = charge(9),
    t = charge(14), at = at, day = day_of(at),
  }
  lease.charged = estimate(lease.model, lease.tokens, lease.microusd)
  return lease
end

-- Return the reply to `acquire` for a lease. `sent`, `last_resort`, and `probe` are '0' or '1'.
local function admitted(now, lease, key, at, sent, last_resort, probe)
  return {'lease', text(now), key, at, sent == '1' and '0' or '1', last_resort, probe, lease}
end

-- Return whether the lease has not ended.
local function is_open(lease, now)
  local till = redis.call('ZSCORE', P .. ':f:' .. lease.key, lease.id)
  return till and tonumber(till) > now
end

-- Release a reservation that will not be used.
local function give_back(lease, k, q, b, now)
  redis.call('ZREM', P .. ':f:' .. lease.key, lease.id)
  refund_meter(b.r, 1, lease.r)
  refund_meter(b.t, lease.tokens, lease.t)
  if b.r.l or b.t.l then save_bucket(b) end
  if k.generation == lease.generation then k.probe_until = 0 end
  if q.generation == lease.quota_generation and q.probe_until ~= 0 then
    q.probe_until = 0
    save_quota(q)
  end
  save_health(k)
  note_health(k, q, now)
  reindex(k, q, b, lease.model, now, true)
end
