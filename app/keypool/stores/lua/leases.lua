-- Leases, as clients bring them back.

local function charge_from(n)
  return {
    f = tonumber(ARGV[n]), x = tonumber(ARGV[n + 1]), p = tonumber(ARGV[n + 2]), y = tonumber(ARGV[n + 3]),
    n = tonumber(ARGV[n + 4]),
  }
end

-- ten parts of a reply: what a lease keeps of its meters or charges
local function add_charges(reply, of_requests, of_tokens)
  for _, charge in ipairs({of_requests, of_tokens}) do
    for _, field in ipairs({'f', 'x', 'p', 'y', 'n'}) do reply[#reply + 1] = text(charge[field]) end
  end
  return reply
end

-- 20 arguments from ARGV[n] on
local function lease_from(n)
  local model = ARGV[n + 2]
  return {
    id = ARGV[n], key = ARGV[n + 1], model = model, tokens = tonumber(ARGV[n + 3]), generation = tonumber(ARGV[n + 4]),
    quota_generation = tonumber(ARGV[n + 5]), at = tonumber(ARGV[n + 6]),
    batch = ARGV[n + 8], day = ARGV[n + 9],
    r = charge_from(n + 10), t = charge_from(n + 15),
    charged = estimate(model, tonumber(ARGV[n + 3]), tonumber(ARGV[n + 7])),
  }
end

-- one that has not ended
local function is_open(lease, now)
  local till = redis.call('ZSCORE', P .. ':f:' .. lease.key, lease.id)
  return till and tonumber(till) > now
end

-- a reservation that will not be used frees its place
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
