/** The scripts of the turn protocol (docs/turns.md); scripts.ts says what all of them keep to. */
import { KEEP_CHOICE_S, KEEP_GENERATION_S, KEEP_S } from './keep.ts';
import { CHOICE, COUNT, LISTING, NOW, READ_HEAD, TOUCH } from './lua.ts';

/**
 * KEYS  1 conversation, 2 inbox, 3 generation, 4 turn record, 5.. seen keys
 * ARGV  1 the element's lines after the generation, 2 turn id, 3 session id, 4 most waiting, 5 keep (s), 6 keep of gen (s)
 * gives {'duplicate', '<turn> <session>', waiting} | {'full', waiting} | {'queued', ahead}
 */
export const offerTurn = `
local known
for i = 5, #KEYS do
  known = redis.call('GET', KEYS[i])
  if known and string.match(known, '^[%w._-]+ {%l[%l%d]*:[^%s{}]+}[^%s{}]*$') then break end
  known = nil
end
if not known and redis.call('EXISTS', KEYS[4]) == 1 then known = ARGV[2] .. ' ' .. ARGV[3] end
if known then
  for i = 5, #KEYS do redis.call('SET', KEYS[i], known, 'NX', 'EX', ARGV[5]) end
  return {'duplicate', known, redis.call('LLEN', KEYS[2])}
end
local ahead = redis.call('LLEN', KEYS[2])
if ahead >= tonumber(ARGV[4]) then return {'full', ahead} end
local gen = redis.call('GET', KEYS[3]) or '0'
if not string.match(gen, '^%d+$') then
  gen = redis.call('TIME')[1]
  redis.call('SET', KEYS[3], gen)
end
redis.call('RPUSH', KEYS[2], gen .. '\\n' .. ARGV[1])
redis.call('EXPIRE', KEYS[2], ARGV[5])
redis.call('EXPIRE', KEYS[3], ARGV[6])
for i = 5, #KEYS do redis.call('SET', KEYS[i], ARGV[2] .. ' ' .. ARGV[3], 'EX', ARGV[5]) end
redis.call('HSET', KEYS[4], 'state', 'queued', 'gen', gen)
redis.call('EXPIRE', KEYS[4], ARGV[5])
return {'queued', ahead}
`;

/**
 * KEYS  1 conversation, 2 inbox, 3 fence
 * ARGV  1 keep (s), 2 seconds that what is remembered is to live at least, if the model is still to see it, 3 how many
 *       messages the caller knows of, or ''
 * gives {bad elements dropped} when empty | {bad, fence, element, record as flat list, 1 when what is remembered lives
 * longer now, messages, newest message if they are as many as known, else ''}
 */
export const takeTurn = `${READ_HEAD}${NOW}${COUNT}
local bad = 0
while true do
  local head = redis.call('LINDEX', KEYS[2], 0)
  if not head then return {bad} end
  local message = read(head)
  local record = message and (KEYS[1] .. ':turn:' .. message.turnId)
  local state = record and redis.pcall('HGET', record, 'state')
  if type(state) == 'table' then
    redis.call('DEL', record)
    state = nil
  end
  if not message then
    redis.call('LPOP', KEYS[2])
    bad = bad + 1
  elseif state == 'finished' then
    redis.call('LPOP', KEYS[2])
  else
    redis.call('EXPIRE', KEYS[2], ARGV[1])
    local fence = redis.pcall('INCR', KEYS[3])
    if type(fence) == 'table' or fence > 2 ^ 53 then
      fence = now
      redis.call('SET', KEYS[3], string.format('%.0f', fence))
    end
    redis.call('EXPIRE', KEYS[3], ARGV[1])
    if state == 'running' then count(record, 'takeovers', 1) end
    if not state or state == 'queued' then redis.call('HSET', record, 'state', 'running') end
    redis.call('HSETNX', record, 'startedAt', now)
    count(record, 'attempt', 1)
    redis.call('HSET', record, 'fence', fence)
    redis.call('EXPIRE', record, ARGV[1])
    local extended = 0
    if not state or state == 'queued' or state == 'running' then extended = redis.call('EXPIRE', KEYS[1], ARGV[2], 'GT') end
    local messages, newest = redis.pcall('LLEN', KEYS[1]), ''
    if type(messages) == 'table' then messages = -1 end
    if messages > 0 and messages == tonumber(ARGV[3]) then newest = redis.call('LINDEX', KEYS[1], -1) end
    return {bad, fence, head, redis.call('HGETALL', record), extended, messages, newest}
  end
end
`;

