-- `authors(list, inbox)`: the ids of all who have words there, as removeTurns would find them.
-- @include read
local function authors(list, inbox)
  local found = {}
  for _, element in ipairs(redis.call('LRANGE', list, 0, -1)) do
    local ok, message = pcall(cjson.decode, element)
    if ok and type(message) == 'table' and type(message.authorId) == 'string' then found[message.authorId] = true end
  end
  for _, element in ipairs(redis.call('LRANGE', inbox, 0, -1)) do
    local message = read(element)
    if message and type(message.author) == 'table' and type(message.author.id) == 'string' then
      found[message.author.id] = true
    end
  end
  return found
end
