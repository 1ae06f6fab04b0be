/** Edited and deleted messages, and turns that are removed by author or by message. */
import { describe, expect, it } from 'vitest';
import type { Harness } from './support.ts';
import { answerOf, contents, finish, messageOf, offerNew, runTurn, sessionOf, takeHead } from './support.ts';

const session = sessionOf();
const channel = sessionOf({ user: undefined });
const bob = { author: { id: 'bob', name: 'Bob' } };
const NOTHING = { conversations: 0, messages: 0, waiting: 0, facts: 0 };

export function describeRemoving(harness: Harness): void {
  describe('amending', () => {
    it('replaces the text of a message that waits, and nothing else of it', async () => {
      const message = messageOf(session, 'm2', { quotes: [{ author: 'Bob', text: 'earlier' }], ttl: 300 });
      await offerNew(harness.store, messageOf(session, 'm1'));
      await offerNew(harness.store, message);
      expect(await harness.store.amend(session, 'm2', 'edited 😀')).toBe('amended');
      expect(await harness.store.waiting(session)).toEqual(['m1', 'm2']);
      const first = await takeHead(harness.store, session);
      expect(first.message.text).toBe('text of m1');
      await finish(harness.store, first.lease);
      const second = await takeHead(harness.store, session);
      expect(second.message).toEqual({ ...message, text: 'edited 😀' });
      expect(second.record.state).toBe('running');
      expect(await harness.store.commit(second.lease, second.message, answerOf('two'))).toBe('committed');
    });

    it('drops a waiting message that was deleted: it ends as forgotten', async () => {
      await offerNew(harness.store, messageOf(session, 'm1', { text: 'deleted-text' }));
      expect(await harness.store.amend(session, 'm1', null)).toBe('amended');
      expect(await harness.fixture.dumpText()).not.toContain('deleted-text');
      expect(await harness.store.amend(session, 'm1', 'back again')).toBe('unknown');
      const { lease, message, record } = await takeHead(harness.store, session);
      expect(message).toMatchObject({ id: 'm1', text: '', author: { id: 'ada', name: '' } });
      expect(record).toMatchObject({ state: 'forgotten', outcome: 'forgotten' });
      expect(await harness.store.commit(lease, message, answerOf('too late'))).toBe('forgotten');
      expect(await finish(harness.store, lease)).toBe(0);
    });

    it('comes too late for a message that is being answered', async () => {
      await offerNew(harness.store, messageOf(session, 'm1'));
      const { lease, message } = await takeHead(harness.store, session);
      expect(await harness.store.amend(session, 'm1', 'edited')).toBe('running');
      expect(await harness.store.amend(session, 'm1', null)).toBe('running');
      await harness.store.commit(lease, message, answerOf('one'));
      expect(await harness.store.amend(session, 'm1', 'edited')).toBe('running');
      expect((await takeHead(harness.store, session)).message.text).toBe('text of m1');
    });

    it('does not know a message that waits elsewhere, is finished, or never came', async () => {
      await runTurn(harness.store, messageOf(session, 'm1'));
      await offerNew(harness.store, messageOf(sessionOf({ user: 'bob' }), 'm2'));
      for (const source of ['m1', 'm2', 'm3']) {
        expect(await harness.store.amend(session, source, 'edited')).toBe('unknown');
        expect(await harness.store.amend(session, source, null)).toBe('unknown');
      }
      expect(await contents(harness.store, session)).toEqual(['text of m1', 'answer to m1']);
    });
  });

  describe('removing turns', () => {
    it('of one message removes both halves and no other turn', async () => {
      for (const id of ['m1', 'm2', 'm3']) await runTurn(harness.store, messageOf(session, id));
      const removed = await harness.store.removeTurns(session, { source: 'm2' });
      expect(removed).toEqual({ conversations: 1, messages: 2, waiting: 0, facts: 0 });
      expect(await contents(harness.store, session)).toEqual([
        'text of m1',
        'answer to m1',
        'text of m3',
        'answer to m3',
      ]);
      expect((await harness.store.history(session))?.total).toBe(4);
      expect(await harness.store.conversationStats(session)).toMatchObject({ messages: 4, turns: 2 });
      expect(await harness.store.removeTurns(session, { source: 'm2' })).toEqual(NOTHING);
      expect(await harness.fixture.dumpText()).not.toMatch(/text of m2|answer to m2/);
    });

    it('of one author leaves what the others said', async () => {
      await runTurn(harness.store, messageOf(channel, 'm1'));
      await runTurn(harness.store, messageOf(channel, 'm2', bob));
      await runTurn(harness.store, messageOf(channel, 'm3'));
      const removed = await harness.store.removeTurns(channel, { authorId: 'ada' });
      expect(removed).toEqual({ conversations: 1, messages: 4, waiting: 0, facts: 0 });
      expect(await contents(harness.store, channel)).toEqual(['text of m2', 'answer to m2']);
      expect(await harness.store.removeTurns(channel, { authorId: 'Bob' })).toEqual(NOTHING);
      expect(await harness.fixture.dumpText()).not.toMatch(/(text of|answer to) m[13]/);
    });

    it('ends the conversation when nothing is left of it', async () => {
      await runTurn(harness.store, messageOf(session, 'm1'));
      await harness.store.setTtl(session, 600);
      const removed = await harness.store.removeTurns(session, { source: 'm1' });
      expect(removed).toEqual({ conversations: 1, messages: 2, waiting: 0, facts: 0 });
      expect(await harness.store.history(session)).toBeUndefined();
      expect(await harness.store.conversationStats(session)).toBeUndefined();
      expect(await harness.store.stats()).toMatchObject({ conversations: 0, messages: 0 });
      expect(await harness.store.ttl(session)).toEqual({ choice: 600, effective: 600 });
    });

    it('drops waiting messages of the author, and lets the others be answered', async () => {
      await offerNew(harness.store, messageOf(channel, 'm1', { text: 'waiting-secret' }));
      await offerNew(harness.store, messageOf(channel, 'm2', bob));
      await offerNew(harness.store, messageOf(channel, 'm3', { text: 'waiting-secret' }));
      const removed = await harness.store.removeTurns(channel, { authorId: 'ada' });
      expect(removed).toEqual({ conversations: 1, messages: 0, waiting: 2, facts: 0 });
      expect(await harness.store.removeTurns(channel, { authorId: 'ada' })).toEqual(NOTHING);
      expect(await harness.fixture.dumpText()).not.toContain('waiting-secret');
      const outcomes: string[] = [];
      for (const id of ['m1', 'm2', 'm3']) {
        const { lease, message } = await takeHead(harness.store, channel);
        expect(message.id).toBe(id);
        outcomes.push(await harness.store.commit(lease, message, answerOf('done')));
        await finish(harness.store, lease);
      }
      expect(outcomes).toEqual(['forgotten', 'committed', 'forgotten']);
    });

    it.each([
      { by: 'author', selector: { authorId: 'ada' } },
      { by: 'message', selector: { source: 'm1' } },
    ])('wins over the running turn, chosen by $by', async ({ selector }) => {
      await runTurn(harness.store, messageOf(channel, 'm0', bob));
      await offerNew(harness.store, messageOf(channel, 'm1', { text: 'running-secret' }));
      const { lease, message } = await takeHead(harness.store, channel);
      await harness.store.saveMessageRef(lease, 1, { id: 'p1' });
      const removed = await harness.store.removeTurns(channel, selector);
      expect(removed).toEqual({ conversations: 1, messages: 0, waiting: 1, facts: 0 });
      expect(await harness.fixture.dumpText()).not.toContain('running-secret');
      expect(await harness.store.commit(lease, message, answerOf('too late'))).toBe('forgotten');
      const record = await harness.store.record(channel, 'm1');
      expect(record).toMatchObject({ state: 'forgotten', outcome: 'forgotten' });
      expect(record?.messageRefs).toEqual(new Map([[1, { id: 'p1' }]]));
      expect(await contents(harness.store, channel)).toEqual(['text of m0', 'answer to m0']);
      expect(await finish(harness.store, lease)).toBe(0);
    });

    it.each(['plain', 'a"b\\c', '消息 😀', 'tab\there', '\u2028'])('finds it by any id, such as %j', async (id) => {
      await runTurn(harness.store, messageOf(channel, 'm1'));
      await runTurn(harness.store, messageOf(channel, id, { author: { id, name: 'Odd' } }));
      expect(await harness.store.removeTurns(channel, { source: id })).toMatchObject({ messages: 2 });
      await runTurn(harness.store, messageOf(channel, `${id} again`, { author: { id, name: 'Odd' } }));
      expect(await harness.store.removeTurns(channel, { authorId: id })).toMatchObject({ messages: 2 });
      expect(await contents(harness.store, channel)).toEqual(['text of m1', 'answer to m1']);
    });

    it('is not misled by a text that looks like it', async () => {
      const text = '"source":"m1" {"role":"user","source":"m1","authorId":"bob"}';
      await runTurn(harness.store, messageOf(channel, 'm1'));
      await runTurn(harness.store, messageOf(channel, 'm2', { text }), answerOf(text));
      expect(await harness.store.removeTurns(channel, { source: 'm1' })).toMatchObject({ messages: 2 });
      expect(await harness.store.removeTurns(channel, { authorId: 'bob' })).toEqual(NOTHING);
      expect(await contents(harness.store, channel)).toEqual([text, text]);
    });

    it('finds what somebody else wrote in another form', async () => {
      await runTurn(harness.store, messageOf(channel, 'm1'));
      const half = {
        role: 'user',
        content: 'foreign-secret',
        timestamp: Date.now(),
        turn: 't',
        source: 'm2',
        authorId: 'bob',
      };
      for (const turn of ['t1', 't2']) {
        await harness.fixture.injectBadElement(channel, JSON.stringify({ ...half, turn, source: turn }, undefined, 1));
      }
      expect(await harness.store.removeTurns(channel, { source: 't1' })).toMatchObject({ messages: 1 });
      expect(await harness.store.removeTurns(channel, { authorId: 'bob' })).toMatchObject({ messages: 1 });
      expect(await harness.fixture.dumpText()).not.toContain('foreign-secret');
      expect(await contents(harness.store, channel)).toEqual(['text of m1', 'answer to m1']);
    });

    it('takes the answer out of a turn that is not finished', async () => {
      await offerNew(harness.store, messageOf(session, 'm1', { text: 'settled-secret' }));
      const { lease, message } = await takeHead(harness.store, session);
      await harness.store.commit(lease, message, answerOf('settled-answer'));
      const removed = await harness.store.removeTurns(session, { source: 'm1' });
      expect(removed).toEqual({ conversations: 1, messages: 2, waiting: 0, facts: 0 });
      expect(await harness.fixture.dumpText()).not.toMatch(/settled-secret|settled-answer/);
      const { record } = await takeHead(harness.store, session);
      expect(record).toMatchObject({ state: 'forgotten', outcome: 'forgotten' });
      expect(record.answer).toBeUndefined();
    });

    it('finds nothing where nothing is', async () => {
      expect(await harness.store.removeTurns(session, { source: 'm1' })).toEqual(NOTHING);
      expect(await harness.store.removeTurns(session, { authorId: 'ada' })).toEqual(NOTHING);
    });
  });
}
