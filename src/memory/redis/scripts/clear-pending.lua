-- KEYS  1 pending
-- ARGV  1 session id, 2 its score as it was read before the inbox was seen empty
-- gives 1 when the note was cleared, 0 when a newer message keeps it
if tonumber(redis.call('ZSCORE', KEYS[1], ARGV[1]) or '-1') ~= tonumber(ARGV[2]) then return 0 end
return redis.call('ZREM', KEYS[1], ARGV[1])
