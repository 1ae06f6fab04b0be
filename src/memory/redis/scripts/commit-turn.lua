-- Writes the turn to memory and its answer to the record, once. The record contains the answer as its element, so that the text is only
-- passed to Lua once.
--
-- The record is declared, so that Redis refuses the script (TRYAGAIN) while a moving slot has one of the two on each node: without
-- its record the turn would seem to be another worker's.
--
-- KEYS  1 conversation, 2 turn record
-- ARGV  as remember, then 12 token, 13 turn id, 14 stopped ('1' or ''), 15 when the text was
--       edited (ms), or ''
-- Returns {'fenced'} | {'known'} | {'forgotten'} | {'edited', when (ms), element of the inbox with the newer text} | {'unlisted', ms} | {'committed', messages left, expiry (ms)}
-- @include now
-- @include remember
-- @include read
local own, key = KEYS[1], KEYS[2]
local held = call('HMGET', key, 'state', 'owner', 'generation', 'editedAt')
local state = held[1]
if held[2] ~= ARGV[12] then return {'fenced'} end
if state == 'answered' or state == 'finished' or state == 'failed' then return {'known'} end
if state == 'forgotten' then return {'forgotten'} end
if (held[3] or '') ~= (redis.call('HGET', own .. ':meta', 'gen') or '') then
  call('HSET', key, 'state', 'forgotten', 'outcome', 'forgotten')
  return {'forgotten'}
end
if held[4] and held[4] ~= ARGV[15] then
  local head = call('LINDEX', own .. ':inbox', 0)
  local message = head and read(head)
  if message and message.turnId == ARGV[13] then return {'edited', held[4], head} end
end
local choices = call('MGET', own .. ':ttl', placeChoice(own))
local life = lifeOf(own, choices[1], choices[2])
if life.short then return life.short end
local left, expiry = remember(own, life)
call('HSET', key, 'state', 'answered', 'outcome', 'answered', 'answer', ARGV[8])
if ARGV[14] ~= '' then call('HSET', key, 'stopped', '1') end
return {'committed', left, expiry}
