/** How the product starts in Discord: with a wrong token, without what it asks for, with a Discord that falters. */
import { GatewayCloseCodes, GatewayIntentBits } from 'discord-api-types/v10';
import { expect, test } from 'vitest';
import { PATIENTLY, untilAnswered, untilLoggedIn, untilPrinted, useDiscord, withDiscord } from './discord-support.ts';
import { say, useWorkshop, withModel } from './http-support.ts';

const { makeFolder, makeModel, start, launch } = useWorkshop();
const { make } = useDiscord();

test('a wrong token is refused with the name of its setting, and exit code 78', async () => {
  const discord = await make();
  const bot = await launch({ DATA_DIR: 'data', ...withDiscord(discord), DISCORD_TOKEN: 'not-the-token' });
  expect(await bot.exited).toBe(78);
  expect(bot.output()).toContain('DISCORD_TOKEN');
  expect(bot.output()).not.toContain('not-the-token');
});

test('a token that only the gateway refuses, likewise', async () => {
  const discord = await make();
  const refusing = await make();
  // The gateway's address comes from REST: here it leads to a gateway with another token.
  refusing.resetToken();
  discord.faults.add('GET', /^\/gateway\/bot$/, { kind: 'elsewhere', gateway: refusing.gateway.url }, 2);
  const bot = await launch({ DATA_DIR: 'data', ...withDiscord(discord) });
  expect(await bot.exited).toBe(78);
  expect(bot.output()).toContain('DISCORD_TOKEN');
});

test('without the privileged intent it says so, and goes on with what Discord still delivers', async () => {
  const discord = await make();
  discord.deny(GatewayIntentBits.MessageContent);
  const guild = discord.guild();
  const channel = discord.channel(guild);
  const thread = discord.thread(channel);
  const model = await makeModel();
  const bot = await start(await makeFolder(), { DATA_DIR: 'data', ...withModel(model), ...withDiscord(discord) });
  await untilLoggedIn(discord);
  await untilPrinted(bot, 'Message Content');
  const ada = discord.world.person('Ada');
  const dm = discord.dm(ada);
  await untilAnswered(discord, discord.say(ada, dm, 'in a DM'), 'echo: in a DM');
  const mention = `<@${discord.world.bot.id}>`;
  await untilAnswered(discord, discord.say(ada, thread, `${mention} named`), 'echo: named');
  discord.say(ada, thread, 'not readable');
  const chat = discord.slash(ada, channel, 'chat', { options: { message: 'by command' } });
  await expect.poll(() => chat.answer()?.message.message.content, PATIENTLY).toBe('echo: by command');
  await untilAnswered(discord, discord.say(ada, thread, `${mention} again`), 'echo: again');
  expect(discord.said(thread)).toHaveLength(2);
});

test('a Discord that falters at the start: tried again, and then it works', async () => {
  const discord = await make();
  discord.faults.add('GET', /^\/gateway\/bot$/, { kind: 'status', status: 503 }, 2);
  discord.faults.add('GET', /\/commands$/, { kind: 'rate_limited', retryAfterS: 0.2 });
  discord.faults.add('PUT', /\/commands$/, { kind: 'status', status: 500 });
  const model = await makeModel();
  await start(await makeFolder(), { DATA_DIR: 'data', ...withModel(model), ...withDiscord(discord) });
  await untilLoggedIn(discord);
  const ada = discord.world.person('Ada');
  await untilAnswered(discord, discord.say(ada, discord.dm(ada), 'Hello'), 'echo: Hello');
  expect(discord.faults.left()).toBe(0);
});

test('a token that is taken back while the bot runs: said, and the other platforms go on', async () => {
  const discord = await make();
  const bot = await start(await makeFolder(), { DATA_DIR: 'data', ...withDiscord(discord) });
  await untilLoggedIn(discord);
  discord.resetToken();
  discord.gateway.close(GatewayCloseCodes.AuthenticationFailed);
  await untilPrinted(bot, 'Discord is off');
  expect(bot.output()).toContain('DISCORD_TOKEN');
  expect((await say(bot, 'grace', 'Hello')).status).toBe(200);
});
