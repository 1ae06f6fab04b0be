-- Makes a token the owner of the turn at the head of the inbox, if it has the expected owner. Idempotent: the same call returns the
-- same turn again.
--
-- KEYS  1 conversation, 2 inbox, 3 people, 4 the pending index, if it is on the same server
-- ARGV  1 token, 2 expected owner, or '' for none, 3 minimum TTL of the conversation (s),
--       4 messages to return, 5 '1': only if all authors are indexed for long enough, 6 session id
-- Returns {'unlisted', ms} | {'empty', bad} | {'owned', owner} | {'claimed', bad, ... the result of take}
-- @include take
-- @include listed
local own, inbox, token = KEYS[1], KEYS[2], ARGV[1]
local head = headOf(own, inbox)
if not head.element then
  if head.dropped > 0 then redis.call('LPOP', inbox, head.dropped) end
  if KEYS[4] then redis.call('ZREM', KEYS[4], ARGV[6]) end
  return {'empty', head.bad}
end
if head.owner ~= token and head.owner ~= ARGV[2] then return {'owned', head.owner} end
if ARGV[5] == '1' then
  local short = unlisted(own, KEYS[3], now + math.max(86400, ARGV[3]) * 1000)
  if short then return short end
end
return {'claimed', head.bad, unpack(take(own, inbox, head, token, ARGV[3], ARGV[4]))}
