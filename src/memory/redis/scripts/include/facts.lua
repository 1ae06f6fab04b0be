-- Facts of a base conversation. `…:facts` is a sorted set of their ids by expiry (ms), with proposals as `proposed:<id>`. Each text has its
-- own key, so that Redis removes it on time. A text has three lines: when it was told (ms), its person (JSON string), the text (JSON string).
--
-- `baseOf(own)`: the person's conversation outside of threads in the same place.
-- `factsOf(base)`, needs `now`: a flat list of id, expiry (ms), text. Writes nothing.
local function baseOf(own)
  if not string.find(own, '}:t-', 1, true) then return own end
  return (string.gsub(own, '}:t%-[^:]*', '}'))
end
local function factsOf(base)
  local found, ids, keys = {}, {}, {}
  local from = '(' .. string.format('%.0f', now)
  local listed = redis.pcall('ZRANGEBYSCORE', base .. ':facts', from, '+inf', 'WITHSCORES', 'LIMIT', 0, 200)
  for i = 1, listed.err and 0 or #listed, 2 do
    if not string.find(listed[i], ':', 1, true) then
      ids[#ids + 1] = i
      keys[#keys + 1] = base .. ':fact:' .. listed[i]
    end
  end
  if #keys == 0 then return found end
  for n, text in ipairs(redis.call('MGET', unpack(keys))) do
    if text then
      found[#found + 1] = listed[ids[n]]
      found[#found + 1] = listed[ids[n] + 1]
      found[#found + 1] = text
    end
  end
  return found
end
