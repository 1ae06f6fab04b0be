/** The scripts that write a turn into its conversation, both halves at once; scripts.ts says what all scripts keep to. */
import { KEEP_CHOICE_S, KEEP_S } from './keep.ts';
import { CHOICE, COUNT, LISTED, LISTING, NOW, READ_HEAD } from './lua.ts';

/** Arguments that all turns of a script have in common, and those of each turn behind them. */
const COMMON_ARGUMENTS = 4;
const ARGUMENTS_OF_TURN = 9;

/**
 * `lifeOf(own, a, ownText, placeText)`: how long a turn makes the conversation `own` live, whose TTL choices were read already;
 * the turn's arguments begin behind ARGV[a]. Gives `{ttl, expiry, short}`: seconds, ms, and what `unlisted` says of it; in a
 * person's own conversation they have to be indexed for as long as their TTL choice is kept, too.
 * `remember(own, a, life, listed)`: what a turn leaves behind. Gives the messages before the cap dropped
 * some, the expiry (ms), and until when it is listed at its place (ms).
 * `placeChoice(own)` names the TTL choice that was made outside of a thread and holds in it too; outside of threads it names nothing.
 *
 * Each call costs Redis about a microsecond and each write another two, so what only has to be done once in a
 * conversation's life is done at its first turn, and what only has to outlive the conversation is given more time than that,
 * and not by each turn. Lua spells a number anew, as a fraction, for each call that it is handed to, which costs another: so
 * an expiry is handed on as text.
 */
const REMEMBER = `${CHOICE}${COUNT}${LISTING}${LISTED}
local call = redis.call
local most, defaultTtl, minTtl, places = tonumber(ARGV[1]), tonumber(ARGV[2]), tonumber(ARGV[3]), ARGV[4]
local spelled = {}
local function spell(expiry)
  if not spelled[expiry] then spelled[expiry] = string.format('%.0f', expiry) end
  return spelled[expiry]
end
local function keepOf(choice) return math.max(${KEEP_CHOICE_S}, 2 * choice) end
local function placeChoice(own)
  if string.find(own, '}:t-', 1, true) then return string.gsub(own, '}:t%-[^:]*', '}') .. ':ttl' end
end
local function lifeOf(own, a, ownText, placeText)
  local asked, chosen, chosenThere = tonumber(ARGV[a + 5]), choiceOf(ownText), choiceOf(placeText)
  local life = {}
  if asked and asked >= minTtl then
    life.asked, chosen, chosenThere = asked, asked, nil
  else
    life.chosen, life.chosenThere = chosen, chosenThere
  end
  life.ttl = asked or chosen or chosenThere or defaultTtl
  life.expiry = now + life.ttl * 1000
  local needed = life.expiry
  if string.find(own, '}[^}]*:u%-') then
    for _, it in pairs({chosen or 0, chosenThere or 0}) do
      if it > 0 then needed = math.max(needed, now + keepOf(it) * 1000) end
    end
  end
  life.short = unlisted(own, own .. ':people', needed, ARGV[a + 9])
  return life
end
local function remember(own, a, life, listed)
  local meta, ttl, expiry = own .. ':meta', life.ttl, life.expiry
  local pushed = call('RPUSH', own, ARGV[a + 3], ARGV[a + 4])
  if life.asked then
    call('SET', own .. ':ttl', ARGV[a + 5], 'EX', keepOf(life.asked))
  else
    if life.chosen then call('EXPIRE', own .. ':ttl', keepOf(life.chosen)) end
    if life.chosenThere then call('EXPIRE', placeChoice(own), keepOf(life.chosenThere)) end
  end
  if pushed > most then call('LTRIM', own, -most, -1) end
  call('PEXPIREAT', own, spell(expiry))
  if pushed == 2 then call('DEL', meta) end
  local begun = count(meta, 'turns', '1') == 1
  count(meta, 'tokens', ARGV[a + 6])
  if begun then
    call('HSETNX', meta, 'created', now)
    call('HSET', meta, 'v', '1')
  end
  if begun or expiry > listed then
    local tag, member = string.match(own, '({.-})(.*)$')
    listed = list(meta, places .. tag, member, expiry, ttl)
  end
  return pushed, expiry, listed
end
`;

