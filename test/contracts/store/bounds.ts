/** What bounds a conversation: its messages, its bytes, and how long ago they were said. */
import { beforeEach, describe, expect, it } from 'vitest';
import type { SessionId } from '../../../src/core/session.ts';
import { serialiseElement, turnHalves } from '../../../src/memory/elements.ts';
import type { AgingFixture, Harness } from './support.ts';
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
  until,
} from './support.ts';

const DAY = 86_400_000;
const RETENTION = LIMITS.maxTtl * 1_000;
const session = sessionOf();

/** The bytes of a turn as it is stored: of a question and an answer of this many characters. */
function bytesOf(id: string, length: number): number {
  const message = messageOf(session, id, { text: 'q'.repeat(length) });
  const halves = turnHalves(message, answerOf('a'.repeat(length)), { now: message.sentAt, maxTtl: LIMITS.maxTtl });
  return halves.reduce((bytes, half) => bytes + Buffer.byteLength(serialiseElement(half)), 0);
}

export function describeBounds(harness: Harness): void {
  /** A turn of two texts of this length. */
  const turn = (id: string, length: number, sessionId: SessionId = session) =>
    runTurn(harness.store, messageOf(sessionId, id, { text: 'q'.repeat(length) }), answerOf('a'.repeat(length)));
  const kept = async () => (await harness.store.history(session))?.messages.map(({ turn: id }) => id) ?? [];
  const bothOf = (...ids: string[]) => ids.flatMap((id) => [id, id]);
  /** So long that three turns are just within the bound. */
  let third = 0;
  beforeEach(() => {
    third = Math.floor((LIMITS.maxBytes / 3 - bytesOf('m1', 0)) / 2);
    expect(bytesOf('m1', third) * 3).toBeLessThanOrEqual(LIMITS.maxBytes);
  });

  describe('the bytes of a conversation', () => {
    it('are bounded: the oldest whole turns go first', async () => {
      for (const id of ['m1', 'm2', 'm3']) await turn(id, third);
      expect(await kept()).toEqual(bothOf('m1', 'm2', 'm3'));
      await turn('m4', third);
      expect(await kept()).toEqual(bothOf('m2', 'm3', 'm4'));
      await turn('m5', 2 * third);
      expect(await kept()).toEqual(bothOf('m4', 'm5'));
      expect(await harness.store.conversationStats(session)).toMatchObject({ messages: 4, turns: 5 });
      expect(await harness.store.stats()).toMatchObject({ conversations: 1, messages: 4 });
    });

    it('are counted as they are stored, and not in characters', async () => {
      const text = '记'.repeat(Math.floor((2 * third) / 3) - 'short'.length);
      for (const id of ['m1', 'm2', 'm3', 'm4']) {
        await runTurn(harness.store, messageOf(session, id, { text }), answerOf('short'));
      }
      expect(await kept()).toEqual(bothOf('m2', 'm3', 'm4'));
    });

    it('leave a turn alone that is larger than all of them may be, for as long as it is the newest', async () => {
      await turn('m1', third);
      await turn('m2', 2 * LIMITS.maxBytes);
      expect(await kept()).toEqual(bothOf('m2'));
      expect(await contents(harness.store, session)).toEqual(
        ['q', 'a'].map((half) => half.repeat(2 * LIMITS.maxBytes)),
      );
      await turn('m3', third);
      expect(await kept()).toEqual(bothOf('m3'));
    });

    it('are counted right after turns were taken out, and after the conversation was forgotten', async () => {
      for (const id of ['m1', 'm2', 'm3']) await turn(id, third);
      await harness.store.removeTurns(session, { source: 'm2' });
      await turn('m4', third);
      expect(await kept()).toEqual(bothOf('m1', 'm3', 'm4'));
      await turn('m5', third);
      expect(await kept()).toEqual(bothOf('m3', 'm4', 'm5'));
      await harness.store.forget(session);
      for (const id of ['n1', 'n2', 'n3']) await turn(id, third);
      expect(await kept()).toEqual(bothOf('n1', 'n2', 'n3'));
    });

    it('are counted right where something was stored that cannot be read, and when it is gone', async () => {
      await turn('m1', third);
      await harness.fixture.injectBadElement(session, `{"half":"${'x'.repeat(2 * third)}`);
      await turn('m2', third);
      await turn('m3', third);
      expect(await kept()).toEqual(bothOf('m2', 'm3'));
      for (const id of ['m4', 'm5', 'm6']) await turn(id, third);
      expect(await harness.store.history(session)).toMatchObject({ total: 6, corrupt: 0 });
      expect(await kept()).toEqual(bothOf('m4', 'm5', 'm6'));
    });
  });

  describe('when a message was sent', () => {
    it.each([
      ['long ago', 1_000],
      ['in years to come', 8e15],
    ])('%s, by a wrong clock, it is kept, and in the order in which it came', async (_, sentAt) => {
      await runTurn(harness.store, messageOf(session, 'm1'));
      await runTurn(harness.store, messageOf(session, 'm2', { sentAt }));
      await runTurn(harness.store, messageOf(session, 'm3'));
      expect(await kept()).toEqual(bothOf('m1', 'm2', 'm3'));
      expect((await harness.store.history(session))?.messages[2]).toMatchObject({ timestamp: sentAt });
      const { expiresInMs = 0 } = await harness.store.ttl(session);
      expect(expiresInMs).toBeGreaterThan((LIMITS.defaultTtl - 60) * 1_000);
    });
  });
}

