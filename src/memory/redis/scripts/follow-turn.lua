-- Adds a follower to a turn.
--
-- KEYS  1 turn record
-- ARGV  1 process that follows the turn
-- Returns 1, or 0 if there is no such unfinished turn.
local held = redis.call('HMGET', KEYS[1], 'state', 'followers')
local state, followers = held[1], held[2]
if not state or state == 'finished' then return 0 end
if followers then
  if string.find(',' .. followers .. ',', ',' .. ARGV[1] .. ',', 1, true) or #followers > 1000 then return 1 end
  followers = followers .. ',' .. ARGV[1]
end
redis.call('HSET', KEYS[1], 'followers', followers or ARGV[1])
return 1
