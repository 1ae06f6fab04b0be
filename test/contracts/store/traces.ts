/** What names a person after they were erased: no text and no name at all, their id for a few days (docs/security.md). */
import { describe, expect, it } from 'vitest';
import { parseSessionId } from '../../../src/core/session.ts';
import type { ConversationStore } from '../../../src/core/store.ts';
import type { AgingFixture, Harness } from './support.ts';
import {
  answerOf,
  contents,
  finish,
  look,
  messageOf,
  offerNew,
  runTurn,
  sessionOf,
  takeHead,
  tryClaim,
} from './support.ts';

const DAY = 86_400_000;
const USER = 'UADA';
const own = sessionOf({ user: USER });
const thread = sessionOf({ user: USER, thread: '17.1' });
const over = sessionOf({ user: USER, thread: '17.2' });
const shared = sessionOf({ user: undefined });
const sharedOver = sessionOf({ user: undefined, thread: '17.3' });
const bobs = sessionOf({ user: 'bob' });
const team = { platform: 'slack', workspace: 'T1' };
const ada = { ...team, user: USER };
const { place } = parseSessionId(own);
const byBob = { author: { id: 'bob', name: 'Bob' } };
const OTHERS = [bobs, shared];

export function describeTraces(harness: Harness<AgingFixture>): void {
  const said = (id: string, sessionId = own) =>
    messageOf(sessionId, id, {
      author: { id: USER, name: 'Ada-Name' },
      text: `words-of-hers ${id}`,
      quotes: [{ author: 'Ada-Name', text: 'words-of-hers, quoted' }],
      replyTo: { platform: 'slack', user: USER },
    });

  /** Everything that the store can hold of a person, in every state. */
  async function live(store: ConversationStore): Promise<void> {
    for (const [n, id] of [own, thread, over, shared, sharedOver].entries()) {
      await runTurn(store, said(`m${n}`, id), answerOf('words-of-hers, answered'));
      await store.flags.set(id, 'followed', 30 * DAY);
    }
    for (const id of [over, sharedOver]) await store.setTtl(id, 1, { remember: false });
    await harness.fixture.advance(2_000);
    await runTurn(store, messageOf(shared, 'b1', byBob));
    await runTurn(store, messageOf(bobs, 'b2', byBob));
    // Answered and not delivered, running, waiting.
    await offerNew(store, said('r1'));
    const answered = await takeHead(store, own);
    await store.commit(answered.lease, answered.message, answerOf('words-of-hers, undelivered'));
    await offerNew(store, said('r2', thread));
    await takeHead(store, thread);
    await offerNew(store, messageOf(shared, 'b3', byBob));
    await offerNew(store, said('w1', shared));
  }

  /** What waits is brought to its end, and the days pass that ids are kept for. */
  async function settle(store: ConversationStore, days: number): Promise<string> {
    for (const id of [own, thread, shared, bobs]) {
      for (let taken = await tryClaim(store, id); taken !== undefined; taken = await tryClaim(store, id)) {
        if (taken.record.state === 'running') await store.fail(taken.lease, 'internal');
        await finish(store, taken.lease);
      }
    }
    await harness.fixture.advance(days * DAY);
    await look(store);
    // Both sweep.
    await (await harness.fixture.open()).stats();
    return await harness.fixture.dumpText();
  }

  describe('of a person who was erased', () => {
    it.each([
      ['by themselves', () => harness.store.erase(ada), OTHERS],
      ['everywhere, with their choices kept', () => harness.store.erase(ada, { keepChoices: true }), OTHERS],
      ['with their workspace', () => harness.store.erase(team), []],
      ['with the channel', () => harness.store.erase({ place }), []],
    ])('%s nothing is left but an id, for 8 days', async (_, erase, left) => {
      const { store } = harness;
      for (const id of OTHERS) await store.setTtl(id, 30 * 86_400);
      await live(store);
      expect(await harness.fixture.dumpText()).toMatch(/words-of-hers|Ada-Name/);
      await erase();
      expect(await harness.fixture.dumpText()).not.toMatch(/words-of-hers|Ada-Name/);
      for (const id of [own, thread, over, sharedOver]) expect(await store.flags.has(id, 'followed'), id).toBe(false);
      for (const id of OTHERS) expect(await contents(store, id)).toHaveLength(left.includes(id) ? 2 : 0);
      expect(await store.flags.has(shared, 'followed')).toBe(left.includes(shared));
      expect(await settle(store, 8)).not.toContain(USER);
    });

    it('a choice they keep is kept for its time, and their id with it', async () => {
      const { store } = harness;
      await live(store);
      await store.setTtl(own, 600);
      await store.erase(ada, { keepChoices: true });
      expect(await store.ttl(thread)).toMatchObject({ choice: 600 });
      await harness.fixture.advance(80 * DAY);
      // Found by whoever erases them for good.
      await store.erase(ada);
      expect((await store.ttl(own)).choice).toBeUndefined();
      expect(await settle(store, 8)).not.toContain(USER);
    });

    it('what fell silent by itself names nobody after 31 days', async () => {
      await live(harness.store);
      expect(await settle(harness.store, 31)).not.toMatch(/UADA|words-of-hers|Ada-Name/);
    });
  });
}
