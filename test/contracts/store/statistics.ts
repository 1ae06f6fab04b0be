/** Statistics: exact whatever happened to the conversations before; the sweep's claim; a store that is closed. */
import { describe, expect, it } from 'vitest';
import type { Harness } from './support.ts';
import {
  answerOf,
  finish,
  LIMITS,
  messageOf,
  offerNew,
  runTurn,
  sessionOf,
  shorten,
  takeHead,
  until,
} from './support.ts';

const session = sessionOf();

export function describeStatistics(harness: Harness): void {
  describe('the statistics', () => {
    const counts = async () => {
      const { conversations, messages, pending } = await harness.store.stats();
      return { conversations, messages, pending };
    };

    it('of an empty store are zero', async () => {
      expect(await harness.store.stats()).toMatchObject({
        conversations: 0,
        messages: 0,
        turnsToday: 0,
        tokensToday: 0,
        pending: 0,
        server: { store: expect.stringMatching(/^(redis|sqlite)$/), version: expect.stringMatching(/^\d+\.\d+/) },
      });
    });

    it('count exactly through everything that changes a conversation', async () => {
      const users = ['a', 'b', 'c', 'd', 'e'].map((user) => sessionOf({ user }));
      for (const [index, id] of users.entries()) {
        for (let n = 0; n <= index; n += 1) await runTurn(harness.store, messageOf(id, `m${index}-${n}`));
      }
      // 1 + 2 + 3 + 4 + 5 turns, of which the cap leaves 4 in the last conversation
      expect(await counts()).toEqual({ conversations: 5, messages: 2 * 14, pending: 0 });

      await harness.store.removeTurns(sessionOf({ user: 'd' }), { source: 'm3-1' });
      expect(await counts()).toEqual({ conversations: 5, messages: 2 * 13, pending: 0 });
      await harness.store.removeTurns(sessionOf({ user: 'a' }), { source: 'm0-0' });
      expect(await counts()).toEqual({ conversations: 4, messages: 2 * 12, pending: 0 });
      await harness.store.forget(sessionOf({ user: 'b' }));
      expect(await counts()).toEqual({ conversations: 3, messages: 2 * 10, pending: 0 });
      await harness.store.erase({ platform: 'slack', workspace: 'T1', user: 'c' });

      await offerNew(harness.store, messageOf(sessionOf({ user: 'c' }), 'waiting'));
      await shorten(harness.store, sessionOf({ user: 'e' }));
      await until(async () => expect(await counts()).toEqual({ conversations: 1, messages: 2 * 3, pending: 1 }));

      await runTurn(harness.store, messageOf(sessionOf({ user: 'e' }), 'again'));
      const store = await harness.fixture.open();
      expect(await store.stats()).toMatchObject({ conversations: 2, messages: 2 * 4, pending: 1 });
    });

    it('count the turns and tokens of today, forgotten ones included', async () => {
      await runTurn(harness.store, messageOf(session, 'm1'), answerOf('one', { tokens: 12 }));
      await runTurn(harness.store, messageOf(sessionOf({ user: 'bob' }), 'm2'), answerOf('two', { tokens: 30 }));
      await harness.store.forget(session);
      expect(await harness.store.stats()).toMatchObject({ turnsToday: 2, tokensToday: 42 });
    });

    it('of a conversation tell its size and its age', async () => {
      expect(await harness.store.conversationStats(session)).toBeUndefined();
      await offerNew(harness.store, messageOf(session, 'm1'));
      expect(await harness.store.conversationStats(session)).toBeUndefined();
      const { lease, message } = await takeHead(harness.store, session);
      await harness.store.commit(lease, message, answerOf('one', { tokens: 12 }));
      await finish(harness.store, lease);
      const first = await harness.store.conversationStats(session);
      expect(first).toMatchObject({ messages: 2, turns: 1, tokens: 12 });
      expect(first?.key).toContain(session);
      expect(first?.createdAt).toBeGreaterThan(0);
      expect(first?.bytes).toBeGreaterThan('text of m1one'.length);

      const long = 'x'.repeat(4000);
      await runTurn(harness.store, messageOf(session, 'm2'), answerOf(long, { tokens: 900 }));
      const second = await harness.store.conversationStats(session);
      expect(second).toMatchObject({ messages: 4, turns: 2, tokens: 912, createdAt: first?.createdAt });
      expect(second?.bytes).toBeGreaterThanOrEqual((first?.bytes ?? 0) + long.length);
    });

    it('of a conversation count every turn, also those that the cap has dropped', async () => {
      const turns = LIMITS.maxMessages;
      for (let n = 0; n < turns; n += 1) await runTurn(harness.store, messageOf(session, `m${n}`));
      expect(await harness.store.conversationStats(session)).toMatchObject({
        messages: LIMITS.maxMessages,
        turns,
        tokens: 7 * turns,
      });
    });
  });

  describe('a store', () => {
    it('answers a ping until it is closed, and then says what is wrong', async () => {
      await harness.store.ping();
      await harness.store.close();
      const gone = { name: 'BotError', code: 'store_unavailable' };
      await expect(harness.store.ping()).rejects.toMatchObject(gone);
      await expect(harness.store.history(session)).rejects.toMatchObject(gone);
      await expect(harness.store.enqueue(messageOf(session, 'm1'))).rejects.toMatchObject(gone);
    });

    it('can be closed twice', async () => {
      await harness.store.close();
      await harness.store.close();
    });
  });
}
