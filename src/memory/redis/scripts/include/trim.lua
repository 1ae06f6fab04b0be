-- `trim(own, meta, length, bounds)`: after a turn was added, removes the oldest turns until the conversation is within its bounds, but never
-- the new turn. Updates `sources`, the ids of the messages, and the size in `meta`: `bytes`, and `sized`, the number of messages that
-- both cover. Returns the number of messages left.
--
-- `bounds`: `messages`, `bytes`; `since`: older turns have expired (ms); `added`: bytes of the new turn's elements; `source`: the id of its
-- message, if it can be read.
-- @include said
-- @include field
local function measure(own, sources)
  redis.call('DEL', sources)
  local bytes, last = 0, nil
  for _, element in ipairs(redis.call('LRANGE', own, 0, -1)) do
    bytes = bytes + #element
    local source = fieldOf(element, 'source')
    if source and source ~= last then redis.call('SADD', sources, source) end
    last = source
  end
  return bytes
end
local function trim(own, meta, length, bounds)
  local sources = own .. ':sources'
  local size = redis.call('HMGET', meta, 'bytes', 'sized')
  local bytes = string.match(size[1] or '', '^%d+$')
  if bytes and size[2] == tostring(length - 2) then
    bytes = bytes + bounds.added
    if bounds.source then redis.call('SADD', sources, bounds.source) end
  else
    -- An earlier version or another program wrote to it.
    bytes = measure(own, sources)
  end
  -- A corrupt element expires with the message after it.
  local function isOver(from)
    for i = from, length - 3 do
      local at = said(redis.call('LINDEX', own, i))
      if at then return at <= bounds.since end
    end
    return false
  end
  local dropped = 0
  local function drop(element)
    bytes = bytes - #element
    local source = fieldOf(element, 'source')
    if source and source ~= bounds.source then redis.call('SREM', sources, source) end
    dropped = dropped + 1
  end
  while dropped < length - 2 and (length - dropped > bounds.messages or bytes > bounds.bytes or isOver(dropped)) do
    drop(redis.call('LINDEX', own, dropped))
    local other = redis.call('LINDEX', own, dropped)
    if dropped < length - 2 and string.find(other, '{"role":"assistant"', 1, true) == 1 then drop(other) end
  end
  if dropped > 0 then redis.call('LTRIM', own, dropped, -1) end
  redis.call('HSET', meta, 'bytes', string.format('%.0f', bytes), 'sized', length - dropped)
  return length - dropped
end
