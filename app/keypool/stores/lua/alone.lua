-- Add what a process has used while it had to go on alone, once.
-- KEYS[1]: prefix. ARGV: id of this report, 1 if it ends a loss, then name, calls, tokens, microusd of each budget...
-- Reply: nothing

if redis.call('SET', P .. ':a:' .. ARGV[1], 1, 'NX', 'PX', C.SPENT_TTL_MS) then
  redis.call('HINCRBY', P .. ':p', 'losses', ARGV[2])
  redis.call('PEXPIRE', P .. ':p', C.TTL_MS)
  for n = 3, #ARGV, 4 do
    local name = P .. ':' .. ARGV[n]
    for offset, field in ipairs({'c', 't', 'u'}) do
      if ARGV[n + offset] ~= '0' then redis.call('HINCRBY', name, field, ARGV[n + offset]) end
    end
    redis.call('PEXPIRE', name, C.SPENT_TTL_MS)
  end
end