/** Needs a fixture whose time can be moved on. */
export function describeRetention(harness: Harness<AgingFixture>): void {
  const ada = { platform: 'slack', workspace: 'T1', user: 'ada' };
  const sources = async () => (await harness.store.history(session))?.messages.map(({ source }) => source) ?? [];

  describe('a turn is kept for MAX_TTL from when it was said', () => {
    beforeEach(async () => {
      await harness.store.setTtl(session, LIMITS.maxTtl);
    });

    it('however often its conversation is renewed, and goes with the next turn', async () => {
      await runTurn(harness.store, messageOf(session, 'm1', { text: 'said-first' }));
      for (const id of ['m2', 'm3']) {
        await harness.fixture.advance(14 * DAY);
        await runTurn(harness.store, messageOf(session, id));
      }
      expect(await sources()).toEqual(['m1', 'm1', 'm2', 'm2', 'm3', 'm3']);
      await harness.fixture.advance(3 * DAY);
      await runTurn(harness.store, messageOf(session, 'm4'));
      expect(await sources()).toEqual(['m2', 'm2', 'm3', 'm3', 'm4', 'm4']);
      await until(async () => expect(await harness.fixture.dumpText()).not.toContain('said-first'));
      expect(await harness.store.stats()).toMatchObject({ conversations: 1, messages: 6 });
    });

    it('and then shown to nobody, though no other turn has come', async () => {
      await runTurn(harness.store, messageOf(session, 'm1', { text: 'said-first' }));
      await harness.fixture.advance(20 * DAY);
      for (const id of ['m2', 'm3']) await runTurn(harness.store, messageOf(session, id));
      await harness.fixture.advance(11 * DAY);
      const later = ['text of m2', 'answer to m2', 'text of m3', 'answer to m3'];
      const history = await harness.store.history(session);
      expect(history).toMatchObject({ total: 4, corrupt: 0 });
      expect(history?.messages.map(({ content }) => content)).toEqual(later);
      const page = async (offset: number, limit: number) =>
        (await harness.store.history(session, { offset, limit }))?.messages.map(({ content }) => content);
      expect(await page(0, 3)).toEqual(later.slice(1));
      expect(await page(2, 10)).toEqual(later.slice(0, 2));
      expect(await page(4, 10)).toEqual([]);
      expect((await harness.store.open(session, 20)).messages.map(({ content }) => content)).toEqual(later);
      const exported = (await harness.store.export(ada)).flatMap(({ messages }) => messages);
      expect(exported.map(({ content }) => content)).toEqual(later);
      await offerNew(harness.store, messageOf(session, 'm4'));
      expect((await takeHead(harness.store, session)).messages.map(({ content }) => content)).toEqual(later);
    });

    it('whatever its conversation is given by /ttl: it is over with its newest turn', async () => {
      await runTurn(harness.store, messageOf(session, 'm1'));
      await harness.fixture.advance(20 * DAY);
      const { expiresInMs = 0 } = await harness.store.setTtl(session, LIMITS.maxTtl);
      expect(expiresInMs).toBeLessThanOrEqual(10 * DAY);
      expect(expiresInMs).toBeGreaterThan(10 * DAY - 60_000);
      await harness.fixture.advance(10 * DAY);
      expect(await harness.store.history(session)).toBeUndefined();
      expect(await harness.store.conversationsAt({ platform: 'slack', workspace: 'T1', channel: 'C1' })).toEqual([]);
      await harness.store.stats();
      expect(await harness.fixture.dumpText()).not.toContain('text of m1');
    });

    it('not from when it was answered', async () => {
      await offerNew(harness.store, messageOf(session, 'm1'));
      await harness.fixture.advance(DAY - 60_000);
      const { lease, message } = await takeHead(harness.store, session);
      await harness.store.commit(lease, { ...message, sentAt: message.sentAt }, answerOf('late'));
      await finish(harness.store, lease);
      await harness.fixture.advance(RETENTION - DAY);
      expect(await sources()).toEqual(['m1', 'm1']);
      await harness.fixture.advance(120_000);
      expect(await sources()).toEqual([]);
    });

    it('or for half of that, where it was answered later still', async () => {
      await runTurn(harness.store, messageOf(session, 'm1', { sentAt: 1_000 }));
      await harness.fixture.advance(RETENTION / 2 - 60_000);
      expect(await sources()).toEqual(['m1', 'm1']);
      await harness.fixture.advance(120_000);
      expect(await sources()).toEqual([]);
    });

    it('also where something that cannot be read is before it', async () => {
      await runTurn(harness.store, messageOf(session, 'm1'));
      await harness.fixture.injectBadElement(session, 'unreadable');
      await runTurn(harness.store, messageOf(session, 'm2', { text: 'said-second' }));
      await harness.fixture.advance(20 * DAY);
      await runTurn(harness.store, messageOf(session, 'm3'));
      await harness.fixture.advance(11 * DAY);
      expect(await sources()).toEqual(['m3', 'm3']);
      await runTurn(harness.store, messageOf(session, 'm4'));
      expect(await harness.store.history(session)).toMatchObject({ total: 4, corrupt: 0 });
      await until(async () => expect(await harness.fixture.dumpText()).not.toMatch(/said-second|unreadable/));
    });
  });
}
