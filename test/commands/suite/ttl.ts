/** /ttl on a real store. */
import { describe, expect, it } from 'vitest';
import { encodeSession } from '../../../src/core/session.ts';
import { messagesIn } from '../../../src/i18n/messages.ts';
import {
  answerOf,
  type Harness,
  LIMITS,
  messageOf,
  offerNew,
  shorten,
  takeHead,
  untilForgotten,
} from '../../contracts/store/support.ts';
import { asking, BOB, CHANNEL, contextOf, here, LOCALES, ROOT, SHARED, talk, unknownThread } from './support.ts';

export function describeTtlCommand(harness: Harness): void {
  const bot = asking(harness);
  const { ask } = bot;
  const settingOf = async (sessionId = here()) => (await bot.store.ttl(sessionId)).effective;

  describe('/ttl', () => {
    it.each(LOCALES)('says how long is left and what the setting is (%s)', async (locale) => {
      const { ttl, nothingHere } = messagesIn(locale).commands;
      const before = await ask('/ttl', contextOf({ locale }));
      expect(before.text).toBe([nothingHere, ttl.setting(1800, false), ttl.change(60, 2_592_000)].join('\n'));
      await talk(bot.store, here(), 'm1');
      const after = await ask('/ttl', contextOf({ locale }));
      expect(after.text).toMatch(locale === 'en' ? /forgotten in \*\*(29 minutes|30 minutes)/ : /\*\*(29分钟|30分钟)/);
      expect(after.text).toContain(ttl.setting(1800, false));
    });

    it.each(LOCALES)('keeps a choice, also from before the first message (%s)', async (locale) => {
      const { ttl } = messagesIn(locale).commands;
      expect(await ask('/ttl 2h', contextOf({ locale }))).toMatchObject({
        kind: 'done',
        text: `${ttl.set(7200)} ${ttl.kept}`,
      });
      await talk(bot.store, here(), 'm1');
      const { expiresInMs } = await bot.store.ttl(here());
      expect(expiresInMs).toBeGreaterThan(7_000_000);
      expect((await ask('/ttl', contextOf({ locale }))).text).toContain(ttl.setting(7200, true));
    });

    it('keeps it across /forget and expiry, until it is taken back', async () => {
      await ask('/ttl 600');
      await talk(bot.store, here(), 'm1');
      await ask('/forget');
      expect(await settingOf()).toBe(600);
      await talk(bot.store, here(), 'm2');
      await shorten(bot.store, here());
      await untilForgotten(bot.store, here());
      expect((await ask('/ttl')).text).toContain('**10 minutes** after the last turn (chosen)');
      expect((await ask('/ttl default')).text).toBe(
        'Back to the default: forgotten **30 minutes** after the last turn.',
      );
      expect(await settingOf()).toBe(LIMITS.defaultTtl);
    });

    it('applies to the living conversation at once, in the middle of a turn too', async () => {
      await talk(bot.store, here(), 'm1');
      await offerNew(bot.store, messageOf(here(), 'm2'));
      const { lease, message } = await takeHead(bot.store, here());
      await ask('/ttl 7d');
      expect((await bot.store.ttl(here())).expiresInMs).toBeGreaterThan(604_000_000);
      expect(await bot.store.commit(lease, message, answerOf('x'))).toBe('committed');
      expect((await bot.store.ttl(here())).expiresInMs).toBeGreaterThan(604_000_000);
    });

    it.each(LOCALES)('refuses what is out of bounds or no duration, with the bounds (%s)', async (locale) => {
      const bounds = messagesIn(locale).commands.ttl.bounds(60, 2_592_000);
      expect(bounds).toContain(locale === 'en' ? 'from **1 minute** to **30 days**' : '从 **1分钟** 到 **30天**');
      for (const value of ['0', '59', '59s', '31d', '2592001', '9999999999d', '-5', '1.5h', '99999999999', 'soon']) {
        const { kind, text } = await ask(`/ttl ${value}`, contextOf({ locale }));
        expect(kind, value).toBe('refused');
        expect(text).toContain(bounds);
      }
      for (const value of ['60', '60s', '1m', '30d']) expect((await ask(`/ttl ${value}`)).kind).toBe('done');
      expect(await settingOf()).toBe(2_592_000);
    });

    it('refuses numbers that no text could hold', async () => {
      for (const value of [Number.NaN, Number.POSITIVE_INFINITY, 90.5, -60]) {
        expect((await ask({ name: 'ttl', value })).kind).toBe('refused');
      }
      expect(await settingOf()).toBe(LIMITS.defaultTtl);
    });

    it('is for the person’s place where the thread is unknown', async () => {
      expect((await ask('/ttl 600', unknownThread())).text).toContain(
        'your conversations here are forgotten **10 minutes**',
      );
      const thread = here({ thread: '17.1' });
      expect(await settingOf(thread)).toBe(600);
      expect(await settingOf(here({ user: 'bob' }))).toBe(LIMITS.defaultTtl);
      await talk(bot.store, thread, 'm1', { text: 'what is the capital of Peru?' });
      const { text } = await ask('/ttl', unknownThread());
      expect(text).toMatch(/- forgotten in (9|10) minutes.*what is the capital of Pe/);
      expect(text).toContain('Setting for your conversations here: **10 minutes** after the last turn (chosen).');
      await ask('/ttl default', unknownThread());
      expect(await settingOf(thread)).toBe(LIMITS.defaultTtl);
    });

    it.each(LOCALES)('applies to what is alive there at once, and says so (%s)', async (locale) => {
      const { ttl } = messagesIn(locale).commands;
      const [one, other, chosen, bobs] = [
        here({ thread: '17.1' }),
        here({ thread: '17.2' }),
        here({ thread: '17.3' }),
        here({ thread: '17.4', user: 'bob' }),
      ];
      for (const [n, id] of [one, other, chosen, bobs].entries()) await talk(bot.store, id, `m${n}`);
      await bot.store.setTtl(chosen, 3600);
      const left = async (id: typeof one) => Math.round(((await bot.store.ttl(id)).expiresInMs ?? 0) / 60_000);
      const there = unknownThread({ locale });
      expect((await ask('/ttl 600', there)).text).toBe(`${ttl.placeSet(600)} ${ttl.atOnce(2)} ${ttl.kept}`);
      expect([await left(one), await left(other), await left(chosen), await left(bobs)]).toEqual([10, 10, 60, 30]);
      await bot.store.forget(other);
      expect((await ask('/ttl 2h', there)).text).toContain(ttl.atOnce(1));
      expect([await left(one), await left(chosen), await left(bobs)]).toEqual([120, 60, 30]);
      expect((await ask('/ttl default', there)).text).toBe(`${ttl.back(1800)} ${ttl.atOnce(1)}`);
      expect([await left(one), await left(chosen)]).toEqual([30, 60]);
      expect((await ask('/ttl 59', there)).kind).toBe('refused');
      expect(await left(one)).toBe(30);
      await bot.store.forget(one);
      expect((await ask('/ttl 600', there)).text).toBe(`${ttl.placeSet(600)} ${ttl.kept}`);
    });

    it('applies at once to the threads of a DM, and to what is outside of them', async () => {
      const { ttl } = messagesIn('en').commands;
      const direct = { isDirect: true };
      const thread = encodeSession({ place: CHANNEL, thread: '17.1' });
      for (const [n, id] of [SHARED, thread].entries()) await talk(bot.store, id, `m${n}`);
      expect((await ask('/ttl 600', unknownThread(direct))).text).toContain(ttl.atOnce(2));
      for (const id of [SHARED, thread]) expect((await bot.store.ttl(id)).expiresInMs).toBeLessThanOrEqual(600_000);
    });

    it('of a shared conversation is for managers to change, and for all to see', async () => {
      await talk(bot.store, SHARED, 'm1');
      const { managersOnly } = messagesIn('en').commands;
      expect(await ask('/ttl 60', contextOf({ sessionId: SHARED }))).toMatchObject({
        kind: 'refused',
        text: managersOnly,
      });
      expect(await ask('/ttl default', contextOf({ sessionId: SHARED, person: BOB }))).toMatchObject({
        kind: 'refused',
      });
      expect((await ask('/ttl', contextOf({ sessionId: SHARED }))).kind).toBe('done');
      expect(await settingOf(SHARED)).toBe(LIMITS.defaultTtl);
      expect(await ask('/ttl 60', contextOf({ sessionId: SHARED, canManage: true }))).toMatchObject({ kind: 'done' });
      expect(await settingOf(SHARED)).toBe(60);
      expect(await ask('/ttl 90', contextOf({ sessionId: SHARED, person: ROOT }))).toMatchObject({ kind: 'done' });
      expect(await settingOf(SHARED)).toBe(90);
    });

    it('of a shared place whose thread is unknown is for managers too', async () => {
      const { ask: askShared } = asking(harness, 'channel');
      expect(await askShared('/ttl 60', unknownThread())).toMatchObject({ kind: 'refused' });
      expect(await askShared('/ttl 60', unknownThread({ canManage: true }))).toMatchObject({ kind: 'done' });
      expect(await settingOf(SHARED)).toBe(60);
    });

    it('of a DM is for its one person', async () => {
      expect(await ask('/ttl 60', contextOf({ sessionId: SHARED, isDirect: true }))).toMatchObject({ kind: 'done' });
      expect(await settingOf(SHARED)).toBe(60);
    });
  });
}
