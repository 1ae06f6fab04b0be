-- Stores a turn that other code ran, which has neither a fencing token nor a record.
--
-- KEYS  1 conversation
-- ARGV  as remember
-- Returns {'committed', messages left, expiry (ms)} | {'unlisted', ms}
-- @include now
-- @include remember
local own = KEYS[1]
local held = call('MGET', own .. ':ttl', placeChoice(own))
local life = lifeOf(own, held[1], held[2])
if life.short then return life.short end
return {'committed', remember(own, life)}
