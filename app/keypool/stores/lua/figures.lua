-- Return all counts and the state of the buckets, which tally.py parses.
-- KEYS[1]: prefix. ARGV: now ('' = server time), then key and group of each configured key
-- Reply: {now, JSON {former = {{key, group, its counts (field, count, ...)}, ...}: known keys that are no longer
-- configured, counts = {of each configured key, ...}, models = {{model, its counts}, ...}, capacities = {{group, model,
-- cooldown until, and twice (requests, tokens) limit ('' = unknown), capacity, full at}, ...}, today = the day's hash}}

local now = clock(ARGV[1])
local former, counts, of_models, capacities, mine, seen = {}, {}, {}, {}, {}, {}
local models = known_models()
for _, model in ipairs(models) do
  of_models[#of_models + 1] = {model, redis.call('HGETALL', P .. ':w:' .. model)}
end
for n = 2, #ARGV, 2 do
  local id, group = ARGV[n], ARGV[n + 1]
  mine[id] = true
  counts[#counts + 1] = redis.call('HGETALL', P .. ':c:' .. id)
  if not seen[group] then
    seen[group] = true
    for _, model in ipairs(models) do
      local v = redis.call('HMGET', P .. ':b:' .. group .. ':' .. model, 'cd', 'rl', 'rc', 'rf', 'tl', 'tc', 'tf')
      if v[2] or v[5] then
        capacities[#capacities + 1] = {
          group, model, v[1] or '0', v[2] or '', v[3] or '', v[4] or '', v[5] or '', v[6] or '', v[7] or '',
        }
      end
    end
  end
end
for _, id in ipairs(redis.call('ZRANGE', P .. ':keys', 0, -1)) do
  if not mine[id] then
    local found = redis.call('HGETALL', P .. ':c:' .. id)
    if #found > 0 then former[#former + 1] = {id, redis.call('HGET', P .. ':k:' .. id, 'gr') or id, found} end
  end
end
local today = redis.call('HGETALL', P .. ':d:' .. day_of(now))
return {
  text(now),
  cjson.encode({former = former, counts = counts, models = of_models, capacities = capacities, today = today}),
}
