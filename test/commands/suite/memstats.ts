/** /memstats on a real store. */
import { describe, expect, it } from 'vitest';
import { encodeSession } from '../../../src/core/session.ts';
import { messagesIn } from '../../../src/i18n/messages.ts';
import { type Harness, messageOf, offerNew } from '../../contracts/store/support.ts';
import { asking, by, contextOf, here, LOCALES, ROOT, talk, unknownThread } from './support.ts';

export function describeMemstats(harness: Harness): void {
  const bot = asking(harness);
  const { ask } = bot;

  describe('/memstats', () => {
    it.each(LOCALES)('gives the figures of this conversation and of the service (%s)', async (locale) => {
      for (let n = 1; n <= 3; n += 1)
        await talk(bot.store, here(), `m${n}`, { text: 'forty letters and spaces, or thereabouts' });
      await talk(bot.store, here({ user: 'bob' }), 'b1', by('bob'));
      const { memstats } = messagesIn(locale).commands;
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
        locale === 'en' ? /The newest 4 of 6 messages: about \d+ tokens/ : /6 条消息中最新的 4 条：约 \d+ token/,
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
      const { nothingHere, memstats } = messagesIn('en').commands;
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
      const { memstats } = messagesIn(locale).commands;
      const { text } = await ask('/memstats', contextOf({ locale, person: ROOT, sessionId: here({ user: 'root' }) }));
      expect(text).toContain(memstats.server);
      expect(text).toContain(`${server.store} ${server.version}`);
      expect(text).toContain(memstats.waiting(0));
      expect((await ask('/memstats', contextOf({ locale, canManage: true }))).text).not.toContain(memstats.server);
    });

    it('takes a Discord admin for one in every guild, and an HTTP caller never', async () => {
      const { server } = messagesIn('en').commands.memstats;
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
}
