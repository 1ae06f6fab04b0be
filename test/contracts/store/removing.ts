/** Edited and deleted messages, and turns that are removed by author or by message. */
import { describe, expect, it } from 'vitest';
import type { Harness } from './support.ts';
import {
  answerOf,
  contents,
  finish,
  LIMITS,
  messageOf,
  offerNew,
  runTurn,
  sessionOf,
  takeHead,
  tryClaim,
} from './support.ts';

const session = sessionOf();
const channel = sessionOf({ user: undefined });
const bob = { author: { id: 'bob', name: 'Bob' } };
const EDITED_AT = 1_700_000_000_000;
const NOTHING = { conversations: 0, messages: 0, waiting: 0, facts: 0 };

export function describeRemoving(harness: Harness): void {
  describe('amending', () => {
    it('replaces the text of a message that waits, and nothing else of it', async () => {
      const message = messageOf(session, 'm2', { quotes: [{ author: 'Bob', text: 'earlier' }], ttl: 300 });
      await offerNew(harness.store, messageOf(session, 'm1'));
      await offerNew(harness.store, message);
      expect(await harness.store.amend(session, 'm2', 'edited 😀', EDITED_AT)).toBe('amended');
      expect(await harness.store.waiting(session)).toEqual(['m1', 'm2']);
      const first = await takeHead(harness.store, session);
      expect(first.message.text).toBe('text of m1');
      await finish(harness.store, first.lease);
      const second = await takeHead(harness.store, session);
      expect(second.message).toEqual({ ...message, text: 'edited 😀', editedAt: EDITED_AT });
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

    it('of a message that is being answered has the commit store the new text', async () => {
      await offerNew(harness.store, messageOf(session, 'm1', { text: 'first-secret' }));
      const { lease, message } = await takeHead(harness.store, session);
      expect(await harness.store.amend(session, 'm1', 'second-secret', EDITED_AT)).toBe('running');
      expect(await harness.store.amend(session, 'm1', 'harmless "\\"', EDITED_AT + 1)).toBe('running');
      expect(await harness.store.amend(session, 'm1', null)).toBe('running');
      expect(await harness.store.check(lease)).toMatchObject({ state: 'held' });
      expect(await harness.store.commit(lease, message, answerOf('one'))).toBe('committed');
      expect(await harness.store.commit(lease, message, answerOf('two'))).toBe('known');
      expect(await contents(harness.store, session)).toEqual(['harmless "\\"', 'one']);
      expect(await finish(harness.store, lease)).toBe(0);
      expect(await harness.fixture.dumpText()).not.toMatch(/(first|second)-secret/);
    });

    it('of a message that is taken over has the next worker answer the new text', async () => {
      await offerNew(harness.store, messageOf(session, 'm1'));
      await takeHead(harness.store, session);
      expect(await harness.store.amend(session, 'm1', 'edited', EDITED_AT)).toBe('running');
      const { lease, message } = await takeHead(harness.store, session);
      expect(message.text).toBe('edited');
      expect(await harness.store.commit(lease, message, answerOf('one'))).toBe('committed');
      expect(await contents(harness.store, session)).toEqual(['edited', 'one']);
    });

    it('of a message that was answered replaces the stored text, delivered or not', async () => {
      await runTurn(harness.store, messageOf(session, 'm1', { text: 'first-secret' }));
      await offerNew(harness.store, messageOf(session, 'm2', { text: 'second-secret' }));
      const { lease, message } = await takeHead(harness.store, session);
      await harness.store.commit(lease, message, answerOf('two'));
      expect(await harness.store.amend(session, 'm1', 'eins 😀', EDITED_AT)).toBe('stored');
      expect(await harness.store.amend(session, 'm2', '', EDITED_AT)).toBe('stored');
      expect(await contents(harness.store, session)).toEqual(['eins 😀', 'answer to m1', '', 'two']);
      expect(await harness.fixture.dumpText()).not.toMatch(/(first|second)-secret/);
      expect((await harness.store.history(session))?.messages[0]).toMatchObject({
        ...{ role: 'user', turn: 'm1', source: 'm1', authorId: 'ada', editedAt: EDITED_AT },
      });
      expect((await takeHead(harness.store, session)).record).toMatchObject({ state: 'answered', answer: 'two' });
    });

    it.each([
      ['waits', async () => undefined],
      ['is being answered', () => takeHead(harness.store, session)],
      [
        'was answered',
        async () => {
          const { lease, message } = await takeHead(harness.store, session);
          await harness.store.commit(lease, message, answerOf('one'));
          await finish(harness.store, lease);
        },
      ],
    ])('never replaces a newer edit by an older one: of a message that %s', async (_, bring) => {
      await offerNew(harness.store, messageOf(session, 'm1', { editedAt: EDITED_AT }));
      await bring();
      const edit = (text: string, ms: number) => harness.store.amend(session, 'm1', text, EDITED_AT + ms);
      await edit('older than what was stored', -1);
      await edit('newest', 20);
      for (const ms of [10, -1]) await edit('older', ms);
      await edit('newest', 20);
      const waiting = await tryClaim(harness.store, session);
      if (waiting !== undefined) await harness.store.commit(waiting.lease, waiting.message, answerOf('one'));
      expect(await contents(harness.store, session)).toEqual(['newest', 'one']);
      await edit('the same text again', 20);
      await edit('newest', 30);
      await edit('older', 25);
      expect(await contents(harness.store, session)).toEqual(['newest', 'one']);
    });

    it('keeps the size of the conversation right', async () => {
      await runTurn(harness.store, messageOf(session, 'm1'), answerOf('one', { tokens: 10 }));
      const long = 'x'.repeat(LIMITS.maxBytes / 2);
      expect(await harness.store.amend(session, 'm1', long, EDITED_AT)).toBe('stored');
      expect((await harness.store.conversationStats(session))?.tokens).toBeGreaterThan(1_000);
      await runTurn(harness.store, messageOf(session, 'm2', { text: long }));
      expect(await contents(harness.store, session)).toEqual([long, 'answer to m2']);
      expect(await harness.store.stats()).toMatchObject({ messages: 2 });
    });

    it('brings nothing back: neither what was removed nor what was forgotten', async () => {
      for (const id of ['m1', 'm2']) await runTurn(harness.store, messageOf(session, id));
      await harness.store.removeTurns(session, { source: 'm1' });
      expect(await harness.store.amend(session, 'm1', 'back-again')).toBe('unknown');
      await harness.store.forget(session);
      expect(await harness.store.amend(session, 'm2', 'back-again')).toBe('unknown');
      await offerNew(harness.store, messageOf(session, 'm3'));
      const { lease, message } = await takeHead(harness.store, session);
      await harness.store.amend(session, 'm3', 'back-again');
      await harness.store.forget(session);
      expect(await harness.store.amend(session, 'm3', 'back-again')).toBe('unknown');
      expect(await harness.store.commit(lease, message, answerOf('late'))).toBe('forgotten');
      expect(await harness.fixture.dumpText()).not.toContain('back-again');
    });

    it('does not know a message that is elsewhere, or never came', async () => {
      await runTurn(harness.store, messageOf(session, 'm1'));
      await offerNew(harness.store, messageOf(sessionOf({ user: 'bob' }), 'm2'));
      expect(await harness.store.amend(session, 'm1', null)).toBe('unknown');
      for (const source of ['m2', 'm3', 'text of m1']) {
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
