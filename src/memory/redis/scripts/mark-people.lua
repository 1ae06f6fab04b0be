-- Records for which authors a conversation has been indexed, and removes those whose messages were all trimmed or removed.
--
-- KEYS  1 conversation, 2 inbox, 3 people
-- ARGV  1 milliseconds for which the conversation was just indexed, 2.. authors
-- @include now
-- @include listed
-- @include authors
local present = authors(KEYS[1], KEYS[2])
for i = 2, #ARGV do
  present[ARGV[i]] = true
  mark(KEYS[3], ARGV[i], now + ARGV[1])
end
for _, who in ipairs(redis.call('ZRANGE', KEYS[3], 0, -1)) do
  if not present[who] then redis.call('ZREM', KEYS[3], who) end
end
