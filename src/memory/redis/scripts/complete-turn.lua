-- Removes the turn from the inbox, closes its record, and makes another token the owner of the next turn. Idempotent: the same call
-- returns the same result again.
--
-- KEYS  1 conversation, 2 inbox, 3 people, 4 the pending index, if it is on the same server
-- ARGV  1 token, 2 turn id, 3 token for the next turn, or '', 4 minimum TTL of the conversation (s),
--       5 messages to return, 6 session id
-- Returns {'fenced'} | {'left', messages waiting} | {'claimed', bad, ... the result of take}
-- @include take
-- @include listed
local own, inbox, token, nextToken = KEYS[1], KEYS[2], ARGV[1], ARGV[3]
local function claimNext(head)
  if not head.element or nextToken == '' or (head.owner ~= '' and head.owner ~= nextToken) then
    local waiting = redis.call('LLEN', inbox)
    if waiting == 0 and KEYS[4] then redis.call('ZREM', KEYS[4], ARGV[6]) end
    return {'left', waiting}
  end
  -- The claim will index the authors that are not indexed for long enough.
  if unlisted(own, KEYS[3], now + math.max(86400, ARGV[4]) * 1000) then return {'left', redis.call('LLEN', inbox)} end
  return {'claimed', head.bad, unpack(take(own, inbox, head, nextToken, ARGV[4], ARGV[5]))}
end
local record = own .. ':turn:' .. ARGV[2]
local held = redis.call('HMGET', record, 'state', 'owner')
if held[2] ~= token then return {'fenced'} end
if held[1] ~= 'finished' then
  local first = redis.call('LINDEX', inbox, 0)
  local message = first and read(first)
  redis.call('HDEL', record, 'answer', 'followers')
  if message and message.turnId == ARGV[2] then redis.call('LPOP', inbox) end
  -- Keeps the owner, so that a repeated call is recognised.
  redis.call('HSET', record, 'state', 'finished')
  redis.call('EXPIRE', record, 3600)
end
return claimNext(headOf(own, inbox))
