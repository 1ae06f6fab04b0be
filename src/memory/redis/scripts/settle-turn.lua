-- Ends a turn without an answer, or gives it back: then it has no owner. A settled turn keeps its state.
--
-- KEYS  1 turn record
-- ARGV  1 token, 2 'failed' (ends) or 'queued' (gives back), 3 code or ''
-- gives 1, or 0 when fenced
local held = redis.call('HMGET', KEYS[1], 'state', 'owner')
local state, owner, asked = held[1], held[2], ARGV[2]
if owner ~= ARGV[1] then return 0 end
-- First what takes no memory: at maxmemory the rest may follow it.
if asked == 'queued' then
  redis.call('HDEL', KEYS[1], 'owner')
  if state == 'running' then redis.call('HSET', KEYS[1], 'state', asked) end
elseif state == 'running' or state == 'queued' then
  redis.call('HDEL', KEYS[1], 'answer')
  redis.call('HSET', KEYS[1], 'state', asked, 'outcome', asked, 'code', ARGV[3])
end
return 1
