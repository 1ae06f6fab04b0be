-- Adds a conversation to an index. The score always changes, so that drop-member.lua can detect a later addition.
--
-- KEYS  1 conversations of a person, a workspace or a place
-- ARGV  1 member, 2 minimum time in the index (ms)
-- @include now
local overdue = redis.pcall('ZRANGEBYSCORE', KEYS[1], '-inf', now, 'LIMIT', 0, 100)
if overdue.err then
  redis.call('DEL', KEYS[1])
elseif #overdue > 0 then
  redis.call('ZREM', KEYS[1], unpack(overdue))
end
local at = math.max(now + ARGV[2], 1 + (tonumber(redis.call('ZSCORE', KEYS[1], ARGV[1]) or '0') or 0))
redis.call('ZADD', KEYS[1], string.format('%.0f', at), ARGV[1])
if redis.call('PTTL', KEYS[1]) < at - now then redis.call('PEXPIREAT', KEYS[1], string.format('%.0f', at)) end
