/**
 * Conversations by the million, written inside Redis by a script from one that the store would write. That both come to the same
 * is checked before each use, on a few that both write: key by key, value by value.
 */
import type { Redis } from 'ioredis';
import { parseSessionId, personOf } from '../../src/core/session.ts';
import { serialiseElement, turnHalves } from '../../src/memory/elements.ts';
import { memberOf, placeMember } from '../../src/memory/redis/index-encoding.ts';
import { keyspace } from '../../src/memory/redis/keys.ts';
import { MARK_MARGIN_MS } from '../../src/memory/redis/listing.ts';
import { KEEP_LISTED_S } from '../../src/memory/redis/retention.ts';
import { dumpRedis } from '../../test/support/redis-dump.ts';
import { type BenchTurn, TTL_S } from './contender.ts';
import { answerOf, messageOf, openStore } from './recollect.ts';
import { tutorialElement, tutorialKey } from './tutorial.ts';

/** Conversations that one script writes: Redis answers others in between. */
const BATCH = 1_000;
/** Around the end of a community. */
const CHECKED = { first: 1_000, count: 100 };
/** Seconds that the store lists a conversation for its person, its workspace and its place beyond its TTL. */
const KEEP_S = KEEP_LISTED_S;
/** Seconds that the mark on the conversation ends before that. */
const MARGIN_S = MARK_MARGIN_MS / 1_000;

/** Ids of conversation 0 in the texts are replaced by those of conversation `n`, which are those of recollect.ts. */
const FILL = `
local function fillers(n)
  local ids = {
    ['1200000000000000000'] = string.format('12%017d', math.floor(n / 32)),
    ['1300000000000000000'] = string.format('13%017d', math.floor(n / 1024) * 32 + n % 32),
    ['1400000000000000001'] = string.format('14%012d00001', n),
  }
  return function(text) return (string.gsub(text, '1[234]00000000000000%d%d%d', ids)) end
end
`;

/**
 * KEYS  1 list, 2 meta, 3 place, 4 person, 5 team, 6 live, 7 lengths, 8 total, 9 today, 10 people, 11 all of the place; of
 *       conversation 0
 * ARGV  1 first, 2 count, 3 session id, 4 question, 5 answer, 6 tokens, 7 ttl (s), 8 listed beyond it (s), 9 keep of a day (s),
 *       10.. as what it stands in the indexes of place, person, team, 13 its person, 14 margin of the mark (s), 15 id of the message
 */
const STORE_LUA = `${FILL}
local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
local expiry, kept = now + ARGV[7] * 1000, now + (ARGV[7] + ARGV[8]) * 1000
for n = tonumber(ARGV[1]), ARGV[1] + ARGV[2] - 1 do
  local fill = fillers(n)
  local list, meta, place, person, session = fill(KEYS[1]), fill(KEYS[2]), fill(KEYS[3]), fill(KEYS[4]), fill(ARGV[3])
  redis.call('RPUSH', list, fill(ARGV[4]), fill(ARGV[5]))
  redis.call('PEXPIREAT', list, expiry)
  redis.call('SADD', list .. ':sources', fill(ARGV[15]))
  redis.call('PEXPIREAT', list .. ':sources', expiry)
  redis.call('HSET', meta, 'bytes', #ARGV[4] + #ARGV[5], 'sized', 2)
  redis.call('HSET', meta, 'tokens', ARGV[6], 'turns', 1, 'created', now, 'v', 1)
  redis.call('PEXPIREAT', meta, expiry + math.min(ARGV[7], 3600) * 1000)
  redis.call('ZADD', place, expiry, fill(ARGV[10]))
  redis.call('PEXPIREAT', place, expiry + math.min(ARGV[7], 3600) * 1000)
  local people, all = fill(KEYS[10]), fill(KEYS[11])
  redis.call('ZADD', people, kept - ARGV[14] * 1000, fill(ARGV[13]))
  redis.call('PEXPIREAT', people, kept - ARGV[14] * 1000)
  redis.call('ZADD', all, kept, fill(ARGV[10]))
  redis.call('PEXPIREAT', all, kept)
  redis.call('ZADD', person, kept, fill(ARGV[11]))
  redis.call('PEXPIREAT', person, kept)
  redis.call('ZADD', KEYS[5], kept, fill(ARGV[12]))
  redis.call('ZADD', KEYS[6], expiry, session)
  redis.call('HSET', KEYS[7], session, 2)
end
redis.call('PEXPIREAT', KEYS[5], kept)
redis.call('INCRBY', KEYS[8], 2 * ARGV[2])
redis.call('HINCRBY', KEYS[9], 'turns', ARGV[2])
redis.call('HINCRBY', KEYS[9], 'tokens', ARGV[2] * ARGV[6])
redis.call('EXPIRE', KEYS[9], ARGV[9])
`;

