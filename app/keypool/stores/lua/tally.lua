-- Counts for metrics and reports. tally.py parses them. They are kept as long as the data of their key or model.

-- The longest saturation that one request counts in advance. If it lasts longer, later requests count the rest.
C.LONGEST_SATURATION_US = 60e6

local function count(name, field, by)
  if by ~= 0 then redis.call('HINCRBY', name, field, whole(by)) end
end

local function count_usage(lease, used)
  local name, of = P .. ':c:' .. lease.key, lease.model .. '\31'
  count(name, of .. 'i', math.max(0, used.tokens - used.output_tokens))
  count(name, of .. 'o', used.output_tokens)
  count(name, of .. 'u', used.microusd)
  count(name, of .. 'h', used.cached_tokens)
end

-- Count the changes of a key's state.
local function count_change(k, change)
  local name = P .. ':c:' .. k.id
  for field, happened in pairs({open = change.opened_after, closed = change.closed, dead = change.died,
    no_quota = change.quota_gone, cooling = change.cooled_us}) do
    if happened then count(name, field, 1) end
  end
end

local function count_for_model(model, field, by)
  local name = P .. ':w:' .. model
  count(name, field, by)
  redis.call('PEXPIRE', name, C.TTL_MS)
end
