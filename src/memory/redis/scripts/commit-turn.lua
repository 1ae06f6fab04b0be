-- Writes the turn to memory and its answer to the record, once. The record has the answer as its element: a text is handed over
-- once, since Lua reads each byte that it is handed.
--
-- KEYS  1 conversation
-- ARGV  as remember, then 10 token, 11 turn id, 12 stopped ('1' or '')
-- gives {'fenced'} | {'known'} | {'forgotten'} | {'unlisted', ms} | {'committed', messages before the cap dropped some,
--       expiry (ms)}
-- @include now
-- @include remember
local own = KEYS[1]
local key = own .. ':turn:' .. ARGV[11]
local held = call('HMGET', key, 'state', 'owner', 'generation')
local state = held[1]
if held[2] ~= ARGV[10] then return {'fenced'} end
if state == 'answered' or state == 'finished' or state == 'failed' then return {'known'} end
if state == 'forgotten' then return {'forgotten'} end
if (held[3] or '') ~= (redis.call('HGET', own .. ':meta', 'gen') or '') then
  call('HSET', key, 'state', 'forgotten', 'outcome', 'forgotten')
  return {'forgotten'}
end
local choices = call('MGET', own .. ':ttl', placeChoice(own))
local life = lifeOf(own, choices[1], choices[2])
if life.short then return life.short end
local pushed, expiry = remember(own, life)
call('HSET', key, 'state', 'answered', 'outcome', 'answered', 'answer', ARGV[6])
if ARGV[12] ~= '' then call('HSET', key, 'stopped', '1') end
return {'committed', pushed, expiry}
