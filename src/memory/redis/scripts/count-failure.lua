-- KEYS  1 turn record
-- ARGV  1 token
-- gives the failures counted, or -1 when fenced
-- @include count
if redis.call('HGET', KEYS[1], 'owner') ~= ARGV[1] then return -1 end
return count(KEYS[1], 'failures', 1)
