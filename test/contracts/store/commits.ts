/** How a turn ends: commit once, fail, finish; and what of it is remembered. */
import { describe, expect, it } from 'vitest';
import { ANSWER_CUTS, type ChatMessage } from '../../../src/core/types.ts';
import type { Harness } from './support.ts';
import { answerOf, contents, finish, LIMITS, messageOf, offerNew, runTurn, sessionOf, takeHead } from './support.ts';

const session = sessionOf();

export function describeCommits(harness: Harness): void {
  describe('committing', () => {
    it('stores both halves of the turn and the answer', async () => {
      const message = messageOf(session, '1700000000.000100', { text: '我叫张三 \u0000 😀 "x" \\n' });
      await offerNew(harness.store, message);
      const { lease } = await takeHead(harness.store, session);
      const answer = answerOf('你好，张三！\u0000\n```js\n"😀"\n```');
      expect(await harness.store.commit(lease, message, answer)).toBe('committed');

      const shared = { turn: message.turnId, source: message.id, authorId: 'ada' };
      const expected: ChatMessage[] = [
        { role: 'user', content: message.text, timestamp: message.sentAt, ...shared },
        { role: 'assistant', content: answer.text, timestamp: answer.timestamp, ...shared },
      ];
      expect((await harness.store.history(session))?.messages).toEqual(expected);
      expect(await harness.store.record(session, message.turnId)).toMatchObject({
        state: 'answered',
        outcome: 'answered',
        answer: answer.text,
      });

      const store = await harness.fixture.open();
      expect((await store.history(session))?.messages).toEqual(expected);
      expect((await takeHead(store, session)).record.answer).toBe(answer.text);
    });

    it('stores nothing twice when the same worker asks again', async () => {
      await offerNew(harness.store, messageOf(session, 'm1'));
      const { lease, message } = await takeHead(harness.store, session);
      expect(await harness.store.commit(lease, message, answerOf('first'))).toBe('committed');
      expect(await harness.store.commit(lease, message, answerOf('second'))).toBe('known');
      expect(await contents(harness.store, session)).toEqual(['text of m1', 'first']);
      expect((await harness.store.record(session, 'm1'))?.answer).toBe('first');
      expect((await harness.store.conversationStats(session))?.turns).toBe(1);
    });

    it('stores nothing twice when the next worker goes on, before or after the turn is finished', async () => {
      await offerNew(harness.store, messageOf(session, 'm1'));
      const first = await takeHead(harness.store, session);
      await harness.store.commit(first.lease, first.message, answerOf('first'));
      const second = await takeHead(harness.store, session);
      expect(second.record).toMatchObject({ state: 'answered', answer: 'first', attempt: 2, takeovers: 0 });
      expect(await harness.store.commit(second.lease, second.message, answerOf('second'))).toBe('known');
      expect(await finish(harness.store, second.lease)).toBe(0);
      expect(await harness.store.commit(second.lease, second.message, answerOf('third'))).toBe('known');
      expect(await contents(harness.store, session)).toEqual(['text of m1', 'first']);
      expect((await harness.store.record(session, 'm1'))?.state).toBe('finished');
    });

    it('keeps with an answer what it was made with, and loses it with the answer', async () => {
      const used = { turns: ['m1', 'm2'], facts: ['abcd1234'] };
      await runTurn(harness.store, messageOf(session, 'm3'), answerOf('You like tea.', { used }));
      const stored = async () => (await harness.store.history(session))?.messages.map((message) => message.used);
      expect(await stored()).toEqual([undefined, used]);
      await harness.store.removeTurns(session, { source: messageOf(session, 'm3').id });
      expect(await stored()).toBeUndefined();
    });

    it('marks an answer that the person stopped', async () => {
      await offerNew(harness.store, messageOf(session, 'm1'));
      const { lease, message } = await takeHead(harness.store, session);
      await harness.store.commit(lease, message, answerOf('half of', { stopped: true }));
      expect(await harness.store.record(session, 'm1')).toMatchObject({ outcome: 'answered', stopped: true });
      await finish(harness.store, lease);
      expect(await harness.store.record(session, 'm1')).toMatchObject({ state: 'finished', stopped: true });
      const messages = (await harness.store.history(session))?.messages;
      expect(messages?.map((half) => half.stopped)).toEqual([undefined, true]);
      await runTurn(harness.store, messageOf(session, 'm2'));
      expect((await harness.store.record(session, 'm2'))?.stopped ?? false).toBe(false);
    });

    it.each(ANSWER_CUTS)('keeps that an answer was cut off (%s), for the next worker and in memory', async (cut) => {
      await offerNew(harness.store, messageOf(session, 'm1'));
      const first = await takeHead(harness.store, session);
      await harness.store.commit(first.lease, first.message, answerOf('half of', { cut }));
      const second = await takeHead(harness.store, session);
      expect(second.record).toMatchObject({ state: 'answered', answer: 'half of', cut });
      await finish(harness.store, second.lease);
      const messages = (await harness.store.history(session))?.messages;
      expect(messages?.map((half) => [half.content, half.cut])).toEqual([
        ['text of m1', undefined],
        ['half of', cut],
      ]);
    });

    it('keeps nothing of a cut answer that was forgotten', async () => {
      await offerNew(harness.store, messageOf(session, 'm1'));
      const { lease, message } = await takeHead(harness.store, session);
      await harness.store.commit(lease, message, answerOf('half of', { cut: 'length' }));
      await harness.store.forget(session);
      expect(await harness.store.record(session, 'm1')).not.toHaveProperty('cut');
    });

    it('keeps the name of the author in a conversation that several people share, and only there', async () => {
      const channel = sessionOf({ user: undefined });
      const direct = sessionOf({ user: undefined, channel: 'D1' });
      await runTurn(harness.store, messageOf(channel, 'm1'));
      await runTurn(harness.store, messageOf(direct, 'm2', { isDirect: true }));
      await runTurn(harness.store, messageOf(session, 'm3'));
      const names = async (id: typeof session) =>
        (await harness.store.history(id))?.messages.map((message) => message.author);
      expect(await names(channel)).toEqual(['Ada', undefined]);
      expect(await names(direct)).toEqual([undefined, undefined]);
      expect(await names(session)).toEqual([undefined, undefined]);
    });

    it('never stores what was quoted or replied to, and of files only the pointers', async () => {
      const extras = {
        quotes: [{ author: 'Bob', text: 'quoted-secret', files: [{ name: 'quoted-secret.pdf' }] }],
        attachments: [{ name: 'plan.pdf', data: 'attached-secret' }],
      };
      await offerNew(harness.store, messageOf(session, 'm1', extras));
      expect(await harness.fixture.dumpText()).toContain('quoted-secret');
      const { lease, message } = await takeHead(harness.store, session);
      await harness.store.commit(lease, message, answerOf('fine'));
      await finish(harness.store, lease);
      const { messages } = (await harness.store.history(session)) ?? { messages: [] };
      expect(JSON.stringify(messages)).not.toContain('secret');
    });

    it('keeps the newest whole turns when the cap is reached', async () => {
      const turns = LIMITS.maxMessages / 2 + 3;
      for (let n = 1; n <= turns; n += 1) await runTurn(harness.store, messageOf(session, `m${n}`));
      const kept = Array.from({ length: LIMITS.maxMessages / 2 }, (_, index) => `m${index + 4}`);
      expect(await contents(harness.store, session)).toEqual(
        kept.flatMap((id) => [`text of ${id}`, `answer to ${id}`]),
      );
      expect((await harness.store.history(session))?.total).toBe(LIMITS.maxMessages);
      expect(await harness.store.conversationStats(session)).toMatchObject({ messages: LIMITS.maxMessages, turns });
    });
  });

  describe('failing', () => {
    it('leaves memory alone, says why, and lets the next turn go on', async () => {
      await offerNew(harness.store, messageOf(session, 'm1'));
      await offerNew(harness.store, messageOf(session, 'm2'));
      const { lease, message } = await takeHead(harness.store, session);
      expect(await harness.store.fail(lease, 'model_rate_limited')).toBe(true);
      const failed = { outcome: 'failed', code: 'model_rate_limited' };
      expect(await harness.store.record(session, 'm1')).toMatchObject({ state: 'failed', ...failed });
      expect(await harness.store.commit(lease, message, answerOf('too late'))).toBe('known');
      expect(await harness.store.history(session)).toBeUndefined();

      const again = await takeHead(harness.store, session);
      expect(again.record).toMatchObject({ state: 'failed', takeovers: 0, ...failed });
      expect(await finish(harness.store, again.lease)).toBe(1);
      expect(await harness.store.record(session, 'm1')).toMatchObject({ state: 'finished', ...failed });
      const next = await takeHead(harness.store, session);
      expect(await harness.store.commit(next.lease, next.message, answerOf('two'))).toBe('committed');
      expect(await contents(harness.store, session)).toEqual(['text of m2', 'two']);
    });
  });

  describe('finishing', () => {
    it('takes the message out of the inbox and the answer out of the record', async () => {
      await offerNew(harness.store, messageOf(session, 'm1'));
      await offerNew(harness.store, messageOf(session, 'm2'));
      const { lease, message } = await takeHead(harness.store, session);
      await harness.store.commit(lease, message, answerOf('one'));
      expect(await finish(harness.store, lease)).toBe(1);
      expect(await harness.store.waiting(session)).toEqual(['m2']);
      const record = await harness.store.record(session, 'm1');
      expect(record).toMatchObject({ state: 'finished', outcome: 'answered' });
      expect(record?.answer).toBeUndefined();
    });

    it('removes nobody else when it is asked again', async () => {
      await offerNew(harness.store, messageOf(session, 'm1'));
      await offerNew(harness.store, messageOf(session, 'm2'));
      const { lease } = await takeHead(harness.store, session);
      expect(await finish(harness.store, lease)).toBe(1);
      expect(await finish(harness.store, lease)).toBe(1);
      expect(await harness.store.waiting(session)).toEqual(['m2']);
    });
  });
}
