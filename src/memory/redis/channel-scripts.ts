/** The scripts on the registry of channels. Cursors have leading zeros, so texts compare as numbers do. */

const NOW = `
local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
`;

/**
 * KEYS  1 talked (ZSET channel -> ms of the last talk), 2 about (hash), 3 cursor (hash)
 * ARGV  1 channel, 2 what is known of it (JSON), 3 cursor, 4 keep (ms)
 * Takes out up to 100 channels that are overdue as well.
 */
const watchChannel = `${NOW}
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
`;

/**
 * KEYS  1 talked, 2 cursor (hash)
 * ARGV  1 keep (ms), 2.. channel, cursor pairs
 */
const advanceChannels = `${NOW}
for i = 2, #ARGV, 2 do
  local talked = redis.call('ZSCORE', KEYS[1], ARGV[i])
  local before = redis.call('HGET', KEYS[2], ARGV[i])
  if talked and tonumber(talked) > now - ARGV[1] and before and before < ARGV[i + 1] then
    redis.call('HSET', KEYS[2], ARGV[i], ARGV[i + 1])
  end
end
`;

/**
 * KEYS  1 talked, 2 about (hash), 3 cursor (hash)
 * ARGV  1 position of the scan (0 at first), 2 how many, about, 3 keep (ms)
 * gives the position to go on at (0: that was all), then for each channel that is not overdue: its id, ms of the last talk, what
 * is known of it, its cursor
 */
const watchedChannels = `${NOW}
local scanned = redis.call('ZSCAN', KEYS[1], ARGV[1], 'COUNT', ARGV[2])
local found = { scanned[1] }
for i = 1, #scanned[2], 2 do
  local id, talked = scanned[2][i], scanned[2][i + 1]
  if tonumber(talked) > now - ARGV[3] then
    found[#found + 1] = { id, talked, redis.call('HGET', KEYS[2], id), redis.call('HGET', KEYS[3], id) }
  end
end
return found
`;

export const CHANNEL_SCRIPTS = {
  watchChannel: { lua: watchChannel, numberOfKeys: 3 },
  advanceChannels: { lua: advanceChannels, numberOfKeys: 2 },
  watchedChannels: { lua: watchedChannels, numberOfKeys: 3 },
} as const;
