local function addToTotal(messages)
  if type(redis.pcall('INCRBY', KEYS[3], messages)) == 'table' then redis.call('SET', KEYS[3], 0) end
end
local function lengthOf(session) return tonumber(redis.call('HGET', KEYS[2], session) or '0') or 0 end
local function drop(session)
  local length = lengthOf(session)
  redis.call('HDEL', KEYS[2], session)
  redis.call('ZREM', KEYS[1], session)
  if length ~= 0 then addToTotal(-length) end
end
