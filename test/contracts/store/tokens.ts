/** Who owns a turn: claims by token, and what the same call does again. */
import { describe, expect, it } from 'vitest';
import type { DueConversation } from '../../../src/core/store.ts';
import type { Harness } from './support.ts';
import { answerOf, finish, messageOf, newToken, offerNew, sessionOf, takeHead, tryClaim, until } from './support.ts';

const session = sessionOf();

export function describeTokens(harness: Harness): void {
  describe('a token', () => {
    it('owns the turn of a message that it came with, where nothing else waits', async () => {
      const [first, second] = [newToken(), newToken()];
      const stored = await harness.store.enqueue(messageOf(session, 'm1'), { token: first });
      expect(stored).toMatchObject({ kind: 'claimed', turn: { lease: { turnId: 'm1', token: first }, messages: [] } });
      expect(stored).toMatchObject({
        turn: { message: messageOf(session, 'm1'), record: { attempt: 1, state: 'running' } },
      });
      expect(await harness.store.heads([session])).toEqual([{ owner: first }]);
      expect(await harness.store.enqueue(messageOf(session, 'm2'), { token: second })).toEqual({
        ...{ kind: 'queued', ahead: 1, owner: first },
      });
      expect(await harness.store.heads([session])).toEqual([{ owner: first }]);
    });

    it('is given the same turn again by the same enqueue, and nothing is stored twice', async () => {
      const token = newToken();
      const message = messageOf(session, 'm1');
      const stored = await harness.store.enqueue(message, { token });
      expect(await harness.store.enqueue(message, { token })).toEqual(stored);
      expect(await harness.store.waiting(session)).toEqual(['m1']);
      expect(await harness.store.enqueue(message, { token: newToken() })).toMatchObject({
        kind: 'duplicate',
        unowned: false,
      });
    });

    it('claims what has the owner that it expects, and is given the same turn by the same claim', async () => {
      const [first, second] = [newToken(), newToken()];
      await offerNew(harness.store, messageOf(session, 'm1'));
      expect(await harness.store.enqueue(messageOf(session, 'm1'))).toMatchObject({ kind: 'duplicate', unowned: true });
      const claimed = await harness.store.claim(session, first, undefined);
      expect(claimed).toMatchObject({ kind: 'claimed', turn: { record: { attempt: 1, takeovers: 0 } } });
      expect(await harness.store.claim(session, first, undefined)).toEqual(claimed);
      expect(await harness.store.claim(session, second, undefined)).toEqual({ kind: 'owned', owner: first });
      expect(await harness.store.claim(session, second, newToken())).toEqual({ kind: 'owned', owner: first });
      expect(await harness.store.claim(session, second, first)).toMatchObject({
        ...{ kind: 'claimed', turn: { record: { attempt: 2, takeovers: 1 } } },
      });
      expect(await harness.store.heads([session])).toEqual([{ owner: second }]);
    });

    it('is followed by the next one in the completion, which gives the same answer again', async () => {
      const next = newToken();
      for (const id of ['m1', 'm2', 'm3']) await offerNew(harness.store, messageOf(session, id));
      const { lease, message } = await takeHead(harness.store, session);
      await harness.store.commit(lease, message, answerOf('one'));
      const completed = await harness.store.complete(lease, next);
      expect(completed).toMatchObject({ kind: 'claimed', turn: { lease: { turnId: 'm2', token: next } } });
      expect(completed).toMatchObject({
        turn: { messages: [{ turn: 'm1' }, { content: 'one' }], record: { attempt: 1 } },
      });
      expect(await harness.store.complete(lease, next)).toEqual(completed);
      expect(await harness.store.waiting(session)).toEqual(['m2', 'm3']);
      expect(await harness.store.complete(lease)).toEqual({ kind: 'left', waiting: 2 });
    });

    it('takes nothing from another one when it completes', async () => {
      for (const id of ['m1', 'm2']) await offerNew(harness.store, messageOf(session, id));
      const stale = await takeHead(harness.store, session);
      const { lease } = await takeHead(harness.store, session);
      expect(await harness.store.complete(stale.lease, newToken())).toEqual({ kind: 'fenced' });
      expect(await harness.store.waiting(session)).toEqual(['m1', 'm2']);
      expect(await finish(harness.store, lease)).toBe(1);
      expect(await harness.store.heads([session])).toEqual([{ owner: undefined }]);
    });

    it('owns nothing any more once its turn was given back', async () => {
      await offerNew(harness.store, messageOf(session, 'm1'));
      const { lease } = await takeHead(harness.store, session);
      expect(await harness.store.requeue(lease)).toBe(true);
      expect(await harness.store.heads([session])).toEqual([{ owner: undefined }]);
      expect(await harness.store.countFailure(lease)).toBeUndefined();
      expect((await tryClaim(harness.store, session))?.record).toMatchObject({ attempt: 2, takeovers: 0 });
    });
  });

  describe('what says where work waits', () => {
    it('gives a conversation some seconds after its message came, until its note is cleared and no message came since', async () => {
      const nextDue = async () => {
        let due: DueConversation | undefined;
        await until(async () => {
          [due] = await harness.store.takeDue();
          expect(due?.sessionId).toBe(session);
        });
        if (due === undefined) throw new Error('unreachable');
        return due;
      };
      await offerNew(harness.store, messageOf(session, 'm1'));
      expect(await harness.store.takeDue()).toEqual([]);
      const before = await nextDue();
      expect(await harness.store.takeDue()).toEqual([]);
      await offerNew(harness.store, messageOf(session, 'm2'));
      await harness.store.clearPending(before);
      expect(await harness.store.countPending()).toBe(1);
      await harness.store.clearPending(await nextDue());
      expect(await harness.store.countPending()).toBe(0);
    });

    it('tells a head that waits from an inbox that is empty', async () => {
      const other = sessionOf({ user: 'bob' });
      await offerNew(harness.store, messageOf(session, 'm1'));
      expect(await harness.store.heads([other, session])).toEqual(['empty', { owner: undefined }]);
      expect(await harness.store.heads([])).toEqual([]);
    });

    it('gives what is ready once, the longest waiting first, and what is urgent before it', async () => {
      const [one, two, three] = ['one', 'two', 'three'].map((user) => sessionOf({ user }));
      if (one === undefined || two === undefined || three === undefined) throw new Error('unreachable');
      await harness.store.ready(one);
      await until(async () => {
        await harness.store.ready(two);
        expect(await harness.store.countReady()).toBe(2);
      });
      await harness.store.ready(one);
      await harness.store.ready(three, true);
      expect(await harness.store.pop(1)).toEqual([three]);
      expect(new Set(await harness.store.pop(5))).toEqual(new Set([one, two]));
      expect(await harness.store.pop(5)).toEqual([]);
      expect(await harness.store.countReady()).toBe(0);
    });
  });

  describe('a sign of life', () => {
    it('is begun once, says what it was told last, and is gone at the end', async () => {
      const { beats } = harness.store;
      expect(await beats.begin('p.1', '1;')).toBe(true);
      expect(await beats.begin('p.1', '1;')).toBe(false);
      expect(await beats.renew('p.1', '3;1,2')).toBe('renewed');
      expect(await beats.read(['p.1', 'p.2'])).toEqual(['3;1,2', undefined]);
      expect(await beats.renew('p.2', '1;')).toBe('gone');
      await beats.end('p.1');
      expect(await beats.read(['p.1'])).toEqual([undefined]);
      expect(await beats.renew('p.1', '1;')).toBe('gone');
      expect(await beats.read([])).toEqual([]);
    });
  });
}
