-- Lists the registered channels, page by page.
--
-- KEYS  1 talked, 2 about (hash), 3 cursor (hash)
-- ARGV  1 position of the scan (0 at first), 2 approximate page size, 3 retention (ms)
-- Returns the next position (0: the end), then for each channel that has not expired: its id, ms when the bot was last addressed, data,
-- cursor.
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
