/**
 * The scripts on the indexes, which have slots of their own: what is alive, what waits, what belongs to one person. They
 * run behind the script on the place, so after a crash in between they lag until the next turn or the sweep.
 */

const NOW = `
local time = redis.call('TIME')
local micros = time[1] * 1000000 + time[2]
local now = math.floor(micros / 1000)
`;

const DROP = `
local function addToTotal(messages)
  if type(redis.pcall('INCRBY', KEYS[3], messages)) == 'table' then redis.call('SET', KEYS[3], 0) end
end
local function lengthOf(session) return tonumber(redis.call('HGET', KEYS[2], session) or '0') or 0 end
local function drop(session)
  local length = lengthOf(session)
  redis.call('HDEL', KEYS[2], session)
  redis.call('ZREM', KEYS[1], session)
  if length ~= 0 then addToTotal(-length) end
end
`;

/**
 * KEYS  1 live, 2 lengths, 3 total, 4 today
 * ARGV  1 keep of a day (s), 2 turns and 3 tokens to count, then of each conversation, once: session id, expiry (Unix ms),
 *       messages
 */
const indexConversations = `${NOW}${DROP}
local ids, scores, lengths = {}, {}, {}
for i = 4, #ARGV, 3 do
  local session, expiry, messages = ARGV[i], ARGV[i + 1], ARGV[i + 2]
  if tonumber(expiry) <= now or messages == '0' then
    drop(session)
  else
    local n = #ids + 1
    ids[n] = session
    scores[2 * n - 1], scores[2 * n] = expiry, session
    lengths[2 * n - 1], lengths[2 * n] = session, messages
  end
end
local added = 0
if #ids > 0 then
  for i, before in ipairs(redis.call('HMGET', KEYS[2], unpack(ids))) do
    added = added + lengths[2 * i] - (tonumber(before or '0') or 0)
  end
  redis.call('ZADD', KEYS[1], unpack(scores))
  redis.call('HSET', KEYS[2], unpack(lengths))
end
if added ~= 0 then addToTotal(added) end
if ARGV[2] ~= '0' then
  if redis.call('HINCRBY', KEYS[4], 'turns', ARGV[2]) == tonumber(ARGV[2]) then redis.call('EXPIRE', KEYS[4], ARGV[1]) end
  redis.call('HINCRBY', KEYS[4], 'tokens', ARGV[3])
end
`;

/**
 * KEYS  1 live, 2 lengths, 3 total
 * ARGV  1 most conversations to sweep
 * gives {swept, live conversations, messages in them, more overdue ones (0 or 1)}
 */
const sweepIndex = `${NOW}${DROP}
local overdue = redis.call('ZRANGEBYSCORE', KEYS[1], '-inf', now, 'LIMIT', 0, ARGV[1])
for _, session in ipairs(overdue) do drop(session) end
local more = #overdue == tonumber(ARGV[1]) and redis.call('ZCOUNT', KEYS[1], '-inf', now) > 0
return {#overdue, redis.call('ZCARD', KEYS[1]), tonumber(redis.call('GET', KEYS[3]) or '0') or 0, more and 1 or 0}
`;

/**
 * KEYS  1 pending
 * ARGV  1 session id
 * Notes a conversation as pending. The score is the time in microseconds and never the same twice, so that it tells
 * clearPending whether another offer came in between.
 * gives the score
 */
const notePending = `${NOW}
local newest = redis.call('ZREVRANGE', KEYS[1], 0, 0, 'WITHSCORES')
if newest[2] and tonumber(newest[2]) >= micros then micros = tonumber(newest[2]) + 1 end
local score = string.format('%.0f', micros)
redis.call('ZADD', KEYS[1], score, ARGV[1])
return score
`;

/**
 * KEYS  1 pending
 * ARGV  1 session id, 2 the score read before the inbox was seen empty
 * gives 1 when the note was cleared, 0 when a newer offer keeps it
 */
const clearPending = `
if tonumber(redis.call('ZSCORE', KEYS[1], ARGV[1]) or '-1') ~= tonumber(ARGV[2]) then return 0 end
return redis.call('ZREM', KEYS[1], ARGV[1])
`;

/**
 * KEYS  1 conversations of a person, a workspace or a place
 * ARGV  1 member, 2 milliseconds it is listed at least
 * The score never stays the same, so that it tells dropMember whether anything was added in between.
 */
const indexMember = `${NOW}
local overdue = redis.pcall('ZRANGEBYSCORE', KEYS[1], '-inf', now, 'LIMIT', 0, 100)
if overdue.err then
  redis.call('DEL', KEYS[1])
elseif #overdue > 0 then
  redis.call('ZREM', KEYS[1], unpack(overdue))
end
local at = math.max(now + ARGV[2], 1 + (tonumber(redis.call('ZSCORE', KEYS[1], ARGV[1]) or '0') or 0))
redis.call('ZADD', KEYS[1], string.format('%.0f', at), ARGV[1])
if redis.call('PTTL', KEYS[1]) < at - now then redis.call('PEXPIREAT', KEYS[1], string.format('%.0f', at)) end
`;

/**
 * KEYS  1 conversations of a person, a workspace or a place
 * ARGV  1 member, 2 its score as it was read before what it lists was erased
 */
const dropMember = `
if tonumber(redis.call('ZSCORE', KEYS[1], ARGV[1]) or '-1') == tonumber(ARGV[2]) then redis.call('ZREM', KEYS[1], ARGV[1]) end
`;

export const INDEX_SCRIPTS = {
  indexConversations: { lua: indexConversations, numberOfKeys: 4 },
  sweepIndex: { lua: sweepIndex, numberOfKeys: 3 },
  notePending: { lua: notePending, numberOfKeys: 1 },
  clearPending: { lua: clearPending, numberOfKeys: 1 },
  indexMember: { lua: indexMember, numberOfKeys: 1 },
  dropMember: { lua: dropMember, numberOfKeys: 1 },
} as const;
