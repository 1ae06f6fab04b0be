/** Expiry: when a conversation's time is up, it and every companion of it are gone, and not before. */
import { describe, expect, it } from 'vitest';
import { parseSessionId } from '../../../src/core/session.ts';
import type { Harness } from './support.ts';
import { messageOf, offerNew, runTurn, sessionOf, shorten, takeHead, until, untilForgotten } from './support.ts';

/** Seconds left for what is renewed before they are over: enough for a slow machine to do that in time. */
const BRIEF = 5;

const ada = { platform: 'slack', workspace: 'T1', user: 'ada' };

export function describeExpiry(harness: Harness): void {
  describe('expiry', () => {
    /**
     * Makes a conversation that expires later than all that has at most these seconds left, and waits for its end: the
     * clock of these tests, by the store's own time.
     */
    async function letThemPass(seconds: number): Promise<void> {
      const clock = sessionOf({ user: 'clock' });
      await runTurn(harness.store, messageOf(clock, 'tick', { author: { id: 'clock', name: 'Clock' } }));
      await shorten(harness.store, clock, seconds);
      await untilForgotten(harness.store, clock);
    }

    it('is seen by every question about the conversation', async () => {
      const session = sessionOf();
      const { place } = parseSessionId(session);
      await runTurn(harness.store, messageOf(session, 'm1'));
      await runTurn(harness.store, messageOf(sessionOf({ channel: 'C2' }), 'm2'));
      await shorten(harness.store, session);
      await letThemPass(1);

      expect(await harness.store.history(session)).toBeUndefined();
      expect(await harness.store.open(session, 20)).toEqual({ messages: [], total: 0, facts: [] });
      expect(await harness.store.history(session)).toBeUndefined();
      expect((await harness.store.ttl(session)).expiresInMs).toBeUndefined();
      expect(await harness.store.conversationStats(session)).toBeUndefined();
      expect(await harness.store.conversations(ada, place)).toEqual([]);
      expect(await harness.store.conversationsAt(place)).toEqual([]);
      expect((await harness.store.export(ada)).map((exported) => exported.sessionId)).toEqual([
        sessionOf({ channel: 'C2' }),
      ]);
      expect(await harness.store.stats()).toMatchObject({ conversations: 1, messages: 2 });
      expect(await harness.store.forget(session)).toEqual({ conversations: 0, messages: 0, waiting: 0, facts: 0 });
    });

    it('is seen without anybody having asked in between, after a restart too', async () => {
      const session = sessionOf();
      await runTurn(harness.store, messageOf(session, 'm1'));
      await shorten(harness.store, session);
      const store = await harness.fixture.open();
      await untilForgotten(store, session);
      expect(await store.stats()).toMatchObject({ conversations: 0, messages: 0 });
    });

    it('leaves no text behind', async () => {
      const session = sessionOf();
      await runTurn(harness.store, messageOf(session, 'm1', { text: 'an-expiring-secret' }));
      expect(await harness.fixture.dumpText()).toContain('an-expiring-secret');
      await shorten(harness.store, session);
      await until(async () => {
        await harness.store.stats();
        expect(await harness.fixture.dumpText()).not.toContain('an-expiring-secret');
      });
    });

    it('begins a new conversation afterwards, with nothing of the old one', async () => {
      const session = sessionOf();
      await runTurn(harness.store, messageOf(session, 'm1'));
      await runTurn(harness.store, messageOf(session, 'm2'));
      const old = await harness.store.conversationStats(session);
      await shorten(harness.store, session);
      await letThemPass(1);
      await runTurn(harness.store, messageOf(session, 'm3'));
      const fresh = await harness.store.conversationStats(session);
      expect(fresh).toMatchObject({ messages: 2, turns: 1, tokens: 7 });
      expect(fresh?.createdAt).toBeGreaterThan(old?.createdAt ?? Number.POSITIVE_INFINITY);
      expect(await harness.store.stats()).toMatchObject({ conversations: 1, messages: 2 });
    });

    it('spares everything of a conversation that a turn renewed', async () => {
      const session = sessionOf();
      await runTurn(harness.store, messageOf(session, 'm1'));
      const { createdAt } = (await harness.store.conversationStats(session)) ?? {};
      await shorten(harness.store, session, BRIEF);
      await runTurn(harness.store, messageOf(session, 'm2'));
      await letThemPass(BRIEF);
      expect(await harness.store.conversationStats(session)).toMatchObject({ messages: 4, turns: 2, createdAt });
      expect(await harness.store.conversations(ada)).toMatchObject([{ sessionId: session, messages: 4 }]);
      expect(await harness.store.stats()).toMatchObject({ conversations: 1, messages: 4 });
    });

    it('spares everything of a conversation in which a turn was taken', async () => {
      const session = sessionOf();
      await runTurn(harness.store, messageOf(session, 'm1'));
      const { createdAt } = (await harness.store.conversationStats(session)) ?? {};
      await shorten(harness.store, session, BRIEF);
      await offerNew(harness.store, messageOf(session, 'm2'));
      await takeHead(harness.store, session);
      await letThemPass(BRIEF);
      expect(await harness.store.conversationStats(session)).toMatchObject({ messages: 2, turns: 1, createdAt });
      expect(await harness.store.conversations(ada)).toMatchObject([{ sessionId: session, messages: 2 }]);
      expect(await harness.store.stats()).toMatchObject({ conversations: 1, messages: 2 });
    });

    it('spares everything of a conversation that was given more time', async () => {
      const session = sessionOf();
      await runTurn(harness.store, messageOf(session, 'm1'));
      await shorten(harness.store, session, BRIEF);
      await harness.store.setTtl(session, 600);
      await letThemPass(BRIEF);
      expect(await harness.store.conversationStats(session)).toMatchObject({ messages: 2, turns: 1 });
      expect(await harness.store.conversations(ada)).toMatchObject([{ sessionId: session }]);
      expect(await harness.store.stats()).toMatchObject({ conversations: 1, messages: 2 });
    });
  });
}
