-- Removes a conversation from an index, unless it was added again after the score was read.
--
-- KEYS  1 conversations of a person, a workspace or a place
-- ARGV  1 member, 2 its score, read before the conversation was erased
if tonumber(redis.call('ZSCORE', KEYS[1], ARGV[1]) or '-1') == tonumber(ARGV[2]) then redis.call('ZREM', KEYS[1], ARGV[1]) end
