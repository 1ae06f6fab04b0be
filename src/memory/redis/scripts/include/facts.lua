-- Facts of a base conversation: `…:facts` is a sorted set of their ids by when they expire (ms), a proposed one as `proposed:<id>`;
-- the text of each is a key of its own, so that Redis removes it on time. A text is three lines: when it was said (ms), whose
-- it is (JSON string), what was said (JSON string).
--
-- `baseOf(own)`: the conversation outside any thread that the thread `own` belongs to; else itself.
-- `factsOf(base)`, behind NOW: id, expiry (ms), text of each that is kept, as a flat list. Changes nothing.
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
