-- Notes conversations as pending.
--
-- KEYS  1 pending (ZSET session id -> when to look at it, in microseconds)
-- ARGV  session ids
-- @include now
-- @include pending
for _, session in ipairs(ARGV) do note(KEYS[1], session) end
