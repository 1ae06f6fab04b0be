-- Which conversations of a place have a message: a few steps for each that lives, whatever it holds.
--
-- KEYS  1 place index
-- ARGV  1 what the names of the place's conversations begin with, 2 source, 3 the id as it is stored with a message that waits
-- gives members of the place index; those that an earlier version wrote to, too, whose messages are not listed
-- @include now
local found = {}
local function has(own)
  if redis.pcall('SISMEMBER', own .. ':sources', ARGV[2]) == 1 then return true end
  local length = redis.call('LLEN', own)
  if length > 0 and redis.call('HGET', own .. ':meta', 'sized') ~= tostring(length) then return true end
  for _, element in ipairs(redis.call('LRANGE', own .. ':inbox', 0, -1)) do
    if string.find(element, ARGV[3], 1, true) then return true end
  end
end
for _, member in ipairs(redis.call('ZRANGEBYSCORE', KEYS[1], now, '+inf')) do
  if has(ARGV[1] .. member) then found[#found + 1] = member end
end
return found
