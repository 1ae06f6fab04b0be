/** Everything of one person and of one workspace: listed, exported, erased. */
import { beforeEach, describe, expect, it } from 'vitest';
import type { Person, Place } from '../../../src/core/session.ts';
import { encodeSession, parseSessionId } from '../../../src/core/session.ts';
import type { Harness } from './support.ts';
import { answerOf, contents, finish, messageOf, offerNew, runTurn, sessionOf, takeHead } from './support.ts';

const ada: Person = { platform: 'slack', workspace: 'T1', user: 'ada' };
const NOTHING = { conversations: 0, messages: 0, waiting: 0, facts: 0 };
const byBob = { author: { id: 'bob', name: 'Bob' } };

const own = sessionOf();
const ownThread = sessionOf({ thread: '17.1', channel: 'C2' });
const shared = sessionOf({ user: undefined, channel: 'C3' });
const bobs = sessionOf({ user: 'bob' });
const otherTeam = sessionOf({ place: { platform: 'slack', workspace: 'T2', channel: 'C1' } });
const otherPlatform = sessionOf({ place: { platform: 'discord', workspace: 'T1', channel: 'C1' } });

export function describePeople(harness: Harness): void {
  describe('people', () => {
    const at = (timestamp: number) => answerOf('answer', { timestamp: 1_700_000_000_000 + timestamp });

    beforeEach(async () => {
      const { store } = harness;
      await runTurn(store, messageOf(ownThread, 'm1', { text: 'of ada' }), at(3000));
      await runTurn(store, messageOf(own, 'm2', { text: 'of ada' }), at(1000));
      await runTurn(store, messageOf(shared, 'm3', { text: 'of ada' }), at(1500));
      await runTurn(store, messageOf(shared, 'm4', { text: 'of bob', ...byBob }), at(2000));
      await runTurn(store, messageOf(bobs, 'm5', { text: 'of bob', ...byBob }), at(4000));
      await runTurn(store, messageOf(otherTeam, 'm6', { text: 'of another ada' }), at(5000));
      await runTurn(store, messageOf(otherPlatform, 'm7', { text: 'of another ada' }), at(6000));
    });

    const listed = async (person: Person, place?: Place) =>
      (await harness.store.conversations(person, place)).map((summary) => summary.sessionId);

    it('are told their conversations, newest first', async () => {
      const summaries = await harness.store.conversations(ada);
      expect(summaries).toMatchObject([
        { sessionId: ownThread, messages: 2, lastAt: 1_700_000_003_000 },
        { sessionId: shared, messages: 4, lastAt: 1_700_000_002_000 },
        { sessionId: own, messages: 2, lastAt: 1_700_000_001_000 },
      ]);
      for (const { expiresInMs } of summaries) {
        expect(expiresInMs).toBeGreaterThan(1_700_000);
        expect(expiresInMs).toBeLessThanOrEqual(1_800_000);
      }
      expect(await listed({ ...ada, user: 'bob' })).toEqual([bobs, shared]);
      expect(await listed({ ...ada, workspace: 'T2' })).toEqual([otherTeam]);
      expect(await listed({ ...ada, user: 'nobody' })).toEqual([]);
      expect(await listed({ platform: 'slack', user: 'ada' })).toEqual([]);
    });

    it('are told those of one place', async () => {
      expect(await listed(ada, parseSessionId(own).place)).toEqual([own]);
      expect(await listed(ada, parseSessionId(ownThread).place)).toEqual([ownThread]);
      expect(await listed(ada, parseSessionId(otherTeam).place)).toEqual([]);
    });

    it('are told of conversations in which a message waits, and not of forgotten ones', async () => {
      const fresh = sessionOf({ channel: 'C9' });
      await offerNew(harness.store, messageOf(fresh, 'm8'));
      await harness.store.forget(own);
      const summaries = await harness.store.conversations(ada);
      expect(summaries.map((summary) => summary.sessionId).sort()).toEqual([ownThread, shared, fresh].sort());
      expect(summaries.find((summary) => summary.sessionId === fresh)).toMatchObject({ messages: 0, lastAt: 0 });

      const { lease } = await takeHead(harness.store, fresh);
      await harness.store.fail(lease, 'model_timeout');
      await finish(harness.store, lease);
      expect(await listed(ada)).toEqual([ownThread, shared]);
    });

    it('share a place whose living conversations can be found', async () => {
      expect([...(await harness.store.conversationsAt(parseSessionId(own).place))].sort()).toEqual([own, bobs].sort());
      await harness.store.forget(bobs);
      expect(await harness.store.conversationsAt(parseSessionId(own).place)).toEqual([own]);
      expect(await harness.store.conversationsAt({ platform: 'slack', workspace: 'T1', channel: 'C' })).toEqual([]);
      expect(await harness.store.conversationsAt({ platform: 'slack', channel: 'C1' })).toEqual([]);
    });

    it('get everything of theirs, and of shared conversations only their turns', async () => {
      const exported = await harness.store.export(ada);
      expect(exported.map((one) => one.sessionId).sort()).toEqual([own, ownThread, shared].sort());
      for (const { messages } of exported) {
        expect(messages.map((message) => message.content)).toEqual(['of ada', 'answer']);
        expect(messages.every((message) => message.authorId === 'ada')).toBe(true);
      }
      expect(await harness.store.export({ ...ada, user: 'nobody' })).toEqual([]);
    });

    it('get a workspace whole', async () => {
      const exported = await harness.store.export({ platform: 'slack', workspace: 'T1' });
      const lengths = exported.map(({ sessionId, messages }) => [sessionId, messages.length]);
      expect(lengths.sort()).toEqual(
        [
          [own, 2],
          [ownThread, 2],
          [shared, 4],
          [bobs, 2],
        ].sort(),
      );
      expect(await harness.store.export({ platform: 'slack', workspace: 'T' })).toEqual([]);
    });

    it('are erased without a trace, and nobody else with them', async () => {
      await offerNew(harness.store, messageOf(own, 'm8', { text: 'of ada, waiting' }));
      await offerNew(harness.store, messageOf(shared, 'm9', { text: 'of bob, waiting', ...byBob }));
      const running = await takeHead(harness.store, own);
      expect(await harness.store.erase(ada)).toEqual({ conversations: 3, messages: 6, waiting: 1, facts: 0 });
      expect(await harness.store.commit(running.lease, running.message, answerOf('late'))).toBe('forgotten');

      expect(await listed(ada)).not.toContain(ownThread);
      expect(await harness.store.export(ada)).toEqual([]);
      expect(await harness.store.history(own)).toBeUndefined();
      expect(await harness.store.history(ownThread)).toBeUndefined();
      expect(await contents(harness.store, shared)).toEqual(['of bob', 'answer']);
      expect((await takeHead(harness.store, shared)).message.text).toBe('of bob, waiting');
      for (const other of [bobs, otherTeam, otherPlatform]) {
        expect(await contents(harness.store, other)).toHaveLength(2);
      }
      expect(await harness.fixture.dumpText()).not.toContain('of ada');
      expect(await harness.store.erase(ada)).toEqual(NOTHING);
    });

    it('are erased by way of a conversation that was never answered, too', async () => {
      const fresh = sessionOf({ channel: 'C9' });
      await offerNew(harness.store, messageOf(fresh, 'm8', { text: 'a waiting secret' }));
      expect(await harness.store.erase(ada)).toEqual({ conversations: 4, messages: 6, waiting: 1, facts: 0 });
      expect(await harness.fixture.dumpText()).not.toContain('a waiting secret');
      expect((await takeHead(harness.store, fresh)).record.state).toBe('forgotten');
    });

    it('lose their TTL choices when they are erased, also for places where they never spoke', async () => {
      const silent = sessionOf({ channel: 'C9' });
      const base = sessionOf({ channel: 'C2' });
      for (const id of [own, base, ownThread, silent, bobs, otherTeam]) await harness.store.setTtl(id, 600);
      await harness.store.erase(ada);
      for (const id of [own, base, ownThread, silent]) {
        expect(await harness.store.ttl(id)).toEqual({ effective: 1800 });
      }
      for (const id of [bobs, otherTeam]) expect(await harness.store.ttl(id)).toMatchObject({ choice: 600 });
    });

    it('without a workspace are erased from their direct conversations', async () => {
      const direct = encodeSession({ place: { platform: 'discord', channel: 'D1' } });
      await runTurn(harness.store, messageOf(direct, 'm8', { isDirect: true, platform: 'discord' }));
      await runTurn(harness.store, messageOf(direct, 'm9', { isDirect: true, platform: 'discord' }));
      await harness.store.setTtl(direct, 600);
      expect(await harness.store.erase({ platform: 'discord', user: 'ada' })).toEqual({
        conversations: 1,
        messages: 4,
        waiting: 0,
        facts: 0,
      });
      expect((await harness.store.ttl(direct)).choice).toBeUndefined();
      expect(await harness.store.history(direct)).toBeUndefined();
      expect(await contents(harness.store, otherPlatform)).toHaveLength(2);
    });

    it('are erased with their workspace, and other workspaces are not', async () => {
      await harness.store.setTtl(own, 600);
      await harness.store.setTtl(shared, 600);
      await harness.store.setTtl(otherTeam, 600);
      await offerNew(harness.store, messageOf(bobs, 'm8', { text: 'of bob, waiting', ...byBob }));
      expect(await harness.store.erase({ platform: 'slack', workspace: 'T1' })).toEqual({
        conversations: 4,
        messages: 10,
        waiting: 1,
        facts: 0,
      });
      for (const id of [own, ownThread, shared, bobs]) expect(await harness.store.history(id)).toBeUndefined();
      for (const id of [own, shared]) expect((await harness.store.ttl(id)).choice).toBeUndefined();
      expect((await harness.store.ttl(otherTeam)).choice).toBe(600);
      for (const id of [otherTeam, otherPlatform]) expect(await contents(harness.store, id)).toHaveLength(2);
      expect(await harness.fixture.dumpText()).not.toMatch(/of bob|of ada/);
      expect(await listed({ ...ada, workspace: 'T2' })).toEqual([otherTeam]);
      expect(await harness.store.erase({ platform: 'slack', workspace: 'T1' })).toEqual(NOTHING);
    });
  });
}
