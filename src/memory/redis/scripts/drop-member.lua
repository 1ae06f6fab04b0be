-- KEYS  1 conversations of a person, a workspace or a place
-- ARGV  1 member, 2 its score as it was read before what it lists was erased
if tonumber(redis.call('ZSCORE', KEYS[1], ARGV[1]) or '-1') == tonumber(ARGV[2]) then redis.call('ZREM', KEYS[1], ARGV[1]) end
