-- Stores a message, and makes a token the owner of its turn if nothing else waits.
--
-- KEYS  1 conversation, 2 inbox, 3 turn record, 4 people, 5.. the pending index if ARGV 11 is '1', then seen keys
-- ARGV  1 the element's lines after its first, 2 turn id, 3 session id, 4 maximum of waiting messages, 5 author's id,
--       6 milliseconds for which the author was just indexed, or '', 7 process that follows the turn, or '',
--       8 token, or '', 9 minimum TTL of the conversation (s), 10 messages to return, 11 '1' or ''
-- Returns {'duplicate', '<turn> <session>', state or '', owner or ''} | {'full', waiting} | {'unlisted', ms}
--         | {'queued', ahead, head's owner or ''} | {'claimed', ... the result of take}
-- @include now
-- @include listed
-- @include take
-- @include pending
local own, inbox, record, people = KEYS[1], KEYS[2], KEYS[3], KEYS[4]
local turnId, session, author, token = ARGV[2], ARGV[3], ARGV[5], ARGV[8]
local index = ARGV[11] == '1' and KEYS[5]
local first = index and 6 or 5
if token ~= '' and redis.pcall('HGET', record, 'owner') == token then
  -- The same call again, because its response was lost.
  return {'claimed', unpack(take(own, inbox, headOf(own, inbox), token, ARGV[9], ARGV[10]))}
end
local known
for i = first, #KEYS do
  known = redis.call('GET', KEYS[i])
  if known and string.match(known, '^[%w._-]+ {%l[%l%d]*:[^%s{}]+}[^%s{}]*$') then break end
  known = nil
end
if not known and redis.call('EXISTS', record) == 1 then known = turnId .. ' ' .. session end
if known then
  local turn, where = string.match(known, '^(%S+) (%S+)$')
  local key = string.sub(own, 1, #own - #session) .. where .. ':turn:' .. turn
  local held = redis.pcall('HMGET', key, 'state', 'owner')
  local state, owner = held[1] or '', held[2] or ''
  for i = first, #KEYS do redis.call('SET', KEYS[i], known, 'NX', 'EX', 86400) end
  if index and state ~= '' and state ~= 'finished' then mark_pending(index, where) end
  return {'duplicate', known, state, owner}
end
local ahead = redis.call('LLEN', inbox)
if ahead >= tonumber(ARGV[4]) then return {'full', ahead} end
local head = headOf(own, inbox)
local waits = now + math.max(86400, ARGV[9]) * 1000
local stranger = redis.call('EXISTS', own) == 1 and unlisted(own, people, 0)
if stranger then return {'unlisted', waits - now} end
if ARGV[6] ~= '' then
  mark(people, author, now + ARGV[6])
elseif not redis.call('ZSCORE', people, author) then
  return {'unlisted', waits - now}
end
local short = unlisted(own, people, waits)
if short then return short end
local generation = redis.pcall('HGET', own .. ':meta', 'gen')
if type(generation) == 'string' and not string.match(generation, '^%d+$') then
  generation = redis.call('TIME')[1]
  redis.call('HSET', own .. ':meta', 'gen', generation)
end
if type(generation) ~= 'string' then generation = '0' end
local element = generation .. '\n' .. ARGV[1]
redis.call('RPUSH', inbox, element)
redis.call('EXPIRE', inbox, 86400)
for i = first, #KEYS do redis.call('SET', KEYS[i], turnId .. ' ' .. session, 'EX', 86400) end
redis.call('HSET', record, 'state', 'queued')
if generation ~= '0' then
  redis.call('HSET', record, 'generation', generation)
  redis.call('EXPIRE', own .. ':meta', 604800, 'GT')
end
if ARGV[7] ~= '' then redis.call('HSET', record, 'followers', ARGV[7]) end
redis.call('EXPIRE', record, 86400)
if index then mark_pending(index, session) end
if head.element or token == '' then return {'queued', ahead - head.dropped, head.owner or ''} end
head.element, head.turnId, head.key, head.state, head.owner = element, turnId, record, 'queued', ''
return {'claimed', unpack(take(own, inbox, head, token, ARGV[9], ARGV[10]))}
