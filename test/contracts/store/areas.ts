/** A channel or a thread that is no more: everything there goes, whoever's it was. */
import { describe, expect, it } from 'vitest';
import { encodeSession, parseSessionId } from '../../../src/core/session.ts';
import type { Harness } from './support.ts';
import { answerOf, contents, finish, messageOf, offerNew, runTurn, sessionOf, takeHead, until } from './support.ts';

const { place } = parseSessionId(sessionOf());
const outside = sessionOf();
const ofBob = sessionOf({ user: 'bob' });
const shared = sessionOf({ user: undefined });
const thread = sessionOf({ thread: '17.1' });
const sharedThread = sessionOf({ thread: '17.1', user: undefined });
const otherThread = sessionOf({ thread: '17.11' });
const elsewhere = [
  sessionOf({ channel: 'C11' }),
  sessionOf({ channel: 'C' }),
  sessionOf({ place: { ...place, workspace: 'T2' } }),
  sessionOf({ place: { ...place, platform: 'discord' } }),
  encodeSession({ place: { platform: 'slack', channel: 'C1' }, user: 'ada' }),
];
const NOTHING = { conversations: 0, messages: 0, waiting: 0, facts: 0 };
const LONG_MS = 86_400_000;
const secret = (id: string) =>
  messageOf(outside, id, { text: `secret of ${id}`, author: { id: 'ada', name: 'Ada Secret' } });

export function describeAreas(harness: Harness): void {
  const at = (sessionId: typeof outside, id: string) => ({ ...secret(id), sessionId });

  describe('an area', () => {
    it('is erased whole when it is a channel, with its threads and whatever waits, and nothing else is', async () => {
      const { store } = harness;
      const there = [outside, ofBob, shared, thread, sharedThread, otherThread];
      for (const [n, id] of there.entries()) await runTurn(store, at(id, `m${n}`), answerOf(`secret answer ${n}`));
      for (const [n, id] of elsewhere.entries()) await runTurn(store, messageOf(id, `e${n}`));
      const waitsOnly = sessionOf({ user: 'carl' });
      await offerNew(store, at(waitsOnly, 'w1'));
      await offerNew(store, at(outside, 'w2'));
      for (const id of [shared, sessionOf({ user: 'dora' })]) await store.setTtl(id, 600);

      expect(await store.erase({ place })).toEqual({ conversations: 7, messages: 12, waiting: 2, facts: 0 });
      expect(await harness.fixture.dumpText()).not.toMatch(/secret/i);
      expect(await store.conversationsAt(place)).toEqual([]);
      for (const user of ['ada', 'bob']) {
        const person = { platform: 'slack', workspace: 'T1', user };
        const listed = (await store.conversations(person)).map(
          ({ sessionId }) => parseSessionId(sessionId).place.channel,
        );
        expect(listed).not.toContain('X');
        expect(await store.export(person)).toHaveLength(user === 'ada' ? 2 : 0);
      }
      for (const id of [shared, sessionOf({ user: 'dora' })]) expect((await store.ttl(id)).choice).toBeUndefined();
      for (const id of elsewhere) expect(await contents(store, id)).toHaveLength(2);
      const { record, message } = await takeHead(store, waitsOnly);
      expect([record.state, message.text]).toEqual(['forgotten', '']);
      expect(await store.erase({ place })).toEqual(NOTHING);
    });

    it('is erased alone when it is a thread, and the choices made outside of it stay', async () => {
      const { store } = harness;
      for (const [n, id] of [outside, shared, thread, sharedThread, otherThread].entries()) {
        await runTurn(
          store,
          messageOf(id, `m${n}`, { text: n === 2 || n === 3 ? 'secret' : 'kept' }),
          answerOf('answer'),
        );
      }
      for (const id of [outside, thread]) await store.setTtl(id, 600);
      expect(await store.erase({ place, thread: '17.1' })).toEqual({
        conversations: 2,
        messages: 4,
        waiting: 0,
        facts: 0,
      });
      for (const id of [thread, sharedThread]) expect(await store.history(id)).toBeUndefined();
      for (const id of [outside, shared, otherThread]) expect(await contents(store, id)).toEqual(['kept', 'answer']);
      expect(await store.ttl(outside)).toMatchObject({ choice: 600 });
      await store.setTtl(outside, undefined);
      expect((await store.ttl(thread)).choice).toBeUndefined();
      expect(await harness.fixture.dumpText()).not.toContain('secret');
    });

    it('takes running turns with it, and answers that were not delivered yet', async () => {
      const { store } = harness;
      await offerNew(store, at(thread, 'm1'));
      const running = await takeHead(store, thread);
      await offerNew(store, at(sharedThread, 'm2'));
      const answered = await takeHead(store, sharedThread);
      await store.commit(answered.lease, answered.message, answerOf('secret answer'));
      expect(await store.erase({ place, thread: '17.1' })).toEqual({
        conversations: 2,
        messages: 2,
        waiting: 1,
        facts: 0,
      });
      expect(await store.check(running.lease)).toMatchObject({ state: 'forgotten' });
      expect(await store.commit(running.lease, running.message, answerOf('secret too late'))).toBe('forgotten');
      expect(await store.record(sharedThread, 'm2')).toMatchObject({ state: 'forgotten' });
      expect(await harness.fixture.dumpText()).not.toMatch(/secret/i);
    });

    it('takes what was noted of its conversations and of itself', async () => {
      const { flags } = harness.store;
      for (const id of [thread, outside]) await flags.set(id, 'followed', LONG_MS);
      await flags.set(place, 'command', LONG_MS);
      await flags.set(elsewhere[0] ?? outside, 'followed', LONG_MS);
      await harness.store.erase({ place, thread: '17.1' });
      expect([await flags.has(thread, 'followed'), await flags.has(outside, 'followed')]).toEqual([false, true]);
      expect(await flags.has(place, 'command')).toBe(true);
      await harness.store.erase({ place });
      expect([await flags.has(outside, 'followed'), await flags.has(place, 'command')]).toEqual([false, false]);
      expect(await flags.has(elsewhere[0] ?? outside, 'followed')).toBe(true);
    });

    it('holds nothing of what comes in between that is lost afterwards', async () => {
      const { store } = harness;
      const ada = { platform: 'slack', workspace: 'T1', user: 'ada' };
      for (let round = 0; round < 10; round += 1) {
        await runTurn(store, messageOf(thread, `m${round}`));
        await Promise.all([store.erase({ place }), store.enqueue(messageOf(thread, `n${round}`, { text: 'raced' }))]);
        const taken = await takeHead(store, thread);
        if (taken.record.state === 'running') await store.commit(taken.lease, taken.message, answerOf('raced'));
        await finish(store, taken.lease);
        await until(async () => expect(await store.waiting(thread)).toEqual([]));
        await store.erase(ada);
        expect(await harness.fixture.dumpText()).not.toContain('raced');
      }
    });
  });
}
