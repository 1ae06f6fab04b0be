-- Renews a beat while Redis is at its maxmemory. The command that needs no memory comes first; then Redis allows the next one.
--
-- KEYS  1 beat
-- ARGV  1 listing, 2 milliseconds to live
-- Returns 1, or 0 if the beat has expired.
if redis.call('PEXPIRE', KEYS[1], ARGV[2]) == 0 then return 0 end
redis.call('SET', KEYS[1], ARGV[1], 'KEEPTTL')
return 1
