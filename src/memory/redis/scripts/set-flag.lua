-- Sets a flag.
-- KEYS  1 flags
-- ARGV  1 name, 2 milliseconds
-- Returns 1, or 0 if it was set already.
-- @include now
redis.call('ZREMRANGEBYSCORE', KEYS[1], '-inf', now)
local added = redis.call('ZADD', KEYS[1], string.format('%.0f', now + ARGV[2]), ARGV[1])
if redis.call('PTTL', KEYS[1]) < tonumber(ARGV[2]) then redis.call('PEXPIRE', KEYS[1], ARGV[2]) end
return added
