-- `authors(list, inbox)`: the ids of all authors, as removeTurns would find them.
-- @include read
-- @include field
local function authors(list, inbox)
  local found = {}
  for _, element in ipairs(redis.call('LRANGE', list, 0, -1)) do
    local author = fieldOf(element, 'authorId')
    if author then found[author] = true end
  end
  for _, element in ipairs(redis.call('LRANGE', inbox, 0, -1)) do
    local message = read(element)
    if message and type(message.author) == 'table' and type(message.author.id) == 'string' then
      found[message.author.id] = true
    end
  end
  return found
end
