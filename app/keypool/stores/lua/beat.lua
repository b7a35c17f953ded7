-- Record a heartbeat of a process, and return the state that the process needs if it loses this server.
-- KEYS[1]: prefix. ARGV: now ('' = server time), set, process, lives (0 = it ends), brief (0/1: without the state of
-- all keys), batches...
-- Reply: {'register', now} | {now, JSON {rank, size, disabled = {id, ...},
--         spent = {row (ledger.lua), ...} (a brief reply has no rows of keys),
--         and unless brief: bad = {{id, circuit (DEAD also if out of quota, -1 = never answered)}, ...},
--         limits = {{group, model, rpm, capacity, tpm, capacity, cooldown until, guess cut at}, ...}}}

local now = clock(ARGV[1])
local process, procs = ARGV[3], P .. ':procs'
redis.call('ZREMRANGEBYSCORE', procs, '-inf', now - C.SILENT_US)
if ARGV[4] == '0' then
  redis.call('ZREM', procs, process)
  return {text(now), '{}'}
end
if redis.call('EXISTS', P .. ':s:' .. ARGV[2]) == 0 then return {'register', text(now)} end
redis.call('ZADD', procs, now, process)
redis.call('PEXPIRE', procs, C.TTL_MS)
-- Rank the processes by name, not by heartbeat time, so that all processes see the same order.
local rank, members = 0, redis.call('ZRANGE', procs, 0, -1)
for _, other in ipairs(members) do
  if other < process then rank = rank + 1 end
end
local day = day_of(now)
local bad, limits, spent, disabled, groups = {}, {}, {}, {}, {}
local models = known_models()
local function used(name)
  local row = {string.sub(name, #P + 2)}
  for n, found in ipairs(redis.call('HMGET', name, unpack(SPENT))) do row[n + 1] = num(found, 0) end
  spent[#spent + 1] = row
end
local reply = {rank = rank, size = #members, spent = spent, disabled = disabled}
for id, is_off in pairs(disabled_keys()) do
  if is_off then disabled[#disabled + 1] = id end
end
used(P .. ':d:' .. day)
for n = 6, #ARGV do used(P .. ':t:' .. ARGV[n]) end
if ARGV[5] == '1' then return {text(now), cjson.encode(reply)} end
for _, id in ipairs(redis.call('ZRANGE', P .. ':s:' .. ARGV[2], 0, -1)) do
  local v = redis.call('HMGET', P .. ':k:' .. id, 'c', 'gr', 've')
  local group = v[2] or id
  if num(v[1], CLOSED) ~= CLOSED then
    bad[#bad + 1] = {id, tonumber(v[1])}
  elseif num(redis.call('HGET', P .. ':q:' .. group, 'ga'), 0) > 0 then
    bad[#bad + 1] = {id, DEAD}
  elseif v[3] ~= '1' then
    bad[#bad + 1] = {id, -1}
  end
  if C.CAP_KEY_DAY.calls >= 0 or C.CAP_KEY_DAY.tokens >= 0 or C.CAP_KEY_DAY.microusd >= 0 then
    used(P .. ':d:' .. day .. ':' .. id)
  end
  if not groups[group] then
    groups[group] = true
    for _, model in ipairs(models) do
      local l = redis.call('HMGET', P .. ':b:' .. group .. ':' .. model, 'rl', 'rc', 'tl', 'tc', 'cd', 'gc')
      if l[1] or l[3] then
        limits[#limits + 1] = {group, model, num(l[1], 0), num(l[2], 0), num(l[3], 0), num(l[4], 0), num(l[5], 0),
          num(l[6], 0)}
      end
    end
  end
end
reply.bad, reply.limits = bad, limits
return {text(now), cjson.encode(reply)}
