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
  local found = {}
  local listed = redis.pcall('ZRANGEBYSCORE', base .. ':facts', '(' .. string.format('%.0f', now), '+inf', 'WITHSCORES')
  if listed.err then return found end
  for i = 1, #listed, 2 do
    local id = listed[i]
    local text = not string.find(id, ':', 1, true) and redis.pcall('GET', base .. ':fact:' .. id)
    if type(text) == 'string' then
      found[#found + 1] = id
      found[#found + 1] = listed[i + 1]
      found[#found + 1] = text
    end
  end
  return found
end
