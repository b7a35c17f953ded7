-- Add one report of one process to the fleet's totals, unless that has happened already: its reply may have been lost.
-- KEYS[1]: totals, hash of series -> number. KEYS[2]: number of the newest report of this process, string.
-- ARGV: number of the report, seconds to remember it, seconds to keep totals, then series and what to add, in turn
-- Reply: 1 if it was added, 0 if it had been

if tonumber(redis.call('GET', KEYS[2]) or '0') >= tonumber(ARGV[1]) then return 0 end
for n = 4, #ARGV, 2 do
  redis.call('HINCRBYFLOAT', KEYS[1], ARGV[n], ARGV[n + 1])
end
redis.call('SET', KEYS[2], ARGV[1], 'EX', ARGV[2])
redis.call('EXPIRE', KEYS[1], ARGV[3])
return 1
