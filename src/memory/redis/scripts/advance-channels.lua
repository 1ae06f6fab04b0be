-- Moves the cursors of watched channels forwards.
--
-- KEYS  1 talked, 2 cursor (hash)
-- ARGV  1 keep (ms), 2.. channel, cursor pairs
-- @include now
for i = 2, #ARGV, 2 do
  local talked = redis.call('ZSCORE', KEYS[1], ARGV[i])
  local before = redis.call('HGET', KEYS[2], ARGV[i])
  if talked and tonumber(talked) > now - ARGV[1] and before and before < ARGV[i + 1] then
    redis.call('HSET', KEYS[2], ARGV[i], ARGV[i + 1])
  end
end
