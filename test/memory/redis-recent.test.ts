/** What a process does not read again: never anything else than what is stored when the turn is taken. */
import fc from 'fast-check';
import { Redis } from 'ioredis';
import { afterEach, beforeEach, describe, expect, inject, test } from 'vitest';
import type { SessionId } from '../../src/core/session.ts';
import { keyspace } from '../../src/memory/redis/keys.ts';
import { createRedisStore, type RedisStore } from '../../src/memory/redis/store.ts';
import {
  answerOf,
  contents,
  LIMITS,
  messageOf,
  offerNew,
  runTurn,
  sessionOf,
  takeHead,
} from '../contracts/store/support.ts';
import { startRedis } from '../support/redis-server.ts';
import { makeRedisFixture, type RedisFixture } from './redis-fixture.ts';

const WINDOW = 6;

let fixture: RedisFixture;
/** Two replicas on one Redis. */
let here: RedisStore;
let there: RedisStore;
let bad = 0;

const open = (url = inject('redisUrl')) =>
  createRedisStore({
    ...LIMITS,
    url,
    prefix: fixture.prefix,
    allowEviction: false,
    warn: () => {},
    observer: {
      badElement(_, count) {
        bad += count;
      },
      error() {},
    },
  });

beforeEach(async () => {
  bad = 0;
  fixture = await makeRedisFixture(inject('redisUrl'))({ ...LIMITS, observer: { badElement() {}, error() {} } });
  [here, there] = [await open(), await open()];
});
afterEach(async () => {
  await Promise.all([here.close(), there.close()]);
  await fixture.close();
});

/** What a turn is shown that is offered and taken here, and opened when something else has happened; it stays open. */
async function shown(store: RedisStore, session: SessionId, id: string, between = async () => {}) {
  await offerNew(store, messageOf(session, id));
  const { lease, message } = await takeHead(store, session);
  await between();
  const { messages } = await store.open(session, WINDOW, lease.fence);
  const end = async (how: 'commit' | 'fail' = 'commit') => {
    if (how === 'fail') expect(await store.fail(lease, 'turn_stopped')).toBe(true);
    else expect(await store.commit(lease, message, answerOf(`answer to ${id}`))).toMatch(/^(committed|forgotten)$/);
    await store.finish(lease);
  };
  return { lease, messages, end };
}

/** What is stored, read by one who knows nothing yet. */
async function stored(session: SessionId) {
  return (await fixture.store.history(session, { limit: WINDOW }))?.messages ?? [];
}

test('a conversation that is answered here again and again is not read again', async () => {
  // Of its own, since it is asked what it was asked.
  const server = await startRedis();
  const redis = new Redis(server.url);
  const [store, another] = [await open(server.url), await open(server.url)];
  const session = sessionOf();
  const readings = async () => Number(/cmdstat_lrange:calls=(\d+)/.exec(await redis.info('commandstats'))?.[1] ?? 0);
  for (let n = 1; n <= 5; n += 1) {
    const turn = await shown(store, session, `m${n}`);
    expect(turn.messages).toHaveLength(Math.min(2 * (n - 1), WINDOW));
    await turn.end();
  }
  expect(await readings()).toBe(0);

  // Elsewhere it is.
  const turn = await shown(another, session, 'm6');
  expect(turn.messages.at(-1)?.content).toBe('answer to m5');
  expect(await readings()).toBe(1);
  await turn.end();
  redis.disconnect();
  await Promise.all([store.close(), another.close()]);
  await server.stop();
});

test('a second attempt of a turn sees what was removed since the first', async () => {
  const session = sessionOf();
  for (const id of ['m1', 'm2']) await runTurn(here, messageOf(session, id));
  const { lease, messages } = await shown(here, session, 'm3');
  expect(messages).toHaveLength(4);
  await there.removeTurns(session, { source: 'm1' });
  await here.countFailure(lease);
  expect((await here.open(session, WINDOW, lease.fence)).messages).toEqual(await stored(session));
});

test('a bad element is counted each time that it is met', async () => {
  const session = sessionOf();
  await runTurn(here, messageOf(session, 'm1'));
  await fixture.injectBadElement(session, '{"half":');
  for (const id of ['m2', 'm3']) {
    const turn = await shown(here, session, id);
    expect(turn.messages).toEqual(await stored(session));
    await turn.end();
  }
  expect(bad).toBe(2);
});

type Change = 'remove' | 'append' | 'forget' | 'expire' | 'append, remove' | 'remove, append' | 'remove newest';
interface Step {
  readonly kind: 'turn' | 'change';
  readonly here: boolean;
  /** Between the taking of a turn and its opening. */
  readonly before?: readonly Change[];
  readonly changes: readonly Change[];
  readonly end?: 'commit' | 'fail';
}

const changes = fc.array(
  fc.constantFrom<Change>('remove', 'append', 'forget', 'expire', 'append, remove', 'remove, append', 'remove newest'),
  { maxLength: 2 },
);
const turn = { kind: fc.constant('turn' as const), here: fc.boolean() };
const step: fc.Arbitrary<Step> = fc.oneof(
  { weight: 4, arbitrary: fc.record({ ...turn, changes: fc.constant([]) }) },
  { weight: 2, arbitrary: fc.record({ ...turn, changes }) },
  {
    weight: 2,
    arbitrary: fc.record({
      ...turn,
      before: changes,
      changes,
      end: fc.constantFrom<'commit' | 'fail'>('commit', 'fail'),
    }),
  },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant('change' as const), here: fc.boolean(), changes }) },
);

describe('whatever two replicas and other code do to a conversation', () => {
  test('between and during its turns, each turn is shown what is stored when it is taken', {
    timeout: 120_000,
  }, async () => {
    let number = 0;
    const next = () => {
      number += 1;
      return `n${number}`;
    };
    const change = async (store: RedisStore, session: SessionId, kind: Change): Promise<void> => {
      const messages = (await fixture.store.history(session))?.messages ?? [];
      switch (kind) {
        case 'remove':
          return void (await store.removeTurns(session, { source: messages[0]?.source ?? 'none' }));
        case 'remove newest':
          return void (await store.removeTurns(session, { source: messages.at(-1)?.source ?? 'none' }));
        case 'append': {
          const id = next();
          return await store.append(messageOf(session, id), answerOf(`appended ${id}`));
        }
        case 'forget':
          return void (await store.forget(session));
        case 'expire':
          return void (await fixture.redis.del(keyspace(fixture.prefix).session(session).list));
        case 'append, remove':
          await change(store, session, 'append');
          return await change(store, session, 'remove');
        case 'remove, append':
          await change(store, session, 'remove');
          return await change(store, session, 'append');
      }
    };

    await fc.assert(
      fc.asyncProperty(fc.array(step, { minLength: 4, maxLength: 16 }), async (steps) => {
        const session = sessionOf({ thread: next() });
        for (const { kind, here: isHere, before = [], changes: some, end } of steps) {
          const [own, other] = isHere ? [here, there] : [there, here];
          if (kind === 'change') {
            for (const it of some) await change(own, session, it);
            continue;
          }
          let taken: Awaited<ReturnType<typeof stored>> = [];
          const turn = await shown(own, session, next(), async () => {
            taken = await stored(session);
            for (const it of before) await change(other, session, it);
          });
          expect([taken, await stored(session)]).toContainEqual(turn.messages);
          for (const it of some) await change(other, session, it);
          await turn.end(end);
        }
        const last = await shown(here, session, next());
        expect(last.messages.map((it) => it.content)).toEqual((await contents(there, session)).slice(-WINDOW));
        await last.end();
      }),
      { numRuns: 80 },
    );
  });
});
