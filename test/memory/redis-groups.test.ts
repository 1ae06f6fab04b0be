/** What goes to Redis together because it happens in the same moment: commits of turns, and entries of the indexes. */
import { expect, inject, onTestFinished, test } from 'vitest';
import type { SessionId } from '../../src/core/session.ts';
import type { Taken } from '../../src/core/store.ts';
import { connect, ready } from '../../src/memory/redis/client.ts';
import { createIndexWriter } from '../../src/memory/redis/index-writer.ts';
import { keyspace } from '../../src/memory/redis/keys.ts';
import type { RedisStore } from '../../src/memory/redis/store.ts';
import { createRedisConnections } from '../../src/redis.ts';
import { answerOf, contents, LIMITS, messageOf, offerNew, sessionOf, takeHead } from '../contracts/store/support.ts';
import { startRedis } from '../support/redis-server.ts';
import { makeRedisFixture, type RedisFixture } from './redis-fixture.ts';

async function makeFixture(url: string): Promise<RedisFixture> {
  const fixture = await makeRedisFixture(url)({ ...LIMITS, observer: { badElement() {}, error() {} } });
  onTestFinished(() => fixture.close());
  return fixture;
}

/** A message that was offered and taken, in a conversation of its own in a channel of its own. */
async function takenIn(store: RedisStore, name: string): Promise<Taken> {
  const session = sessionOf({ channel: `C-${name}`, user: name });
  await offerNew(store, messageOf(session, `m-${name}`));
  return await takeHead(store, session);
}

const commit = (store: RedisStore, { lease, message }: Taken) =>
  store.commit(lease, message, answerOf(`answer to ${message.id}`));

const turnOf = ({ message }: Taken) => [message.text, `answer to ${message.id}`];

async function expectStored(store: RedisStore, sessionId: SessionId, expected: readonly string[]): Promise<void> {
  expect(await contents(store, sessionId)).toEqual(expected);
}

test('turns that end in the same moment share scripts, and each has its own outcome', async () => {
  const server = await startRedis();
  onTestFinished(() => server.stop());
  const fixture = await makeFixture(server.url);
  const { store } = fixture;
  const scripts = async () => {
    // The entries of the indexes go behind a commit.
    await store.ping();
    return Number(/cmdstat_evalsha:calls=(\d+)/.exec(await fixture.redis.info('commandstats'))?.[1] ?? 0);
  };

  const usual = await Promise.all(Array.from({ length: 33 }, (_, n) => takenIn(store, `usual${n}`)));
  const [known, fenced, forgotten] = [
    await takenIn(store, 'known'),
    await takenIn(store, 'fenced'),
    await takenIn(store, 'forgotten'),
  ];
  await commit(store, known);
  await store.take(fenced.lease.sessionId);
  await store.forget(forgotten.lease.sessionId);

  const before = await scripts();
  const all = [fenced, ...usual.slice(0, 9), known, ...usual.slice(9), forgotten];
  const outcomes = await Promise.all(all.map((taken) => commit(store, taken)));
  // Two for the 36 turns, and behind each one for the indexes, or one behind both.
  expect([3, 4]).toContain((await scripts()) - before);
  expect(outcomes).toEqual(
    all.map(
      (taken) =>
        ({ [known.message.id]: 'known', [fenced.message.id]: 'fenced', [forgotten.message.id]: 'forgotten' })[
          taken.message.id
        ] ?? 'committed',
    ),
  );
  for (const taken of [...usual, known]) await expectStored(store, taken.lease.sessionId, turnOf(taken));
  for (const taken of [fenced, forgotten]) await expectStored(store, taken.lease.sessionId, []);
  expect(await store.stats()).toMatchObject({ conversations: 34, messages: 68, turnsToday: 34 });
});

test('one that Redis refuses fails alone, and can be made again', async () => {
  const fixture = await makeFixture(inject('redisUrl'));
  const { store, redis } = fixture;
  const turns = [await takenIn(store, 'a'), await takenIn(store, 'broken'), await takenIn(store, 'c')] as const;
  const broken = turns[1];
  const { list } = keyspace(fixture.prefix).session(broken.lease.sessionId);
  await redis.set(list, 'no list');

  const [first, second, third] = await Promise.allSettled(turns.map((taken) => commit(store, taken)));
  expect([first, third]).toMatchObject([{ value: 'committed' }, { value: 'committed' }]);
  expect(second).toMatchObject({
    reason: { code: 'store_unavailable', message: expect.stringContaining('WRONGTYPE') },
  });
  for (const taken of [turns[0], turns[2]]) await expectStored(store, taken.lease.sessionId, turnOf(taken));

  await redis.del(list);
  expect(await commit(store, broken)).toBe('committed');
  await expectStored(store, broken.lease.sessionId, turnOf(broken));
});

test('at its maxmemory Redis stores nothing of any, and all can be made again', async () => {
  const server = await startRedis();
  onTestFinished(() => server.stop());
  const { store, redis } = await makeFixture(server.url);
  const turns = await Promise.all(['a', 'b', 'c'].map((name) => takenIn(store, name)));
  await redis.config('SET', 'maxmemory', '1mb');

  const refused = await Promise.allSettled(turns.map((taken) => commit(store, taken)));
  expect(refused).toMatchObject(turns.map(() => ({ status: 'rejected', reason: { code: 'store_full' } })));
  for (const taken of turns) await expectStored(store, taken.lease.sessionId, []);

  await redis.config('SET', 'maxmemory', '0');
  expect(await Promise.all(turns.map((taken) => commit(store, taken)))).toEqual(turns.map(() => 'committed'));
  for (const taken of turns) await expectStored(store, taken.lease.sessionId, turnOf(taken));
});

test('what is known and listed of a conversation follows the order in which Redis changed it', async () => {
  const { store } = await makeFixture(inject('redisUrl'));
  const taken = await takenIn(store, 'a');
  const committed = commit(store, taken);
  // The commit has gone out, and what comes now goes out in the same write.
  await Promise.resolve();
  const forgotten = store.forget(taken.lease.sessionId);
  expect([await committed, (await forgotten).messages]).toEqual(['committed', 2]);
  expect(await store.stats()).toMatchObject({ conversations: 0, messages: 0 });
});

test('two changes of one conversation in the same moment are one entry, with the turns and tokens of both', async () => {
  const fixture = await makeFixture(inject('redisUrl'));
  const keys = keyspace(fixture.prefix);
  const connections = createRedisConnections(inject('redisUrl'), () => {});
  const redis = connect(connections);
  onTestFinished(() => {
    connections.close();
    redis.disconnect();
  });
  await ready(redis);
  const sent: Promise<unknown>[] = [];
  const write = createIndexWriter(redis, keys, (_, action) => sent.push(action()));

  const expiresAt = Date.now() + 600_000;
  write(sessionOf(), { expiresAt, messages: 2, turns: 1, tokens: 5 });
  write(sessionOf(), { expiresAt: expiresAt + 1, messages: 4, turns: 1, tokens: 7 });
  write(sessionOf({ user: 'bob' }), { expiresAt, messages: 2, turns: 1, tokens: 1 });
  await Promise.resolve();
  await Promise.all(sent);

  expect(sent).toHaveLength(1);
  expect(await redis.hgetall(keys.day(new Date().toISOString().slice(0, 10)))).toEqual({ turns: '3', tokens: '13' });
  expect(await redis.zscore(keys.live, sessionOf())).toBe(String(expiresAt + 1));
  expect(await redis.hget(keys.lengths, sessionOf())).toBe('4');
  expect(await redis.get(keys.total)).toBe('6');
});
