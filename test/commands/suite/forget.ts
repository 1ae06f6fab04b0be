/** /forget on a real store. */
import { describe, expect, it } from 'vitest';
import { encodeSession } from '../../../src/core/session.ts';
import { messagesIn } from '../../../src/i18n/messages.ts';
import {
  answerOf,
  contents,
  finish,
  type Harness,
  messageOf,
  offerNew,
  shorten,
  takeHead,
  untilForgotten,
} from '../../contracts/store/support.ts';
import { asking, BOB, by, CHANNEL, contextOf, here, LOCALES, ROOT, SHARED, talk, unknownThread } from './support.ts';

export function describeForget(harness: Harness): void {
  const bot = asking(harness);
  const { ask, press } = bot;
  const kept = (sessionId = here()) => contents(bot.store, sessionId);
  const inShared = contextOf({ sessionId: SHARED });

  describe('/forget', () => {
    it.each(LOCALES)('forgets this conversation alone, and says how much (%s)', async (locale) => {
      await talk(bot.store, here(), 'm1');
      await talk(bot.store, here(), 'm2');
      await talk(bot.store, here({ thread: '17.1' }), 'm3');
      await talk(bot.store, here({ user: 'bob' }), 'm4', by('bob'));
      const { kind, text } = await ask('/forget', contextOf({ locale }));
      expect(kind).toBe('done');
      expect(text).toBe(locale === 'en' ? 'Forgotten: 1 conversation, 4 messages.' : '已忘记：1 个对话，4 条消息。');
      expect(await kept()).toEqual([]);
      expect(await kept(here({ thread: '17.1' }))).toHaveLength(2);
      expect(await kept(here({ user: 'bob' }))).toHaveLength(2);
      expect((await ask('/forget', contextOf({ locale }))).text).toBe(messagesIn(locale).commands.nothingHere);
    });

    it.each(LOCALES)(
      'in the middle of a turn leaves no text in any key, and the turn is not kept (%s)',
      async (locale) => {
        await talk(bot.store, here(), 'm1', { text: 'secret-1' });
        await offerNew(bot.store, messageOf(here(), 'm2', { text: 'secret-2' }));
        await offerNew(bot.store, messageOf(here(), 'm3', { text: 'secret-3' }));
        const { lease, message } = await takeHead(bot.store, here());
        const { text } = await ask('/forget', contextOf({ locale }));
        expect(text).toBe(
          messagesIn(locale).commands.forget.done({ conversations: 1, messages: 2, waiting: 2, facts: 0 }),
        );
        expect(text).toMatch(
          locale === 'en' ? /2 messages that were still waiting will not be answered/ : /还在等待的 2 条消息/,
        );
        expect(await bot.store.commit(lease, message, answerOf('secret-4'))).toBe('forgotten');
        expect(await harness.fixture.dumpText()).not.toContain('secret');
        expect(await bot.store.record(here(), 'm2')).toMatchObject({ outcome: 'forgotten' });
      },
    );

    it('of an expired conversation has nothing to forget', async () => {
      await talk(bot.store, here(), 'm1');
      await shorten(bot.store, here());
      await untilForgotten(bot.store, here());
      expect((await ask('/forget')).text).toBe(messagesIn('en').commands.nothingHere);
      expect((await ask('/forget', unknownThread())).text).toBe(messagesIn('en').commands.nothingHere);
    });

    it.each(LOCALES)('asks first where it was typed and there is a button to say yes with (%s)', async (locale) => {
      await talk(bot.store, here(), 'm1');
      const typed = contextOf({ locale, surface: 'text' });
      const t = messagesIn(locale);
      const asked = await ask('/forget', typed);
      expect(asked).toMatchObject({ kind: 'confirm', text: t.commands.forget.confirmHere });
      expect(asked.actions).toEqual([{ label: t.buttons.forget, style: 'danger', id: expect.any(String) }]);
      expect(await kept()).toHaveLength(2);
      expect((await press(asked.actions[0], typed)).kind).toBe('done');
      expect(await kept()).toEqual([]);
    });

    it('is not confirmed by a word where there is a button for it', async () => {
      await talk(bot.store, here(), 'm1');
      for (const typed of ['/forget confirm', '/forget here confirm', '/forget everywhere confirm']) {
        expect((await ask(typed, contextOf({ surface: 'text' }))).kind).toBe('confirm');
      }
      expect((await ask('/forget everywhere confirm')).kind).toBe('confirm');
      expect(await kept()).toHaveLength(2);
    });

    it('asks first where a button opened it, and not where it was typed without buttons', async () => {
      await talk(bot.store, here(), 'm1');
      const open = await bot.commands.openPrivately({ name: 'forget', scope: 'here', confirmed: false }, contextOf());
      expect(open.label).toBe('Show /forget only to me');
      expect((await press(open)).kind).toBe('confirm');
      expect(await kept()).toHaveLength(2);
      expect((await ask('/forget', contextOf({ surface: 'text', hasButtons: false }))).kind).toBe('done');
      expect(await kept()).toEqual([]);
    });

    it.each(LOCALES)(
      'everywhere asks first, then forgets all of this person’s in the workspace (%s)',
      async (locale) => {
        const dm = encodeSession({ place: { ...CHANNEL, channel: 'D1' }, thread: '9.9' });
        const elsewhere = encodeSession({ place: { ...CHANNEL, channel: 'C2' }, user: 'ada' });
        const otherTeam = encodeSession({ place: { ...CHANNEL, workspace: 'T2' }, user: 'ada' });
        for (const [n, session] of [here(), elsewhere, dm, SHARED, otherTeam].entries())
          await talk(bot.store, session, `m${n}`);
        await talk(bot.store, SHARED, 'b1', by('bob'));
        await talk(bot.store, here({ user: 'bob' }), 'b2', by('bob'));
        await bot.store.setTtl(here(), 600);

        const t = messagesIn(locale);
        const asked = await ask('/forget everywhere', contextOf({ locale }));
        expect(asked).toMatchObject({ kind: 'confirm', text: t.commands.forget.confirmEverywhere });
        expect(asked.actions).toMatchObject([{ label: t.buttons.forgetEverywhere, style: 'danger' }]);
        expect(await kept()).toHaveLength(2);

        const { text } = await press(asked.actions[0], contextOf({ locale }));
        expect(text).toBe(t.commands.forget.done({ conversations: 4, messages: 8, waiting: 0, facts: 0 }));
        for (const session of [here(), elsewhere, dm]) expect(await kept(session)).toEqual([]);
        expect(await kept(SHARED)).toEqual(['text of b1', 'answer to b1']);
        expect(await kept(here({ user: 'bob' }))).toHaveLength(2);
        expect(await kept(otherTeam)).toHaveLength(2);
        expect((await bot.store.ttl(here())).choice).toBe(600);
      },
    );

    it.each(LOCALES)('everywhere is confirmed by text where there are no buttons (%s)', async (locale) => {
      await talk(bot.store, here(), 'm1');
      const plain = contextOf({ locale, surface: 'text', hasButtons: false });
      const asked = await ask('/forget everywhere', plain);
      expect(asked).toMatchObject({ kind: 'confirm', actions: [] });
      expect(asked.text).toContain('`/forget everywhere confirm`');
      expect(await kept()).toHaveLength(2);
      expect((await ask('/forget everywhere confirm', plain)).kind).toBe('done');
      expect(await kept()).toEqual([]);
      expect((await ask('/forget everywhere confirm', plain)).text).toBe(messagesIn(locale).commands.nothingHere);
    });
  });

  describe('/forget in a shared conversation', () => {
    const threeTurns = async () => {
      await talk(bot.store, SHARED, 'a1');
      await talk(bot.store, SHARED, 'b1', by('bob'));
      await talk(bot.store, SHARED, 'a2');
    };

    it.each(LOCALES)('removes a member’s own messages and the answers to them (%s)', async (locale) => {
      await threeTurns();
      await offerNew(bot.store, messageOf(SHARED, 'a3', { text: 'waiting-ada' }));
      await offerNew(bot.store, messageOf(SHARED, 'b2', { ...by('bob'), text: 'waiting-bob' }));
      const { kind, text, actions } = await ask('/forget', { ...inShared, locale });
      expect(kind).toBe('done');
      const { removedMine, othersMayRepeat } = messagesIn(locale).commands.forget;
      expect(text).toBe(`${removedMine({ conversations: 1, messages: 4, waiting: 1, facts: 0 })}\n${othersMayRepeat}`);
      expect(actions).toEqual([]);
      expect(await kept(SHARED)).toEqual(['text of b1', 'answer to b1']);
      const stored = await harness.fixture.dumpText();
      expect(stored).not.toContain('waiting-ada');
      expect(stored).toContain('waiting-bob');
      expect((await ask('/forget', { ...inShared, locale })).text).toBe(messagesIn(locale).commands.nothingHere);
    });

    it('in the middle of a member’s own turn keeps nothing of it, and lets the others’ go on', async () => {
      await offerNew(bot.store, messageOf(SHARED, 'a1', { text: 'secret-1' }));
      await offerNew(bot.store, messageOf(SHARED, 'b1', by('bob')));
      const mine = await takeHead(bot.store, SHARED);
      await ask('/forget', inShared);
      expect(await bot.store.commit(mine.lease, mine.message, answerOf('secret-2'))).toBe('forgotten');
      expect(await finish(bot.store, mine.lease)).toBe(1);
      const { lease, message } = await takeHead(bot.store, SHARED);
      expect(await bot.store.commit(lease, message, answerOf('for bob'))).toBe('committed');
      expect(await kept(SHARED)).toEqual(['text of b1', 'for bob']);
      expect(await harness.fixture.dumpText()).not.toContain('secret');
    });

    it('asks first where it was typed, and says what will go', async () => {
      await threeTurns();
      const asked = await ask('/forget', { ...inShared, surface: 'text' });
      expect(asked).toMatchObject({ kind: 'confirm', text: messagesIn('en').commands.forget.confirmMine });
      expect(asked.actions).toMatchObject([{ label: 'Remove my messages', style: 'danger' }]);
      await press(asked.actions[0], inShared);
      expect(await kept(SHARED)).toEqual(['text of b1', 'answer to b1']);
    });

    it('wipes it for nobody but managers', async () => {
      await threeTurns();
      const { managersOnly } = messagesIn('en').commands;
      for (const command of ['/forget whole', '/forget whole confirm']) {
        expect(await ask(command, inShared)).toMatchObject({ kind: 'refused', text: managersOnly, actions: [] });
      }
      expect(await kept(SHARED)).toHaveLength(6);
    });

    it.each([
      { who: 'people who may manage messages', context: { ...inShared, canManage: true } },
      { who: 'admins', context: { ...inShared, person: ROOT } },
    ])('may be wiped whole, after a confirmation, by $who', async ({ context }) => {
      await threeTurns();
      const mine = await ask('/forget', context);
      expect(mine.text).toContain(messagesIn('en').commands.forget.mayWipe);
      expect(await kept(SHARED)).toContain('text of b1');
      const asked = await press(mine.actions[0], context);
      expect(asked).toMatchObject({ kind: 'confirm', text: messagesIn('en').commands.forget.confirmWhole });
      expect(await kept(SHARED)).toContain('text of b1');
      expect((await press(asked.actions[0], context)).text).toMatch(/^Forgotten: 1 conversation, /);
      expect(await kept(SHARED)).toEqual([]);
    });

    it('checks the right again when the button is pressed', async () => {
      await threeTurns();
      const asked = await ask('/forget whole', { ...inShared, canManage: true });
      expect(await press(asked.actions[0], inShared)).toMatchObject({ kind: 'refused' });
      expect(await kept(SHARED)).toHaveLength(6);
    });

    it('can be wiped without buttons by saying so', async () => {
      await threeTurns();
      const plain = { ...inShared, canManage: true, hasButtons: false };
      expect((await ask('/forget', plain)).text).toContain('`/forget whole confirm`');
      expect((await ask('/forget whole', plain)).text).toContain('`/forget whole confirm`');
      expect((await ask('/forget whole confirm', plain)).kind).toBe('done');
      expect(await kept(SHARED)).toEqual([]);
    });

    it('is not for people who name themselves admins over HTTP', async () => {
      const place = { platform: 'http', channel: 'slack:T1:root' };
      const context = contextOf({
        place,
        person: { platform: 'http', user: 'slack:T1:root' },
        sessionId: encodeSession({ place }),
      });
      expect(await ask('/forget whole confirm', context)).toMatchObject({ kind: 'refused' });
    });
  });

  describe('/forget whole', () => {
    it('in a conversation of one’s own forgets it', async () => {
      await talk(bot.store, here(), 'm1');
      expect((await ask('/forget whole')).kind).toBe('done');
      expect(await kept()).toEqual([]);
    });

    it('in a DM forgets it, though its id names no user', async () => {
      await talk(bot.store, SHARED, 'm1');
      const dm = contextOf({ sessionId: SHARED, isDirect: true, hasButtons: false });
      expect((await ask('/forget', dm)).text).toBe('Forgotten: 1 conversation, 2 messages.');
      await talk(bot.store, SHARED, 'm2');
      await harness.fixture.injectBadElement(SHARED, 'unreadable-secret');
      expect((await ask('/forget everywhere confirm', dm)).kind).toBe('done');
      expect(await harness.fixture.dumpText()).not.toContain('unreadable-secret');
    });
  });

  describe('a button', () => {
    it('made for one person does nothing for another', async () => {
      await talk(bot.store, SHARED, 'a1');
      await talk(bot.store, SHARED, 'b1', by('bob'));
      const asked = await ask('/forget everywhere', contextOf({ sessionId: SHARED }));
      const bob = contextOf({ sessionId: SHARED, person: BOB });
      expect(await press(asked.actions[0], bob)).toMatchObject({
        kind: 'refused',
        text: messagesIn('en').buttonNotYours,
      });
      const mine = await ask('/forget', { ...inShared, surface: 'text' });
      expect(await press(mine.actions[0], bob)).toMatchObject({ kind: 'refused' });
      expect(await kept(SHARED)).toHaveLength(4);
    });
  });
}
