-- Replaces the text of a waiting message, and its files if they are given, or withdraws it.
--
-- KEYS  1 conversation, 2 inbox
-- ARGV  1 source, 2 the new text (JSON string), or '' to withdraw the message, 3 when it was edited (ms), 4 the source as elements
--       have it, 5 the new files (JSON), or '' to leave them
-- gives {'amended'} | {'running'} | {'unknown'} | {'stored', the element that has the text to be replaced}
-- @include read
-- @include field
for i, element in ipairs(redis.call('LRANGE', KEYS[2], 0, -1)) do
  local message, gen, skeleton = read(element)
  if message and message.id == ARGV[1] then
    local record = KEYS[1] .. ':turn:' .. message.turnId
    local held = redis.call('HMGET', record, 'state', 'editedAt')
    local state = held[1]
    if state == 'forgotten' or (not state and isTombstone(element)) then return {'unknown'} end
    local waits = not state or state == 'queued'
    if ARGV[2] == '' then
      if not waits then return {'running'} end
      redis.call('LSET', KEYS[2], i - 1, tombstone(gen, skeleton))
      redis.call('HSET', record, 'state', 'forgotten', 'outcome', 'forgotten')
      redis.call('EXPIRE', record, 86400, 'NX')
      return {'amended'}
    end
    local before = tonumber(held[2] or nil) or tonumber(message.editedAt or nil) or 0
    if tonumber(ARGV[3]) >= before then
      -- A message that waits since before files had a line of their own has none.
      local aside, files = string.match(element, '^[^\n]*\n[^\n]*\n[^\n]*\n([^\n]*)(.*)$')
      if ARGV[5] ~= '' then files = '\n' .. ARGV[5] end
      redis.call('LSET', KEYS[2], i - 1, gen .. '\n' .. skeleton .. '\n' .. ARGV[2] .. '\n' .. aside .. files)
      -- The commit writes the text that the inbox has then.
      redis.call('HSET', record, 'editedAt', ARGV[3])
      redis.call('EXPIRE', record, 86400, 'NX')
    end
    if waits then return {'amended'} end
    if state == 'running' then return {'running'} end
    break
  end
end
if ARGV[2] == '' then return {'unknown'} end
for _, element in ipairs(redis.call('LRANGE', KEYS[1], 0, -1)) do
  if hasField(element, 'source', ARGV[1], ARGV[4]) and fieldOf(element, 'role') == 'user' then return {'stored', element} end
end
return {'unknown'}
