/** While a turn runs: the handles of its reply, its failures, handing it back, what became of it, stopping it. */
import { describe, expect, it } from 'vitest';
import type { Harness } from './support.ts';
import { answerOf, finish, messageOf, newToken, offerNew, runTurn, sessionOf, takeHead } from './support.ts';

const session = sessionOf();

export function describeRunning(harness: Harness): void {
  describe('the handles of a reply', () => {
    it('are kept part by part, first the intent and then the id', async () => {
      await offerNew(harness.store, messageOf(session, 'm1'));
      const { lease, record } = await takeHead(harness.store, session);
      expect(record.messageRefs).toEqual(new Map());
      expect(await harness.store.saveMessageRef(lease, 1, { intentAt: 1_700_000_000_500 })).toBe(true);
      expect(await harness.store.saveMessageRef(lease, 1, { id: '1700000000.000200' })).toBe(true);
      expect(await harness.store.saveMessageRef(lease, 12, { intentAt: 1_700_000_000_900 })).toBe(true);
      expect((await harness.store.record(session, 'm1'))?.messageRefs).toEqual(
        new Map([
          [1, { intentAt: 1_700_000_000_500, id: '1700000000.000200' }],
          [12, { intentAt: 1_700_000_000_900 }],
        ]),
      );
    });

    it('are what the next worker goes on with, after a restart too', async () => {
      await offerNew(harness.store, messageOf(session, 'm1'));
      const { lease } = await takeHead(harness.store, session);
      await harness.store.saveMessageRef(lease, 1, { intentAt: 1_700_000_000_500 });
      await harness.store.saveMessageRef(lease, 1, { id: 'platform:😀' });
      const store = await harness.fixture.open();
      const next = await takeHead(store, session);
      expect(next.record.messageRefs).toEqual(new Map([[1, { intentAt: 1_700_000_000_500, id: 'platform:😀' }]]));
      expect(await store.saveMessageRef(next.lease, 2, { id: 'two' })).toBe(true);
      await finish(store, next.lease);
      expect([...((await store.record(session, 'm1'))?.messageRefs.keys() ?? [])].sort()).toEqual([1, 2]);
    });
  });

  describe('handing a turn back', () => {
    it('lets the next worker go on without a takeover', async () => {
      await offerNew(harness.store, messageOf(session, 'm1'));
      const { lease } = await takeHead(harness.store, session);
      await harness.store.saveMessageRef(lease, 1, { id: 'p1' });
      expect(await harness.store.requeue(lease)).toBe(true);
      expect((await harness.store.record(session, 'm1'))?.state).toBe('queued');
      expect(await harness.store.waiting(session)).toEqual(['m1']);
      expect(await harness.store.countPending()).toBe(1);
      const next = await takeHead(harness.store, session);
      expect(next.record).toMatchObject({ state: 'running', attempt: 2, takeovers: 0 });
      expect(next.record.messageRefs).toEqual(new Map([[1, { id: 'p1' }]]));
    });

    it('changes nothing of a turn that is settled', async () => {
      await offerNew(harness.store, messageOf(session, 'm1'));
      const { lease, message } = await takeHead(harness.store, session);
      await harness.store.commit(lease, message, answerOf('stored'));
      expect(await harness.store.requeue(lease)).toBe(true);
      const next = await takeHead(harness.store, session);
      expect(next.record).toMatchObject({ state: 'answered', answer: 'stored', attempt: 2, takeovers: 0 });
      await finish(harness.store, next.lease);

      await offerNew(harness.store, messageOf(session, 'm2'));
      const failed = await takeHead(harness.store, session);
      await harness.store.fail(failed.lease, 'model_timeout');
      expect(await harness.store.requeue(failed.lease)).toBe(true);
      expect((await takeHead(harness.store, session)).record).toMatchObject({ state: 'failed', takeovers: 0 });
    });
  });

  describe('checking a lease', () => {
    it('tells a worker whether to go on', async () => {
      await offerNew(harness.store, messageOf(session, 'm1'));
      const stale = await takeHead(harness.store, session);
      const { lease, message } = await takeHead(harness.store, session);
      expect(await harness.store.check(stale.lease)).toMatchObject({ state: 'lost' });
      expect(await harness.store.check(lease)).toMatchObject({ state: 'held' });
      await harness.store.requestStop(session, 'm1');
      expect(await harness.store.check(lease)).toMatchObject({ state: 'stopped' });
      expect(await harness.store.check(stale.lease)).toMatchObject({ state: 'lost' });
      await harness.store.forget(session);
      expect(await harness.store.check(lease)).toMatchObject({ state: 'forgotten' });
      expect(await harness.store.commit(lease, message, answerOf('late'))).toBe('forgotten');
      await finish(harness.store, lease);
      await offerNew(harness.store, messageOf(session, 'm2'));
      expect((await takeHead(harness.store, session)).record.stopRequested).toBe(false);
      expect(await harness.store.check(lease)).toMatchObject({ state: 'lost' });
    });

    it('tells of a message that was removed, and not of those that are left', async () => {
      const bob = sessionOf({ user: 'bob' });
      await offerNew(harness.store, messageOf(session, 'm1'));
      await offerNew(harness.store, messageOf(bob, 'm2'));
      const mine = await takeHead(harness.store, session);
      const his = await takeHead(harness.store, bob);
      await harness.store.removeTurns(session, { source: 'm1' });
      expect(await harness.store.check(mine.lease)).toMatchObject({ state: 'forgotten' });
      expect(await harness.store.check(his.lease)).toMatchObject({ state: 'held' });
    });

    it('knows no lease that nobody was given', async () => {
      expect(await harness.store.check({ sessionId: session, turnId: 'm1', token: newToken() })).toMatchObject({
        state: 'lost',
      });
    });
  });

  it('counts the failures of a turn for whoever takes it next', async () => {
    await offerNew(harness.store, messageOf(session, 'm1'));
    const { lease } = await takeHead(harness.store, session);
    expect(await harness.store.countFailure(lease)).toBe(1);
    expect(await harness.store.countFailure(lease)).toBe(2);
    await harness.store.requeue(lease);
    const next = await takeHead(harness.store, session);
    expect(next.record.failures).toBe(2);
    expect(await harness.store.countFailure(next.lease)).toBe(3);
  });

  describe('stopping', () => {
    it('reaches a turn that waits, runs, or was taken over', async () => {
      await offerNew(harness.store, messageOf(session, 'm1'));
      await offerNew(harness.store, messageOf(session, 'm2'));
      await takeHead(harness.store, session);
      expect(await harness.store.requestStop(session, 'm1')).toBe(true);
      expect(await harness.store.requestStop(session, 'm2')).toBe(true);
      expect((await harness.store.record(session, 'm1'))?.stopRequested).toBe(true);
      const { lease, record } = await takeHead(harness.store, session);
      expect(record).toMatchObject({ state: 'running', stopRequested: true });
      await finish(harness.store, lease);
      expect((await takeHead(harness.store, session)).record.stopRequested).toBe(true);
    });

    it('finds no turn that is unknown or finished', async () => {
      await runTurn(harness.store, messageOf(session, 'm1'));
      expect(await harness.store.requestStop(session, 'm1')).toBe(false);
      expect(await harness.store.requestStop(session, 'nobody')).toBe(false);
      expect(await harness.store.record(session, 'nobody')).toBeUndefined();
      expect((await harness.store.record(session, 'm1'))?.stopRequested).toBe(false);
    });
  });
}
