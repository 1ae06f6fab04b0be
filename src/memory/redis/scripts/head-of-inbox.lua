-- KEYS  1 conversation, 2 inbox
-- Returns {} if nothing waits | {owner of the head, or ''}. The owner of a head that is corrupt or finished is ''.
-- @include read
local element = redis.call('LINDEX', KEYS[2], 0)
if not element then return {} end
local message = read(element)
if not message then return {''} end
local held = redis.pcall('HMGET', KEYS[1] .. ':turn:' .. message.turnId, 'state', 'owner')
return {held[1] ~= 'finished' and held[2] or ''}
