-- Ends a turn without an answer, or requeues it: then it has no owner. A settled turn keeps its state.
--
-- KEYS  1 turn record
-- ARGV  1 token, 2 'failed' (end) or 'queued' (requeue), 3 code or ''
-- Returns 1, or 0 if fenced.
local held = redis.call('HMGET', KEYS[1], 'state', 'owner')
local state, owner, asked = held[1], held[2], ARGV[2]
if owner ~= ARGV[1] then return 0 end
-- The command that needs no memory comes first; then Redis allows the others at maxmemory.
if asked == 'queued' then
  redis.call('HDEL', KEYS[1], 'owner')
  if state == 'running' then redis.call('HSET', KEYS[1], 'state', asked) end
elseif state == 'running' or state == 'queued' then
  redis.call('HDEL', KEYS[1], 'answer')
  redis.call('HSET', KEYS[1], 'state', asked, 'outcome', asked, 'code', ARGV[3])
end
return 1
