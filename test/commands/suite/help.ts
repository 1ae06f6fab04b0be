/** /help, and what is nearly a command. */
import { describe, expect, it } from 'vitest';
import { COMMANDS } from '../../../src/commands/registry.ts';
import { runCommand } from '../../../src/commands/run.ts';
import { encodeSession } from '../../../src/core/session.ts';
import { messagesIn } from '../../../src/i18n/messages.ts';
import type { Harness } from '../../contracts/store/support.ts';
import { asking, contextOf, depsOf, LOCALES, SHARED, unknownThread } from './support.ts';

export function describeHelp(harness: Harness): void {
  const bot = asking(harness);
  const { ask } = bot;

  describe('/help', () => {
    it.each(LOCALES)('says what it does, the commands, and what it keeps and for how long (%s)', async (locale) => {
      const { help, about } = messagesIn(locale).commands;
      const { kind, text } = await ask('/help', contextOf({ locale }));
      expect(kind).toBe('done');
      for (const part of [help.intro, help.channel, help.own, help.kept(1800, 4, 60)]) expect(text).toContain(part);
      expect(text).toContain(`- \`/history [limit] [export]\`: ${about.history}`);
      expect(text).toContain(`- \`/forget [here|everywhere]\`: ${about.forget}`);
    });

    it('tells how to talk where one is, and for how long it is kept there', async () => {
      const { help } = messagesIn('en').commands;
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

  describe('a command for managers alone', () => {
    it('is run for them and shown to them, and to nobody else', async () => {
      const commands = COMMANDS.map((command) => {
        const { definition } = command;
        const who = definition.name === 'memstats' ? 'managers' : definition.who;
        return { ...command, definition: { ...definition, who } };
      });
      const run = (name: 'memstats' | 'help', canManage: boolean) =>
        runCommand({ command: { name }, context: contextOf({ canManage }) }, depsOf(bot.store), commands);
      expect(await run('memstats', false)).toMatchObject({
        kind: 'refused',
        text: messagesIn('en').commands.managersOnly,
      });
      expect((await run('memstats', true)).kind).toBe('done');
      expect((await run('help', false)).text).not.toContain('/memstats');
      expect((await run('help', true)).text).toContain('/memstats');
    });
  });

  describe('what is nearly a command', () => {
    it.each(LOCALES)('is answered with the nearest right form (%s)', async (locale) => {
      const { hint } = messagesIn(locale).commands;
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
      const { text } = await ask(`/history \`@everyone\`${'x'.repeat(150)}`);
      expect(text.length).toBeLessThan(200);
      expect(text).toMatch(/^I don’t understand `ˋ@everyoneˋx+…`\. /);
    });
  });
}
