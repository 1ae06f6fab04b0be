-- `count(key, field, by)`: HINCRBY that replaces a value that is not a number, so that it cannot fail for ever.
local function count(key, field, by)
  local sum = redis.pcall('HINCRBY', key, field, by)
  if type(sum) ~= 'table' then return sum end
  if string.find(sum.err, 'WRONGTYPE', 1, true) then redis.call('DEL', key) end
  redis.call('HSET', key, field, by)
  return tonumber(by)
end
