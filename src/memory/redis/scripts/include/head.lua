-- `headOf(own, inbox)`: the first message that is not finished. Returns {dropped, bad, element, turn id, record key, state, owner};
-- no element if nothing waits. `dropped`: elements before it that are finished or corrupt; `bad`: how many of them are corrupt.
-- Writes nothing, because scripts must read all keys before their first write.
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
      -- A key of another type is not a record.
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
