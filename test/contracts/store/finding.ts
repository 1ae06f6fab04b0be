/** Whoever erases or exports finds all that there is, however long ago it was written, and whoever kept it alive. */
import { beforeEach, describe, expect, it } from 'vitest';
import { parseSessionId } from '../../../src/core/session.ts';
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

const HOUR = 3_600_000;
const DAY = 24 * HOUR;
const own = sessionOf();
const shared = sessionOf({ user: undefined });
const thread = sessionOf({ thread: '17.1' });
const team = { platform: 'slack', workspace: 'T1' };
const ada = { ...team, user: 'ada' };
const { place } = parseSessionId(own);
const byBob = { author: { id: 'bob', name: 'Bob' } };

export function describeFinding(harness: Harness<AgingFixture>): void {
  /** Ada said one thing in the shared conversation; everything that looks for it finds it, and erasing takes it out. */
  async function expectFound(total: number): Promise<void> {
    const { store } = harness;
    expect(await contents(store, shared)).toContain('said by ada');
    expect((await store.conversations(ada)).map(({ sessionId }) => sessionId)).toEqual([shared]);
    expect((await store.conversations(ada, place)).map(({ sessionId }) => sessionId)).toEqual([shared]);
    const exported = await store.export(ada);
    expect(exported.flatMap(({ messages }) => messages.map(({ content }) => content))).toEqual([
      'said by ada',
      'to ada',
    ]);
    expect(await store.export(team)).toMatchObject([{ sessionId: shared }]);
    expect(await store.erase(ada)).toEqual({ conversations: 1, messages: 2, waiting: 0, facts: 0 });
    expect(await contents(store, shared)).toHaveLength(total - 2);
    expect(await harness.fixture.dumpText()).not.toMatch(/said by ada|to ada/);
    expect(await store.erase(ada)).toEqual({ conversations: 0, messages: 0, waiting: 0, facts: 0 });
  }

  const adaSpeaks = (more: object = {}) =>
    runTurn(harness.store, messageOf(shared, 'a1', { text: 'said by ada', ...more }), answerOf('to ada'));
  const bobSpeaks = (id: string, more: object = {}) =>
    runTurn(harness.store, messageOf(shared, id, { ...byBob, ...more }));

  describe('what somebody said is found', () => {
    it.each([
      ['a day', 23 * HOUR],
      ['a week', 7 * DAY],
    ])('after others kept a conversation of %s alive for long', async (_, step) => {
      await harness.store.setTtl(shared, (step + HOUR) / 1_000);
      await adaSpeaks();
      for (const id of ['b1', 'b2', 'b3']) {
        await harness.fixture.advance(step);
        await bobSpeaks(id);
      }
      await harness.fixture.advance(step);
      await expectFound(8);
    });

    it('after somebody else gave the conversation more time', async () => {
      await adaSpeaks();
      await harness.store.setTtl(shared, 30 * 86_400);
      await harness.fixture.advance(29 * DAY);
      await expectFound(2);
    });

    it('after a message of somebody else asked for more time', async () => {
      await adaSpeaks();
      await bobSpeaks('b1', { ttl: 30 * 86_400 });
      await harness.fixture.advance(29 * DAY);
      await expectFound(4);
    });

    it('after a message asked for more time, once', async () => {
      await adaSpeaks();
      await harness.store.setTtl(shared, 30 * 86_400, { remember: false });
      await harness.fixture.advance(29 * DAY);
      await expectFound(2);
    });

    it('when it waited for nearly a day before it was answered', async () => {
      await harness.store.setTtl(shared, 23 * 3_600);
      await offerNew(harness.store, messageOf(shared, 'a1', { text: 'said by ada' }));
      await harness.fixture.advance(23 * HOUR);
      const { lease, message } = await takeHead(harness.store, shared);
      await harness.fixture.advance(23 * HOUR);
      await harness.store.commit(lease, message, answerOf('to ada'));
      await finish(harness.store, lease);
      await harness.fixture.advance(22 * HOUR);
      await expectFound(2);
    });

    it('when it still waits, since others are not done with', async () => {
      const { store } = harness;
      await offerNew(store, messageOf(shared, 'b1', byBob));
      await offerNew(store, messageOf(shared, 'a1', { text: 'said by ada' }));
      for (let day = 0; day < 4; day += 1) {
        await harness.fixture.advance(23 * HOUR);
        await store.requeue((await takeHead(store, shared)).lease);
      }
      expect(await store.erase(ada)).toEqual({ conversations: 1, messages: 0, waiting: 1, facts: 0 });
      expect(await harness.fixture.dumpText()).not.toContain('said by ada');
      expect((await takeHead(store, shared)).message.id).toBe('b1');
    });

    it('in a conversation of their own that was given more time, to its end', async () => {
      await runTurn(harness.store, messageOf(own, 'm1', { text: 'said by ada' }));
      await harness.store.setTtl(own, 30 * 86_400, { remember: false });
      await harness.fixture.advance(29 * DAY);
      expect(await harness.store.erase(ada)).toMatchObject({ messages: 2 });
      expect(await harness.fixture.dumpText()).not.toContain('said by ada');
    });

    it('also when their own choice was used, and used again', async () => {
      await harness.store.setTtl(own, 30 * 86_400);
      for (const id of ['m1', 'm2', 'm3']) {
        await runTurn(harness.store, messageOf(thread, id, { text: 'said by ada' }));
        await harness.fixture.advance(29 * DAY);
      }
      // What was said over MAX_TTL ago is gone.
      expect(await harness.store.erase(ada)).toMatchObject({ messages: 4 });
      expect(await harness.fixture.dumpText()).not.toContain('said by ada');
      expect((await harness.store.ttl(thread)).choice).toBeUndefined();
    });
  });

  describe('a message is found by its id', () => {
    const elsewhere = sessionOf({ channel: 'C2' });
    const find = (source: string) => harness.store.find(place, source);
    /** Its idempotency keys have expired by then. */
    const later = () => harness.fixture.advance(2 * DAY);
    beforeEach(async () => {
      for (const id of [own, thread, shared, elsewhere]) await harness.store.setTtl(id, 20 * 86_400);
      for (const [id, source] of [
        [own, 'm1'],
        [own, 'm2'],
        [thread, 'm3'],
        [shared, 'm4'],
        [elsewhere, 'm5'],
      ] as const) {
        await runTurn(harness.store, messageOf(id, source));
      }
    });

    it('where it is remembered, and nowhere else', async () => {
      await later();
      for (const [source, session] of [
        ['m1', own],
        ['m2', own],
        ['m3', thread],
        ['m4', shared],
      ] as const) {
        expect(await find(source)).toEqual([session]);
      }
      for (const source of ['m5', 'm', 'text of m1', 'ada']) expect(await find(source)).toEqual([]);
      expect(await harness.store.find(parseSessionId(elsewhere).place, 'm5')).toEqual([elsewhere]);
      await harness.store.setTtl(own, 30 * 86_400);
      await harness.fixture.advance(19 * DAY);
      expect(await find('m1')).toEqual([own]);
      expect(await find('m3')).toEqual([]);
    });

    it.each(['a"b\\c', '消息 😀', 'tab\there'])('whatever it looks like: %j', async (id) => {
      await runTurn(harness.store, messageOf(own, id));
      await later();
      expect(await find(id)).toEqual([own]);
      await harness.store.removeTurns(own, { source: id });
      expect(await find(id)).toEqual([]);
    });

    it('until it is removed, its author is, or its conversation is forgotten', async () => {
      await later();
      await harness.store.removeTurns(own, { source: 'm1' });
      expect([await find('m1'), await find('m2')]).toEqual([[], [own]]);
      await harness.store.removeTurns(shared, { authorId: 'ada' });
      expect(await find('m4')).toEqual([]);
      await harness.store.forget(thread);
      expect(await find('m3')).toEqual([]);
      await harness.store.erase({ place });
      expect(await find('m2')).toEqual([]);
    });

    it('until it falls out of memory', async () => {
      for (let n = 0; n < LIMITS.maxMessages / 2 - 1; n += 1) await runTurn(harness.store, messageOf(own, `n${n}`));
      expect([await find('m1'), await find('m2'), await find('n0')]).toEqual([[], [own], [own]]);
      await harness.fixture.advance(25 * DAY);
      await runTurn(harness.store, messageOf(own, 'late'));
      expect([await find('m2'), await find('late')]).toEqual([[], [own]]);
      // Of the others the ids are gone too.
      await harness.store.stats();
      await until(async () => expect(await harness.fixture.dumpText()).not.toMatch(/\bm[34]\b/));
    });

    it('as it was edited, answered later, or while it waits', async () => {
      await harness.store.amend(own, 'm1', 'edited');
      await offerNew(harness.store, messageOf(own, 'w1'));
      await harness.fixture.advance(20 * HOUR);
      const { lease } = await takeHead(harness.store, own);
      await harness.fixture.advance(20 * HOUR);
      expect(await harness.store.locate(place, ['w1'])).toBeUndefined();
      expect([await find('m1'), await find('w1')]).toEqual([[own], [own]]);
      await harness.store.commit(lease, messageOf(own, 'w1'), answerOf('late'));
      await finish(harness.store, lease);
      await later();
      expect(await find('w1')).toEqual([own]);
    });

    it('where somebody else wrote to the conversation, too', async () => {
      const half = { role: 'user', content: 'x', timestamp: Date.now(), turn: 't', source: 'other', authorId: 'ada' };
      await harness.fixture.injectBadElement(own, JSON.stringify(half));
      expect(await find('other')).toContain(own);
      await runTurn(harness.store, messageOf(own, 'n1'));
      expect([await find('other'), await find('m2'), await find('unknown')]).toEqual([[own], [own], []]);
    });
  });

  describe('what is noted of a conversation', () => {
    const followed = async () => {
      await runTurn(harness.store, messageOf(thread, 'm1'));
      await harness.store.flags.set(thread, 'followed', 30 * DAY);
      await harness.fixture.advance(29 * DAY);
      expect(await harness.store.history(thread)).toBeUndefined();
      expect(await harness.store.flags.has(thread, 'followed')).toBe(true);
    };

    it.each([
      ['its person', () => harness.store.erase(ada)],
      ['its person, who keeps their choices', () => harness.store.erase(ada, { keepChoices: true })],
      ['its workspace', () => harness.store.erase(team)],
      ['its channel', () => harness.store.erase({ place })],
      ['itself', () => harness.store.forget(thread)],
    ])('goes with %s, long after the conversation is over', async (_, erase) => {
      await followed();
      await erase();
      expect(await harness.store.flags.has(thread, 'followed')).toBe(false);
    });
  });

  it('a shared conversation names nobody any more whose words fell out of it', async () => {
    await harness.store.setTtl(shared, 20 * 3_600);
    await adaSpeaks();
    for (let turn = 0; turn < 8; turn += 1) {
      await harness.fixture.advance(19 * HOUR);
      await bobSpeaks(`b${turn}`);
    }
    expect(await harness.store.export(ada)).toEqual([]);
    expect(await harness.store.erase({ ...ada, user: 'bob' })).toMatchObject({ messages: 8 });
    expect(await harness.fixture.dumpText()).not.toMatch(/text of b|said by ada/);
  });
}
