-- Erases a conversation.
--
-- KEYS  1 conversation, 2 meta, 3 inbox, 4 place index, 5 people, 6 flags
-- ARGV  1 member of the place index
-- Returns {messages erased, waiting messages withdrawn}.
-- @include tombstones
local messages = tonumber(redis.pcall('LLEN', KEYS[1])) or 0
local generation = tonumber(redis.pcall('HGET', KEYS[2], 'gen') or '0') or redis.call('TIME')[1]
redis.call('DEL', KEYS[1], KEYS[2], KEYS[5], KEYS[6], KEYS[1] .. ':sources')
-- Turns of earlier messages must not be committed, even if the inbox has no trace of them.
redis.call('HSET', KEYS[2], 'gen', generation + 1)
redis.call('EXPIRE', KEYS[2], 604800)
redis.call('ZREM', KEYS[4], ARGV[1])
return {messages, forgetWaiting(KEYS[1], KEYS[3], function() return true end)}
