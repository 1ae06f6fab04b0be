-- `headOf(own, inbox)`: the first message that is not finished. Gives {dropped, bad, element, turn id, record key, state, owner};
-- no element when nothing waits. `dropped` elements before it are finished or cannot be read, `bad` of them cannot be read.
-- Changes nothing: every key is read before the first write.
-- @include read
local function headOf(own, inbox)
  local dropped, bad = 0, 0
  while true do
    local element = redis.call('LINDEX', inbox, dropped)
    if not element then return {dropped = dropped, bad = bad} end
    local message, generation = read(element)
    if message then
      local key = own .. ':turn:' .. message.turnId
      local held = redis.pcall('HMGET', key, 'state', 'owner')
      -- Something else under the record's name is no record.
      local broken = held.err ~= nil
      local state, owner = not broken and held[1], not broken and held[2]
      if state ~= 'finished' then
        return {
          dropped = dropped, bad = bad, element = element, turnId = message.turnId,
          key = key, generation = generation, broken = broken, state = state, owner = owner or '',
        }
      end
    else
      bad = bad + 1
    end
    dropped = dropped + 1
  end
end
