/** /remember and /facts, and what the other commands say of facts, on a real store. */
import { describe, expect, it } from 'vitest';
import { MAX_FACTS } from '../../../src/core/facts.ts';
import { baseSession, encodeSession } from '../../../src/core/session.ts';
import { messagesIn } from '../../../src/i18n/messages.ts';
import type { Harness } from '../../contracts/store/support.ts';
import { asking, BOB, by, CHANNEL, contextOf, here, LOCALES, SHARED, talk, unknownThread } from './support.ts';

const DIRECT = { isDirect: true, sessionId: SHARED };

export function describeFacts(harness: Harness): void {
  const bot = asking(harness);
  const { ask, press } = bot;
  const direct = (more = {}) => contextOf({ ...DIRECT, ...more });
  const keptAt = async (base = SHARED) => (await bot.store.facts.list(base)).map(({ text }) => text);
  /** Keeps texts in the direct conversation. */
  const remember = async (...texts: readonly string[]) => {
    for (const text of texts) expect((await ask({ name: 'remember', text }, direct())).kind).toBe('done');
  };

  describe('/remember', () => {
    it.each(LOCALES)('keeps a fact in a direct conversation at once, with its lines (%s)', async (locale) => {
      const { remember: lines } = messagesIn(locale).commands;
      const { kind, text, actions } = await ask('/remember I am\nvegetarian', direct({ locale }));
      const [fact] = await bot.store.facts.list(SHARED);
      expect(fact).toMatchObject({ id: expect.stringMatching(/^[a-z0-9]{8}$/), text: 'I am\nvegetarian' });
      expect({ kind, text, actions }).toEqual({
        kind: 'done',
        text: `${lines.kept(fact?.expiresAt ?? 0)}\n> I am\n> vegetarian`,
        actions: [],
      });
    });

    it('keeps it for the place: threads have the same, other places and other people none', async () => {
      const thread = encodeSession({ place: CHANNEL, thread: '17.1' });
      await ask('/remember in a thread', direct({ sessionId: thread }));
      expect(baseSession(thread)).toBe(SHARED);
      expect(await keptAt()).toEqual(['in a thread']);
      expect((await ask('/facts', unknownThread({ isDirect: true }))).text).toContain('in a thread');
      const elsewhere = { ...CHANNEL, channel: 'D2' };
      const other = contextOf({ isDirect: true, place: elsewhere, sessionId: encodeSession({ place: elsewhere }) });
      expect((await ask('/facts', other)).text).toBe(messagesIn('en').commands.facts.none);
      expect((await ask('/facts')).text).toBe(messagesIn('en').commands.facts.none);
    });

    it.each(LOCALES)('explains itself without a text, and refuses what is too long or nothing (%s)', async (locale) => {
      const { remember: lines } = messagesIn(locale).commands;
      const context = direct({ locale });
      expect(await ask('/remember', context)).toMatchObject({ kind: 'done', text: lines.explain(500) });
      expect(await ask({ name: 'remember', text: '\u0007\u202e\u200b' }, context)).toMatchObject({
        kind: 'refused',
        text: lines.explain(500),
      });
      expect(await ask(`/remember ${'x'.repeat(501)}`, context)).toMatchObject({
        kind: 'refused',
        text: lines.tooLong(500),
      });
      // Cleaned, it would be short enough; but nobody knows what came behind the part that was read.
      expect(await ask(`/remember ${'x\u0007'.repeat(300)}`, context)).toMatchObject({
        kind: 'refused',
        text: lines.tooLong(500),
      });
      expect(await keptAt()).toEqual([]);
      expect((await ask(`/remember ${'x'.repeat(500)}`, context)).kind).toBe('done');
    });

    it('keeps no controls, but tabs and line breaks of every kind', async () => {
      await remember('a\u0000\u001b[2Jb\r\nc\u2028d\te\u202ef 👩‍👩‍👧 \ud800');
      expect(await keptAt()).toEqual(['a[2Jb\nc\nd\tef 👩‍👩‍👧 \ufffd']);
    });

    it('says that it keeps a text already, and when it keeps as many as it can', async () => {
      const { remember: lines } = messagesIn('en').commands;
      await remember('the same');
      const again = await ask('/remember the same', direct());
      expect(again.text).toContain('I already keep that here, until');
      for (let n = 1; n < MAX_FACTS; n += 1) await remember(`fact ${n}`);
      expect(await ask('/remember one more', direct())).toMatchObject({ kind: 'refused', text: lines.full });
      expect(await keptAt()).toHaveLength(MAX_FACTS);
    });

    it.each(LOCALES)('asks first where others read the answers, and keeps it when confirmed (%s)', async (locale) => {
      const { commands: lines, buttons } = messagesIn(locale);
      const context = contextOf({ locale });
      const asked = await ask('/remember my secret', context);
      expect(asked).toMatchObject({ kind: 'confirm', text: `${lines.remember.question}\n> my secret` });
      expect(asked.actions.map(({ label }) => label)).toEqual([buttons.keepHere]);
      // Nothing of it is in the button, and nobody is shown it yet.
      expect(asked.actions[0]?.id).not.toMatch(/secret/);
      expect(await keptAt(here())).toEqual([]);
      expect((await press(asked.actions[0], contextOf({ person: BOB, sessionId: here({ user: 'bob' }) }))).kind).toBe(
        'refused',
      );
      expect((await press(asked.actions[0], context)).text).toMatch(/\n> my secret$/);
      expect(await keptAt(here())).toEqual(['my secret']);
      expect((await press(asked.actions[0], context)).text).toMatch(/\n> my secret$/);
      expect(await keptAt(here())).toEqual(['my secret']);
    });

    it('says that it no longer has a text that was proposed too long ago', async () => {
      const asked = await ask('/remember my secret');
      const pressed = bot.commands.readAction(asked.actions[0]?.id ?? '');
      if (pressed === undefined) throw new Error('There is a button.');
      const command = { ...pressed.command, proposed: 'unknown0' };
      expect((await ask(command)).text).toBe(messagesIn('en').commands.remember.tooLate);
    });

    it('is opened by a button that holds nothing of the text, where the answer itself would be public', async () => {
      const { commands: lines, buttons } = messagesIn('en');
      const open = await bot.commands.openPrivately(
        { name: 'remember', text: 'my secret' },
        contextOf({ surface: 'text' }),
      );
      expect(open.label).toBe('Show /remember only to me');
      expect(JSON.stringify(open)).not.toContain('secret');
      const asked = await press(open);
      expect(asked).toMatchObject({ kind: 'confirm', text: lines.remember.question });
      expect(asked.actions.map(({ label }) => label)).toEqual([buttons.keepHere]);
      expect((await press(asked.actions[0])).kind).toBe('done');
      expect(await keptAt(here())).toEqual(['my secret']);
      const opened = async (text: string, context = contextOf({ surface: 'text' })) =>
        (await press(await bot.commands.openPrivately({ name: 'remember', text }, context), context)).text;
      expect(await opened('my secret')).toBe(lines.remember.known);
      expect(await opened('x'.repeat(501))).toBe(lines.remember.tooLong(500));
      expect(await opened('\u0007')).toBe(lines.remember.explain(500));
      expect(await opened('x', contextOf({ sessionId: SHARED, surface: 'text' }))).toBe(lines.facts.shared);
      for (let n = 1; n < MAX_FACTS; n += 1) {
        await bot.store.facts.keep(here(), contextOf().person, {
          id: `fact00${String(n).padStart(2, '0')}`,
          text: `f${n}`,
          saidAt: Date.now(),
        });
      }
      expect(await opened('one more')).toBe(lines.remember.full);
    });

    it('keeps the text of one’s own message, and of nobody else’s', async () => {
      const { remember: lines } = messagesIn('en').commands;
      const choose = (text: string, author: string | undefined) =>
        ask(bot.commands.readMessage('remember', { text, author }), direct());
      expect(await choose('mine', 'ada')).toMatchObject({ kind: 'done' });
      expect(await choose('his', 'bob')).toMatchObject({ kind: 'refused', text: lines.notYours });
      expect(await choose('of a program', undefined)).toMatchObject({ kind: 'refused', text: lines.notYours });
      expect(await choose('  ', 'ada')).toMatchObject({ kind: 'refused', text: lines.noText });
      expect(await choose('x'.repeat(2_000), 'ada')).toMatchObject({ kind: 'refused', text: lines.tooLong(500) });
      expect(await keptAt()).toEqual(['mine']);
    });

    it('keeps nothing where people share one conversation, nor where others read and nobody can press a button', async () => {
      const { facts, remember: lines } = messagesIn('en').commands;
      for (const context of [
        contextOf({ sessionId: SHARED }),
        contextOf({ sessionId: encodeSession({ place: CHANNEL, thread: '1.1' }) }),
      ]) {
        expect(await ask('/remember x', context)).toMatchObject({ kind: 'refused', text: facts.shared });
        expect(await ask('/facts', context)).toMatchObject({ kind: 'refused', text: facts.shared });
      }
      const { ask: askShared } = asking(harness, 'channel');
      expect((await askShared('/remember x', unknownThread())).text).toBe(facts.shared);
      expect(await ask('/remember x', contextOf({ hasButtons: false }))).toMatchObject({
        kind: 'refused',
        text: lines.directOnly,
      });
    });
  });

  describe('/facts', () => {
    it.each(LOCALES)('lists what is kept, oldest first, each with its times and a button (%s)', async (locale) => {
      const { commands: lines, buttons } = messagesIn(locale);
      expect((await ask('/facts', direct({ locale }))).text).toBe(lines.facts.none);
      await remember('one', 'two\nlines');
      const [one, two] = await bot.store.facts.list(SHARED);
      if (one === undefined || two === undefined) throw new Error('There are two.');
      const { kind, text, actions } = await ask('/facts', direct({ locale }));
      expect(kind).toBe('done');
      expect(text).toBe(
        [
          lines.facts.title(2, MAX_FACTS),
          `**1** · ${lines.facts.entry(one.saidAt, one.expiresAt)}\n> one`,
          `**2** · ${lines.facts.entry(two.saidAt, two.expiresAt)}\n> two\n> lines`,
          lines.facts.times,
        ].join('\n\n'),
      );
      expect(actions.map(({ label }) => label)).toEqual([
        buttons.removeFact(1, 'one'),
        buttons.removeFact(2, 'two lines'),
        buttons.removeAllFacts,
      ]);
    });

    it('removes one by its button, and says that an answer may repeat it', async () => {
      const { facts: lines } = messagesIn('en').commands;
      await remember('one', 'two');
      const { actions } = await ask('/facts', direct());
      const removed = await press(actions[0], direct());
      expect(removed.text).toContain(`${lines.removed} ${lines.mayBeRepeated}`);
      expect(removed.text).toContain('> two');
      expect(await keptAt()).toEqual(['two']);
      expect((await press(actions[0], direct())).text).toContain(lines.unknown);
      expect(await keptAt()).toEqual(['two']);
    });

    it('removes all after a confirmation', async () => {
      const { facts: lines } = messagesIn('en').commands;
      await remember('one', 'two');
      for (const given of ['/facts remove all', { name: 'facts', remove: 'all', confirmed: true }]) {
        const asked = await ask(given, direct());
        expect(asked).toMatchObject({ kind: 'confirm', text: lines.confirmAll });
        expect(await keptAt()).toHaveLength(2);
      }
      const { actions } = await ask('/facts', direct());
      const asked = await press(actions.at(-1), direct());
      expect((await press(asked.actions[0], direct())).text).toBe(`${lines.removedAll(2)} ${lines.mayBeRepeated}`);
      expect(await keptAt()).toEqual([]);
      expect((await press(asked.actions[0], direct())).text).toBe(lines.none);
    });

    it('is complete as text: ids, one by its id, all at once', async () => {
      const { facts: lines } = messagesIn('en').commands;
      await remember('one', 'two', 'three');
      const context = direct({ surface: 'text', hasButtons: false });
      const { text, actions } = await ask('/facts', context);
      expect(actions).toEqual([]);
      expect(text).toContain(lines.howToRemove);
      const ids = (await bot.store.facts.list(SHARED)).map(({ id }) => id);
      for (const id of ids) expect(text).toContain(`\`${id}\``);
      expect((await ask(`/facts remove ${ids[1]}`, context)).text).toContain(lines.removed);
      expect(await keptAt()).toEqual(['one', 'three']);
      expect((await ask('/facts remove all', context)).text).toContain(lines.removedAll(2));
      expect(await keptAt()).toEqual([]);
    });

    it('shows as many as fit, with a way to the others', async () => {
      for (let n = 0; n < 12; n += 1) await remember(`${n} ${'\n'.repeat(200)}x${'y'.repeat(280)}`);
      const pages: string[] = [];
      let page = await ask('/facts', direct());
      for (;;) {
        pages.push(page.text);
        const more = page.actions.find(({ label }) => label === messagesIn('en').buttons.moreFacts);
        if (more === undefined) break;
        page = await press(more, direct());
      }
      for (let n = 1; n <= 12; n += 1) expect(pages.filter((text) => text.includes(`**${n}** ·`))).toHaveLength(1);
      expect(pages.length).toBeGreaterThan(2);
      const first = page.actions.find(({ label }) => label === messagesIn('en').buttons.firstFacts);
      expect((await press(first, direct())).text).toBe(pages[0]);
    });
  });

  describe('the other commands, of facts', () => {
    it.each(LOCALES)(
      '/forget leaves them and says so, /forget everywhere removes them and says so (%s)',
      async (locale) => {
        const { forget: lines, nothingHere } = messagesIn(locale).commands;
        await talk(bot.store, SHARED, 'm1');
        await remember('one', 'two');
        const context = direct({ locale });
        const done = lines.done({ conversations: 1, messages: 2, waiting: 0, facts: 0 });
        expect((await ask('/forget', context)).text).toBe(`${done}\n${lines.factsStay(2)}`);
        expect((await ask('/forget', context)).text).toBe(`${nothingHere}\n${lines.factsStay(2)}`);
        expect((await ask('/forget', unknownThread({ isDirect: true, locale }))).text).toBe(
          `${nothingHere}\n${lines.factsStay(2)}`,
        );
        await talk(bot.store, SHARED, 'm2');
        const everywhere = () => press2(context);
        expect((await everywhere()).text).toBe(`${done}\n${lines.factsRemoved(2)}`);
        expect(await keptAt()).toEqual([]);
        expect((await everywhere()).text).toBe(nothingHere);
        await remember('three');
        expect((await everywhere()).text).toBe(lines.factsRemoved(1));
      },
    );

    const press2 = async (context: ReturnType<typeof contextOf>) =>
      press((await ask('/forget everywhere', context)).actions[0], context);

    it('/forget of one’s own part says that answers to others may repeat it', async () => {
      await talk(bot.store, SHARED, 'm1');
      await talk(bot.store, SHARED, 'm2', by('bob'));
      const { forget: lines } = messagesIn('en').commands;
      expect((await ask('/forget', contextOf({ sessionId: SHARED }))).text).toContain(lines.othersMayRepeat);
    });

    it.each(LOCALES)('/history export has them, also without a conversation (%s)', async (locale) => {
      const { history: lines, nothingHere } = messagesIn(locale).commands;
      const context = direct({ locale });
      expect((await ask('/history export', context)).text).toBe(nothingHere);
      await remember('one');
      const { text, files } = await ask('/history export', context);
      expect(text).toBe(`${lines.exported(0)}\n${lines.facts(1)}`);
      const [json, markdown] = files.map(({ content }) => content);
      const [fact] = await bot.store.facts.list(SHARED);
      expect(JSON.parse(json ?? '')).toMatchObject({
        messages: [],
        facts: [
          { id: fact?.id, text: 'one', saidAt: expect.stringMatching(/Z$/), expiresAt: expect.stringMatching(/Z$/) },
        ],
      });
      expect(markdown).toContain(`## ${lines.factsTitle}`);
      expect(markdown).toContain('> one');
    });

    it.each(LOCALES)('/help says what stays, and who reads along (%s)', async (locale) => {
      const { help } = messagesIn(locale).commands;
      const { text } = await ask('/help', contextOf({ locale, canManage: true }));
      for (const part of [help.stays, help.model('gpt-test (models.example)')]) expect(text).toContain(part);
      expect(text).toContain('- `/remember <text>`');
    });
  });
}
