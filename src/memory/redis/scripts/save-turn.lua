-- Sets fields of a turn record.
--
-- KEYS  1 turn record
-- ARGV  1 token, 2.. field, value pairs to set on the record
-- Returns 1, or 0 if fenced.
if redis.call('HGET', KEYS[1], 'owner') ~= ARGV[1] then return 0 end
for i = 2, #ARGV, 2 do redis.call('HSET', KEYS[1], ARGV[i], ARGV[i + 1]) end
return 1
