-- Counts a failure of a turn.
--
-- KEYS  1 turn record
-- ARGV  1 token
-- Returns the new count, or -1 if fenced.
-- @include count
if redis.call('HGET', KEYS[1], 'owner') ~= ARGV[1] then return -1 end
return count(KEYS[1], 'failures', 1)
