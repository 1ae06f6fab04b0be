/** Talking to the product in Discord, from outside: the real binary, the strict fake Discord, an OpenAI-compatible fake. */
import { MessageType } from 'discord-api-types/v10';
import { describe, expect, test } from 'vitest';
import { messagesIn } from '../../src/i18n/messages.ts';
import { buttonsOf, type StoredMessage } from '../support/fake-discord/fake-discord.ts';
import { PATIENTLY, shareDiscord, textsOf, untilAnswered, untilPrinted, untilSaid } from './discord-support.ts';
import { makeEmbeddedStore, makeRedisStore, useWorkshop } from './http-support.ts';

const workshop = useWorkshop();

describe('talking', () => {
  const shared = shareDiscord(workshop, makeRedisStore);

  /** What the model was shown for its last question with this text, the system message aside. */
  const shown = (text: string) =>
    shared.model
      .journal()
      .findLast((call) => call.text.includes(text))
      ?.messages.slice(1)
      .map(({ content }) => content);

  test('a DM is answered as a reply to each message, and the bot knows what was said before', async () => {
    const { discord } = shared;
    const ada = discord.world.person('Ada');
    const dm = discord.dm(ada);
    await untilAnswered(discord, discord.say(ada, dm, 'Hello'), 'echo: Hello');
    await untilAnswered(discord, discord.say(ada, dm, 'Again'), 'echo: Again');
    expect(shown('Again')).toEqual(['Hello', 'echo: Hello', 'Again']);
    expect(discord.typing().map(({ channelId }) => channelId)).toContain(dm.id);
  });

  test('in a channel it answers who mentions it, and nobody else', async () => {
    const { discord, guild } = shared;
    const channel = discord.channel(guild);
    const [ada, bob] = [discord.world.person('Ada'), discord.world.person('Bob')];
    const bot = `<@${discord.world.bot.id}>`;
    discord.say(ada, channel, 'not for the bot');
    discord.say(ada, channel, `<@${bob.id}> not for the bot either`);
    const asked = discord.say(ada, channel, `${bot} for the bot, not <@${bob.id}>`);
    await untilAnswered(discord, asked, 'echo: for the bot, not @Bob');
    await untilAnswered(discord, discord.say(bob, channel, `and mine ${bot}`), 'echo: and mine');
    expect(discord.said(channel)).toHaveLength(2);
    expect(shown('and mine')).toEqual(['and mine']);
  });

  test('a reply to the bot is for the bot, with or without a ping, and what it answers is quoted, not remembered', async () => {
    const { discord, model, guild } = shared;
    const channel = discord.channel(guild);
    const [ada, bob] = [discord.world.person('Ada'), discord.world.person('Bob')];
    const asked = discord.say(ada, channel, `<@${discord.world.bot.id}> one`);
    await untilAnswered(discord, asked, 'echo: one');
    const answer = discord.replies(asked)[0];
    if (answer === undefined) throw new Error('There is an answer.');
    for (const [text, ping] of [
      ['two', true],
      ['three', false],
    ] as const) {
      const reply = discord.say(ada, channel, text, { replyTo: answer, ping });
      await expect.poll(() => textsOf(discord.replies(reply)).join(), PATIENTLY).toContain(text);
    }
    const theirs = discord.say(bob, channel, 'the launch is on Monday');
    model.script('is that so?', { text: 'So they say.' });
    const about = discord.say(ada, channel, `<@${discord.world.bot.id}> is that so?`, { replyTo: theirs });
    await expect.poll(() => discord.replies(about).length, PATIENTLY).toBe(1);
    const question = model.journal().findLast(({ text }) => text.includes('is that so?'));
    expect(question?.text).toContain('the launch is on Monday');
    expect(question?.text).toContain('Bob');
    await untilAnswered(discord, discord.say(ada, channel, `<@${discord.world.bot.id}> four`), 'echo: four');
    expect(shown('four')?.join()).not.toContain('Monday');
    expect(shown('four')?.join()).toContain('is that so?');
  });

  test('in a thread that it was called into it goes on without a mention, for everybody there, and nowhere else', async () => {
    const { discord, guild } = shared;
    const channel = discord.channel(guild);
    const [called, other] = [discord.thread(channel), discord.thread(channel)];
    const [ada, bob] = [discord.world.person('Ada'), discord.world.person('Bob')];
    discord.say(ada, other, 'not called here');
    await untilAnswered(discord, discord.say(ada, called, `<@${discord.world.bot.id}> come in`), 'echo: come in');
    await untilAnswered(discord, discord.say(ada, called, 'go on'), 'echo: go on');
    await untilAnswered(discord, discord.say(bob, called, 'me too'), 'echo: me too');
    discord.say(ada, channel, 'not in the channel');
    expect(shown('go on')).toEqual(['come in', 'echo: come in', 'go on']);
    // Each has a conversation of their own, and the thread another one than the channel.
    expect(shown('me too')).toEqual(['me too']);
    await untilAnswered(discord, discord.say(ada, channel, `<@${discord.world.bot.id}> here`), 'echo: here');
    expect(shown('here')).toEqual(['here']);
    expect(discord.said(other)).toEqual([]);
  });

  test('/chat is answered in its own message, and is one conversation with what is said there otherwise', async () => {
    const { discord, guild } = shared;
    const channel = discord.channel(guild);
    const ada = discord.world.person('Ada');
    const chat = discord.slash(ada, channel, 'chat', { options: { message: 'by command' } });
    await expect.poll(() => chat.answer()?.message.message.content, PATIENTLY).toBe('echo: by command');
    expect(chat.acked).toBe('public');
    await untilAnswered(discord, discord.say(ada, channel, `<@${discord.world.bot.id}> and so`), 'echo: and so');
    expect(shown('and so')).toEqual(['by command', 'echo: by command', 'and so']);
    await untilSaid(discord, channel, ['echo: by command', 'echo: and so']);
  });

  test('/chat where only its user has brought the bot along: every part goes by the token', async () => {
    const { discord, model } = shared;
    const [ada, bob] = [discord.world.person('Ada'), discord.world.person('Bob')];
    const theirs = discord.dm(bob);
    const long = Array.from({ length: 300 }, (_, index) => `${index} and more words`).join('\n');
    model.script('tell me', { text: long });
    const options = { options: { message: 'tell me' }, userInstall: true };
    const chat = discord.slash(ada, theirs, 'chat', options);
    await expect
      .poll(
        () => [chat.answer()?.message, ...chat.followUps].map((each) => each?.message.content.trim()).join('\n'),
        PATIENTLY,
      )
      .toBe(long);
    expect(chat.followUps.length).toBeGreaterThan(0);
  });

  test('own messages, other bots, webhooks, pins and what Discord says itself start nothing', async () => {
    const { discord, model, guild } = shared;
    const channel = discord.channel(guild);
    const ada = discord.world.person('Ada');
    const mention = `<@${discord.world.bot.id}>`;
    const before = model.journal().length;
    discord.say(discord.world.bot, channel, `${mention} own`);
    discord.say(discord.world.person('Other', { bot: true }), channel, `${mention} bot`);
    discord.say(discord.world.person('System', { system: true }), channel, `${mention} system`);
    discord.say(ada, channel, `${mention} hook`, { webhookId: discord.world.snowflake() });
    const asked = discord.say(ada, channel, `${mention} person`);
    await untilAnswered(discord, asked, 'echo: person');
    discord.say(ada, channel, '', { type: MessageType.ChannelPinnedMessage, replyTo: asked });
    discord.say(ada, channel, '', { type: MessageType.UserJoin });
    await untilAnswered(discord, discord.say(ada, channel, `${mention} last`), 'echo: last');
    expect(model.journal().length - before).toBe(2);
    expect(discord.said(channel).filter(({ message }) => message.content.startsWith('echo'))).toHaveLength(2);
  });

  test('attached files are named as not read', async () => {
    const { discord, model } = shared;
    const ada = discord.world.person('Ada');
    const dm = discord.dm(ada);
    const sent = discord.say(ada, dm, 'what is in it', { attachments: ['secret plan.pdf'] });
    await expect.poll(() => discord.replies(sent).length, PATIENTLY).toBe(1);
    expect(model.journal().at(-1)?.text).toContain('secret plan.pdf');
    const alone = discord.say(ada, dm, '', { attachments: ['photo.png'] });
    await expect.poll(() => discord.replies(alone).length, PATIENTLY).toBe(1);
    await untilAnswered(discord, discord.say(ada, dm, ''), 'There was no text in that message.');
  });

  test('a long answer comes in parts of at most 2000, code fences whole, the first of them a reply', async () => {
    const { discord, model } = shared;
    const ada = discord.world.person('Ada');
    const dm = discord.dm(ada);
    const code = Array.from({ length: 250 }, (_, index) => `const value${index} = ${index};`).join('\n');
    model.script('code please', {
      text: `Here it is:\n\`\`\`ts\n${code}\n\`\`\`\nThat was it.`,
      pieces: 40,
      betweenMs: 30,
    });
    const asked = discord.say(ada, dm, 'code please');
    await expect.poll(() => textsOf(discord.said(dm)).at(-1), PATIENTLY).toContain('That was it.');
    await expect.poll(() => discord.said(dm).flatMap(({ message }) => message.components), PATIENTLY).toEqual([]);
    const parts = textsOf(discord.said(dm));
    expect(parts.length).toBeGreaterThan(2);
    for (const part of parts) expect(part.length).toBeLessThanOrEqual(2_000);
    for (const part of parts) expect((part.match(/^```/gm) ?? []).length % 2).toBe(0);
    for (let index = 0; index < 250; index += 1) {
      expect(parts.filter((part) => part.includes(`const value${index} = ${index};`))).toHaveLength(1);
    }
    expect(parts.join('')).not.toContain('▌');
    expect(discord.replies(asked)).toEqual([discord.said(dm)[0]]);
  });

  test('an answer grows while it is written, and is edited at the pace that Discord takes', async () => {
    const { discord, model, bot } = shared;
    const ada = discord.world.person('Ada');
    const dm = discord.dm(ada);
    const text = Array.from({ length: 60 }, (_, index) => `word${index}`).join(' ');
    model.script('slowly', { text, pieces: 60, betweenMs: 100 });
    const asked = discord.say(ada, dm, 'slowly');
    await untilAnswered(discord, asked, text);
    const edits = discord.replies(asked)[0]?.edits ?? [];
    expect(edits.length).toBeGreaterThan(2);
    for (const { content } of edits.slice(0, -1)) {
      expect(content.endsWith('▌')).toBe(true);
      expect(text.startsWith(content.slice(0, -1).trimEnd())).toBe(true);
    }
    // The fake refuses what comes too fast; a well-behaved bot does not get there.
    expect(discord.journal.filter(({ status }) => status === 429)).toEqual([]);
    // Behind the first post nothing says that the bot is typing: it would say so for 10 s more.
    const posted = Date.parse(discord.replies(asked)[0]?.message.timestamp ?? '');
    const typed = discord.typing().filter(({ channelId }) => channelId === dm.id);
    expect(typed.length).toBeGreaterThan(0);
    for (const { at } of typed) expect(at).toBeLessThanOrEqual(posted);
    expect(bot.output()).not.toContain('word1');
  });

  test('nobody is ever pinged by what the model says', async () => {
    const { discord, model, guild } = shared;
    const channel = discord.channel(guild);
    const ada = discord.world.person('Ada');
    const text = `@everyone @here <@${ada.id}> wake up`;
    model.script('wake all', { text });
    const asked = discord.say(ada, channel, `<@${discord.world.bot.id}> wake all`);
    await untilAnswered(discord, asked, text);
    expect(discord.pinged()).toEqual([]);
  });

  test('the one who asked can stop an answer while it is written, and nobody else', async () => {
    const { discord, model, guild } = shared;
    const channel = discord.channel(guild);
    const [ada, bob] = [discord.world.person('Ada'), discord.world.person('Bob')];
    model.script('endless', { text: 'It was a dark and stormy night, and so on.', pieces: 4, sent: 2, end: 'hang' });
    const asked = discord.say(ada, channel, `<@${discord.world.bot.id}> endless`);
    await expect
      .poll(() => discord.replies(asked).flatMap(({ message }) => buttonsOf(message)), PATIENTLY)
      .toMatchObject([{ label: 'Stop' }]);
    const reply = discord.replies(asked)[0];
    if (reply === undefined) throw new Error('There is a reply.');
    const foreign = discord.press(bob, reply, 'Stop');
    await expect.poll(() => textsOf(foreign.followUps).join(), PATIENTLY).toContain('Only the person who asked');
    expect(foreign.followUps[0]?.ephemeralFor).toBe(bob.id);
    expect(buttonsOf(reply.message)).toHaveLength(1);
    const own = discord.press(ada, reply, 'Stop');
    await expect.poll(() => discord.replies(asked)[0]?.message.content, PATIENTLY).toMatch(/\(stopped\)$/);
    await expect.poll(() => buttonsOf(reply.message), PATIENTLY).toEqual([]);
    expect(own.acked).toBe('in place');
    expect(own.followUps).toEqual([]);
    const late = discord.say(ada, channel, `<@${discord.world.bot.id}> and now`);
    await untilAnswered(discord, late, 'echo: and now');
    expect(shown('and now')?.[1]).toMatch(/^It was/);
  });

  test('Chinese is answered in Chinese by the bot itself', async () => {
    const { discord, model } = shared;
    const ada = discord.world.person('Ada');
    const dm = discord.dm(ada);
    model.script('你好', { status: 400, error: { message: 'no' } });
    await untilAnswered(discord, discord.say(ada, dm, '你好'), messagesIn('zh-CN').failed.model_refused_request);
  });

  test('while the model thinks for long, the bot is shown as typing all the time', async () => {
    const { discord, model } = shared;
    const ada = discord.world.person('Ada');
    const dm = discord.dm(ada);
    model.script('think hard', { text: 'Done.', sent: 0, end: 'hang' });
    const asked = discord.say(ada, dm, 'think hard');
    // Discord shows it for 10 s.
    const times = () =>
      discord
        .typing()
        .filter(({ channelId }) => channelId === dm.id)
        .map(({ at }) => at);
    await expect.poll(() => times().length, PATIENTLY).toBe(2);
    const [first = 0, second = 0] = times();
    expect(second - first).toBeLessThan(10_000);
    model.release();
    await untilAnswered(discord, asked, 'Done.');
    expect(times()).toHaveLength(2);
  });

  test('the start says where the bot can be added, and nothing that was written is in the log', async () => {
    const { discord, bot } = shared;
    await untilPrinted(bot, `oauth2/authorize?client_id=${discord.world.applicationId}&permissions=`);
    expect(bot.output()).not.toContain('dark and stormy');
    expect(bot.output()).not.toContain('the launch is on Monday');
    expect(bot.output()).not.toContain(discord.token);
  });
});

describe('with one conversation for all in a channel, on the embedded store', () => {
  const shared = shareDiscord(workshop, async () => ({ ...(await makeEmbeddedStore()), SESSION_SCOPE: 'channel' }));

  test('everybody in a channel shares it, a thread and a DM are their own', async () => {
    const { discord, model, guild } = shared;
    const channel = discord.channel(guild);
    const thread = discord.thread(channel);
    const [ada, bob] = [discord.world.person('Ada'), discord.world.person('Bob')];
    const mention = `<@${discord.world.bot.id}>`;
    const ask = async (message: StoredMessage) =>
      await expect.poll(() => discord.replies(message).length, PATIENTLY).toBe(1);
    await ask(discord.say(ada, channel, `${mention} I am Ada`));
    await ask(discord.say(bob, channel, `${mention} and I am Bob`));
    expect(
      model
        .journal()
        .at(-1)
        ?.messages.map(({ content }) => content)
        .join(),
    ).toContain('I am Ada');
    await ask(discord.say(bob, thread, `${mention} in the thread`));
    expect(
      model
        .journal()
        .at(-1)
        ?.messages.map(({ content }) => content)
        .join(),
    ).not.toContain('I am Ada');
    await ask(discord.say(bob, discord.dm(bob), 'in the DM'));
    expect(
      model
        .journal()
        .at(-1)
        ?.messages.map(({ content }) => content)
        .join(),
    ).not.toContain('I am Ada');
  });
});
