-- Renews a sign of life where Redis is at its maxmemory: what takes no memory goes first, and the listing may follow it.
--
-- KEYS  1 beat
-- ARGV  1 listing, 2 milliseconds to live
-- gives 1, or 0 when the beat is gone
if redis.call('PEXPIRE', KEYS[1], ARGV[2]) == 0 then return 0 end
redis.call('SET', KEYS[1], ARGV[1], 'KEEPTTL')
return 1
