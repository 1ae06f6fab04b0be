/** How long a conversation is remembered: the default, the person's choice, the one-off. */
import { describe, expect, it } from 'vitest';
import { TURN_BUDGET_MS } from '../../../src/core/limits.ts';
import type { SessionId } from '../../../src/core/session.ts';
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
  untilForgotten,
} from './support.ts';

const session = sessionOf();
const thread = sessionOf({ thread: '17.1' });

/** Wide enough for a slow machine, far narrower than the difference between any two TTLs of these tests. */
const SLACK_SECONDS = 60;

export function describeTtl(harness: Harness): void {
  /** The conversation has about `seconds` left, and every question about that gives the same answer. */
  async function expectLeft(sessionId: SessionId, seconds: number): Promise<void> {
    const left = [
      (await harness.store.history(sessionId))?.expiresInMs,
      (await harness.store.ttl(sessionId)).expiresInMs,
      (await harness.store.conversationStats(sessionId))?.expiresInMs,
    ];
    for (const ms of left) {
      expect(ms).toBeLessThanOrEqual(seconds * 1000);
      expect(ms).toBeGreaterThan((seconds - SLACK_SECONDS) * 1000);
    }
  }

  describe('the TTL', () => {
    it('is the default when nothing was chosen', async () => {
      expect(await harness.store.ttl(session)).toEqual({ effective: LIMITS.defaultTtl });
      await runTurn(harness.store, messageOf(session, 'm1'));
      await expectLeft(session, LIMITS.defaultTtl);
      const state = await harness.store.ttl(session);
      expect(state).toEqual({ effective: LIMITS.defaultTtl, expiresInMs: expect.any(Number) });
    });

    it('is set again by every turn', async () => {
      await runTurn(harness.store, messageOf(session, 'm1'));
      await shorten(harness.store, session, 300);
      await expectLeft(session, 300);
      await runTurn(harness.store, messageOf(session, 'm2'));
      await expectLeft(session, LIMITS.defaultTtl);
    });

    it('is kept at least for the time of a turn when one is taken, and never cut by it', async () => {
      await runTurn(harness.store, messageOf(session, 'm1'));
      await offerNew(harness.store, messageOf(session, 'm2'));
      await takeHead(harness.store, session);
      await expectLeft(session, LIMITS.defaultTtl);
      await shorten(harness.store, session, 100);
      await takeHead(harness.store, session);
      await expectLeft(session, TURN_BUDGET_MS / 1_000);
    });

    it('is given no more time when a turn is taken that was answered, or forgotten, before', async () => {
      await runTurn(harness.store, messageOf(session, 'm1'));
      await offerNew(harness.store, messageOf(session, 'm2'));
      const { lease, message } = await takeHead(harness.store, session);
      expect(await harness.store.commit(lease, message, answerOf('answered'))).toBe('committed');
      await shorten(harness.store, session, 100);
      const answered = await takeHead(harness.store, session);
      await expectLeft(session, 100);
      expect(await finish(harness.store, answered.lease)).toBe(0);
      await offerNew(harness.store, messageOf(session, 'm3'));
      expect(await harness.store.amend(session, 'm3', null)).toBe('amended');
      await takeHead(harness.store, session);
      await expectLeft(session, 100);
    });

    it('can be chosen, also before the first message, and holds for every turn', async () => {
      expect(await harness.store.setTtl(session, 600)).toEqual({ choice: 600, effective: 600 });
      expect(await harness.store.history(session)).toBeUndefined();
      await runTurn(harness.store, messageOf(session, 'm1'));
      await expectLeft(session, 600);
      await runTurn(harness.store, messageOf(session, 'm2'));
      await expectLeft(session, 600);
    });

    it('applies a choice at once to the living conversation, longer or shorter', async () => {
      await runTurn(harness.store, messageOf(session, 'm1'));
      const state = await harness.store.setTtl(session, 300);
      expect(state).toEqual({ choice: 300, effective: 300, expiresInMs: expect.any(Number) });
      await expectLeft(session, 300);
      await harness.store.setTtl(session, LIMITS.maxTtl);
      await expectLeft(session, LIMITS.maxTtl);
    });

    it('falls back to the default, at once, when the choice is taken back', async () => {
      await runTurn(harness.store, messageOf(session, 'm1'));
      await harness.store.setTtl(session, 86_400);
      expect(await harness.store.setTtl(session, undefined)).toMatchObject({ effective: LIMITS.defaultTtl });
      expect((await harness.store.ttl(session)).choice).toBeUndefined();
      await expectLeft(session, LIMITS.defaultTtl);
      await runTurn(harness.store, messageOf(session, 'm2'));
      await expectLeft(session, LIMITS.defaultTtl);
    });

    it('remembers the choice over restarts, /forget and expiry', async () => {
      await runTurn(harness.store, messageOf(session, 'm1'));
      await harness.store.setTtl(session, 7200);
      await harness.store.forget(session);
      expect(await harness.store.ttl(session)).toEqual({ choice: 7200, effective: 7200 });
      await runTurn(harness.store, messageOf(session, 'm2'));
      await expectLeft(session, 7200);
      await shorten(harness.store, session);
      await untilForgotten(harness.store, session);
      const store = await harness.fixture.open();
      expect(await store.ttl(session)).toEqual({ choice: 7200, effective: 7200 });
      await runTurn(store, messageOf(session, 'm3'));
      expect((await store.history(session))?.expiresInMs).toBeGreaterThan(7_000_000);
    });

    it('holds once where it is not to be remembered', async () => {
      await runTurn(harness.store, messageOf(session, 'm1'));
      const state = await harness.store.setTtl(session, 300, { remember: false });
      expect(state).toEqual({ effective: LIMITS.defaultTtl, expiresInMs: expect.any(Number) });
      await expectLeft(session, 300);
      expect(await harness.store.setTtl(thread, 300, { remember: false })).toEqual({ effective: LIMITS.defaultTtl });
      expect(await harness.store.history(thread)).toBeUndefined();
    });

    it('is for the threads of a person what they chose in the place, unless they chose for the thread', async () => {
      await harness.store.setTtl(session, 600);
      expect(await harness.store.ttl(thread)).toEqual({ choice: 600, effective: 600 });
      await runTurn(harness.store, messageOf(thread, 'm1'));
      await expectLeft(thread, 600);

      await harness.store.setTtl(thread, 900);
      await runTurn(harness.store, messageOf(thread, 'm2'));
      await expectLeft(thread, 900);
      expect(await harness.store.ttl(session)).toMatchObject({ choice: 600 });

      expect(await harness.store.setTtl(thread, undefined)).toMatchObject({ choice: 600, effective: 600 });
      await expectLeft(thread, 600);
      await harness.store.setTtl(session, undefined);
      expect(await harness.store.ttl(thread)).toMatchObject({ effective: LIMITS.defaultTtl });
    });

    it('of the place can be followed at once, where there is no choice of its own', async () => {
      expect(await harness.store.followPlaceTtl(thread)).toBe(false);
      await runTurn(harness.store, messageOf(thread, 'm1'));
      await harness.store.setTtl(session, 600);
      await expectLeft(thread, LIMITS.defaultTtl);
      expect(await harness.store.followPlaceTtl(thread)).toBe(true);
      await expectLeft(thread, 600);
      expect(await harness.store.ttl(thread)).toMatchObject({ choice: 600 });
      await harness.store.setTtl(session, LIMITS.maxTtl);
      expect(await harness.store.followPlaceTtl(thread)).toBe(true);
      await expectLeft(thread, LIMITS.maxTtl);
      await harness.store.setTtl(thread, 900);
      await harness.store.setTtl(session, 600);
      expect(await harness.store.followPlaceTtl(thread)).toBe(false);
      await expectLeft(thread, 900);
      await harness.store.setTtl(thread, undefined);
      await harness.store.setTtl(session, undefined);
      expect(await harness.store.followPlaceTtl(thread)).toBe(true);
      await expectLeft(thread, LIMITS.defaultTtl);
    });

    it("is never another person's, another channel's or another thread's choice", async () => {
      await harness.store.setTtl(thread, 600);
      const others = [
        session,
        sessionOf({ thread: '17.2' }),
        sessionOf({ user: 'bob', thread: '17.1' }),
        sessionOf({ user: undefined, thread: '17.1' }),
        sessionOf({ channel: 'C2', thread: '17.1' }),
        sessionOf({ user: '17.1' }),
      ];
      for (const other of others) expect(await harness.store.ttl(other)).toEqual({ effective: LIMITS.defaultTtl });
    });

    it('is what a message asks for: from MIN_TTL on as a choice, below it once', async () => {
      await runTurn(harness.store, messageOf(session, 'm1', { ttl: LIMITS.minTtl }));
      expect(await harness.store.ttl(session)).toMatchObject({ choice: LIMITS.minTtl, effective: LIMITS.minTtl });
      await runTurn(harness.store, messageOf(session, 'm2', { ttl: 900 }));
      await expectLeft(session, 900);
      await runTurn(harness.store, messageOf(session, 'm3', { ttl: LIMITS.minTtl - 1 }));
      await expectLeft(session, LIMITS.minTtl - 1);
      expect(await harness.store.ttl(session)).toMatchObject({ choice: 900, effective: 900 });
      await runTurn(harness.store, messageOf(session, 'm4'));
      await expectLeft(session, 900);
    });

    it('is not changed by a message that was not committed', async () => {
      await offerNew(harness.store, messageOf(session, 'm1', { ttl: 900 }));
      const { lease } = await takeHead(harness.store, session);
      await harness.store.fail(lease, 'model_timeout');
      await finish(harness.store, lease);
      expect(await harness.store.ttl(session)).toEqual({ effective: LIMITS.defaultTtl });
    });

    it.each([0, -1, 0.5, 1.5, Number.NaN, Number.POSITIVE_INFINITY, LIMITS.maxTtl + 1])(
      'is refused out of bounds: %d',
      async (seconds) => {
        await runTurn(harness.store, messageOf(session, 'm1'));
        for (const options of [{}, { remember: false }]) {
          const refused = harness.store.setTtl(session, seconds, options);
          await expect(refused).rejects.toMatchObject({ name: 'BotError', code: 'ttl_out_of_bounds' });
        }
        expect(await harness.store.ttl(session)).toMatchObject({ effective: LIMITS.defaultTtl });
        await expectLeft(session, LIMITS.defaultTtl);
      },
    );
  });
}