/**
 * KEYS  1 fence, 2 turn record
 * ARGV  1 the lease's fence, 2.. field, value pairs to set on the record
 * gives 1, or 0 when fenced
 */
export const writeRecord = `
if redis.call('GET', KEYS[1]) ~= ARGV[1] then return 0 end
for i = 2, #ARGV, 2 do redis.call('HSET', KEYS[2], ARGV[i], ARGV[i + 1]) end
return 1
`;

/**
 * KEYS  1 fence, 2 turn record
 * ARGV  1 the lease's fence
 * gives the failures counted, or -1 when fenced
 */
export const countFailure = `${COUNT}
if redis.call('GET', KEYS[1]) ~= ARGV[1] then return -1 end
return count(KEYS[2], 'failures', 1)
`;

/**
 * KEYS  1 fence, 2 turn record
 * ARGV  1 the lease's fence, 2 the state asked for ('queued' hands back, 'failed' ends), 3 code or ''
 * gives 1, or 0 when fenced; a settled turn stays as it is
 */
export const settleTurn = `
if redis.call('GET', KEYS[1]) ~= ARGV[1] then return 0 end
local state = redis.call('HGET', KEYS[2], 'state')
if state ~= 'running' and state ~= 'queued' then return 1 end
redis.call('HDEL', KEYS[2], 'answer')
redis.call('HSET', KEYS[2], 'state', ARGV[2])
if ARGV[3] ~= '' then redis.call('HSET', KEYS[2], 'outcome', ARGV[2], 'code', ARGV[3]) end
return 1
`;

/**
 * The keys and arguments that commitTurn and appendTurn have in common are numbered alike in both. Each call costs Redis about
 * a microsecond and each write another two, so what only has to be done once in a conversation's life is done at its first
 * turn, and what only has to outlive the conversation is given more time than that, and not by each turn. Lua spells a
 * number anew, as a fraction, for each call that it is handed to, which costs another: so an expiry is handed on as text.
 */
const REMEMBER = `${CHOICE}${COUNT}${LISTING}
local function remember(gen, choices, listed)
  local pushed = redis.call('RPUSH', KEYS[1], ARGV[2], ARGV[3])
  local function keepOf(choice) return math.max(${KEEP_CHOICE_S}, 2 * choice) end
  local ttl
  local kept = 0
  local asked = tonumber(ARGV[7])
  if asked and asked >= tonumber(ARGV[6]) then
    kept = keepOf(asked)
    redis.call('SET', KEYS[4], ARGV[7], 'EX', kept)
    ttl = asked
  else
    for i = 1, 2 do
      local choice = choiceOf(choices[i])
      if choice then
        redis.call('EXPIRE', KEYS[3 + i], keepOf(choice))
        kept = math.max(kept, keepOf(choice))
        ttl = ttl or choice
      end
    end
    ttl = asked or ttl or tonumber(ARGV[5])
  end
  local expiry = now + ttl * 1000
  local at = string.format('%.0f', expiry)
  local most = tonumber(ARGV[4])
  if pushed > most then redis.call('LTRIM', KEYS[1], -most, -1) end
  redis.call('PEXPIREAT', KEYS[1], at)
  if pushed == 2 then redis.call('DEL', KEYS[2]) end
  local begun = count(KEYS[2], 'turns', '1') == 1
  count(KEYS[2], 'tokens', ARGV[8])
  if begun then
    redis.call('HSETNX', KEYS[2], 'created', now)
    redis.call('HSET', KEYS[2], 'v', '1')
  end
  if gen then redis.call('EXPIRE', KEYS[3], '${KEEP_GENERATION_S}') end
  if begun or expiry > listed then listed = list(KEYS[2], KEYS[8], ARGV[9], expiry, ttl) end
  return {pushed, expiry, math.max(ttl, kept), listed}
end
`;

/**
 * KEYS  1 conversation, 2 meta, 3 generation, 4 ttl choice, 5 ttl choice of the place, 6 fence, 7 turn record, 8 place index
 * ARGV  1 the lease's fence, 2 user's element, 3 assistant's element, 4 most messages, 5 default ttl (s), 6 min ttl (s),
 *       7 ttl of this message (s) or '', 8 tokens, 9 its member of the place index, 10 stopped ('1' or ''), 11 until when it
 *       is listed there at least (ms), 0 if that is not known
 * gives {'fenced'} | {'known'} | {'forgotten'} | {'committed', messages before the cap dropped some, expiry (ms), seconds it
 * or its ttl choice lives, until when it is listed (ms), 1 when the conversation was changed from elsewhere during the turn,
 * or may have been, as its record is lost}
 * The record has the answer as its element: a text is handed over once, since Lua reads each byte that it is handed.
 */
