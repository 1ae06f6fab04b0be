/** /forget: before, during and after a turn, and what is left in the store of the text: nothing. */
import { describe, expect, it } from 'vitest';
import type { Harness } from './support.ts';
import { answerOf, contents, finish, messageOf, offerNew, runTurn, sessionOf, takeHead } from './support.ts';

const session = sessionOf();

export function describeForgetting(harness: Harness): void {
  describe('forgetting', () => {
    it('erases the conversation and says how much that was', async () => {
      await runTurn(harness.store, messageOf(session, 'm1'));
      await runTurn(harness.store, messageOf(session, 'm2'));
      expect(await harness.store.forget(session)).toEqual({ conversations: 1, messages: 4, waiting: 0, facts: 0 });
      expect(await harness.store.history(session)).toBeUndefined();
      expect(await harness.store.open(session, 20)).toEqual({ messages: [], total: 0, facts: [] });
      expect(await harness.store.conversationStats(session)).toBeUndefined();
      expect(await harness.store.ttl(session)).toEqual({ effective: 1800 });
      expect(await harness.store.forget(session)).toEqual({ conversations: 0, messages: 0, waiting: 0, facts: 0 });
    });

    it('finds nothing to erase where nothing is', async () => {
      expect(await harness.store.forget(session)).toEqual({ conversations: 0, messages: 0, waiting: 0, facts: 0 });
    });

    it('leaves every other conversation alone', async () => {
      const others = [
        sessionOf({ user: 'bob' }),
        sessionOf({ user: undefined }),
        sessionOf({ thread: '17.1' }),
        sessionOf({ thread: '17.1', user: undefined }),
        sessionOf({ thread: 'ada', user: undefined }),
        sessionOf({ channel: 'C11' }),
        sessionOf({ user: 'adalbert' }),
        sessionOf({ place: { platform: 'discord', workspace: 'T1', channel: 'C1' } }),
      ];
      for (const [index, id] of [session, ...others].entries())
        await runTurn(harness.store, messageOf(id, `m${index}`));
      await harness.store.forget(session);
      expect(await harness.store.history(session)).toBeUndefined();
      for (const other of others) expect(await contents(harness.store, other)).toHaveLength(2);
      expect(await harness.store.stats()).toMatchObject({ conversations: others.length, messages: 2 * others.length });
    });

    it('reaches nobody by pattern characters in an id', async () => {
      const users = ['*', '?', '[a-z]', '{x}', '😀', 'a:b', 'a', 'b', '%2A'].map((user) => sessionOf({ user }));
      for (const [index, id] of users.entries()) await runTurn(harness.store, messageOf(id, `m${index}`));
      for (const [index, id] of users.entries()) {
        expect(await harness.store.forget(id)).toEqual({ conversations: 1, messages: 2, waiting: 0, facts: 0 });
        expect(await harness.store.stats()).toMatchObject({ conversations: users.length - index - 1 });
      }
    });

    it('leaves no text of the conversation in any key', async () => {
      const secrets = ['remembered-user', 'remembered-answer', 'broken-element', 'running-text', 'waiting-text'];
      const extras = {
        author: { id: 'ada', name: 'waiting-name' },
        quotes: [{ author: 'quoted-name', text: 'quoted-text' }],
        attachments: [{ name: 'attached-name.pdf' }],
      };
      secrets.push(
        'broken-waiting',
        'waiting-name',
        'quoted-name',
        'quoted-text',
        'attached-name',
        'settled-text',
        'settled-answer',
      );
      const long = (text: string) => `${text} `.repeat(400);
      await runTurn(
        harness.store,
        messageOf(session, 'm1', { text: long('remembered-user') }),
        answerOf(long('remembered-answer')),
      );
      await harness.fixture.injectBadElement(session, '{"content":"broken-element');
      await offerNew(harness.store, messageOf(session, 'm5', { text: long('failed-text') }));
      const failed = await takeHead(harness.store, session);
      await harness.store.fail(failed.lease, 'model_timeout');
      await finish(harness.store, failed.lease);
      await offerNew(harness.store, messageOf(session, 'm2', { text: long('running-text'), ...extras }));
      await offerNew(harness.store, messageOf(session, 'm3', { text: long('waiting-text'), ...extras }));
      await takeHead(harness.store, session);
      await harness.fixture.injectBadElement(session, '{"text":"broken-waiting', 'inbox');

      const settled = sessionOf({ channel: 'C2' });
      await offerNew(harness.store, messageOf(settled, 'm4', { text: long('settled-text') }));
      const { lease, message } = await takeHead(harness.store, settled);
      await harness.store.commit(lease, message, answerOf(long('settled-answer')));

      const before = await harness.fixture.dumpText();
      for (const secret of secrets) expect(before).toContain(secret);
      expect(await harness.store.forget(session)).toEqual({ conversations: 1, messages: 3, waiting: 2, facts: 0 });
      expect(await harness.store.forget(settled)).toEqual({ conversations: 1, messages: 2, waiting: 0, facts: 0 });
      const after = await harness.fixture.dumpText();
      for (const secret of [...secrets, 'failed-text']) expect(after).not.toContain(secret);
    });

    it('wins over the running turn, which keeps its handles for the reply it has begun', async () => {
      await runTurn(harness.store, messageOf(session, 'm0'));
      await offerNew(harness.store, messageOf(session, 'm1'));
      const { lease, message } = await takeHead(harness.store, session);
      await harness.store.saveMessageRef(lease, 1, { id: 'p1' });
      expect(await harness.store.forget(session)).toEqual({ conversations: 1, messages: 2, waiting: 1, facts: 0 });
      expect(await harness.store.record(session, 'm1')).toMatchObject({ state: 'forgotten', outcome: 'forgotten' });
      expect(await harness.store.saveMessageRef(lease, 2, { id: 'p2' })).toBe(true);
      expect(await harness.store.commit(lease, message, answerOf('too late'))).toBe('forgotten');
      expect(await harness.store.commit(lease, message, answerOf('still too late'))).toBe('forgotten');
      expect(await harness.store.history(session)).toBeUndefined();
      expect((await harness.store.record(session, 'm1'))?.answer).toBeUndefined();

      expect(await harness.store.requeue(lease)).toBe(true);
      const next = await takeHead(harness.store, session);
      expect(next.record).toMatchObject({ state: 'forgotten', outcome: 'forgotten', takeovers: 0 });
      expect(next.record.messageRefs).toEqual(
        new Map([
          [1, { id: 'p1' }],
          [2, { id: 'p2' }],
        ]),
      );
      expect(next.message).toMatchObject({ id: 'm1', text: '', replyTo: message.replyTo, locale: message.locale });
      expect(await finish(harness.store, next.lease)).toBe(0);
      expect(await harness.store.record(session, 'm1')).toMatchObject({ state: 'finished', outcome: 'forgotten' });
    });

    it('drops the texts of waiting messages, and each of them still ends as a turn', async () => {
      const extras = { quotes: [{ author: 'Bob', text: 'earlier' }], attachments: [{ name: 'a.pdf' }] };
      await offerNew(harness.store, messageOf(session, 'm1', extras));
      await offerNew(harness.store, messageOf(session, 'm2', extras));
      expect(await harness.store.forget(session)).toEqual({ conversations: 1, messages: 0, waiting: 2, facts: 0 });
      expect(await harness.store.forget(session)).toEqual({ conversations: 0, messages: 0, waiting: 0, facts: 0 });
      expect(await harness.store.waiting(session)).toEqual(['m1', 'm2']);
      expect(await harness.store.countPending()).toBe(1);
      for (const id of ['m1', 'm2']) {
        const { lease, message, record } = await takeHead(harness.store, session);
        expect(message).toMatchObject({ id, turnId: id, text: '', author: { id: 'ada', name: '' } });
        expect([message.quotes ?? [], message.attachments ?? []]).toEqual([[], []]);
        expect(record).toMatchObject({ state: 'forgotten', outcome: 'forgotten', attempt: 1, takeovers: 0 });
        expect(await harness.store.commit(lease, message, answerOf('too late'))).toBe('forgotten');
        await finish(harness.store, lease);
      }
      expect(await harness.store.history(session)).toBeUndefined();
      expect(await harness.store.countPending()).toBe(0);
    });

    it('takes the answer out of a turn that was answered but not finished', async () => {
      await offerNew(harness.store, messageOf(session, 'm1'));
      const { lease, message } = await takeHead(harness.store, session);
      await harness.store.saveMessageRef(lease, 1, { id: 'p1' });
      await harness.store.commit(lease, message, answerOf('answer'));
      expect(await harness.store.forget(session)).toEqual({ conversations: 1, messages: 2, waiting: 0, facts: 0 });
      const { record } = await takeHead(harness.store, session);
      expect(record).toMatchObject({ state: 'forgotten', outcome: 'forgotten' });
      expect(record.answer).toBeUndefined();
      expect(record.messageRefs).toEqual(new Map([[1, { id: 'p1' }]]));
    });

    it('is not undone by a turn that fails afterwards', async () => {
      await offerNew(harness.store, messageOf(session, 'm1'));
      const { lease } = await takeHead(harness.store, session);
      await harness.store.forget(session);
      expect(await harness.store.fail(lease, 'model_timeout')).toBe(true);
      expect(await harness.store.record(session, 'm1')).toMatchObject({ state: 'forgotten', outcome: 'forgotten' });
      expect((await harness.store.record(session, 'm1'))?.code).toBeUndefined();
    });

    it('does not touch what is said afterwards', async () => {
      await offerNew(harness.store, messageOf(session, 'm1'));
      await harness.store.forget(session);
      await offerNew(harness.store, messageOf(session, 'm2'));
      const first = await takeHead(harness.store, session);
      expect(await finish(harness.store, first.lease)).toBe(1);
      const second = await takeHead(harness.store, session);
      expect(second.message.text).toBe('text of m2');
      expect(await harness.store.commit(second.lease, second.message, answerOf('two'))).toBe('committed');
      expect(await contents(harness.store, session)).toEqual(['text of m2', 'two']);
      expect(await harness.store.conversationStats(session)).toMatchObject({ messages: 2, turns: 1 });
    });

    it('leaves nothing whichever of it and a commit comes first', async () => {
      for (let round = 0; round < 20; round += 1) {
        const id = sessionOf({ user: `u${round}` });
        await offerNew(harness.store, messageOf(id, `m${round}`, { text: 'raced-text' }));
        const { lease, message } = await takeHead(harness.store, id);
        const commit = () => harness.store.commit(lease, message, answerOf('raced-answer'));
        const forget = () => harness.store.forget(id);
        await Promise.all(round % 2 === 0 ? [commit(), forget()] : [forget(), commit()]);
        expect(await harness.store.history(id)).toBeUndefined();
        expect(await harness.store.record(id, `m${round}`)).toMatchObject({ state: 'forgotten' });
      }
      const dump = await harness.fixture.dumpText();
      expect(dump).not.toContain('raced-text');
      expect(dump).not.toContain('raced-answer');
    });
  });
}
