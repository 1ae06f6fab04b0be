-- `forgetWaiting(base, inbox, matches)`: removes the text of waiting messages. Returns how many will not be answered.
-- `anyWaits(inbox)`: whether any message still has its text.
-- @include read
local function forgetWaiting(base, inbox, matches)
  local waiting = 0
  for i, element in ipairs(redis.call('LRANGE', inbox, 0, -1)) do
    local message, gen, skeleton = read(element)
    if message and matches(message) then
      local record = base .. ':turn:' .. message.turnId
      local state = redis.call('HGET', record, 'state')
      if state == 'queued' or state == 'running' or (not state and not isTombstone(element)) then waiting = waiting + 1 end
      redis.call('LSET', inbox, i - 1, tombstone(gen, skeleton))
      if state ~= 'finished' then
        redis.call('HSET', record, 'state', 'forgotten', 'outcome', 'forgotten')
        redis.call('HDEL', record, 'answer', 'code', 'stopped')
        redis.call('EXPIRE', record, 86400, 'NX')
      end
    elseif not message then
      redis.call('LSET', inbox, i - 1, '')
    end
  end
  return waiting
end
local function anyWaits(inbox)
  for _, element in ipairs(redis.call('LRANGE', inbox, 0, -1)) do
    if element ~= '' and not isTombstone(element) then return true end
  end
  return false
end
