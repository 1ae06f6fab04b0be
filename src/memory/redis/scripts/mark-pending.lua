-- Marks conversations as pending.
--
-- KEYS  1 pending (ZSET session id -> time of the next scan, in microseconds)
-- ARGV  session ids
-- @include now
-- @include pending
for _, session in ipairs(ARGV) do mark_pending(KEYS[1], session) end