/**
 * Turns of different conversations (group-commit.ts). Each is done by itself, and one that fails leaves the others alone.
 *
 * KEYS  the conversations
 * ARGV  1 most messages, 2 default ttl (s), 3 min ttl (s), 4 what the names of place indexes begin with, then of each turn:
 *       1 the lease's fence, 2 turn id, 3 user's element, 4 assistant's element, 5 ttl of this message (s) or '', 6 tokens,
 *       7 stopped ('1' or ''), 8 until when it is listed at its place at least (ms), 0 if that is not known, 9 author's id
 * gives of each {'fenced'} | {'known'} | {'forgotten'} | {'failed', error} | {'unlisted', ms} | {'committed', messages before
 * the cap dropped some, expiry (ms), until when it is listed (ms), 1 when a turn of other code was added meanwhile, or may
 * have been, as the record is lost}
 * The record has the answer as its element: a text is handed over once, since Lua reads each byte that it is handed.
 */
export const commitTurns = `${NOW}${REMEMBER}
local function commit(own, a)
  local held = call('MGET', own .. ':fence', own .. ':gen', own .. ':ttl', placeChoice(own))
  if held[1] ~= ARGV[a + 1] then return {'fenced'} end
  local key = own .. ':turn:' .. ARGV[a + 2]
  local record = call('HMGET', key, 'state', 'gen', 'touched')
  local state = record[1]
  if state == 'answered' or state == 'finished' or state == 'failed' then return {'known'} end
  local stored = {'forgotten'}
  if state == 'forgotten' or (record[2] or '0') ~= (held[2] or '0') then
    call('HSET', key, 'state', 'forgotten', 'outcome', 'forgotten')
  else
    local life = lifeOf(own, a, held[3], held[4])
    if life.short then return life.short end
    local touched = record[3] or not state
    local pushed, expiry, listed = remember(own, a, life, touched and 0 or tonumber(ARGV[a + 8]))
    call('HSET', key, 'state', 'answered', 'outcome', 'answered', 'answer', ARGV[a + 4])
    if ARGV[a + 7] ~= '' then call('HSET', key, 'stopped', '1') end
    stored = {'committed', pushed, expiry, listed, touched and 1 or 0}
  end
  if not state then call('EXPIRE', key, '${KEEP_S}') end
  return stored
end
local results = {}
for i, own in ipairs(KEYS) do
  local ok, result = pcall(commit, own, ${COMMON_ARGUMENTS} + (i - 1) * ${ARGUMENTS_OF_TURN})
  results[i] = ok and result or {'failed', type(result) == 'table' and result.err or tostring(result)}
end
return results
`;

/**
 * Keys and arguments as commitTurns, for one turn that other code ran and that has neither fence nor record: of its own
 * arguments 1, 2, 7 and 8 are not used. The record of the turn that runs, if one does, is told of it: this turn and one that is
 * removed together leave as many messages as there were.
 * gives {messages before the cap dropped some, expiry (ms), until when it is listed (ms)} | {'unlisted', ms}
 */
export const appendTurn = `${NOW}${REMEMBER}${READ_HEAD}
local own = KEYS[1]
local held = call('MGET', own .. ':ttl', placeChoice(own))
local life = lifeOf(own, ${COMMON_ARGUMENTS}, held[1], held[2])
if life.short then return life.short end
local head = redis.pcall('LINDEX', own .. ':inbox', 0)
local message = type(head) == 'string' and read(head)
local record = message and (own .. ':turn:' .. message.turnId)
if record and call('EXISTS', record) == 1 then redis.pcall('HSET', record, 'touched', '1') end
return {remember(own, ${COMMON_ARGUMENTS}, life, 0)}
`;
