-- Gives conversations that are to be looked at now, and has them looked at again in 2 s. A score further away than any note
-- makes one comes from a clock that was set back: it is due, too.
--
-- KEYS  1 pending
-- ARGV  1 how many at most
-- gives session id, score pairs as a flat list; the scores are the new ones
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
