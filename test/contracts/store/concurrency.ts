/** Many at once: every message once, in order, in whole turns. */
import { describe, expect, it } from 'vitest';
import type { SessionId } from '../../../src/core/session.ts';
import type { ConversationStore } from '../../../src/core/store.ts';
import type { Harness } from './support.ts';
import { answerOf, contents, finish, LIMITS, messageOf, sessionOf, tryClaim } from './support.ts';

const CONVERSATIONS = 40;
const TURNS = LIMITS.maxMessages / 2;

/** A worker: drains one conversation until nothing waits or another worker has taken it over. */
async function drain(store: ConversationStore, sessionId: SessionId): Promise<'empty' | 'fenced'> {
  for (;;) {
    const taken = await tryClaim(store, sessionId);
    if (taken === undefined) return 'empty';
    const { lease, message } = taken;
    if (!(await store.saveMessageRef(lease, 1, { intentAt: 1 }))) return 'fenced';
    if ((await store.commit(lease, message, answerOf(`answer to ${message.id}`))) === 'fenced') return 'fenced';
    if ((await finish(store, lease)) === undefined) return 'fenced';
  }
}

export function describeConcurrency(harness: Harness): void {
  describe('many at once', () => {
    it('take a message that arrives thirty times at once for one', async () => {
      const session = sessionOf();
      const results = await Promise.all(
        Array.from({ length: 30 }, (_, n) =>
          harness.store.enqueue(messageOf(session, 'm1', { idempotencyKeys: ['m1', `event ${n}`] })),
        ),
      );
      expect(results.filter((result) => result.kind === 'queued')).toHaveLength(1);
      expect(results.filter((result) => result.kind === 'duplicate')).toHaveLength(29);
      expect(await harness.store.waiting(session)).toEqual(['m1']);
    });

    it('never let more wait than may', async () => {
      const session = sessionOf();
      const results = await Promise.all(
        Array.from({ length: LIMITS.maxWaiting + 8 }, (_, n) => harness.store.enqueue(messageOf(session, `m${n}`))),
      );
      expect(results.filter((result) => result.kind === 'full')).toHaveLength(8);
      expect(await harness.store.waiting(session)).toHaveLength(LIMITS.maxWaiting);
    });

    it('claim a turn that nobody runs once, and one whose owner has died once', async () => {
      const session = sessionOf();
      await harness.store.enqueue(messageOf(session, 'm1'));
      for (let round = 0; round < 3; round += 1) {
        const taken = await Promise.all(Array.from({ length: 10 }, () => tryClaim(harness.store, session)));
        expect(taken.filter((one) => one !== undefined)).toHaveLength(1);
        expect((await harness.store.record(session, 'm1'))?.attempt).toBe(round + 1);
      }
    });

    it('commit a turn once, whoever of ten workers is faster', async () => {
      const session = sessionOf();
      await harness.store.enqueue(messageOf(session, 'm1'));
      const taken = [];
      for (let n = 0; n < 10; n += 1) taken.push(await tryClaim(harness.store, session));
      const results = await Promise.all(
        taken.flatMap((one) => (one ? [harness.store.commit(one.lease, one.message, answerOf('one'))] : [])),
      );
      expect(results.filter((result) => result === 'committed')).toHaveLength(1);
      expect(results.filter((result) => result === 'fenced')).toHaveLength(9);
      expect(await contents(harness.store, session)).toEqual(['text of m1', 'one']);
    });

    it('answer every message of every conversation once and in order, with workers that fence each other', async () => {
      const sessions = Array.from({ length: CONVERSATIONS }, (_, n) =>
        sessionOf({ user: `u${n}`, channel: `C${n % 5}` }),
      );
      const ids = (session: SessionId) => Array.from({ length: TURNS }, (_, n) => `${sessions.indexOf(session)}-${n}`);
      await Promise.all(
        sessions.map(async (session) => {
          for (const id of ids(session)) {
            const copies = Array.from({ length: 3 }, () => harness.store.enqueue(messageOf(session, id)));
            const kinds = (await Promise.all(copies)).map((result) => result.kind);
            expect(kinds.sort()).toEqual(['duplicate', 'duplicate', 'queued']);
          }
        }),
      );
      expect(await harness.store.countPending()).toBe(CONVERSATIONS);

      await Promise.all(sessions.flatMap((session) => [drain(harness.store, session), drain(harness.store, session)]));
      for (const session of sessions) expect(await drain(harness.store, session)).toBe('empty');

      for (const session of sessions) {
        const expected = ids(session).flatMap((id) => [`text of ${id}`, `answer to ${id}`]);
        expect(await contents(harness.store, session)).toEqual(expected);
        expect((await harness.store.conversationStats(session))?.turns).toBe(TURNS);
      }
      const messages = CONVERSATIONS * TURNS * 2;
      expect(await harness.store.stats()).toMatchObject({ conversations: CONVERSATIONS, messages, pending: 0 });
    });

    it('keep user and assistant halves together when four people speak in one conversation', async () => {
      const channel = sessionOf({ user: undefined });
      const people = ['ada', 'bob', 'eve', 'joe'];
      await Promise.all([
        ...people.map(async (user) => {
          for (let n = 0; n < 3; n += 1) {
            const author = { id: user, name: user };
            await harness.store.enqueue(messageOf(channel, `${user}-${n}`, { author }));
            await drain(harness.store, channel);
          }
        }),
      ]);
      await drain(harness.store, channel);
      const { messages } = (await harness.store.history(channel)) ?? { messages: [] };
      expect(messages).toHaveLength(LIMITS.maxMessages);
      for (let index = 0; index < messages.length; index += 2) {
        const [user, assistant] = messages.slice(index, index + 2);
        expect([user?.role, assistant?.role]).toEqual(['user', 'assistant']);
        expect(assistant?.turn).toBe(user?.turn);
      }
      expect((await harness.store.conversationStats(channel))?.turns).toBe(12);
    });
  });
}