/**
 * KEYS  1 list of conversation 0
 * ARGV  1 first, 2 count, 3 question, 4 answer, 5 ttl (s)
 */
const TUTORIAL_LUA = `${FILL}
for n = tonumber(ARGV[1]), ARGV[1] + ARGV[2] - 1 do
  local list = fillers(n)(KEYS[1])
  redis.call('RPUSH', list, ARGV[3], ARGV[4])
  redis.call('EXPIRE', list, ARGV[5])
end
`;

/** The one that the others are made from. */
const MODEL: BenchTurn = { conversation: 0, turn: 1, question: 'How are you?', answer: 'Fine, thank you.' };

/** Writes conversations of one turn, as the product's store does. */
export async function seedStore(admin: Redis, first: number, count: number): Promise<void> {
  const names = keyspace('conversation');
  const message = messageOf(MODEL);
  const answer = answerOf(MODEL);
  const own = names.session(message.sessionId);
  const { place } = parseSessionId(message.sessionId);
  const { platform, workspace = '' } = place;
  const person = personOf(message.sessionId, message.author.id);
  const team = { platform, workspace };
  const [asked, said] = turnHalves(message, answer, { now: Date.now(), maxTtl: TTL_S }).map(serialiseElement);
  const today = names.day(new Date().toISOString().slice(0, 10));
  for (let from = first; from < first + count; from += BATCH) {
    await admin.eval(
      STORE_LUA,
      11,
      ...[own.list, own.meta, own.place, names.person(person), names.team(team)],
      ...[names.live, names.lengths, names.total, today, own.people, names.all(place)],
      ...[from, Math.min(BATCH, first + count - from), message.sessionId, asked ?? '', said ?? ''],
      ...[answer.tokens, TTL_S, KEEP_S, 90 * 86_400],
      ...[placeMember(message.sessionId), memberOf(person, message.sessionId), memberOf(team, message.sessionId)],
      ...[person.user, MARGIN_S, message.id],
    );
  }
}

/** Writes conversations of one turn, as the tutorial way does. */
export async function seedTutorial(admin: Redis, first: number, count: number): Promise<void> {
  const elements = [tutorialElement('user', MODEL.question), tutorialElement('assistant', MODEL.answer)];
  for (let from = first; from < first + count; from += BATCH) {
    const some = Math.min(BATCH, first + count - from);
    await admin.eval(TUTORIAL_LUA, 1, tutorialKey(0), from, some, ...elements, TTL_S);
  }
}

/** Empties this Redis. @throws when the script does not write what the store writes */
export async function checkSeed(admin: Redis, url: string): Promise<void> {
  await admin.flushall();
  await seedStore(admin, CHECKED.first, CHECKED.count);
  const seeded = await dumpWithoutTimes(admin);
  await admin.flushall();
  const { store } = await openStore(url);
  for (let index = 0; index < CHECKED.count; index += 1) {
    const turn = { ...MODEL, conversation: CHECKED.first + index };
    await store.append(messageOf(turn), answerOf(turn));
  }
  await store.close();
  const written = await dumpWithoutTimes(admin);
  await admin.flushall();
  if (seeded !== written) throw new Error('The seed is not what the store writes.');
}

/** All keys and values; instants (13 digits) are made alike, and the fields of hashes come in their order. */
async function dumpWithoutTimes(admin: Redis): Promise<string> {
  const lines = (await dumpRedis(admin)).replaceAll(/\b\d{13}\b/g, 'T').split('\n');
  return lines.map((line) => (line.startsWith('{"') ? line.slice(1, -1).split(',').sort().join(',') : line)).join('\n');
}
