-- Charge all requests of a bulk, or none if a budget does not suffice. Each bulk is charged once.
-- KEYS[1]: prefix. ARGV: now ('' = server time), bulk, key, JSON {row (ledger.lua), ...}
-- Reply: {now, the exhausted budget ('' = charged)}

local now = clock(ARGV[1])
local marker, id, parts = P .. ':e:' .. ARGV[2], ARGV[3], cjson.decode(ARGV[4])
if redis.call('EXISTS', marker) == 1 then return {text(now), ''} end
local day = day_of(now)
local charged = spent_of({'', 0, 0, 0, 0})
for _, part in ipairs(parts) do
  for n, figure in ipairs(FIGURES) do charged[figure] = charged[figure] + part[n + 1] end
end

local detail = day_refusal(day, charged)
for _, part in ipairs(parts) do
  detail = detail or batch_refusal(part[1], spent_of(part))
end
detail = detail or key_refusal(day, id, charged)
if detail then
  note_stop(day, detail)
  return {text(now), detail}
end
redis.call('SET', marker, day, 'PX', C.SPENT_TTL_MS)
spend_bulk(day, id, parts, 1)
return {text(now), ''}
