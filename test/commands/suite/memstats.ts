/** /memstats, /help and hints on a real store. */
import { describe, expect, it } from 'vitest';
import { encodeSession } from '../../../src/core/session.ts';
import { phrases } from '../../../src/texts/phrases.ts';
import { type Harness, messageOf, offerNew } from '../../contracts/store/support.ts';
import { ADA, asking, by, contextOf, here, LOCALES, ROOT, SHARED, talk, unknownThread } from './support.ts';

export function describeMemstats(harness: Harness): void {
  const bot = asking(harness);
  const { ask } = bot;

  describe('/memstats', () => {
    it.each(LOCALES)('gives the figures of this conversation and of the service (%s)', async (locale) => {
      for (let n = 1; n <= 3; n += 1)
        await talk(bot.store, here(), `m${n}`, { text: 'forty letters and spaces, or thereabouts' });
      await talk(bot.store, here({ user: 'bob' }), 'b1', by('bob'));
      const { memstats } = phrases(locale).commands;
      const { kind, text } = await ask('/memstats', contextOf({ locale }));
      expect(kind).toBe('done');
      const stats = await bot.store.conversationStats(here());
      const lines = text.split('\n');
      for (const line of [
        memstats.messages(6, 3),
        memstats.tokens(21),
        memstats.bytes(stats?.bytes ?? -1),
        memstats.key(stats?.key ?? ''),
        memstats.live(2, 8),
        memstats.today(4),
      ]) {
        expect(lines).toContain(`- ${line}`);
      }
      expect(text).toMatch(
        locale === 'en'
          ? /The model sees: 4 of 6 messages, about \d+ tokens/
          : /模型可见：6 条消息中的 4 条，约 \d+ token/,
      );
      expect(text).toMatch(locale === 'en' ? /Forgotten in: (29|30) minutes/ : /距离忘记：(29|30)分钟/);
      expect(text).toMatch(locale === 'en' ? /Age: \d+ (second|minute)/ : /已有：\d+(秒|分)/);
      expect(text).not.toContain(memstats.server);
    });

    it('fits the surface, however long the key is', async () => {
      const place = { platform: 'http', channel: '张'.repeat(128) };
      const person = { platform: 'http', user: place.channel };
      const sessionId = encodeSession({ place, thread: place.channel });
      await talk(bot.store, sessionId, 'm1');
      const { text } = await ask('/memstats', contextOf({ place, person, sessionId, maxLength: 500 }));
      expect(text).toHaveLength(500);
    });

    it('does not prolong the conversation', async () => {
      await talk(bot.store, here(), 'm1');
      await bot.store.setTtl(here(), 300, { remember: false });
      await ask('/memstats');
      expect((await bot.store.ttl(here())).expiresInMs).toBeLessThanOrEqual(300_000);
    });

    it('gives those of the service where nothing is remembered, or the only message waits', async () => {
      const { nothingHere, memstats } = phrases('en').commands;
      for (const context of [contextOf(), unknownThread()]) {
        const { text } = await ask('/memstats', context);
        expect(text).toContain(nothingHere);
        expect(text).toContain(`- ${memstats.live(0, 0)}`);
      }
      await offerNew(bot.store, messageOf(here(), 'm1'));
      expect((await ask('/memstats', unknownThread())).text).toContain(nothingHere);
    });

    it.each(LOCALES)('gives those of the server to admins alone (%s)', async (locale) => {
      const { server } = await bot.store.stats();
      const { memstats } = phrases(locale).commands;
      const { text } = await ask('/memstats', contextOf({ locale, person: ROOT, sessionId: here({ user: 'root' }) }));
      expect(text).toContain(memstats.server);
      expect(text).toContain(`${server.store} ${server.version}`);
      expect(text).toContain(memstats.waiting(0));
      expect((await ask('/memstats', contextOf({ locale, canManage: true }))).text).not.toContain(memstats.server);
    });

    it('takes a Discord admin for one in every guild, and an HTTP caller never', async () => {
      const { server } = phrases('en').commands.memstats;
      const discord = { platform: 'discord', workspace: 'g1', channel: 'c1' };
      const someone = (platform: string, user: string) => ({ platform, workspace: 'g1', user });
      const inGuild = contextOf({
        place: discord,
        person: someone('discord', '42'),
        sessionId: encodeSession({ place: discord, user: '42' }),
      });
      expect((await ask('/memstats', inGuild)).text).toContain(server);
      const place = { platform: 'http', channel: 'discord:42' };
      const http = contextOf({ place, person: { platform: 'http', user: '42' }, sessionId: encodeSession({ place }) });
      expect((await ask('/memstats', http)).text).not.toContain(server);
      const otherTeam = { ...discord, platform: 'slack', workspace: 'T2' };
      const slack = contextOf({
        place: otherTeam,
        person: { ...ROOT, workspace: 'T2' },
        sessionId: encodeSession({ place: otherTeam }),
      });
      expect((await ask('/memstats', slack)).text).not.toContain(server);
    });
  });

  describe('/help', () => {
    it.each(LOCALES)('says what it does, the commands, and what it keeps and for how long (%s)', async (locale) => {
      const { help, about } = phrases(locale).commands;
      const { kind, text } = await ask('/help', contextOf({ locale }));
      expect(kind).toBe('done');
      for (const part of [help.intro, help.channel, help.own, help.kept(1800, 4, 60)]) expect(text).toContain(part);
      expect(text).toContain(`- \`/history [limit] [export]\`: ${about.history}`);
      expect(text).toContain(`- \`/forget [here|everywhere]\`: ${about.forget}`);
    });

    it('tells how to talk where one is, and for how long it is kept there', async () => {
      const { help } = phrases('en').commands;
      expect((await ask('/help', contextOf({ isDirect: true }))).text).toContain(help.direct);
      expect((await ask('/help', contextOf({ sessionId: SHARED }))).text).toContain(help.shared);
      const place = { platform: 'http', channel: 'ada' };
      const http = {
        place,
        person: { platform: 'http', user: 'ada' },
        sessionId: encodeSession({ place }),
        isDirect: true,
      };
      expect((await ask('/help', contextOf(http))).text).toContain(help.http);
      await ask('/ttl 7d');
      expect((await ask('/help')).text).toContain('for **7 days** after the last turn');
      expect((await ask('/help', unknownThread())).text).toContain('for **7 days** after the last turn');
    });

    it('shows managers what only they may do', async () => {
      expect((await ask('/help', contextOf({ canManage: true }))).text).toContain('/forget [here|everywhere|whole]');
    });
  });

  describe('what is nearly a command', () => {
    it.each(LOCALES)('is answered with the nearest right form (%s)', async (locale) => {
      const { hint } = phrases(locale).commands;
      const cases: readonly (readonly [string, string, string])[] = [
        ['/forgot', hint.unknown('/forgot'), '/forget [here|everywhere]'],
        ['/history 900', hint.option('900'), '/history [limit] [export]'],
        ['/ttl soon', hint.option('soon'), '/ttl [value]'],
        ['/memory forgt', hint.unknown('forgt'), '/memory forget [here|everywhere]'],
      ];
      for (const [typed, wrong, form] of cases) {
        const { kind, text, actions } = await ask(typed, contextOf({ locale }));
        expect(kind).toBe('refused');
        expect(text).toContain(wrong);
        expect(text).toContain(hint.nearest(form));
        expect(actions).toEqual([]);
      }
    });

    it('quotes what was typed so that it is text, and short', async () => {
      const { text } = await ask(`/history \`@everyone\`${'x'.repeat(3000)}`);
      expect(text.length).toBeLessThan(200);
      expect(text).toMatch(/^I don’t understand `ˋ@everyoneˋx+…`\. /);
    });
  });

  describe('where the thread is unknown', () => {
    const thread = (n: number) => here({ thread: `17.${n}` });

    it.each(['/history', '/forget', '/memstats', '/history export'])(
      '%s takes the only living conversation',
      async (typed) => {
        await talk(bot.store, thread(1), 'm1');
        await talk(bot.store, encodeSession({ place: { ...ADA, channel: 'C2' }, user: 'ada' }), 'm2');
        const named = await ask(typed === '/forget' ? '/ttl' : typed, contextOf({ sessionId: thread(1) }));
        const { kind, text, files } = await ask(typed, unknownThread());
        expect(kind).toBe('done');
        if (typed === '/forget') expect(await bot.store.history(thread(1))).toBeUndefined();
        else expect([text.split('\n')[0], files.length]).toEqual([named.text.split('\n')[0], named.files.length]);
      },
    );

    it.each(LOCALES)('a picker asks which, newest first, when there are several (%s)', async (locale) => {
      const { commands } = phrases(locale);
      const { talkAt } = talker();
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
      const picked = await asking(harness).press(asked.actions[2], unknownThread({ locale }));
      expect(picked.text).toContain('> the oldest');
      expect(picked.text).not.toContain('the newest');
    });

    it('what the picker forgets is confirmed, and is that one', async () => {
      const { talkAt } = talker();
      await talkAt(1, 1_700_000_000_000, 'one');
      await talkAt(2, 1_700_000_100_000, 'two');
      const asked = await ask('/forget', unknownThread());
      const confirm = await bot.press(asked.actions[1], unknownThread());
      expect(confirm.kind).toBe('confirm');
      expect((await bot.press(confirm.actions[0], unknownThread())).kind).toBe('done');
      expect(await bot.store.history(thread(1))).toBeUndefined();
      expect(await bot.store.history(thread(2))).toBeDefined();
    });

    it('lists ten, and says how many more there are', async () => {
      const { talkAt } = talker();
      for (let n = 1; n <= 12; n += 1) await talkAt(n, 1_700_000_000_000 + n, `talk ${n}`);
      const { text, actions } = await ask('/history', unknownThread());
      expect(actions).toHaveLength(10);
      expect(text).toBe(`${phrases('en').commands.pick(12)} ${phrases('en').commands.pickMore(2)}`);
      expect((await ask('/ttl', unknownThread())).text.match(/^- forgotten in/gm)).toHaveLength(10);
    });

    const talker = () => ({
      talkAt: async (n: number, at: number, text: string) => {
        await offerNew(bot.store, messageOf(thread(n), `m${n}`, { text, sentAt: at }));
        const taken = await bot.store.take(thread(n));
        if (taken === undefined) throw new Error('Nothing to take.');
        await bot.store.commit(taken.lease, taken.message, {
          text: 'ok',
          timestamp: at + 1,
          stopped: false,
          tokens: 2,
        });
        await bot.store.finish(taken.lease);
      },
    });
  });
}
