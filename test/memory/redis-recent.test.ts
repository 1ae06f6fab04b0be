/** What a process does not read again: never anything else than what is stored when the turn is taken. */
import fc from 'fast-check';
import { afterEach, beforeEach, describe, expect, inject, onTestFinished, test, vi } from 'vitest';
import type { SessionId } from '../../src/core/session.ts';
import { keyspace } from '../../src/memory/redis/keys.ts';
import type { RedisStore } from '../../src/memory/redis/store.ts';
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

const makeFixture = (url: string) =>
  makeRedisFixture(url)({
    ...LIMITS,
    observer: {
      badElement(_, count) {
        bad += count;
      },
      error() {},
    },
  });

beforeEach(async () => {
  fixture = await makeFixture(inject('redisUrl'));
  [here, there] = [await fixture.open(), await fixture.open()];
});
afterEach(() => fixture.close());

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

/** On a Redis of its own, since it is asked what it was asked. */
async function withOwn(use: (fixture: RedisFixture, readings: () => Promise<number>) => Promise<void>): Promise<void> {
  const server = await startRedis();
  const own = await makeFixture(server.url);
  try {
    await use(own, async () => {
      const asked = await own.redis.info('commandstats');
      return Number(/cmdstat_lrange:calls=(\d+)/.exec(asked)?.[1] ?? 0);
    });
  } finally {
    await own.close();
    await server.stop();
  }
}

test('a conversation that is answered here again and again is not read again, elsewhere it is', () =>
  withOwn(async ({ store, open }, readings) => {
    const session = sessionOf();
    for (let n = 1; n <= 5; n += 1) {
      const turn = await shown(store, session, `m${n}`);
      expect(turn.messages).toHaveLength(Math.min(2 * (n - 1), WINDOW));
      await turn.end();
    }
    expect(await readings()).toBe(0);
    const turn = await shown(await open(), session, 'm6');
    expect(turn.messages.at(-1)?.content).toBe('answer to m5');
    expect(await readings()).toBe(1);
  }));

test('a conversation that rested for ten minutes is let go', async () => {
  vi.useFakeTimers({ toFake: ['setInterval', 'clearInterval', 'performance'] });
  onTestFinished(() => void vi.useRealTimers());
  await withOwn(async ({ store }, readings) => {
    const session = sessionOf();
    for (const [id, rest, read] of [
      ['m1', 300_000, 0],
      ['m2', 700_000, 0],
      ['m3', 0, 1],
    ] as const) {
      await (await shown(store, session, id)).end();
      expect(await readings()).toBe(read);
      vi.advanceTimersByTime(rest);
    }
  });
});

test('a conversation that was begun anew, for a shorter time, during a turn is listed for as long as it lives', async () => {
  const session = sessionOf();
  const own = keyspace(fixture.prefix).session(session);
  await runTurn(here, messageOf(session, 'm1'));
  const turn = await shown(here, session, 'm2');
  await there.removeTurns(session, { source: 'm1' });
  await there.append(messageOf(session, 'x', { ttl: 30 }), answerOf('appended'));
  await turn.end();
  const until = await fixture.redis.pexpiretime(own.list);
  for (const key of [own.meta, own.place])
    expect(await fixture.redis.pexpiretime(key), key).toBeGreaterThanOrEqual(until);
  const [listed] = await fixture.redis.zrange(own.place, '0', '-1', 'WITHSCORES').then((flat) => flat.slice(1));
  expect(Number(listed)).toBeGreaterThanOrEqual(until);
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
    const before = bad;
    const turn = await shown(here, session, id);
    expect(bad - before).toBe(1);
    expect(turn.messages).toEqual(await stored(session));
    await turn.end();
  }
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
