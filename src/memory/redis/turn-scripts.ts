/** The scripts of the turn protocol (docs/turns.md) but for its commit; scripts.ts says what all of them keep to. */

import { COUNT, LISTED, NOW, READ_HEAD } from './lua.ts';
import { KEEP_S } from './retention.ts';

/** A record that was lost, and is made anew by what it is told, has its time too. */
const KEEP_RECORD = `redis.call('EXPIRE', KEYS[2], '${KEEP_S}', 'NX')`;

/**
 * KEYS  1 conversation, 2 inbox, 3 generation, 4 turn record, 5 people, 6.. seen keys
 * ARGV  1 the element's lines after the generation, 2 turn id, 3 session id, 4 most waiting, 5 keep (s), 6 keep of gen (s),
 *       7 author's id, 8 milliseconds that the conversation was just indexed for them,
 *       9 process that follows the turn, or ''
 * gives {'duplicate', '<turn> <session>', waiting} | {'full', waiting} | {'queued', ahead} | {'unlisted', ms}
 */
export const offerTurn = `${NOW}${LISTED}
local known
for i = 6, #KEYS do
  known = redis.call('GET', KEYS[i])
  if known and string.match(known, '^[%w._-]+ {%l[%l%d]*:[^%s{}]+}[^%s{}]*$') then break end
  known = nil
end
if not known and redis.call('EXISTS', KEYS[4]) == 1 then known = ARGV[2] .. ' ' .. ARGV[3] end
if known then
  for i = 6, #KEYS do redis.call('SET', KEYS[i], known, 'NX', 'EX', ARGV[5]) end
  return {'duplicate', known, redis.call('LLEN', KEYS[2])}
end
local ahead = redis.call('LLEN', KEYS[2])
if ahead >= tonumber(ARGV[4]) then return {'full', ahead} end
local waits = now + ARGV[5] * 1000
local unknown = redis.call('EXISTS', KEYS[1]) == 1 and unlisted(KEYS[1], KEYS[5], 0)
if unknown then return {'unlisted', waits - now} end
mark(KEYS[5], ARGV[7], now + ARGV[8])
local short = unlisted(KEYS[1], KEYS[5], waits)
if short then return short end
local gen = redis.call('GET', KEYS[3]) or '0'
if not string.match(gen, '^%d+$') then
  gen = redis.call('TIME')[1]
  redis.call('SET', KEYS[3], gen)
end
redis.call('RPUSH', KEYS[2], gen .. '\\n' .. ARGV[1])
redis.call('EXPIRE', KEYS[2], ARGV[5])
redis.call('EXPIRE', KEYS[3], ARGV[6])
for i = 6, #KEYS do redis.call('SET', KEYS[i], ARGV[2] .. ' ' .. ARGV[3], 'EX', ARGV[5]) end
redis.call('HSET', KEYS[4], 'state', 'queued', 'gen', gen)
if ARGV[9] ~= '' then redis.call('HSET', KEYS[4], 'followers', ARGV[9]) end
redis.call('EXPIRE', KEYS[4], ARGV[5])
return {'queued', ahead}
`;

/**
 * KEYS  1 conversation, 2 inbox, 3 fence, 4 people
 * ARGV  1 keep (s), 2 seconds that what is remembered is to live at least, if the model is still to see it, 3 '1': only if all
 *       who have words there are indexed for long enough, 4 messages to give
 * gives {'unlisted', ms} | {bad elements dropped} when empty | {bad, fence, element, record as flat list, 1 when what is
 * remembered lives longer now, newest messages}
 */
export const takeTurn = `${READ_HEAD}${NOW}${COUNT}${LISTED}
if ARGV[3] == '1' and redis.call('EXISTS', KEYS[2]) == 1 then
  local short = unlisted(KEYS[1], KEYS[4], now + math.max(ARGV[1], ARGV[2]) * 1000)
  if short then return short end
end
local bad = 0
while true do
  local head = redis.call('LINDEX', KEYS[2], 0)
  if not head then return {bad} end
  local message, gen = read(head)
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
    if not state and isTombstone(head) then
      state = 'forgotten'
      redis.call('HSET', record, 'state', state, 'outcome', state)
    elseif not state or state == 'queued' then
      redis.call('HSET', record, 'state', 'running')
    end
    redis.call('HSETNX', record, 'startedAt', now)
    redis.call('HSETNX', record, 'gen', gen)
    count(record, 'attempt', 1)
    redis.call('HSET', record, 'fence', fence)
    redis.call('EXPIRE', record, ARGV[1])
    local extended = 0
    if not state or state == 'queued' or state == 'running' then extended = redis.call('EXPIRE', KEYS[1], ARGV[2], 'GT') end
    local newest = ARGV[4] == '0' and {} or redis.call('LRANGE', KEYS[1], -ARGV[4], -1)
    return {bad, fence, head, redis.call('HGETALL', record), extended, newest}
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
${KEEP_RECORD}
return 1
`;

/**
 * KEYS  1 fence, 2 turn record
 * ARGV  1 the lease's fence
 * gives the failures counted, or -1 when fenced
 */
export const countFailure = `${COUNT}
if redis.call('GET', KEYS[1]) ~= ARGV[1] then return -1 end
local failures = count(KEYS[2], 'failures', 1)
${KEEP_RECORD}
return failures
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
 * ARGV  1 process that follows the turn
 * gives 1, or 0 when there is no unfinished turn of that id
 */
export const followTurn = `
local state = redis.call('HGET', KEYS[1], 'state')
if not state or state == 'finished' then return 0 end
local followers = redis.call('HGET', KEYS[1], 'followers')
if followers then
  if string.find(',' .. followers .. ',', ',' .. ARGV[1] .. ',', 1, true) or #followers > 1000 then return 1 end
  followers = followers .. ',' .. ARGV[1]
end
redis.call('HSET', KEYS[1], 'followers', followers or ARGV[1])
return 1
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
    if state == 'forgotten' or (not state and isTombstone(element)) then return 'unknown' end
    if state and state ~= 'queued' then return 'running' end
    if ARGV[2] == '' then
      redis.call('LSET', KEYS[2], i - 1, tombstone(gen, skeleton))
      redis.call('HSET', record, 'state', 'forgotten', 'outcome', 'forgotten')
      redis.call('EXPIRE', record, '${KEEP_S}', 'NX')
    else
      local rest = string.match(element, '([^\\n]*)$')
      redis.call('LSET', KEYS[2], i - 1, gen .. '\\n' .. skeleton .. '\\n' .. ARGV[2] .. '\\n' .. rest)
    end
    return 'amended'
  end
end
return 'unknown'
`;
