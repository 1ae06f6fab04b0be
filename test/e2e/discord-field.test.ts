/** Discord as people use it, from outside: forwards, roles, threads among people, edits, markup. */
import { EmbedType, GatewayDispatchEvents, GatewayIntentBits } from 'discord-api-types/v10';
import { describe, expect, test } from 'vitest';
import type { StoredMessage } from '../support/fake-discord/fake-discord.ts';
import {
  PATIENTLY,
  shareDiscord,
  textsOf,
  untilAnswered,
  untilLoggedIn,
  useDiscord,
  withDiscord,
} from './discord-support.ts';
import { makeRedisStore, useWorkshop, withModel } from './http-support.ts';

const workshop = useWorkshop();
const { make } = useDiscord();

describe('one bot', () => {
  const shared = shareDiscord(workshop, makeRedisStore);
  const people = () => ['Ada', 'Bob'].map((name) => shared.discord.world.person(name));
  const mention = () => `<@${shared.discord.world.bot.id}>`;

  /** What the model was shown last. */
  const shown = () => shared.model.journal().at(-1)?.messages.at(-1)?.content ?? '';
  const untilReplied = (to: StoredMessage) => expect.poll(() => shared.discord.replies(to).length, PATIENTLY).toBe(1);

  test('a forward alone is a message in a DM, quoted to the model and not remembered', async () => {
    const { discord, guild, model } = shared;
    const [ada, bob] = people();
    if (ada === undefined || bob === undefined) throw new Error('They are there.');
    const channel = discord.channel(guild);
    const said = discord.say(bob, channel, 'the launch is on Monday');
    const dm = discord.dm(ada);
    const forwarded = discord.say(ada, dm, '', { forward: said });
    await untilReplied(forwarded);
    expect(shown()).toContain('> the launch is on Monday');
    // Of a forward of a forward, too.
    await untilReplied(discord.say(ada, dm, '', { forward: forwarded }));
    expect(shown()).toContain('> the launch is on Monday');
    await untilAnswered(discord, discord.say(ada, dm, 'when?'), 'echo: when?');
    expect(model.journal().at(-1)?.messages.slice(1).join()).not.toContain('Monday');
  });

  test('the bot’s own role calls it, another role does not', async () => {
    const { discord, guild } = shared;
    const [ada] = people();
    if (ada === undefined) throw new Error('She is there.');
    const channel = discord.channel(guild);
    const mods = discord.role(guild, 'Mods');
    discord.say(ada, channel, `<@&${mods.id}> not for the bot`);
    const asked = discord.say(ada, channel, `<@&${discord.ownRole(guild).id}> tell <@&${mods.id}>`);
    await untilAnswered(discord, asked, 'echo: tell @Mods');
    expect(discord.said(channel)).toHaveLength(1);
  });

  test('in a thread that goes on, people may talk to each other; /forget sends the bot out until it is named', async () => {
    const { discord, guild } = shared;
    const [ada, bob] = people();
    if (ada === undefined || bob === undefined) throw new Error('They are there.');
    const thread = discord.thread(discord.channel(guild));
    await untilAnswered(discord, discord.say(ada, thread, `${mention()} come in`), 'echo: come in');
    const theirs = discord.say(bob, thread, `<@${ada.id}> lunch?`);
    discord.say(ada, thread, 'gladly', { replyTo: theirs, ping: false });
    discord.say(ada, thread, '@here anybody else?');
    await untilAnswered(discord, discord.say(bob, thread, 'and now?'), 'echo: and now?');
    expect(discord.said(thread)).toHaveLength(2);

    const forget = discord.slash(ada, thread, 'forget');
    await expect.poll(() => forget.answer()?.message.message.content, PATIENTLY).toContain('I’m leaving this thread');
    discord.say(bob, thread, 'without it');
    await untilAnswered(discord, discord.say(ada, thread, `${mention()} back again`), 'echo: back again');
    // What was forgotten still stands in the thread, and is not read from there.
    expect(shown()).toBe('back again');
    await untilAnswered(discord, discord.say(bob, thread, 'go on'), 'echo: go on');
    expect(discord.said(thread)).toHaveLength(4);
  });

  test('called into a thread it reads how that began and what was said last, of a forum’s post as well', async () => {
    const { discord, guild } = shared;
    const [ada, bob] = people();
    if (ada === undefined || bob === undefined) throw new Error('They are there.');
    const channel = discord.channel(guild);
    const started = discord.threadFrom(discord.say(bob, channel, 'which day is it?'));
    const post = discord.forumPost(guild, bob, 'which day is it?');
    for (const thread of [started, post, discord.thread(channel)]) {
      for (let index = 1; index <= 16; index += 1) discord.say(bob, thread, `said ${index}`);
      await untilReplied(discord.say(ada, thread, `${mention()} say`));
      expect(shown().includes('which day is it?')).toBe(thread === started || thread === post);
      expect(shown()).toContain('said 16');
      expect(shown()).not.toMatch(/said 1$/m);
      await untilAnswered(discord, discord.say(ada, thread, 'once more'), 'echo: once more');
      expect(shown()).toBe('once more');
    }
    const chat = discord.slash(ada, discord.threadFrom(discord.say(bob, channel, 'to the command')), 'chat', {
      options: { message: 'you say' },
    });
    await expect.poll(() => chat.answer()?.message.message.content, PATIENTLY).toContain('you say');
    expect(shown()).toContain('to the command');
  });

  test('an embed that is answered is quoted, and markup is shown as people see it', async () => {
    const { discord, guild } = shared;
    const [ada] = people();
    if (ada === undefined) throw new Error('She is there.');
    const [channel, hidden] = [discord.channel(guild, { name: 'launch' }), discord.channel(guild, { hidden: true })];
    const alerts = discord.world.person('Alerts', { bot: true });
    const alert = discord.say(alerts, channel, '', { embeds: [{ type: EmbedType.Rich, title: 'Build failed' }] });
    const text = `${mention()} see <#${channel.id}> <#${hidden.id}> <:ok:${channel.id}> <t:1618953630:D>`;
    const asked = discord.say(ada, channel, text, { replyTo: alert });
    await untilReplied(asked);
    expect(shown()).toContain('"Alerts" wrote:\n> Build failed');
    expect(shown()).toContain('see #launch #unknown :ok: 2021-04-20');
  });

  test('a table of the model is shown in columns, or as a list, however it comes; memory has it as it was written', async () => {
    const { discord, model } = shared;
    const [ada] = people();
    if (ada === undefined) throw new Error('She is there.');
    const dm = discord.dm(ada);
    const rows = Array.from({ length: 150 }, (_, index) => `| row ${index} | ${index * 7} |`);
    const table = ['| Name | Count |', '|---|--:|', ...rows].join('\n');
    model.script('as a table', { text: `Here:\n${table}\n\nThat was it.`, pieces: 30, betweenMs: 100 });
    discord.say(ada, dm, 'as a table');
    await expect.poll(() => textsOf(discord.said(dm)).at(-1), PATIENTLY).toContain('That was it.');
    await expect.poll(() => discord.said(dm).flatMap(({ message }) => message.components), PATIENTLY).toEqual([]);
    const texts = textsOf(discord.said(dm));
    expect(texts.length).toBeGreaterThan(1);
    expect(texts.join()).not.toContain('|');
    // Whole rows, and each part's code is closed.
    for (const row of rows.keys()) expect(texts.join('\n')).toMatch(new RegExp(`^row ${row} +${row * 7}$`, 'm'));
    for (const text of texts) expect(text.split('```').length % 2).toBe(1);
    // What was shown while it grew has no pipes either.
    const edits = discord.said(dm).flatMap((stored) => stored.edits.map(({ content }) => content));
    expect(edits.filter((content) => content.includes('|'))).toEqual([]);
    await untilAnswered(discord, discord.say(ada, dm, 'thanks'), 'echo: thanks');
    expect(
      model
        .journal()
        .at(-1)
        ?.messages.slice(1)
        .map(({ content }) => content)
        .join(),
    ).toContain('| row 3 | 21 |');
  });

  test('a message that is edited after it was answered, or while it is, is remembered as it reads then', async () => {
    const { discord, model } = shared;
    const [ada] = people();
    if (ada === undefined) throw new Error('She is there.');
    const dm = discord.dm(ada);
    model.script('my PIN is 1234', { text: 'Noted.' });
    model.script('it was 9876', { text: 'Noted, too.', sent: 0, end: 'hang' });
    const first = discord.say(ada, dm, 'my PIN is 1234');
    await untilAnswered(discord, first, 'Noted.');
    const before = first.message;
    discord.edit(first, 'my PIN is a secret');
    const second = discord.say(ada, dm, 'it was 9876');
    await model.called('it was 9876');
    discord.edit(second, 'it was another one');
    // Of an edit a minute ago, late. https://docs.discord.com/developers/events/gateway-events#message-update
    discord.gateway.dispatch(GatewayIntentBits.DirectMessages, undefined, () => ({
      t: GatewayDispatchEvents.MessageUpdate,
      d: { ...before, content: 'my PIN is 12345', edited_timestamp: new Date(Date.now() - 60_000).toISOString() },
    }));
    discord.unfurl(first);
    model.release();
    await untilAnswered(discord, second, 'Noted, too.');
    await untilAnswered(discord, discord.say(ada, dm, 'what do you know?'), 'echo: what do you know?');
    const shownToModel = JSON.stringify(model.journal().at(-1)?.messages);
    expect(shownToModel).toContain('my PIN is a secret');
    expect(shownToModel).toContain('it was another one');
    expect(shownToModel).not.toMatch(/1234|9876/);
  });

  test('a message that is edited so that it mentions the bot is answered once, and not for what Discord changes', async () => {
    const { discord, guild } = shared;
    const [ada] = people();
    if (ada === undefined) throw new Error('She is there.');
    const channel = discord.channel(guild);
    const said = discord.say(ada, channel, 'which day is it?');
    discord.unfurl(said);
    discord.edit(said, `${mention()} which day is it?`);
    await untilAnswered(discord, said, 'echo: which day is it?');
    discord.unfurl(said);
    discord.pin(said);
    // Of old Discord sent the changed fields alone: https://docs.discord.com/developers/events/gateway-events#message-update
    const { id, channel_id } = said.message;
    discord.gateway.dispatch(GatewayIntentBits.GuildMessages, guild.id, () => ({
      t: GatewayDispatchEvents.MessageUpdate,
      d: { id, channel_id, guild_id: guild.id, embeds: [] },
    }));
    discord.edit(said, `${mention()} which day is it today?`);
    const typed = discord.say(ada, channel, 'not a command yet');
    discord.edit(typed, `${mention()} /help`);
    await untilReplied(typed);
    discord.edit(typed, `${mention()} /help `);
    await untilAnswered(discord, discord.say(ada, channel, `${mention()} last`), 'echo: last');
    expect(discord.said(channel)).toHaveLength(3);
    expect(shared.bot.output()).not.toContain('malformed');
  });
});

