/** Pieces of Lua that scripts on a place share. */
import { KEEP_S } from './retention.ts';

/**
 * `read(element)` of an inbox: the message without its text, generation, skeleton line; nil when it is not one of ours.
 * `tombstone(gen, skeleton)`: the element without its text; `isTombstone(element)`: whether it is one. A message may wait for
 * longer than its record lives, so where there is none, this decides.
 */
export const READ_HEAD = `
local function read(element)
  local gen, skeleton = string.match(element, '^(%d+)\\n([^\\n]+)\\n')
  if not gen then return nil end
  local ok, message = pcall(cjson.decode, skeleton)
  if not ok or type(message) ~= 'table' or type(message.turnId) ~= 'string' then return nil end
  return message, gen, skeleton
end
local function tombstone(gen, skeleton) return gen .. '\\n' .. skeleton .. '\\n""\\n{}' end
local function isTombstone(element) return string.sub(element, -6) == '\\n""\\n{}' end
`;

/** `now`: Unix milliseconds by Redis' clock. */
export const NOW = `
local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
`;

/** `count(key, field, by)`: HINCRBY that begins anew where what stands there is no number, so that it can't fail for ever. */
export const COUNT = `
local function count(key, field, by)
  local sum = redis.pcall('HINCRBY', key, field, by)
  if type(sum) ~= 'table' then return sum end
  if string.find(sum.err, 'WRONGTYPE', 1, true) then redis.call('DEL', key) end
  redis.call('HSET', key, field, by)
  return tonumber(by)
end
`;

/**
 * `forgetWaiting(base, inbox, matches)`: takes the text out of waiting messages; gives how many will not be answered.
 * `anyWaits(inbox)`: whether a message has its text still.
 */
export const TOMBSTONES = `${READ_HEAD}
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
        redis.call('EXPIRE', record, '${KEEP_S}', 'NX')
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
`;

/**
 * `list(meta, place, member, expiry, ttl)`, behind NOW: lists a conversation at its place, and gives until when (ms). That is
 * up to an hour longer than it lives, and so does its meta, so that not each turn has to renew them; a later one only makes
 * it more, so neither ends before the conversation.
 */
export const LISTING = `
local function list(meta, place, member, expiry, ttl)
  local listed = expiry + math.min(ttl, 3600) * 1000
  local at = string.format('%.0f', listed)
  local added = redis.pcall('ZADD', place, 'GT', at, member)
  if type(added) == 'table' then
    redis.call('DEL', place)
    redis.call('ZADD', place, at, member)
  elseif added == 1 then
    redis.call('ZREMRANGEBYSCORE', place, '-inf', now)
  end
  for _, key in ipairs({meta, place}) do
    redis.call('PEXPIREAT', key, at, 'NX')
    redis.call('PEXPIREAT', key, at, 'GT')
  end
  return listed
end
`;

/**
 * Whoever has words in a conversation is in the indexes for at least as long, since who erases them finds it there. The indexes
 * have slots of their own, so this is seen to before a conversation is given more time, and not behind it (listing.ts): a
 * script that would outlive what is marked in `people` changes nothing and says so.
 *
 * `unlisted(list, people, instant, who)`, behind NOW: nil, or what such a script gives. `who`, if given, has to be marked too.
 * `mark(people, who, at)` marks somebody until `at` (ms).
 */
export const LISTED = `
local function mark(people, who, at)
  local text = string.format('%.0f', at)
  local marked = redis.pcall('ZADD', people, 'GT', text, who)
  if type(marked) == 'table' then
    -- Not at maxmemory: a script that has written before may go on.
    if not string.find(marked.err, 'WRONGTYPE', 1, true) then error(marked) end
    redis.call('DEL', people)
    redis.call('ZADD', people, text, who)
  end
  redis.call('PEXPIREAT', people, text, 'NX')
  redis.call('PEXPIREAT', people, text, 'GT')
end
local function unlisted(list, people, instant, who)
  local short = redis.pcall('ZRANGEBYSCORE', people, '-inf', '(' .. string.format('%.0f', instant), 'LIMIT', 0, 1)
  if short.err then redis.call('DEL', people) end
  if short.err or #short > 0 or (who and not redis.call('ZSCORE', people, who))
    or (redis.call('EXISTS', people) == 0 and redis.call('EXISTS', list) == 1) then
    return {'unlisted', instant - now}
  end
end
`;

/** `choiceOf(text)`: a TTL choice as it is stored, in seconds; nil for none and for what is none of ours. */
export const CHOICE = `
local function choiceOf(text)
  if text and #text <= 10 and string.match(text, '^[1-9]%d*$') then return tonumber(text) end
end
`;
