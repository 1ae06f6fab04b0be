/** Taking a turn: attempts and takeovers, the fence. */
import { describe, expect, it } from 'vitest';
import type { ConversationStore } from '../../../src/core/store.ts';
import type { TurnLease } from '../../../src/core/types.ts';
import type { Harness } from './support.ts';
import {
  answerOf,
  contents,
  finish,
  LIMITS,
  messageOf,
  newToken,
  offerNew,
  runTurn,
  sessionOf,
  takeHead,
  tryClaim,
} from './support.ts';

const session = sessionOf();

/** Every write of a lease, and what it answers when another worker has the turn. */
const WRITES: readonly {
  readonly name: string;
  readonly write: (store: ConversationStore, lease: TurnLease) => Promise<unknown>;
  readonly fenced: unknown;
}[] = [
  { name: 'saveMessageRef', write: (store, lease) => store.saveMessageRef(lease, 1, { id: 'stale' }), fenced: false },
  { name: 'countFailure', write: (store, lease) => store.countFailure(lease), fenced: undefined },
  {
    name: 'commit',
    write: (store, lease) => store.commit(lease, messageOf(session, 'm1'), answerOf('stale')),
    fenced: 'fenced',
  },
  { name: 'fail', write: (store, lease) => store.fail(lease, 'model_timeout'), fenced: false },
  { name: 'finish', write: (store, lease) => finish(store, lease), fenced: undefined },
  { name: 'release', write: (store, lease) => store.requeue(lease), fenced: false },
];

/** All that a write of a lease could change. */
async function snapshot(store: ConversationStore): Promise<unknown> {
  return {
    record: await store.record(session, 'm1'),
    waiting: await store.waiting(session),
    contents: await contents(store, session),
    pending: await store.countPending(),
  };
}