export const commitTurn = `${NOW}${REMEMBER}
local held = redis.call('MGET', KEYS[6], KEYS[3], KEYS[4], KEYS[5])
if held[1] ~= ARGV[1] then return {'fenced'} end
local record = redis.call('HMGET', KEYS[7], 'state', 'gen', 'touched')
local function write(...)
  redis.call('HSET', KEYS[7], ...)
  if not record[1] then redis.call('EXPIRE', KEYS[7], '${KEEP_S}') end
end
if record[1] == 'answered' or record[1] == 'finished' or record[1] == 'failed' then return {'known'} end
if record[1] == 'forgotten' or (record[2] or '0') ~= (held[2] or '0') then
  write('state', 'forgotten', 'outcome', 'forgotten')
  return {'forgotten'}
end
local touched = record[3] or not record[1]
local stored = remember(held[2], {held[3], held[4]}, touched and 0 or tonumber(ARGV[11]))
write('state', 'answered', 'outcome', 'answered', 'answer', ARGV[3])
if ARGV[10] ~= '' then redis.call('HSET', KEYS[7], 'stopped', '1') end
return {'committed', stored[1], stored[2], stored[3], stored[4], touched and 1 or 0}
`;

/**
 * Keys and arguments as commitTurn; a turn that other code ran and that has neither fence nor record: KEYS 6 and 7 and
 * ARGV 1, 10 and 11 are not used.
 * gives {messages before the cap dropped some, expiry (ms), seconds it or its ttl choice lives, until when it is listed (ms)}
 */
export const appendTurn = `${NOW}${REMEMBER}${READ_HEAD}${TOUCH}
touch(KEYS[1])
local held = redis.call('MGET', KEYS[3], KEYS[4], KEYS[5])
return remember(held[1], {held[2], held[3]}, 0)
`;

/**
 * KEYS  1 inbox, 2 fence, 3 turn record
 * ARGV  1 the lease's fence, 2 turn id
 * gives messages still waiting, or -1 when fenced
 */
export const finishTurn = `${READ_HEAD}
if redis.call('GET', KEYS[2]) ~= ARGV[1] then return -1 end
local head = redis.call('LINDEX', KEYS[1], 0)
local message = head and read(head)
if message and message.turnId == ARGV[2] then redis.call('LPOP', KEYS[1]) end
redis.call('HDEL', KEYS[3], 'answer')
if redis.call('EXISTS', KEYS[3]) == 1 then redis.call('HSET', KEYS[3], 'state', 'finished') end
return redis.call('LLEN', KEYS[1])
`;

/**
 * KEYS  1 turn record
 * gives 1, or 0 when there is no unfinished turn of that id
 */
export const stopTurn = `
local state = redis.call('HGET', KEYS[1], 'state')
if state ~= 'queued' and state ~= 'running' then return 0 end
redis.call('HSET', KEYS[1], 'stop', '1')
return 1
`;

/**
 * KEYS  1 conversation, 2 inbox
 * ARGV  1 source, 2 the new text (JSON string), or '' to withdraw the message
 * gives 'amended' | 'running' | 'unknown'
 */
export const amendTurn = `${READ_HEAD}
for i, element in ipairs(redis.call('LRANGE', KEYS[2], 0, -1)) do
  local message, gen, skeleton = read(element)
  if message and message.id == ARGV[1] then
    local record = KEYS[1] .. ':turn:' .. message.turnId
    local state = redis.call('HGET', record, 'state')
    if state == 'forgotten' then return 'unknown' end
    if state ~= 'queued' then return 'running' end
    if ARGV[2] == '' then
      redis.call('LSET', KEYS[2], i - 1, tombstone(gen, skeleton))
      redis.call('HSET', record, 'state', 'forgotten', 'outcome', 'forgotten')
    else
      local rest = string.match(element, '([^\\n]*)$')
      redis.call('LSET', KEYS[2], i - 1, gen .. '\\n' .. skeleton .. '\\n' .. ARGV[2] .. '\\n' .. rest)
    end
    return 'amended'
  end
end
return 'unknown'
`;
