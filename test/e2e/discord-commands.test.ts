/** The memory commands in Discord, from outside. */
import { describe, expect, test } from 'vitest';
import { messagesIn } from '../../src/i18n/messages.ts';
import { buttonsOf, type FakeInteraction } from '../support/fake-discord/fake-discord.ts';
import {
  PATIENTLY,
  shareDiscord,
  textsOf,
  untilAnswered,
  untilLoggedIn,
  useDiscord,
  withDiscord,
} from './discord-support.ts';
import { makeRedisStore, useWorkshop } from './http-support.ts';

const workshop = useWorkshop();

async function answerTo(interaction: FakeInteraction, text: string | RegExp): Promise<void> {
  await expect.poll(() => interaction.answer()?.message.message.content ?? '', PATIENTLY).toMatch(text);
}

describe('commands', () => {
  const shared = shareDiscord(workshop, makeRedisStore);

  test('are registered with options, in both languages, for servers and for people', () => {
    const { registered } = shared.discord.commands;
    expect(registered.map(({ name }) => name)).toEqual([
      ...['chat', 'history', 'forget', 'remember', 'facts', 'ttl', 'memstats', 'help', 'Remember this'],
    ]);
    for (const command of registered) {
      const { contexts, integration_types: types } = command;
      const others = command.type === 3 ? command.name_localizations : command.description_localizations;
      expect([contexts, types]).toEqual([
        [0, 1, 2],
        [0, 1],
      ]);
      expect(others?.['zh-CN']).toMatch(/\p{Script=Han}/u);
    }
    const forget = registered.find(({ name }) => name === 'forget');
    expect(forget?.options?.map(({ name }) => name)).toEqual(['scope']);
  });

  test('are answered to the person alone, in their language', async () => {
    const { discord, guild } = shared;
    const channel = discord.channel(guild);
    const ada = discord.world.person('Ada');
    const help = discord.slash(ada, channel, 'help');
    await answerTo(help, 'I am a chatbot that remembers');
    expect(help.acked).toBe('private');
    expect(help.answer()?.message.ephemeralFor).toBe(ada.id);
    await answerTo(discord.slash(ada, channel, 'help', { locale: 'zh-CN' }), /\p{Script=Han}/u);
    await answerTo(discord.slash(ada, channel, 'ttl', { options: { value: '10m' } }), '10 minutes');
    await answerTo(discord.slash(ada, channel, 'ttl', { options: { value: 'soon' } }), 'soon');
    expect(discord.said(channel)).toEqual([]);
  });

  test('/history pages in place and exports files; /forget forgets what was said', async () => {
    const { discord, guild } = shared;
    const channel = discord.channel(guild);
    const ada = discord.world.person('Ada');
    const mention = `<@${discord.world.bot.id}>`;
    for (const text of ['one', 'two', 'three']) {
      await untilAnswered(discord, discord.say(ada, channel, `${mention} ${text}`), `echo: ${text}`);
    }
    const history = discord.slash(ada, channel, 'history', { options: { limit: 2 } });
    await answerTo(history, 'three');
    const page = history.answer()?.message;
    if (page === undefined) throw new Error('There is a page.');
    expect(buttonsOf(page.message).map(({ label }) => label)).toEqual(['Older']);
    const older = discord.press(ada, page, 'Older');
    await answerTo(older, 'two');
    expect(older.acked).toBe('in place');
    expect(page.message.content).not.toContain('three');
    expect(buttonsOf(page.message).map(({ label }) => label)).toEqual(['Older', 'Newer']);

    const exported = discord.slash(ada, channel, 'history', { options: { export: true } });
    await expect.poll(() => exported.answer()?.files.size, PATIENTLY).toBe(2);
    for (const content of exported.answer()?.files.values() ?? []) expect(content).toContain('echo: two');

    await answerTo(discord.slash(ada, channel, 'forget'), /6 messages/);
    await answerTo(discord.slash(ada, channel, 'history'), 'I remember nothing');
    const everywhere = discord.slash(ada, channel, 'forget', { options: { scope: 'everywhere' } });
    await expect.poll(() => everywhere.answer()?.message.message.components?.length, PATIENTLY).toBe(1);
    const question = everywhere.answer()?.message;
    if (question === undefined) throw new Error('There is a question.');
    await answerTo(discord.press(ada, question, 'Forget all of it'), /Forgotten|nothing/);
    expect(buttonsOf(question.message)).toEqual([]);
  });

  test('typed in a server they are a button that opens the private answer, for that person alone', async () => {
    const { discord, guild } = shared;
    const channel = discord.channel(guild);
    const [ada, bob] = [discord.world.person('Ada'), discord.world.person('Bob')];
    const mention = `<@${discord.world.bot.id}>`;
    await untilAnswered(discord, discord.say(ada, channel, `${mention} my secret`), 'echo: my secret');
    const typed = discord.say(ada, channel, `${mention} /history`);
    await expect.poll(() => textsOf(discord.replies(typed)), PATIENTLY).toEqual(['Only you can see the answer:']);
    const notice = discord.replies(typed)[0];
    if (notice === undefined) throw new Error('There is a notice.');
    const opened = discord.press(ada, notice, 'Show /history only to me');
    await answerTo(opened, 'my secret');
    expect(opened.acked).toBe('private');
    const foreign = discord.press(bob, notice, 'Show /history only to me');
    await answerTo(foreign, 'for somebody else');
    expect(buttonsOf(notice.message)).toHaveLength(1);
    // A whole message is needed: this one goes to the model.
    await untilAnswered(discord, discord.say(ada, channel, `${mention} forget it`), 'echo: forget it');
    const near = discord.say(ada, channel, `${mention} /histroy`);
    await expect.poll(() => textsOf(discord.replies(near)).join(), PATIENTLY).toContain('/history');
  });

  test('typed in a DM they are answered there; erasing is asked about first', async () => {
    const { discord } = shared;
    const ada = discord.world.person('Ada');
    const dm = discord.dm(ada);
    await untilAnswered(discord, discord.say(ada, dm, 'my name is Ada'), 'echo: my name is Ada');
    const typed = discord.say(ada, dm, '!forget');
    await expect.poll(() => textsOf(discord.replies(typed)).join(), PATIENTLY).toContain('Forget ');
    const question = discord.replies(typed)[0];
    if (question === undefined) throw new Error('There is a question.');
    const pressed = discord.press(ada, question, 'Forget this conversation');
    await answerTo(pressed, /Forgotten: 1 conversation, 2 messages/);
    expect(question.message.content).toContain('Forgotten');
    const stats = discord.say(ada, dm, '/memstats');
    await expect.poll(() => textsOf(discord.replies(stats)).join(), PATIENTLY).toContain('Active:');
  });

  test('/remember asks first in a server and keeps at once in a DM; /facts lists and removes', async () => {
    const { discord, guild } = shared;
    const channel = discord.channel(guild);
    const [ada, bob] = [discord.world.person('Ada'), discord.world.person('Bob')];
    const asked = discord.slash(ada, channel, 'remember', { options: { text: `I am\nvegetarian, like <@${bob.id}>` } });
    await answerTo(asked, 'Others read my answers here. Keep it for this channel?\n> I am\n> vegetarian');
    const question = asked.answer()?.message;
    if (question === undefined) throw new Error('There is a question.');
    expect(question.ephemeralFor).toBe(ada.id);
    expect(buttonsOf(question.message).map(({ label }) => label)).toEqual(['Keep it for this channel']);
    await answerTo(discord.slash(ada, channel, 'facts'), 'You have not asked me to keep anything here');
    const kept = discord.press(ada, question, 'Keep it for this channel');
    await answerTo(kept, /I’ll remember this here until .*\n> I am\n> vegetarian/);
    expect(kept.acked).toBe('in place');
    expect(buttonsOf(question.message)).toEqual([]);
    const listed = discord.slash(ada, channel, 'facts');
    await answerTo(listed, /1 of at most 50.*said .*kept until .*\n> I am\n> vegetarian/s);
    await answerTo(discord.slash(bob, channel, 'facts'), 'You have not asked me to keep anything here');
    const list = listed.answer()?.message;
    if (list === undefined) throw new Error('There is a list.');
    expect(list.ephemeralFor).toBe(ada.id);
    const [one] = buttonsOf(list.message);
    await answerTo(discord.press(ada, list, one?.label ?? ''), 'Removed.');
    await answerTo(discord.slash(ada, channel, 'facts'), 'You have not asked me to keep anything here');
    expect(discord.said(channel)).toEqual([]);

    const dm = discord.dm(ada);
    const typed = discord.say(ada, dm, '/remember I live in Oslo\nsince 2020');
    await expect
      .poll(() => textsOf(discord.replies(typed)).join(), PATIENTLY)
      .toMatch(/> I live in Oslo\n> since 2020/);
    await answerTo(discord.slash(ada, dm, 'facts'), 'I live in Oslo');
    await answerTo(discord.slash(ada, channel, 'facts'), 'You have not asked me to keep anything here');
  });

  test('/remember typed in a server posts nothing of the text, and is opened privately', async () => {
    const { discord, guild, model } = shared;
    const channel = discord.channel(guild);
    const [ada, bob] = [discord.world.person('Ada'), discord.world.person('Bob')];
    const typed = discord.say(ada, channel, `<@${discord.world.bot.id}> /remember my drawer\nis locked`);
    await expect.poll(() => textsOf(discord.replies(typed)), PATIENTLY).toEqual(['Only you can see the answer:']);
    const notice = discord.replies(typed)[0];
    if (notice === undefined) throw new Error('There is a notice.');
    expect(JSON.stringify(notice.message.components)).not.toMatch(/drawer|locked/);
    await answerTo(discord.press(bob, notice, 'Show /remember only to me'), 'for somebody else');
    const opened = discord.press(ada, notice, 'Show /remember only to me');
    await answerTo(opened, 'Keep it for this channel?');
    const question = opened.answer()?.message;
    if (question === undefined) throw new Error('There is a question.');
    expect(question.ephemeralFor).toBe(ada.id);
    await answerTo(discord.press(ada, question, 'Keep it for this channel'), '> my drawer\n> is locked');
    await answerTo(discord.slash(ada, channel, 'facts'), '> my drawer');
    expect(model.count('my drawer')).toBe(0);
  });

  test('“Remember this” keeps one’s own message, as people see it, and nobody else’s', async () => {
    const { discord, guild } = shared;
    const channel = discord.channel(guild);
    const [ada, bob] = [discord.world.person('Ada'), discord.world.person('Bob')];
    const own = discord.say(ada, channel, `My boss is <@${bob.id}>`);
    await answerTo(discord.chooseOn(bob, own, 'Remember this'), 'that message is not yours');
    const asked = discord.chooseOn(ada, own, 'Remember this');
    await answerTo(asked, '> My boss is @Bob');
    const question = asked.answer()?.message;
    if (question === undefined) throw new Error('There is a question.');
    expect(question.ephemeralFor).toBe(ada.id);
    await answerTo(discord.press(ada, question, 'Keep it for this channel'), '> My boss is @Bob');
    const dm = discord.dm(ada);
    const said = discord.say(ada, dm, 'I have a cat');
    await untilAnswered(discord, said, 'echo: I have a cat');
    await answerTo(
      discord.chooseOn(ada, said, 'Remember this', { locale: 'zh-CN' }),
      /我会在这里记住它.*\n> I have a cat/,
    );
    const [answer] = discord.replies(said);
    if (answer === undefined) throw new Error('There is an answer.');
    await answerTo(discord.chooseOn(ada, answer, 'Remember this'), 'that message is not yours');
    await answerTo(discord.chooseOn(ada, discord.say(ada, dm, 'x'.repeat(600)), 'Remember this'), 'too long');
  });

  test('a message that asks to be remembered is answered with a note about /remember, once', async () => {
    const { discord } = shared;
    const ada = discord.world.person('Ada');
    const dm = discord.dm(ada);
    const text = 'Remember that I live in Oslo';
    await untilAnswered(discord, discord.say(ada, dm, text), `echo: ${text}\n\n${messagesIn('en').rememberHint}`);
    await untilAnswered(discord, discord.say(ada, dm, text), `echo: ${text}`);
    const history = discord.slash(ada, dm, 'history');
    await answerTo(history, `echo: ${text}`);
    expect(history.answer()?.message.message.content).not.toContain('/remember');
  });

  test('/forget while an answer is written: the answer becomes what it says', async () => {
    const { discord, model } = shared;
    const ada = discord.world.person('Ada');
    const dm = discord.dm(ada);
    model.script('tell all', { text: 'A secret that must be forgotten.', pieces: 4, sent: 2, end: 'hang' });
    const asked = discord.say(ada, dm, 'tell all');
    await expect.poll(() => textsOf(discord.replies(asked)).join(), PATIENTLY).toContain('A secret');
    await answerTo(discord.slash(ada, dm, 'forget'), 'Forgotten');
    await untilAnswered(discord, asked, 'Forgotten.');
  });

  test('an ack whose answer is lost is made once, and what follows is answered all the same', async () => {
    const { discord } = shared;
    const ada = discord.world.person('Ada');
    const dm = discord.dm(ada);
    discord.faults.add('POST', /^\/interactions\/.*\/callback$/, { kind: 'lost' });
    const help = discord.slash(ada, dm, 'help');
    await answerTo(help, 'I am a chatbot');
    discord.faults.add('POST', /^\/interactions\/.*\/callback$/, { kind: 'status', status: 502 });
    discord.faults.add('PATCH', /^\/webhooks\//, { kind: 'status', status: 500 }, 2);
    await answerTo(discord.slash(ada, dm, 'help'), 'I am a chatbot');
    expect(discord.faults.left()).toBe(0);
  });
});

describe('the start', () => {
  const { make } = useDiscord();

  test('registers the commands only when they differ', async () => {
    const discord = await make();
    const folder = await workshop.makeFolder();
    const settings = { DATA_DIR: 'data', ...withDiscord(discord) };
    const first = await workshop.start(folder, settings);
    await untilLoggedIn(discord);
    await first.release();
    expect(discord.commands.writes).toBe(1);
    const reads = () =>
      discord.journal.filter(({ method, path }) => method === 'GET' && path.endsWith('/commands')).length;
    const before = reads();
    await workshop.start(folder, settings);
    await expect.poll(reads, PATIENTLY).toBe(before + 1);
    const ada = discord.world.person('Ada');
    const dm = discord.dm(ada);
    const hello = discord.say(ada, dm, 'hello');
    await expect.poll(() => discord.replies(hello).length, PATIENTLY).toBe(1);
    expect(discord.commands.writes).toBe(1);
  });
});

describe('with the store away', () => {
  const { make } = useDiscord();

  test('commands and /chat are acked in time, and say that the memory is out of reach', async () => {
    const discord = await make();
    const redis = await workshop.makeRedis();
    await workshop.start(await workshop.makeFolder(), { REDIS_URL: redis.url, ...withDiscord(discord) });
    await untilLoggedIn(discord);
    const ada = discord.world.person('Ada');
    const dm = discord.dm(ada);
    await redis.kill9();
    const history = discord.slash(ada, dm, 'history');
    const chat = discord.slash(ada, dm, 'chat', { options: { message: 'hello' } });
    await answerTo(history, 'I can’t reach my memory');
    await answerTo(chat, 'I can’t reach my memory');
    expect([history.timedOut, chat.timedOut]).toEqual([false, false]);
    await redis.restart();
    await expect
      .poll(
        async () => {
          const again = discord.slash(ada, dm, 'history');
          await expect.poll(() => again.answer(), PATIENTLY).toBeDefined();
          return again.answer()?.message.message.content;
        },
        { ...PATIENTLY, interval: 500 },
      )
      .toContain('I remember nothing');
  });
});
