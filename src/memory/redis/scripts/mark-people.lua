-- KEYS  1 conversation, 2 inbox, 3 people
-- ARGV  1 milliseconds that the conversation was just indexed for, 2.. for whom
-- Marks them, and takes out those whose words were trimmed or removed.
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
