/** Reading memory: the window for the model, the pages of the history, elements that cannot be read. */
import { beforeEach, describe, expect, it } from 'vitest';
import type { Harness } from './support.ts';
import { answerOf, contents, LIMITS, messageOf, runTurn, sessionOf } from './support.ts';

const session = sessionOf();

/** What a writer that dies or errs may leave behind. */
const BAD_ELEMENTS: readonly string[] = [
  '',
  '{"role":"user","content":"trunc',
  'null',
  '[]',
  '"text"',
  '42',
  '{}',
  '{"role":"system","content":"x","timestamp":1,"turn":"t","source":"s","authorId":"a"}',
  '{"role":"user","content":7,"timestamp":1,"turn":"t","source":"s","authorId":"a"}',
  '{"role":"user","content":"x","timestamp":"now","turn":"t","source":"s","authorId":"a"}',
  '{"role":"user","content":"x","timestamp":1}',
  'not json at all',
];

export function describeReading(harness: Harness): void {
  describe('reading', () => {
    const halves = ['text of m1', 'answer to m1', 'text of m2', 'answer to m2', 'text of m3', 'answer to m3'];

    beforeEach(async () => {
      for (const id of ['m1', 'm2', 'm3']) await runTurn(harness.store, messageOf(session, id));
    });

    const opened = async (limit: number) =>
      (await harness.store.open(session, limit)).messages.map((message) => message.content);

    it('opens a turn with the newest messages, oldest first, at most as many as asked for', async () => {
      expect(await opened(4)).toEqual(halves.slice(2));
      expect(await opened(3)).toEqual(halves.slice(3));
      expect(await opened(1)).toEqual(halves.slice(5));
      expect(await opened(6)).toEqual(halves);
      expect(await opened(200)).toEqual(halves);
    });

    it('tells how many messages there are, whatever the limit', async () => {
      const totalOf = async (limit: number) => (await harness.store.open(session, limit)).total;
      expect([await totalOf(1), await totalOf(6), await totalOf(200)]).toEqual([6, 6, 6]);
      await harness.fixture.injectBadElement(session, 'no element');
      expect(await totalOf(1)).toBe(7);
    });

    it('opens a conversation of which nothing is remembered, and creates nothing by it', async () => {
      const other = sessionOf({ user: 'bob' });
      expect(await harness.store.open(other, 20)).toEqual({ messages: [], total: 0, facts: [] });
      expect(await harness.store.history(other)).toBeUndefined();
      expect(await harness.store.conversationStats(other)).toBeUndefined();
      expect((await harness.store.stats()).conversations).toBe(1);
    });

    it('gives the history whole, newest last, with its length', async () => {
      const history = await harness.store.history(session);
      expect(history).toMatchObject({ total: 6, corrupt: 0 });
      expect(history?.messages.map((message) => message.content)).toEqual(halves);
      expect(history?.messages.map((message) => message.role)).toEqual([
        'user',
        'assistant',
        'user',
        'assistant',
        'user',
        'assistant',
      ]);
    });

    it('pages the history, counted from the newest', async () => {
      const page = async (offset: number, limit: number) => {
        const history = await harness.store.history(session, { offset, limit });
        expect(history?.total).toBe(6);
        return history?.messages.map((message) => message.content);
      };
      expect(await page(0, 2)).toEqual(halves.slice(4));
      expect(await page(2, 2)).toEqual(halves.slice(2, 4));
      expect(await page(4, 4)).toEqual(halves.slice(0, 2));
      expect(await page(5, 1)).toEqual(halves.slice(0, 1));
      expect(await page(6, 2)).toEqual([]);
      expect(await page(600, 2)).toEqual([]);
      expect(await page(0, 0)).toEqual([]);
      expect((await harness.store.history(session, { offset: 4 }))?.messages).toHaveLength(2);
    });
  });

  describe('an element that cannot be read', () => {
    it.each(BAD_ELEMENTS)('is skipped and counted: %j', async (raw) => {
      await runTurn(harness.store, messageOf(session, 'm1'));
      await harness.fixture.injectBadElement(session, raw);
      // The worker of the next turn is given the newest messages with it, and meets the element.
      await runTurn(harness.store, messageOf(session, 'm2'));
      expect(harness.badElements.get(session)).toBe(1);

      const history = await harness.store.history(session);
      expect(history).toMatchObject({ total: 5, corrupt: 1 });
      expect(history?.messages.map((message) => message.source)).toEqual(['m1', 'm1', 'm2', 'm2']);
      expect(harness.badElements.get(session)).toBe(2);

      const { messages } = await harness.store.open(session, 20);
      expect(messages).toEqual(history?.messages);
      expect(harness.badElements.get(session)).toBe(3);
      expect(await harness.store.history(session, { limit: 2 })).toMatchObject({ total: 5, corrupt: 0 });
    });

    it('is left alone, and the conversation goes on to its cap', async () => {
      await runTurn(harness.store, messageOf(session, 'm1'));
      await harness.fixture.injectBadElement(session, 'left-alone');
      await harness.store.history(session);
      await harness.store.removeTurns(session, { source: 'm1' });
      expect(await harness.fixture.dumpText()).toContain('left-alone');
      expect(await harness.store.history(session)).toMatchObject({ messages: [], total: 1, corrupt: 1 });

      for (let n = 0; n < LIMITS.maxMessages; n += 1) await runTurn(harness.store, messageOf(session, `n${n}`));
      const history = await harness.store.history(session);
      expect(history).toMatchObject({ total: LIMITS.maxMessages, corrupt: 0 });
      expect(history?.messages[0]?.role).toBe('user');
    });

    it('does not keep the others from being listed, exported or erased', async () => {
      await runTurn(harness.store, messageOf(session, 'm1'), answerOf('one', { timestamp: 1_700_000_005_000 }));
      await harness.fixture.injectBadElement(session, '{"half":');
      const ada = { platform: 'slack', workspace: 'T1', user: 'ada' };
      expect(await harness.store.conversations(ada)).toMatchObject([{ sessionId: session }]);
      expect((await harness.store.export(ada))[0]?.messages.map((message) => message.content)).toEqual([
        'text of m1',
        'one',
      ]);
      expect(await harness.store.conversationStats(session)).toMatchObject({ turns: 1 });
      expect(await harness.store.erase(ada)).toMatchObject({ conversations: 1 });
      expect(await contents(harness.store, session)).toEqual([]);
      expect(await harness.fixture.dumpText()).not.toContain('{"half":');
    });

    it('is told apart from unknown fields, which newer writers may add', async () => {
      await runTurn(harness.store, messageOf(session, 'm1'));
      const newer = {
        role: 'user',
        content: 'newer',
        timestamp: Date.now(),
        turn: 't',
        source: 's',
        authorId: 'a',
        mood: 'fine',
      };
      await harness.fixture.injectBadElement(session, JSON.stringify(newer));
      expect((await harness.store.history(session))?.messages.at(-1)).toEqual({
        role: 'user',
        content: 'newer',
        timestamp: newer.timestamp,
        turn: 't',
        source: 's',
        authorId: 'a',
      });
      expect(harness.badElements.size).toBe(0);
    });
  });
}
