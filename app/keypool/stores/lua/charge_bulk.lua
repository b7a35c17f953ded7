-- Charge requests that are sent together, all of them or none, once. Mirrors MemoryStore.charge_bulk.
-- KEYS[1]: prefix. ARGV: now ('' = server time), not after ('' = any time), bulk, key,
-- JSON {{batch, calls, tokens, microusd}, ...}
-- Reply: {now, the budget that has no room ('' = charged)} | {'too_late', now}

local now = clock(ARGV[1])
if is_too_late(now, ARGV[2]) then return {'too_late', text(now)} end
local marker, id, parts = P .. ':e:' .. ARGV[3], ARGV[4], cjson.decode(ARGV[5])
if redis.call('EXISTS', marker) == 1 then return {text(now), ''} end
local day = whole(math.floor(now / DAY))
local calls, tokens, microusd = 0, 0, 0
for _, part in ipairs(parts) do
  calls, tokens, microusd = calls + part[2], tokens + part[3], microusd + part[4]
end

local function refusal()
  local over = exceeded(P .. ':d:' .. day, C.CAP_DAY, calls, tokens, microusd)
  if over ~= '' then return 'day ' .. over end
  for _, part in ipairs(parts) do
    if part[1] ~= '' then
      over = exceeded(P .. ':t:' .. part[1], C.CAP_BATCH, part[2], part[3], part[4])
      if over ~= '' then return 'batch ' .. over end
    end
  end
  over = exceeded(P .. ':d:' .. day .. ':' .. id, C.CAP_KEY_DAY, calls, tokens, microusd)
  if over ~= '' then return 'key_day ' .. over end
  return ''
end

local detail = refusal()
if detail ~= '' then
  note_stop(day, detail)
  return {text(now), detail}
end
redis.call('SET', marker, day, 'PX', C.SPENT_TTL_MS)
spend_bulk(day, id, parts, 1)
return {text(now), ''}
