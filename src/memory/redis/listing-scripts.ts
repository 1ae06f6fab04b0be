/** The scripts on who has words in a conversation, and on notes; scripts.ts says what all scripts keep to. */
import { LISTED, NOW, READ_HEAD } from './lua.ts';

/** `authors(list, inbox)`: the ids of all who have words there, as removeTurns would find them. */
const AUTHORS = `${READ_HEAD}
local function authors(list, inbox)
  local found = {}
  for _, element in ipairs(redis.call('LRANGE', list, 0, -1)) do
    local ok, message = pcall(cjson.decode, element)
    if ok and type(message) == 'table' and type(message.authorId) == 'string' then found[message.authorId] = true end
  end
  for _, element in ipairs(redis.call('LRANGE', inbox, 0, -1)) do
    local message = read(element)
    if message and type(message.author) == 'table' and type(message.author.id) == 'string' then
      found[message.author.id] = true
    end
  end
  return found
end
`;

/**
 * KEYS  1 conversation, 2 inbox
 * gives the ids of all who have words there
 */
export const authorsOf = `${AUTHORS}
local list = {}
for id in pairs(authors(KEYS[1], KEYS[2])) do list[#list + 1] = id end
return list
`;

/**
 * KEYS  1 conversation, 2 inbox, 3 people
 * ARGV  1 milliseconds that the conversation was just indexed for, 2.. for whom
 * Marks them, and takes out those whose words were trimmed or removed.
 */
export const markPeople = `${NOW}${LISTED}${AUTHORS}
local present = authors(KEYS[1], KEYS[2])
for i = 2, #ARGV do
  present[ARGV[i]] = true
  mark(KEYS[3], ARGV[i], now + ARGV[1])
end
for _, who in ipairs(redis.call('ZRANGE', KEYS[3], 0, -1)) do
  if not present[who] then redis.call('ZREM', KEYS[3], who) end
end
`;

/**
 * KEYS  1 notes
 * ARGV  1 name, 2 milliseconds
 * gives 1, or 0 when it was noted already
 */
export const note = `${NOW}
redis.call('ZREMRANGEBYSCORE', KEYS[1], '-inf', now)
local added = redis.call('ZADD', KEYS[1], string.format('%.0f', now + ARGV[2]), ARGV[1])
if redis.call('PTTL', KEYS[1]) < tonumber(ARGV[2]) then redis.call('PEXPIRE', KEYS[1], ARGV[2]) end
return added
`;

/**
 * KEYS  1 notes
 * ARGV  1 name
 * gives 1, or 0
 */
export const noted = `${NOW}
return (tonumber(redis.call('ZSCORE', KEYS[1], ARGV[1]) or '0') or 0) > now and 1 or 0
`;
