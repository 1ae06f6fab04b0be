-- KEYS  1 notes
-- ARGV  1 name
-- gives 1, or 0
-- @include now
return (tonumber(redis.call('ZSCORE', KEYS[1], ARGV[1]) or '0') or 0) > now and 1 or 0
