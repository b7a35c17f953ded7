-- Add the activity of a process while it had lost this server. Each report is added once.
-- KEYS[1]: prefix. ARGV: now ('' = server time), id of this report, JSON {losses = 1 to count a loss,
-- spent = {row (ledger.lua), ...}, counts = {{name of a hash, {{field, count}, ...}}, ...},
-- used = {{key, time of last use}, ...}}
-- Reply: nothing

if redis.call('SET', P .. ':a:' .. ARGV[2], 1, 'NX', 'PX', C.SPENT_TTL_MS) then
  local given = cjson.decode(ARGV[3])
  redis.call('HINCRBY', P .. ':p', 'losses', given.losses)
  redis.call('PEXPIRE', P .. ':p', C.TTL_MS)
  for _, used in ipairs(given.spent) do add_spent(P .. ':' .. used[1], spent_of(used), 1) end
  for _, counts in ipairs(given.counts) do
    local name = P .. ':' .. counts[1]
    for _, counted in ipairs(counts[2]) do count(name, counted[1], counted[2]) end
    redis.call('PEXPIRE', name, C.TTL_MS)
    if string.sub(counts[1], 1, 2) == 'w:' then note_model(string.sub(counts[1], 3), clock(ARGV[1])) end
  end
  redis.call('PEXPIRE', P .. ':models', C.TTL_MS)
  for _, used in ipairs(given.used) do
    local name = P .. ':k:' .. used[1]
    if num(redis.call('HGET', name, 'lu'), 0) < used[2] then redis.call('HSET', name, 'lu', used[2]) end
  end
end
