-- KEYS  1 turn record
-- gives 1, or 0 when there is no unfinished turn of that id
local state = redis.call('HGET', KEYS[1], 'state')
if state ~= 'queued' and state ~= 'running' then return 0 end
redis.call('HSET', KEYS[1], 'stop', '1')
return 1
