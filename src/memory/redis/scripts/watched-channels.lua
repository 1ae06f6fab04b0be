-- KEYS  1 talked, 2 about (hash), 3 cursor (hash)
-- ARGV  1 position of the scan (0 at first), 2 how many, about, 3 keep (ms)
-- gives the position to go on at (0: that was all), then for each channel that is not overdue: its id, ms of the last talk, what
-- is known of it, its cursor
-- @include now
local scanned = redis.call('ZSCAN', KEYS[1], ARGV[1], 'COUNT', ARGV[2])
local found = { scanned[1] }
for i = 1, #scanned[2], 2 do
  local id, talked = scanned[2][i], scanned[2][i + 1]
  if tonumber(talked) > now - ARGV[3] then
    found[#found + 1] = { id, talked, redis.call('HGET', KEYS[2], id), redis.call('HGET', KEYS[3], id) }
  end
end
return found
