-- Removes the turns of an author, or of one message.
--
-- KEYS  1 conversation, 2 meta, 3 inbox, 4 place index, 5 people, 6 flags
-- ARGV  1 'source' or 'authorId', 2 its value, 3 member of the place index, 4 both as stored
-- Returns {messages removed, waiting messages withdrawn, messages left, expiry (ms)}.
-- @include tombstones
-- @include field
redis.call('LREM', KEYS[1], 0, '')
local size = redis.call('HMGET', KEYS[2], 'bytes', 'sized')
local length = redis.call('LLEN', KEYS[1])
local removed, bytes, turns = 0, 0, {}
for i, element in ipairs(redis.call('LRANGE', KEYS[1], 0, -1)) do
  if hasField(element, ARGV[1], ARGV[2], ARGV[4]) then
    turns[fieldOf(element, 'turn') or ''] = true
    -- Each LREM scans the list, so one call removes all of them.
    redis.call('LSET', KEYS[1], i - 1, '')
    removed = removed + 1
    bytes = bytes + #element
    local source = fieldOf(element, 'source')
    if source then redis.call('SREM', KEYS[1] .. ':sources', source) end
  end
end
if removed > 0 then redis.call('LREM', KEYS[1], 0, '') end
local left = redis.call('LLEN', KEYS[1])
if left == 0 then
  redis.call('HDEL', KEYS[2], 'created', 'turns', 'tokens', 'v', 'bytes', 'sized')
  redis.call('DEL', KEYS[1] .. ':sources')
  redis.call('ZREM', KEYS[4], ARGV[3])
else
  -- Else it is read again with the next turn.
  if removed > 0 and size[2] == tostring(length) and string.match(size[1] or '', '^%d+$') then
    redis.call('HSET', KEYS[2], 'bytes', string.format('%.0f', size[1] - bytes), 'sized', left)
  end
  local count = 0
  for _ in pairs(turns) do count = count + 1 end
  if count > 0 and redis.call('EXISTS', KEYS[2]) == 1 then redis.call('HINCRBY', KEYS[2], 'turns', -count) end
end
local waiting = forgetWaiting(KEYS[1], KEYS[3], function(message)
  if ARGV[1] == 'source' then return message.id == ARGV[2] end
  return type(message.author) == 'table' and message.author.id == ARGV[2]
end)
if ARGV[1] == 'authorId' then redis.pcall('ZREM', KEYS[5], ARGV[2]) end
if left == 0 and not anyWaits(KEYS[3]) then redis.call('DEL', KEYS[6]) end
return {removed, waiting, left, redis.call('PEXPIRETIME', KEYS[1])}
