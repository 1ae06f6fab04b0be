-- KEYS  1 conversation, 2 inbox
-- gives {} when nothing waits | {owner of the head, or ''}; of a head that cannot be read, or is finished, it is ''
-- @include read
local element = redis.call('LINDEX', KEYS[2], 0)
if not element then return {} end
local message = read(element)
if not message then return {''} end
local held = redis.pcall('HMGET', KEYS[1] .. ':turn:' .. message.turnId, 'state', 'owner')
return {held[1] ~= 'finished' and held[2] or ''}
