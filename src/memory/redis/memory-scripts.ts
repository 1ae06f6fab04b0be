/** The scripts that forget, remove and time a conversation; scripts.ts says what all of them keep to. */
import { CHOICE, LISTED, LISTING, NOW, TOMBSTONES } from './lua.ts';

/**
 * KEYS  1 conversation, 2 meta, 3 inbox, 4 generation, 5 place index, 6 people, 7 notes
 * ARGV  1 member of the place index, 2 keep of gen (s)
 * gives {messages erased, waiting ones withdrawn}
 */
export const forgetConversation = `${TOMBSTONES}
local messages = tonumber(redis.pcall('LLEN', KEYS[1])) or 0
redis.call('DEL', KEYS[1], KEYS[2], KEYS[6], KEYS[7])
if type(redis.pcall('INCR', KEYS[4])) == 'table' then redis.call('SET', KEYS[4], redis.call('TIME')[1]) end
redis.call('EXPIRE', KEYS[4], ARGV[2])
redis.call('ZREM', KEYS[5], ARGV[1])
return {messages, forgetWaiting(KEYS[1], KEYS[3], function() return true end)}
`;

/**
 * KEYS  1 conversation, 2 meta, 3 inbox, 4 place index, 5 people, 6 notes
 * ARGV  1 'source' or 'authorId', 2 its value, 3 member of the place index
 * gives {messages removed, waiting ones withdrawn, messages left, expiry (ms)}
 */
export const removeTurns = `${TOMBSTONES}
redis.call('LREM', KEYS[1], 0, '')
local removed, turns = 0, {}
for _, element in ipairs(redis.call('LRANGE', KEYS[1], 0, -1)) do
  local ok, message = pcall(cjson.decode, element)
  if ok and type(message) == 'table' and message[ARGV[1]] == ARGV[2] then
    removed = removed + redis.call('LREM', KEYS[1], 1, element)
    turns[message.turn or ''] = true
  end
end
local left = redis.call('LLEN', KEYS[1])
if left == 0 then
  redis.call('DEL', KEYS[2])
  redis.call('ZREM', KEYS[4], ARGV[3])
else
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
`;

/**
 * KEYS  1 conversation, 2 meta, 3 ttl choice, 4 ttl choice of the place, 5 place index, 6 people
 * ARGV  1 seconds or '' (takes the choice back), 2 remember ('1' or ''), 3 default ttl (s), 4 keep of a choice (s),
 *       5 member of the place index, 6 whose own conversation it is, or '', 7 '1': only if it has no choice of its own
 * gives {choice or '', milliseconds left (-2: no conversation; -1: it has a choice of its own), expiry (ms) if there is one, messages} | {'unlisted', ms}
 */
export const setTtl = `${NOW}${CHOICE}${LISTING}${LISTED}
local seconds, remember = tonumber(ARGV[1]), ARGV[2] ~= ''
local chosen = choiceOf(redis.call('GET', KEYS[3]))
if ARGV[7] == '1' and chosen then return {ARGV[1], -1, 0, 0} end
if remember then chosen = seconds end
local choice = chosen or (KEYS[3] ~= KEYS[4] and choiceOf(redis.call('GET', KEYS[4])) or nil)
local ttl = seconds or choice or tonumber(ARGV[3])
local expiry = now + ttl * 1000
local kept = seconds and remember and math.max(tonumber(ARGV[4]), 2 * seconds)
local who = kept and ARGV[6] ~= '' and ARGV[6] or nil
local needed = redis.call('EXISTS', KEYS[1]) == 1 and expiry or 0
if who then needed = math.max(needed, now + kept * 1000) end
local short = needed > 0 and unlisted(KEYS[1], KEYS[6], needed, who)
if short then return short end
if kept then redis.call('SET', KEYS[3], ARGV[1], 'EX', kept) elseif remember then redis.call('DEL', KEYS[3]) end
if redis.call('PEXPIREAT', KEYS[1], expiry) == 1 then
  list(KEYS[2], KEYS[5], ARGV[5], expiry, ttl)
end
return {choice and string.format('%d', choice) or '', redis.call('PTTL', KEYS[1]), expiry, redis.call('LLEN', KEYS[1])}
`;
