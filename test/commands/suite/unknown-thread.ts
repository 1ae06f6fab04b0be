/** Commands from where the platform does not tell the thread: Slack's slash commands. */
import { describe, expect, it } from 'vitest';
import { encodeSession } from '../../../src/core/session.ts';
import { messagesIn } from '../../../src/i18n/messages.ts';
import { answerOf, type Harness, messageOf, runTurn } from '../../contracts/store/support.ts';
import { asking, by, CHANNEL, contextOf, here, LOCALES, talk, unknownThread } from './support.ts';

export function describeUnknownThread(harness: Harness): void {
  const bot = asking(harness);
  const { ask, press } = bot;

  describe('where the thread is unknown', () => {
    const thread = (n: number) => here({ thread: `17.${n}` });
    const talkAt = (n: number, at: number, text: string) =>
      runTurn(bot.store, messageOf(thread(n), `m${n}`, { text, sentAt: at }), answerOf('ok', { timestamp: at + 1 }));

    it.each(['/history', '/memstats', '/history export'])('%s is of the only living conversation', async (typed) => {
      await talk(bot.store, thread(1), 'm1');
      await talk(bot.store, encodeSession({ place: { ...CHANNEL, channel: 'C2' }, user: 'ada' }), 'm2');
      const named = await ask(typed, contextOf({ sessionId: thread(1) }));
      const { kind, text, files } = await ask(typed, unknownThread());
      expect(kind).toBe('done');
      expect([text.split('\n')[0], files.length]).toEqual([named.text.split('\n')[0], named.files.length]);
    });

    it('/forget takes the only living conversation, and no other of the workspace', async () => {
      const elsewhere = encodeSession({ place: { ...CHANNEL, channel: 'C2' }, user: 'ada' });
      await talk(bot.store, thread(1), 'm1');
      await talk(bot.store, elsewhere, 'm2');
      expect((await ask('/forget', unknownThread())).text).toBe('Forgotten: 1 conversation, 2 messages.');
      expect(await bot.store.history(thread(1))).toBeUndefined();
      expect(await bot.store.history(elsewhere)).toBeDefined();
    });

    it.each(LOCALES)('a picker asks which, newest first, when there are several (%s)', async (locale) => {
      const { commands } = messagesIn(locale);
      await talkAt(1, 1_700_000_000_000, 'the oldest');
      await talkAt(3, 1_700_000_300_000, 'the newest');
      await talkAt(2, 1_700_000_200_000, `in between, ${'long '.repeat(40)}`);
      await talk(bot.store, here({ user: 'bob', thread: '17.4' }), 'b1', by('bob'));
      const asked = await ask('/history', unknownThread({ locale }));
      expect(asked).toMatchObject({ kind: 'pick', text: commands.pick(3) });
      expect(asked.actions.map(({ label }) => label)).toEqual([
        expect.stringContaining('the newest'),
        expect.stringContaining('in between'),
        expect.stringContaining('the oldest'),
      ]);
      const picked = await press(asked.actions[2], unknownThread({ locale }));
      expect(picked.text).toContain('> the oldest');
      expect(picked.text).not.toContain('the newest');
    });

    it('what the picker forgets is confirmed, and is that one', async () => {
      await talkAt(1, 1_700_000_000_000, 'one');
      await talkAt(2, 1_700_000_100_000, 'two');
      const asked = await ask('/forget', unknownThread());
      const confirm = await press(asked.actions[1], unknownThread());
      expect(confirm.kind).toBe('confirm');
      expect((await press(confirm.actions[0], unknownThread())).kind).toBe('done');
      expect(await bot.store.history(thread(1))).toBeUndefined();
      expect(await bot.store.history(thread(2))).toBeDefined();
    });

    it('lists ten, and says how many more there are', async () => {
      for (let n = 1; n <= 12; n += 1) await talkAt(n, 1_700_000_000_000 + n, `talk ${n}`);
      const { text, actions } = await ask('/history', unknownThread());
      expect(actions).toHaveLength(10);
      expect(text).toBe(`${messagesIn('en').commands.pick(12)} ${messagesIn('en').commands.pickMore(2)}`);
      expect((await ask('/ttl', unknownThread())).text.match(/^- forgotten in/gm)).toHaveLength(10);
    });
  });
}