export function describeLeases(harness: Harness): void {
  describe('taking', () => {
    it('gives nothing when nothing waits', async () => {
      expect(await tryClaim(harness.store, session)).toBeUndefined();
      expect(await harness.store.record(session, 'm1')).toBeUndefined();
      expect(await harness.store.waiting(session)).toEqual([]);
    });

    it('gives the head under a record that starts', async () => {
      await offerNew(harness.store, messageOf(session, 'm1'));
      const fresh = { state: 'queued', attempt: 0, takeovers: 0, failures: 0, startedAt: 0, stopRequested: false };
      expect(await harness.store.record(session, 'm1')).toEqual({ ...fresh, messageRefs: new Map() });
      const { lease, record } = await takeHead(harness.store, session);
      expect(lease).toMatchObject({ sessionId: session, turnId: 'm1' });
      expect(record).toMatchObject({ ...fresh, state: 'running', attempt: 1, startedAt: expect.any(Number) });
      expect(record.startedAt).toBeGreaterThan(0);
      expect(await harness.store.record(session, 'm1')).toEqual(record);
    });

    it('gives what is remembered with it, for the model to be shown', async () => {
      for (let n = 1; n <= LIMITS.maxMessages; n += 1) await runTurn(harness.store, messageOf(session, `m${n}`));
      await harness.fixture.injectBadElement(session, 'no element');
      await offerNew(harness.store, messageOf(session, 'next'));
      const { messages, total, facts } = await takeHead(harness.store, session);
      expect({ messages, total, facts }).toEqual(await harness.store.open(session, LIMITS.maxMessages));
      expect(messages.at(-1)).toMatchObject({ role: 'assistant', turn: `m${LIMITS.maxMessages}` });
    });

    it('counts an attempt each time, and a takeover when another worker had it running', async () => {
      await offerNew(harness.store, messageOf(session, 'm1'));
      const first = await takeHead(harness.store, session);
      const second = await takeHead(harness.store, session);
      const third = await takeHead(harness.store, session);
      expect([second.record.attempt, second.record.takeovers]).toEqual([2, 1]);
      expect([third.record.attempt, third.record.takeovers]).toEqual([3, 2]);
      expect(third.record.startedAt).toBe(first.record.startedAt);
      expect(third.message).toEqual(first.message);
    });

    it('gives the messages of a conversation in the order of their arrival', async () => {
      const ids = ['m1', 'm0', 'm9', 'm5'];
      for (const id of ids) await offerNew(harness.store, messageOf(session, id));
      const taken: string[] = [];
      for (const _ of ids) {
        const { lease } = await takeHead(harness.store, session);
        expect((await takeHead(harness.store, session)).lease.turnId).toBe(lease.turnId);
        taken.push(lease.turnId);
        const { lease: own } = await takeHead(harness.store, session);
        await finish(harness.store, own);
      }
      expect(taken).toEqual(ids);
    });

    it('keeps conversations of one place apart', async () => {
      const bob = sessionOf({ user: 'bob' });
      await offerNew(harness.store, messageOf(session, 'm1'));
      await offerNew(harness.store, messageOf(bob, 'm2', { author: { id: 'bob', name: 'Bob' } }));
      const mine = await takeHead(harness.store, session);
      const his = await takeHead(harness.store, bob);
      expect([mine.lease.turnId, his.lease.turnId]).toEqual(['m1', 'm2']);
      expect(await harness.store.saveMessageRef(mine.lease, 1, { id: 'p1' })).toBe(true);
      expect(await finish(harness.store, his.lease)).toBe(0);
      expect(await harness.store.waiting(session)).toEqual(['m1']);
    });

    it('drops a head that cannot be read, counts it, and goes on with the next', async () => {
      await offerNew(harness.store, messageOf(session, 'm1'));
      await harness.fixture.injectBadElement(session, '{"message":{"id":"half', 'inbox');
      await harness.fixture.injectBadElement(session, '', 'inbox');
      expect((await takeHead(harness.store, session)).message).toEqual(messageOf(session, 'm1'));
      expect(harness.badElements.get(session)).toBe(2);
      expect(await harness.store.waiting(session)).toEqual(['m1']);
    });

    it('gives nothing when only a message that cannot be read waits', async () => {
      await runTurn(harness.store, messageOf(session, 'm1'));
      await harness.fixture.injectBadElement(session, '[]', 'inbox');
      expect(await harness.store.waiting(session)).toEqual([]);
      expect(await tryClaim(harness.store, session)).toBeUndefined();
      expect(await harness.store.countPending()).toBe(0);
      expect(harness.badElements.get(session)).toBe(1);
    });
  });

  describe('a lease that another worker has taken over', () => {
    it.each(WRITES)('changes nothing by $name and says so', async ({ write, fenced }) => {
      await offerNew(harness.store, messageOf(session, 'm1'));
      const stale = (await takeHead(harness.store, session)).lease;
      const own = (await takeHead(harness.store, session)).lease;
      await harness.store.saveMessageRef(own, 1, { id: 'own' });
      const before = await snapshot(harness.store);
      expect(await write(harness.store, stale)).toBe(fenced);
      expect(await snapshot(harness.store)).toEqual(before);
      expect(await write(harness.store, own)).not.toBe(fenced);
    });

    it.each(WRITES)('changes nothing by $name when the next turn is running', async ({ write, fenced }) => {
      await offerNew(harness.store, messageOf(session, 'm0'));
      await offerNew(harness.store, messageOf(session, 'm1'));
      const stale = (await takeHead(harness.store, session)).lease;
      await finish(harness.store, (await takeHead(harness.store, session)).lease);
      await takeHead(harness.store, session);
      const before = await snapshot(harness.store);
      expect(await write(harness.store, stale)).toBe(fenced);
      expect(await snapshot(harness.store)).toEqual(before);
    });

    it.each(WRITES)('cannot be made up for $name in a conversation that nobody took', async ({ write, fenced }) => {
      await offerNew(harness.store, messageOf(session, 'm1'));
      const before = await snapshot(harness.store);
      expect(await write(harness.store, { sessionId: session, turnId: 'm1', token: newToken() })).toBe(fenced);
      expect(await snapshot(harness.store)).toEqual(before);
    });
  });
}
