-- Registers a channel, and removes up to 100 expired ones.
--
-- KEYS  1 talked (ZSET channel -> ms when the bot was last addressed), 2 about (hash), 3 cursor (hash)
-- ARGV  1 channel, 2 data about it (JSON), 3 cursor, 4 retention (ms)
-- @include now
for _, id in ipairs(redis.call('ZRANGEBYSCORE', KEYS[1], '-inf', now - ARGV[4], 'LIMIT', 0, 100)) do
  redis.call('ZREM', KEYS[1], id)
  redis.call('HDEL', KEYS[2], id)
  redis.call('HDEL', KEYS[3], id)
end
redis.call('ZADD', KEYS[1], now, ARGV[1])
redis.call('HSET', KEYS[2], ARGV[1], ARGV[2])
local before = redis.call('HGET', KEYS[3], ARGV[1])
if not before or before < ARGV[3] then redis.call('HSET', KEYS[3], ARGV[1], ARGV[3]) end
for i = 1, 3 do redis.call('PEXPIRE', KEYS[i], ARGV[4]) end
