-- `trim(own, meta, length, bounds)`: after a turn was added, removes the oldest turns until the conversation is within its bounds, but never
-- the new turn. Updates the size in `meta`: `bytes`, and `sized`, the number of messages it covers. Returns the number of messages left.
--
-- `bounds`: `messages`, `bytes`; `since`: older turns have expired (ms); `added`: bytes of the new turn's elements.
-- @include said
local function sizeOf(own)
  local bytes = 0
  for _, element in ipairs(redis.call('LRANGE', own, 0, -1)) do bytes = bytes + #element end
  return bytes
end
local function trim(own, meta, length, bounds)
  local size = redis.call('HMGET', meta, 'bytes', 'sized')
  local bytes = string.match(size[1] or '', '^%d+$')
  -- Otherwise it is counted again: an earlier version wrote to it, or something was removed.
  if bytes and size[2] == tostring(length - 2) then bytes = bytes + bounds.added else bytes = sizeOf(own) end
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
