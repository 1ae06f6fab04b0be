/** After `/forget everywhere` the bot goes on unasked in none of a person's threads, wherever that was asked for. */
import { describe, expect, test } from 'vitest';
import { buttonsOf, type FakeInteraction } from '../support/fake-discord/fake-discord.ts';
import { variants } from '../support/tier.ts';
import { PATIENTLY, shareDiscord, textsOf, untilAnswered } from './discord-support.ts';
import { EMBEDDED, ON_REDIS, useWorkshop } from './http-support.ts';

const workshop = useWorkshop();

async function answerTo(interaction: FakeInteraction): Promise<string> {
  await expect.poll(() => interaction.answer()?.message.message.content ?? '', PATIENTLY).not.toBe('');
  return interaction.answer()?.message.message.content ?? '';
}

describe.each(variants([EMBEDDED, ON_REDIS]))('on %s', (_name, makeStore) => {
  for (const scope of ['user', 'channel']) {
    describe(`with SESSION_SCOPE=${scope}`, () => {
      const shared = shareDiscord(workshop, async () => ({
        ...(await makeStore()),
        SESSION_SCOPE: scope,
        MIN_TTL: '1',
      }));

      test.each(['by the command', 'typed'])('/forget everywhere %s', async (how) => {
        const { discord, guild } = shared;
        const [ada, bob] = [discord.world.person('Ada'), discord.world.person('Bob')];
        const mention = `<@${discord.world.bot.id}>`;
        const channel = discord.channel(guild);
        const echo = (who: string, text: string) => `echo: ${scope === 'user' ? '' : `"${who}" says:\n`}${text}`;
        const [living, over, bobs] = [discord.thread(channel), discord.thread(channel), discord.thread(channel)];
        for (const [person, thread, who] of [
          [ada, living, 'Ada'],
          [ada, over, 'Ada'],
          [bob, bobs, 'Bob'],
        ] as const) {
          await untilAnswered(discord, discord.say(person, thread, `${mention} come in`), echo(who, 'come in'));
          await untilAnswered(discord, discord.say(person, thread, 'go on'), echo(who, 'go on'));
        }
        // Whose memory is shared decides its time no more than others.
        if (scope === 'user') {
          await answerTo(discord.slash(ada, over, 'ttl', { options: { value: '1s' } }));
          await expect
            .poll(() => answerTo(discord.slash(ada, over, 'history')), { ...PATIENTLY, interval: 500 })
            .toContain('I remember nothing');
        }

        let question = discord.slash(ada, channel, 'forget', { options: { scope: 'everywhere' } });
        if (how === 'typed') {
          const typed = discord.say(ada, channel, `${mention} /forget everywhere`);
          await expect.poll(() => discord.replies(typed).length, PATIENTLY).toBe(1);
          const [opener] = discord.replies(typed);
          if (opener === undefined) throw new Error('It is there.');
          question = discord.press(ada, opener, buttonsOf(opener.message)[0]?.label ?? '');
        }
        await answerTo(question);
        const asked = question.answer()?.message;
        if (asked === undefined) throw new Error('There is a question.');
        expect(await answerTo(discord.press(ada, asked, 'Forget all of it'))).toMatch(/./);
        await expect.poll(() => asked.message.content, PATIENTLY).toMatch(/Forgotten/);

        for (const thread of [living, over]) {
          discord.say(ada, thread, 'unasked');
          await untilAnswered(discord, discord.say(ada, thread, `${mention} back again`), echo('Ada', 'back again'));
          await untilAnswered(discord, discord.say(ada, thread, 'go on then'), echo('Ada', 'go on then'));
          expect(textsOf(discord.said(thread))).not.toContain(echo('Ada', 'unasked'));
        }
        // Where she never talked to it, it goes on.
        await untilAnswered(discord, discord.say(bob, bobs, 'still here'), echo('Bob', 'still here'));
      });
    });
  }
});
