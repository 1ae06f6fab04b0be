-- Returns the pending conversations to scan now, and schedules the next scan in 2 s. A score too far in the future comes from a clock
-- that was set back, so it is due as well.
--
-- KEYS  1 pending
-- ARGV  1 maximum number
-- Returns a flat list of session id, new score pairs.
-- @include now
local format = '%.0f'
local due = redis.call('ZRANGEBYSCORE', KEYS[1], '-inf', string.format(format, micros), 'LIMIT', 0, ARGV[1])
if #due < tonumber(ARGV[1]) then
  local far = string.format('(' .. format, micros + 5000000)
  for _, session in ipairs(redis.call('ZRANGEBYSCORE', KEYS[1], far, '+inf', 'LIMIT', 0, ARGV[1] - #due)) do
    due[#due + 1] = session
  end
end
local score, found = string.format(format, micros + 2000000), {}
for _, session in ipairs(due) do
  redis.call('ZADD', KEYS[1], score, session)
  found[#found + 1] = session
  found[#found + 1] = score
end
return found
