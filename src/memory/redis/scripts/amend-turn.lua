-- KEYS  1 conversation, 2 inbox
-- ARGV  1 source, 2 the new text (JSON string), or '' to withdraw the message
-- gives 'amended' | 'running' | 'unknown'
-- @include read
for i, element in ipairs(redis.call('LRANGE', KEYS[2], 0, -1)) do
  local message, gen, skeleton = read(element)
  if message and message.id == ARGV[1] then
    local record = KEYS[1] .. ':turn:' .. message.turnId
    local state = redis.call('HGET', record, 'state')
    if state == 'forgotten' or (not state and isTombstone(element)) then return 'unknown' end
    if state and state ~= 'queued' then return 'running' end
    if ARGV[2] == '' then
      redis.call('LSET', KEYS[2], i - 1, tombstone(gen, skeleton))
      redis.call('HSET', record, 'state', 'forgotten', 'outcome', 'forgotten')
      redis.call('EXPIRE', record, 86400, 'NX')
    else
      local rest = string.match(element, '([^\n]*)$')
      redis.call('LSET', KEYS[2], i - 1, gen .. '\n' .. skeleton .. '\n' .. ARGV[2] .. '\n' .. rest)
    end
    return 'amended'
  end
end
return 'unknown'
