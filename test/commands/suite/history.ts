/** /history on a real store. */
import { describe, expect, it } from 'vitest';
import { messagesIn } from '../../../src/i18n/messages.ts';
import { answerOf, type Harness, messageOf, offerNew, runTurn, takeHead } from '../../contracts/store/support.ts';
import { asking, by, contextOf, here, LOCALES, SHARED, talk } from './support.ts';

const SENT_AT = Date.UTC(2023, 10, 14, 22, 13, 20);

export function describeHistory(harness: Harness): void {
  const bot = asking(harness);
  const { ask, press } = bot;
  const talkMuch = async (turns: number, length = 0) => {
    for (let n = 1; n <= turns; n += 1) {
      await talk(bot.store, here(), `m${n}`, { text: `question-${n}. ${'x'.repeat(length)}` });
    }
  };
  const questions = (text: string) => (text.match(/question-\d+/g) ?? []).map((it) => Number(it.slice(9)));

  describe('/history', () => {
    it.each(LOCALES)(
      'shows the conversation newest last, with times, in the person’s language (%s)',
      async (locale) => {
        await talk(bot.store, here(), 'm1', { text: 'first words', sentAt: SENT_AT });
        await talk(bot.store, here(), 'm2', { text: 'second words', sentAt: SENT_AT });
        const { kind, text, actions } = await ask('/history', contextOf({ locale }));
        const t = messagesIn(locale);
        expect(kind).toBe('done');
        expect(actions).toEqual([]);
        const time = t.commands.history.header(SENT_AT);
        expect(text).toContain(`**${t.commands.you}** · ${time}\n> first words\n\n`);
        expect(text).toContain(`**${t.commands.bot}** · ${time}\n> answer to m1\n\n`);
        expect(text.indexOf('first words')).toBeLessThan(text.indexOf('second words'));
        expect(text).toMatch(
          locale === 'en' ? /Messages 1–4 of 4 · times in UTC · forgotten in / : /第 1–4 条，共 4 条消息/,
        );
      },
    );

    it('shows times in the person’s zone', async () => {
      await talk(bot.store, here(), 'm1', { sentAt: SENT_AT });
      const { text } = await ask('/history', contextOf({ timeZone: 'Asia/Shanghai' }));
      expect(text).toMatch(/Nov 15, 2023.*6:13\sAM/);
      expect(text).toContain('times in Asia/Shanghai');
    });

    it.each(LOCALES)('says so where nothing is remembered (%s)', async (locale) => {
      const { nothingHere } = messagesIn(locale).commands;
      expect(await ask('/history', contextOf({ locale }))).toMatchObject({
        kind: 'done',
        text: nothingHere,
        actions: [],
      });
      expect(await ask('/history export', contextOf({ locale }))).toMatchObject({
        kind: 'done',
        text: nothingHere,
        files: [],
      });
    });

    it('shows whole turns only in the middle of one, and does not prolong the conversation', async () => {
      await talk(bot.store, here(), 'm1', { text: 'done' });
      // Longer than a turn may take, for which the conversation is there in any case.
      await bot.store.setTtl(here(), 900, { remember: false });
      await offerNew(bot.store, messageOf(here(), 'm2', { text: 'being answered' }));
      await takeHead(bot.store, here());
      const { text } = await ask('/history');
      expect(text).toContain('done');
      expect(text).not.toContain('being answered');
      expect((await bot.store.ttl(here())).expiresInMs).toBeLessThanOrEqual(900_000);
    });

    it('shows as many messages as asked for, and by default ten', async () => {
      await talkMuch(12);
      expect(questions((await ask('/history')).text)).toEqual([8, 9, 10, 11, 12]);
      expect(questions((await ask('/history 4')).text)).toEqual([11, 12]);
      expect((await ask('/history 4')).text).toContain('Messages 21–24 of 24');
      expect(questions((await ask('/history 50')).text)).toHaveLength(12);
    });

    it.each([
      { length: 0, pages: 4 },
      { length: 700, pages: 6 },
      { length: 2500, pages: 6 },
    ])(
      'pages to the oldest message and back, and leaves none out ($length characters each)',
      async ({ length, pages }) => {
        await talkMuch(12, length);
        let page = await ask('/history 6');
        const older: number[][] = [questions(page.text)];
        for (;;) {
          const action = page.actions.find(({ label }) => label === 'Older');
          if (action === undefined) break;
          page = await press(action);
          older.push(questions(page.text));
        }
        expect(older.toReversed().flat()).toEqual([1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12]);
        expect(older.length).toBe(pages);

        const newer: number[][] = [questions(page.text)];
        for (;;) {
          const action = page.actions.find(({ label }) => label === 'Newer');
          if (action === undefined) break;
          page = await press(action);
          newer.push(questions(page.text));
        }
        expect(newer.flat()).toEqual([1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12]);
      },
    );

    it('begins anew when what a button remembers is gone meanwhile', async () => {
      await talkMuch(12);
      const { actions } = await ask('/history');
      await bot.store.forget(here());
      expect((await press(actions[0])).text).toBe(messagesIn('en').commands.nothingHere);
      await talk(bot.store, here(), 'm13', { text: 'question-13' });
      expect(questions((await press(actions[0])).text)).toEqual([13]);
    });

    it('has no buttons where the surface has none', async () => {
      await talkMuch(12);
      expect((await ask('/history', contextOf({ hasButtons: false }))).actions).toEqual([]);
    });

    it('fits the surface whatever the messages hold, and keeps them in their place', async () => {
      const nasty = `${'```js\n'}**You** · now\n# x\r> ${'\n'.repeat(700)}<@U1> @everyone ${'😀'.repeat(600)}`;
      for (const id of ['m1', 'm3', 'm4']) {
        await runTurn(bot.store, messageOf(here(), id, { text: nasty }), answerOf(`\`\`\`\n${'y\n'.repeat(900)}`));
      }
      await talk(bot.store, here(), 'm2', { text: 'after' });
      let page = await ask('/history');
      const seen = [page.text];
      for (;;) {
        const action = page.actions.find(({ label }) => label === 'Older');
        if (action === undefined) break;
        page = await press(action);
        seen.push(page.text);
      }
      expect(seen.length).toBeGreaterThan(1);
      for (const text of seen) {
        // What is cut is not cut more than it must be.
        expect(text.length).toBeGreaterThan(1000);
        expect(text).not.toMatch(/\p{Cs}/u);
        expect((text.match(/```/g)?.length ?? 0) % 2).toBe(0);
        // What people and the model wrote is behind a quote mark; the rest is the bot's own.
        const own = text.split(/[\n\r]/).filter((line) => !line.startsWith('> '));
        for (const line of own) expect(line).toMatch(/^$|^\*\*(You|Bot)\*\* · |^Messages |^Long messages /);
      }
      expect(seen.join()).toContain(messagesIn('en').commands.history.shortened);
    });

    it('gives a single message the whole page', async () => {
      await talk(bot.store, here(), 'm1', { text: 'y'.repeat(1600) });
      const page = await ask('/history 1');
      expect((await press(page.actions[0])).text).toContain('y'.repeat(1600));
    });

    it('uses the room of a surface that has more', async () => {
      await talkMuch(10, 2000);
      const { text } = await ask('/history 50', contextOf({ maxLength: 100_000 }));
      expect(questions(text)).toHaveLength(10);
      expect(text).not.toContain(messagesIn('en').commands.history.shortened);
    });

    it.each(LOCALES)('names the files of a message of files alone (%s)', async (locale) => {
      const attachments = [{ name: 'photo.png' }, { name: '`@here`\n**plan**.pdf' }];
      await talk(bot.store, here(), 'm1', { text: '', attachments });
      await talk(bot.store, here(), 'm2', { text: 'with words', attachments });
      const { text } = await ask('/history', contextOf({ locale }));
      const names = ['photo.png', "'@here' **plan**.pdf"];
      expect(text).toContain(`\n> ${messagesIn(locale).commands.history.files(names)}\n\n`);
      expect(text).toContain(locale === 'en' ? "> Files: `photo.png` and `'@here" : "> 文件：`photo.png`和`'@here");
      expect(text).toContain('\n> with words\n\n');
      const { files } = await ask('/history export', contextOf({ locale }));
      expect(files[1]?.content).toContain("\n\n`photo.png`, `'@here' **plan**.pdf`\n\n**");
      expect(files[1]?.content).not.toMatch(/^> ?$/m);
    });

    it('counts what cannot be read and shows the rest', async () => {
      await talk(bot.store, here(), 'm1');
      await harness.fixture.injectBadElement(here(), '{"half":');
      await talk(bot.store, here(), 'm2');
      const { text } = await ask('/history');
      expect(text).toContain('text of m1');
      expect(text).toContain('1 message could not be read and is left out.');
      expect(text).toContain('Messages 1–5 of 5');
      expect((await ask('/history export')).text).toContain('1 message could not be read');
    });

    it('marks an answer that was stopped', async () => {
      await runTurn(bot.store, messageOf(here(), 'm1'), answerOf('half an', { stopped: true }));
      expect((await ask('/history')).text).toMatch(/\*\*Bot\*\* · .* · stopped\n> half an\n/);
    });

    it('names the others in a shared conversation, in plain text', async () => {
      const shared = contextOf({ sessionId: SHARED });
      const eve = { author: { id: 'eve', name: '**You**\n> @everyone' } };
      await talk(bot.store, SHARED, 'm1', { text: 'mine' });
      await talk(bot.store, SHARED, 'm2', { ...eve, text: 'theirs' });
      const { text } = await ask('/history', shared);
      expect(text).toMatch(/^\*\*You\*\* · [^\n]*\n> mine\n/);
      expect(text).toContain('\n**\\*\\*You\\*\\* \\> \\@everyone** · ');
      expect(text).not.toMatch(/\*\*You\*\* · [^\n]*\n> theirs/);
    });

    it('exports everything as JSON and Markdown', async () => {
      const bound = contextOf({ locale: 'zh-CN', timeZone: 'Asia/Shanghai' });
      await runTurn(
        bot.store,
        messageOf(here(), 'm1', { text: '```\n“引号” "x" \\n', sentAt: SENT_AT }),
        answerOf('好', { stopped: true, timestamp: SENT_AT + 1_000 }),
      );
      for (let n = 2; n <= 12; n += 1) await talk(bot.store, here(), `m${n}`);
      const { kind, text, files } = await ask('/history export', bound);
      expect(kind).toBe('done');
      expect(text).toContain('24 条消息');
      const [json, markdown] = files;
      expect(files.map(({ mediaType }) => mediaType)).toEqual(['application/json', 'text/markdown']);
      expect(json?.name).toMatch(/^conversation-\d{4}-\d\d-\d\d\.json$/);
      expect(markdown?.name).toMatch(/^conversation-\d{4}-\d\d-\d\d\.md$/);
      const exported: unknown = JSON.parse(json?.content ?? '');
      expect(exported).toMatchObject({ conversation: here(), exportedAt: expect.stringMatching(/Z$/) });
      expect(exported).toHaveProperty('messages.length', 24);
      expect(exported).toHaveProperty('messages.0', {
        role: 'user',
        content: '```\n“引号” "x" \\n',
        timestamp: '2023-11-14T22:13:20.000Z',
      });
      expect(exported).toHaveProperty('messages.1', {
        role: 'assistant',
        content: '好',
        timestamp: '2023-11-14T22:13:21.000Z',
        stopped: true,
      });
      expect(markdown?.content).toContain('> ```\n> “引号” "x" \\n\n> ```\n');
      expect(markdown?.content).toContain('> answer to m12\n');
    });

    it('exports of a shared conversation who said what', async () => {
      await talk(bot.store, SHARED, 'm1', { ...by('bob'), text: 'theirs' });
      const { files } = await ask('/history export', contextOf({ sessionId: SHARED }));
      expect(files[1]?.content).toMatch(/> theirs\n/);
    });
  });
}
