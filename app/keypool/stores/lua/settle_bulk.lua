-- Replace the charges of a bulk by its usage, and count the outcomes of its requests. Each bulk is settled once.
--
-- KEYS[1]: prefix. ARGV: now ('' = server time), bulk, key, model, JSON
-- {charges = {row (ledger.lua), ...}, used = the same, outcomes = {{name, count}, ...},
-- tokens = {{i | o | u | h, count}, ...}}. Reply: {now}

local now = clock(ARGV[1])
local marker, id, of, given = P .. ':e:' .. ARGV[2], ARGV[3], ARGV[4] .. '\31', cjson.decode(ARGV[5])
local day = redis.call('GET', marker)
if day and string.sub(day, -1) == '+' then return {text(now)} end
if day then
  spend_bulk(day, id, given.charges, -1)
else
  day = day_of(now)
end
redis.call('SET', marker, day .. '+', 'PX', C.SPENT_TTL_MS)
spend_bulk(day, id, given.used, 1)

local counts, key = P .. ':c:' .. id, P .. ':k:' .. id
local shown = {rq = 0, ok = 0, ng = 0}
for _, ended in ipairs(given.outcomes) do
  local name, number = ended[1], ended[2]
  count(counts, of .. name, number)
  shown.rq = shown.rq + number
  local field = C.ACCEPTED[name] and 'ok' or 'ng'
  shown[field] = shown[field] + number
end
for _, used in ipairs(given.tokens) do count(counts, of .. used[1], used[2]) end
for field, number in pairs(shown) do count(key, field, number) end
keep(':c:' .. id, ':k:' .. id)
return {text(now)}
