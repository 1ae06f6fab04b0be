/** Offering messages: dedupe, limits, the pending note. */
import { describe, expect, it } from 'vitest';
import { MAX_COMPONENT_LENGTH, parseSessionId } from '../../../src/core/session.ts';
import type { Harness } from './support.ts';
import {
  answerOf,
  finish,
  LIMITS,
  look,
  messageOf,
  offerNew,
  runTurn,
  sessionOf,
  takeHead,
  tryClaim,
  until,
} from './support.ts';

/** Message ids as nobody should make them and somebody will. */
const ODD_IDS = [
  '😀',
  '👩‍👩‍👧',
  '*',
  '?',
  '[a-z]',
  '{x}',
  'a:b',
  'a',
  'b',
  '\\',
  '%25',
  '%',
  "'; --",
  'a b',
  '\n',
  '\u0000',
  '你好',
];

export function describeInboxes(harness: Harness): void {
  describe('offering', () => {
    const session = sessionOf();
    const { place } = parseSessionId(session);

    it('gives the worker the message exactly as it was offered', async () => {
      const message = messageOf(session, '1700000000.000100', {
        idempotencyKeys: ['1700000000.000100', 'event 1'],
        author: { id: 'ada', name: 'Ada 👩🏽‍💻 "Lovelace"' },
        text: 'Line one\n\tline two \u0000 \u2028 \\ "quoted" 我叫张三 😀 {x} %s $1',
        isDirect: true,
        isMention: false,
        locale: 'zh-CN',
        replyTo: { platform: 'slack', channel: 'C1', nested: { list: [1, 'two', null, true, []], empty: {} } },
        quotes: [{ author: 'Bob', text: 'earlier' }],
        attachments: [{ name: 'report.pdf' }],
        ttl: 300,
      });
      expect(await harness.store.enqueue(message)).toMatchObject({ kind: 'queued', ahead: 0 });
      expect((await takeHead(harness.store, session)).message).toEqual(message);
    });

    it('keeps what was offered when the process ends', async () => {
      await offerNew(harness.store, messageOf(session, 'm1'));
      await offerNew(harness.store, messageOf(session, 'm2'));
      const store = await harness.fixture.open();
      expect(await store.waiting(session)).toEqual(['m1', 'm2']);
      expect(await store.enqueue(messageOf(session, 'm1'))).toMatchObject({ kind: 'duplicate', turnId: 'm1' });
      expect((await takeHead(store, session)).message).toEqual(messageOf(session, 'm1'));
    });

    it('refuses a message whose author cannot be named, and keeps nothing of it', async () => {
      const author = { id: 'x'.repeat(MAX_COMPONENT_LENGTH + 1), name: 'Ada' };
      const refused = harness.store.enqueue(messageOf(session, 'm1', { author }));
      await expect(refused).rejects.toMatchObject({ name: 'BotError', code: 'session_invalid' });
      expect(await harness.store.waiting(session)).toEqual([]);
      expect(await harness.store.record(session, 'm1')).toBeUndefined();
      expect(await harness.store.locate(place, ['m1'])).toBeUndefined();
      expect(await harness.store.countPending()).toBe(0);
      await offerNew(harness.store, messageOf(session, 'm1'));
    });

    it('says how many messages are ahead, the running one included', async () => {
      expect(await harness.store.enqueue(messageOf(session, 'm1'))).toMatchObject({ kind: 'queued', ahead: 0 });
      await takeHead(harness.store, session);
      expect(await harness.store.enqueue(messageOf(session, 'm2'))).toMatchObject({ kind: 'queued', ahead: 1 });
      expect(await harness.store.enqueue(messageOf(session, 'm3'))).toMatchObject({ kind: 'queued', ahead: 2 });
      expect(await harness.store.enqueue(messageOf(sessionOf({ user: 'bob' }), 'm4'))).toMatchObject({
        kind: 'queued',
        ahead: 0,
      });
    });

    it('knows a message by any of its idempotency keys, and claims the others too', async () => {
      await offerNew(harness.store, messageOf(session, 'm1', { idempotencyKeys: ['m1', 'event 1'] }));
      const duplicate = { kind: 'duplicate', sessionId: session, turnId: 'm1' };
      expect(
        await harness.store.enqueue(messageOf(session, 'x', { idempotencyKeys: ['event 1', 'event 2'] })),
      ).toMatchObject(duplicate);
      expect(await harness.store.enqueue(messageOf(session, 'y', { idempotencyKeys: ['event 2'] }))).toMatchObject(
        duplicate,
      );
      expect(await harness.store.waiting(session)).toEqual(['m1']);
    });

    it('takes a message that comes eleven times under new event ids for one', async () => {
      await offerNew(harness.store, messageOf(session, 'm1', { idempotencyKeys: ['m1', 'event 0'] }));
      for (let event = 1; event <= 10; event += 1) {
        const again = messageOf(session, 'm1', { idempotencyKeys: ['m1', `event ${event}`] });
        expect(await harness.store.enqueue(again)).toMatchObject({ kind: 'duplicate', turnId: 'm1' });
      }
      expect(await harness.store.waiting(session)).toEqual(['m1']);
    });

    it('knows a turn by its record, even under idempotency keys never seen', async () => {
      await runTurn(harness.store, messageOf(session, 'm1'));
      expect(await harness.store.enqueue(messageOf(session, 'm1', { idempotencyKeys: ['new'] }))).toMatchObject({
        kind: 'duplicate',
        sessionId: session,
        turnId: 'm1',
      });
      expect(await harness.store.waiting(session)).toEqual([]);
      expect(await harness.store.locate(place, ['new'])).toEqual({ sessionId: session, turnId: 'm1' });
    });

    it('still knows it after the turn is finished and forgotten', async () => {
      await runTurn(harness.store, messageOf(session, 'm1'));
      await harness.store.forget(session);
      expect(await harness.store.enqueue(messageOf(session, 'm1'))).toMatchObject({ kind: 'duplicate' });
      expect(await tryClaim(harness.store, session)).toBeUndefined();
      await until(async () => {
        await look(harness.store);
        expect(await harness.store.countPending()).toBe(0);
      });
    });

    it('names the conversation that has the message when it comes again as part of another one of the place', async () => {
      const thread = sessionOf({ thread: '17.1' });
      await offerNew(harness.store, messageOf(session, 'm1'));
      expect(await harness.store.enqueue(messageOf(thread, 'm1'))).toMatchObject({
        kind: 'duplicate',
        sessionId: session,
        turnId: 'm1',
      });
      expect(await harness.store.waiting(thread)).toEqual([]);
    });

    it('takes the same id in another place for another message', async () => {
      const elsewhere = sessionOf({ channel: 'C2' });
      await offerNew(harness.store, messageOf(session, 'm1'));
      await offerNew(harness.store, messageOf(elsewhere, 'm1'));
      expect(await harness.store.waiting(elsewhere)).toEqual(['m1']);
      expect(await harness.store.locate(parseSessionId(elsewhere).place, ['m1'])).toMatchObject({
        sessionId: elsewhere,
      });
    });

    it('tells apart ids with emoji, pattern characters and control characters', async () => {
      for (const [index, id] of ODD_IDS.entries()) {
        const user = sessionOf({ user: `u${index}` });
        expect(await harness.store.locate(place, [id])).toBeUndefined();
        await offerNew(harness.store, messageOf(user, id));
        expect(await harness.store.enqueue(messageOf(user, id))).toMatchObject({ kind: 'duplicate', sessionId: user });
      }
      for (const [index, id] of ODD_IDS.entries()) {
        const user = sessionOf({ user: `u${index}` });
        expect(await harness.store.locate(place, [id])).toMatchObject({ sessionId: user });
        expect(await harness.store.amend(user, id, 'edited')).toBe('amended');
        expect((await takeHead(harness.store, user)).message).toMatchObject({ id, text: 'edited' });
      }
    });

    it('locates a message by the first of its ids that is known', async () => {
      await offerNew(harness.store, messageOf(session, 'm1', { idempotencyKeys: ['m1', 'event 1'] }));
      expect(await harness.store.locate(place, ['unknown', 'event 1'])).toEqual({ sessionId: session, turnId: 'm1' });
      expect(await harness.store.locate(place, ['unknown'])).toBeUndefined();
      expect(await harness.store.locate(place, [])).toBeUndefined();
      expect(await harness.store.locate({ ...place, channel: 'C2' }, ['m1'])).toBeUndefined();
    });

    it('refuses the message over the limit without claiming its ids, and takes it when there is room', async () => {
      for (let n = 0; n < LIMITS.maxWaiting; n += 1) await offerNew(harness.store, messageOf(session, `m${n}`));
      const late = messageOf(session, 'late', { idempotencyKeys: ['late', 'event 9'] });
      expect(await harness.store.enqueue(late)).toEqual({ kind: 'full', waiting: LIMITS.maxWaiting });
      expect(await harness.store.locate(place, ['late', 'event 9'])).toBeUndefined();
      expect(await harness.store.record(session, 'late')).toBeUndefined();
      expect(await harness.store.enqueue(messageOf(session, 'm3'))).toMatchObject({ kind: 'duplicate' });
      expect(await harness.store.enqueue(messageOf(sessionOf({ user: 'bob' }), 'b1'))).toMatchObject({
        kind: 'queued',
      });

      const { lease } = await takeHead(harness.store, session);
      expect(await finish(harness.store, lease)).toBe(LIMITS.maxWaiting - 1);
      expect(await harness.store.enqueue(late)).toMatchObject({ kind: 'queued', ahead: LIMITS.maxWaiting - 1 });
    });
  });

  describe('the note that a conversation is pending', () => {
    it('is there from the storing of a message until nothing waits', async () => {
      const session = sessionOf();
      expect(await harness.store.countPending()).toBe(0);
      await offerNew(harness.store, messageOf(session, 'm1'));
      await offerNew(harness.store, messageOf(session, 'm2'));
      expect(await harness.store.countPending()).toBe(1);

      const first = await takeHead(harness.store, session);
      await harness.store.commit(first.lease, first.message, answerOf('one'));
      expect(await finish(harness.store, first.lease)).toBe(1);
      expect(await harness.store.countPending()).toBe(1);

      const second = await takeHead(harness.store, session);
      expect(await finish(harness.store, second.lease)).toBe(0);
      await until(async () => expect(await harness.store.countPending()).toBe(0));
    });

    it('stays while a duplicate comes in, and not for one whose turn is over', async () => {
      const session = sessionOf();
      await offerNew(harness.store, messageOf(session, 'm1'));
      await harness.store.enqueue(messageOf(session, 'm1'));
      expect(await harness.store.countPending()).toBe(1);
      await finish(harness.store, (await takeHead(harness.store, session)).lease);
      await harness.store.enqueue(messageOf(session, 'm1'));
      // Where the note is on another server than the inbox it comes first; the next look takes it away.
      await until(async () => {
        await look(harness.store);
        expect(await harness.store.countPending()).toBe(0);
      });
    });

    it('is not lost when a message comes while the last turn is completed', async () => {
      for (let round = 0; round < 30; round += 1) {
        const session = sessionOf({ user: `u${round}` });
        await offerNew(harness.store, messageOf(session, `a${round}`));
        const { lease } = await takeHead(harness.store, session);
        const next = messageOf(session, `b${round}`);
        await Promise.all(
          round % 2 === 0
            ? [finish(harness.store, lease), harness.store.enqueue(next)]
            : [harness.store.enqueue(next), finish(harness.store, lease)],
        );
      }
      expect(await harness.store.countPending()).toBe(30);
    });
  });
}
