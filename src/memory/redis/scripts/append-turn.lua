-- KEYS  1 conversation
-- ARGV  as REMEMBER
-- One turn that other code ran and that has neither fence nor record.
-- gives {'committed', messages left, expiry (ms)} | {'unlisted', ms}
-- @include now
-- @include remember
local own = KEYS[1]
local held = call('MGET', own .. ':ttl', placeChoice(own))
local life = lifeOf(own, held[1], held[2])
if life.short then return life.short end
return {'committed', remember(own, life)}
