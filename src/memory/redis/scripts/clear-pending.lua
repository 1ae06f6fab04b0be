-- Clears the pending mark of a conversation, unless a message came after the score was read.
--
-- KEYS  1 pending
-- ARGV  1 session id, 2 its score, read before the inbox was seen empty
-- Returns 1 if the mark was cleared, else 0.
if tonumber(redis.call('ZSCORE', KEYS[1], ARGV[1]) or '-1') ~= tonumber(ARGV[2]) then return 0 end
return redis.call('ZREM', KEYS[1], ARGV[1])