test('over two replicas and a restart, what is edited into a mention is answered once', async () => {
  const { makeFolder, makeModel, start } = workshop;
  const discord = await make();
  const channel = discord.channel(discord.guild());
  const ada = discord.world.person('Ada');
  const mention = `<@${discord.world.bot.id}>`;
  const settings = { ...(await makeRedisStore()), ...withModel(await makeModel()), ...withDiscord(discord) };
  const first = await start(await makeFolder(), settings);
  await start(await makeFolder(), settings);
  await untilLoggedIn(discord, 2);
  const said = discord.say(ada, channel, 'hello');
  discord.edit(said, `${mention} hello`);
  await untilAnswered(discord, said, 'echo: hello');
  discord.edit(said, `${mention} hello there`);
  await first.release();
  await start(await makeFolder(), settings);
  await untilLoggedIn(discord, 3);
  discord.edit(said, `${mention} hello again`);
  await untilAnswered(discord, discord.say(ada, channel, `${mention} last`), 'echo: last');
  expect(textsOf(discord.said(channel))).toEqual(['echo: hello', 'echo: last']);
});

test('an application with an entry point gets its own commands, and keeps the entry point', async () => {
  const { makeFolder, start } = workshop;
  const discord = await make();
  const launch = discord.entryPoint();
  await start(await makeFolder(), { DATA_DIR: 'data', ...withDiscord(discord) });
  await expect.poll(() => discord.commands.registered.map(({ name }) => name), PATIENTLY).toContain('forget');
  expect(discord.commands.registered).toContainEqual(launch);
  await start(await makeFolder(), { DATA_DIR: 'data', ...withDiscord(discord) });
  await untilLoggedIn(discord, 2);
  const ada = discord.world.person('Ada');
  const help = discord.slash(ada, discord.dm(ada), 'help');
  await expect.poll(() => help.answer(), PATIENTLY).toBeDefined();
  expect(discord.commands.writes).toBe(1);
});
