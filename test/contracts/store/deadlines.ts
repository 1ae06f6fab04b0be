/** What lasts for hours and days. Only for a fixture that can make everything stored older. */
import { describe, expect, it } from 'vitest';
import { KEEP_CHANNEL_MS } from '../../../src/core/channels.ts';
import { parseSessionId } from '../../../src/core/session.ts';
import { describeRetention } from './bounds.ts';
import { describeClosedErasure } from './closed.ts';
import { describeFactDeadlines } from './facts.ts';
import { describeFinding } from './finding.ts';
import type { AgingFixture, MakeFixture } from './support.ts';
import {
  answerOf,
  contents,
  finish,
  LIMITS,
  look,
  messageOf,
  offerNew,
  runTurn,
  sessionOf,
  takeHead,
  tryClaim,
  useStore,
} from './support.ts';
import { describeTraces } from './traces.ts';

const HOUR = 3_600_000;
const DAY = 24 * HOUR;
const session = sessionOf();
const { place } = parseSessionId(session);

/** Runs the contract's long deadlines on the driver `name`. */
export function describeStoreDeadlines(name: string, makeFixture: MakeFixture<AgingFixture>): void {
  describe(`the long deadlines of the ConversationStore on ${name}`, () => {
    const harness = useStore(makeFixture);
    describeRetention(harness);
    describeFinding(harness);
    describeTraces(harness);
    describeClosedErasure(harness);
    describeFactDeadlines(harness);

    it('an idempotency key is known for 24 hours, the record of a turn for an hour after its end', async () => {
      await runTurn(harness.store, messageOf(session, 'm1'));
      await harness.fixture.advance(HOUR - 60_000);
      expect((await harness.store.record(session, 'm1'))?.state).toBe('finished');
      await harness.fixture.advance(120_000);
      expect(await harness.store.record(session, 'm1')).toBeUndefined();
      await harness.fixture.advance(23 * HOUR - 120_000);
      expect(await harness.store.locate(place, ['m1'])).toEqual({ sessionId: session, turnId: 'm1' });
      expect(await harness.store.enqueue(messageOf(session, 'm1'))).toMatchObject({ kind: 'duplicate' });
      await harness.fixture.advance(120_000);
      expect(await harness.store.locate(place, ['m1'])).toBeUndefined();
      expect(await harness.store.enqueue(messageOf(session, 'm1'))).toMatchObject({ kind: 'queued' });
    });

    it('a waiting message outlives everything but a day without use', async () => {
      await offerNew(harness.store, messageOf(session, 'm1'));
      await harness.fixture.advance(23 * HOUR);
      await harness.store.requeue((await takeHead(harness.store, session)).lease);
      await harness.fixture.advance(23 * HOUR);
      const { lease, message, record } = await takeHead(harness.store, session);
      expect([message.id, record.attempt]).toEqual(['m1', 2]);
      expect(await harness.store.commit(lease, message, answerOf('late'))).toBe('committed');
      expect(await finish(harness.store, lease)).toBe(0);
    });

    it('a waiting message can be edited and withdrawn for as long as it waits', async () => {
      await offerNew(harness.store, messageOf(session, 'm1'));
      await offerNew(harness.store, messageOf(session, 'm2'));
      await offerNew(harness.store, messageOf(session, 'm3'));
      await harness.fixture.advance(20 * HOUR);
      await harness.store.requeue((await takeHead(harness.store, session)).lease);
      await harness.fixture.advance(20 * HOUR);
      expect(await harness.store.amend(session, 'm2', null)).toBe('amended');
      expect(await harness.store.removeTurns(session, { source: 'm3' })).toMatchObject({ waiting: 1 });
      for (const [id, state] of [
        ['m1', 'running'],
        ['m2', 'forgotten'],
        ['m3', 'forgotten'],
      ]) {
        const { lease, message, record } = await takeHead(harness.store, session);
        expect([message.id, record.state]).toEqual([id, state]);
        await finish(harness.store, lease);
      }
    });

    it('a waiting message is answered, and not taken for forgotten, though it waited for longer than its record lives', async () => {
      await harness.store.forget(session);
      await offerNew(harness.store, messageOf(session, 'm1'));
      await offerNew(harness.store, messageOf(session, 'm2'));
      await harness.fixture.advance(20 * HOUR);
      await harness.store.requeue((await takeHead(harness.store, session)).lease);
      await harness.fixture.advance(20 * HOUR);
      for (const id of ['m1', 'm2']) {
        const { lease, message } = await takeHead(harness.store, session);
        expect([message.id, message.text]).toEqual([id, `text of ${id}`]);
        expect(await harness.store.commit(lease, message, answerOf('late'))).toBe('committed');
        await finish(harness.store, lease);
      }
    });

    it('an inbox that nobody looked at for a day is dropped, its text and its note too', async () => {
      await offerNew(harness.store, messageOf(session, 'm1', { text: 'an-abandoned-text' }));
      await harness.fixture.advance(DAY + 60_000);
      expect(await harness.store.waiting(session)).toEqual([]);
      expect(await tryClaim(harness.store, session)).toBeUndefined();
      await look(harness.store);
      expect(await harness.store.stats()).toMatchObject({ pending: 0 });
      expect(await harness.store.countPending()).toBe(0);
      expect(await harness.fixture.dumpText()).not.toContain('an-abandoned-text');
    });

    it('a TTL choice is kept for 90 days, and for more when it is used or longer', async () => {
      await harness.store.setTtl(session, 600);
      await harness.fixture.advance(80 * DAY);
      await runTurn(harness.store, messageOf(session, 'm1'));
      await harness.fixture.advance(80 * DAY);
      expect(await harness.store.ttl(session)).toEqual({ choice: 600, effective: 600 });
      await harness.fixture.advance(91 * DAY);
      expect(await harness.store.ttl(session)).toEqual({ effective: 1800 });
    });

    it('a turn that slept through /forget is not committed, however long the conversation was silent before', async () => {
      await runTurn(harness.store, messageOf(session, 'm0'));
      await harness.store.forget(session);
      await harness.fixture.advance(8 * DAY);
      await offerNew(harness.store, messageOf(session, 'm1'));
      const { lease, message } = await takeHead(harness.store, session);
      await harness.store.forget(session);
      await harness.fixture.advance(23 * HOUR);
      expect(await harness.store.commit(lease, message, answerOf('late'))).toBe('forgotten');
      expect(await contents(harness.store, session)).toEqual([]);
    });

    it('a conversation with the longest TTL is found by its person and its workspace to its end', async () => {
      await harness.store.setTtl(session, 30 * 24 * 3600);
      await runTurn(harness.store, messageOf(session, 'm1'));
      await harness.fixture.advance(30 * DAY - HOUR);
      const ada = { platform: 'slack', workspace: 'T1', user: 'ada' };
      expect(await harness.store.conversations(ada)).toMatchObject([{ sessionId: session, messages: 2 }]);
      expect(await harness.store.export({ platform: 'slack', workspace: 'T1' })).toMatchObject([
        { sessionId: session },
      ]);
      expect(await harness.store.erase(ada)).toEqual({ conversations: 1, messages: 2, waiting: 0, facts: 0 });
    });

    it('a conversation whose time has just run out is not gone on with', async () => {
      await runTurn(harness.store, messageOf(session, 'm1'));
      await harness.fixture.advance((LIMITS.defaultTtl + 1) * 1000);
      await runTurn(harness.store, messageOf(session, 'm2'));
      expect(await contents(harness.store, session)).toEqual(['text of m2', 'answer to m2']);
      expect(await harness.store.conversationStats(session)).toMatchObject({ messages: 2, turns: 1, tokens: 7 });
      expect(await harness.store.stats()).toMatchObject({ conversations: 1, messages: 2 });
    });

    it('a channel is watched for 7 days after the last talk there, whatever its cursor did since', async () => {
      const { channels } = harness.store;
      const watched = async () => (await channels.watched('discord')).map(({ id }) => id);
      await channels.watch('discord', { id: 'a', about: null, cursor: '1' });
      await harness.fixture.advance(KEEP_CHANNEL_MS - 60_000);
      await channels.watch('discord', { id: 'b', about: null, cursor: '1' });
      await channels.advance('discord', new Map([['a', '2']]));
      expect(await watched()).toEqual(['b', 'a']);
      await harness.fixture.advance(120_000);
      await channels.advance('discord', new Map([['a', '3']]));
      expect(await watched()).toEqual(['b']);
      await harness.fixture.advance(1_000);
      await channels.watch('discord', { id: 'c', about: null, cursor: '1' });
      expect(await watched()).toEqual(['c', 'b']);
    });

    it('the turns of yesterday are not those of today', async () => {
      await runTurn(harness.store, messageOf(session, 'm1'));
      await harness.fixture.advance(DAY);
      expect(await harness.store.stats()).toMatchObject({ turnsToday: 0, tokensToday: 0 });
    });
  });
}
