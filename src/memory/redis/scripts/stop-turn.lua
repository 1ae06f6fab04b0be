-- Requests the stop of a turn.
--
-- KEYS  1 turn record
-- Returns 1, or 0 if there is no such unfinished turn.
local state = redis.call('HGET', KEYS[1], 'state')
if state ~= 'queued' and state ~= 'running' then return 0 end
redis.call('HSET', KEYS[1], 'stop', '1')
return 1
