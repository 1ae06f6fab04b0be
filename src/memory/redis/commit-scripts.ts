/** The scripts that write a turn into its conversation, both halves at once; scripts.ts says what all scripts keep to. */

import { CHOICE, COUNT, LISTED, LISTING, NOW } from './lua.ts';
import { KEEP_CHOICE_S, KEEP_S } from './retention.ts';

/**
 * `lifeOf(own, ownText, placeText)`: how long a turn makes the conversation `own` live, whose TTL choices were read already.
 * Gives `{ttl, expiry, short}`: seconds, ms, and what `unlisted` says of it; in a person's own conversation they have to be
 * indexed for as long as their TTL choice is kept, too.
 * `remember(own, life)`: what a turn leaves behind. Gives the messages before the cap dropped some, and the expiry (ms).
 * `placeChoice(own)` names the TTL choice that was made outside of a thread and holds in it too; outside of threads it names nothing.
 *
 * KEYS  1 conversation
 * ARGV  1 most messages, 2 default ttl (s), 3 min ttl (s), 4 what the names of place indexes begin with, 5 user's element,
 *       6 assistant's element, 7 ttl of this message (s) or '', 8 tokens, 9 author's id
 */
const REMEMBER = `${CHOICE}${COUNT}${LISTING}${LISTED}
local call = redis.call
local most, defaultTtl, minTtl, places = tonumber(ARGV[1]), tonumber(ARGV[2]), tonumber(ARGV[3]), ARGV[4]
local function keepOf(choice) return math.max(${KEEP_CHOICE_S}, 2 * choice) end
local function placeChoice(own)
  if string.find(own, '}:t-', 1, true) then return string.gsub(own, '}:t%-[^:]*', '}') .. ':ttl' end
end
local function lifeOf(own, ownText, placeText)
  local asked, chosen, chosenThere = tonumber(ARGV[7]), choiceOf(ownText), choiceOf(placeText)
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
  life.short = unlisted(own, own .. ':people', needed, ARGV[9])
  return life
end
local function remember(own, life)
  local meta = own .. ':meta'
  local pushed = call('RPUSH', own, ARGV[5], ARGV[6])
  if life.asked then
    call('SET', own .. ':ttl', ARGV[7], 'EX', keepOf(life.asked))
  else
    if life.chosen then call('EXPIRE', own .. ':ttl', keepOf(life.chosen)) end
    if life.chosenThere then call('EXPIRE', placeChoice(own), keepOf(life.chosenThere)) end
  end
  if pushed > most then call('LTRIM', own, -most, -1) end
  call('PEXPIREAT', own, string.format('%.0f', life.expiry))
  if pushed == 2 then call('DEL', meta) end
  local begun = count(meta, 'turns', '1') == 1
  count(meta, 'tokens', ARGV[8])
  if begun then
    call('HSETNX', meta, 'created', now)
    call('HSET', meta, 'v', '1')
  end
  local tag, member = string.match(own, '({.-})(.*)$')
  list(meta, places .. tag, member, life.expiry, life.ttl)
  return pushed, life.expiry
end
`;

/**
 * KEYS  1 conversation
 * ARGV  as REMEMBER, then 10 the lease's fence, 11 turn id, 12 stopped ('1' or '')
 * gives {'fenced'} | {'known'} | {'forgotten'} | {'unlisted', ms} | {'committed', messages before the cap dropped some,
 * expiry (ms)}
 * The record has the answer as its element: a text is handed over once, since Lua reads each byte that it is handed.
 */
export const commitTurn = `${NOW}${REMEMBER}
local own = KEYS[1]
local held = call('MGET', own .. ':fence', own .. ':gen', own .. ':ttl', placeChoice(own))
if held[1] ~= ARGV[10] then return {'fenced'} end
local key = own .. ':turn:' .. ARGV[11]
local record = call('HMGET', key, 'state', 'gen')
local state = record[1]
if state == 'answered' or state == 'finished' or state == 'failed' then return {'known'} end
local stored = {'forgotten'}
if state == 'forgotten' or (record[2] or '0') ~= (held[2] or '0') then
  call('HSET', key, 'state', 'forgotten', 'outcome', 'forgotten')
else
  local life = lifeOf(own, held[3], held[4])
  if life.short then return life.short end
  stored = {'committed', remember(own, life)}
  call('HSET', key, 'state', 'answered', 'outcome', 'answered', 'answer', ARGV[6])
  if ARGV[12] ~= '' then call('HSET', key, 'stopped', '1') end
end
if not state then call('EXPIRE', key, '${KEEP_S}') end
return stored
`;

/**
 * KEYS  1 conversation
 * ARGV  as REMEMBER
 * One turn that other code ran and that has neither fence nor record.
 * gives {'committed', messages before the cap dropped some, expiry (ms)} | {'unlisted', ms}
 */
export const appendTurn = `${NOW}${REMEMBER}
local own = KEYS[1]
local held = call('MGET', own .. ':ttl', placeChoice(own))
local life = lifeOf(own, held[1], held[2])
if life.short then return life.short end
return {'committed', remember(own, life)}
`;
