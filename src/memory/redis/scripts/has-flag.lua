-- KEYS  1 flags
-- ARGV  1 name
-- Returns 1 if the flag is set, else 0.
-- @include now
return (tonumber(redis.call('ZSCORE', KEYS[1], ARGV[1]) or '0') or 0) > now and 1 or 0
