/**
 * Several connections to the gateway, and how many of them Discord lets begin.
 * https://docs.discord.com/developers/events/gateway#sharding and #session-start-limit-object
 */
import { GatewayCloseCodes } from 'discord-api-types/v10';
import { expect, test } from 'vitest';
import { healthResponse } from '../../src/adapters/http/schemas.ts';
import type { RunningBot } from '../support/bot-process.ts';
import type { FakeDiscord } from '../support/fake-discord/fake-discord.ts';
import { PATIENTLY, untilAnswered, untilLoggedIn, untilPrinted, useDiscord, withDiscord } from './discord-support.ts';
import { useWorkshop, withModel } from './http-support.ts';

const { makeFolder, makeModel, start, launch } = useWorkshop();
const { make } = useDiscord();

async function health({ url }: RunningBot) {
  const response = await fetch(`${url}/health`);
  return { status: response.status, body: JSON.stringify(healthResponse.parse(await response.json())) };
}

async function begin(discord: FakeDiscord) {
  return start(await makeFolder(), { DATA_DIR: 'data', ...withModel(await makeModel()), ...withDiscord(discord) });
}

/** In each server somebody is answered. */
async function untilAllAnswer(discord: FakeDiscord) {
  const ada = discord.world.person('Ada');
  await untilAnswered(discord, discord.say(ada, discord.dm(ada), 'Hello'), 'echo: Hello');
  for (const guild of [...discord.world.guilds.values()]) {
    const asked = discord.say(ada, discord.channel(guild), `<@${discord.world.bot.id}> hi`);
    await untilAnswered(discord, asked, 'echo: hi');
  }
}

/** Snowflakes of one test are neighbours: these are of other milliseconds, so of other connections. */
async function guildsOfAllShards(discord: FakeDiscord, count: number) {
  const shards = new Set<number>();
  await expect
    .poll(() => shards.add(Number((BigInt(discord.guild().id) >> 22n) % BigInt(count))).size, { interval: 1 })
    .toBe(count);
}

test('one connection that is back does not hide that another is down', async () => {
  const discord = await make();
  Object.assign(discord.gateway.limits, { shards: 3, maxConcurrency: 16 });
  await guildsOfAllShards(discord, 3);
  const bot = await begin(discord);
  await untilLoggedIn(discord, 3);
  await untilAllAnswer(discord);
  expect((await health(bot)).status).toBe(200);
  await discord.gateway.shut();
  await expect.poll(async () => (await health(bot)).body, PATIENTLY).toContain('3 of 3 shards');
  discord.gateway.keepOut(1);
  await discord.gateway.open();
  await expect.poll(async () => (await health(bot)).body, PATIENTLY).toContain('1 of 3 shards');
  expect((await health(bot)).status).toBe(503);
  discord.gateway.keepOut(undefined);
  await expect.poll(async () => (await health(bot)).status, PATIENTLY).toBe(200);
  await untilAllAnswer(discord);
});

test('more connections are demanded while it runs: it logs in again with more, and goes on', async () => {
  const discord = await make();
  const bot = await begin(discord);
  await untilLoggedIn(discord);
  Object.assign(discord.gateway.limits, { shards: 2, maxConcurrency: 16 });
  await guildsOfAllShards(discord, 2);
  discord.gateway.close(GatewayCloseCodes.ShardingRequired);
  await untilLoggedIn(discord, 3);
  await untilAllAnswer(discord);
  await expect.poll(async () => (await health(bot)).status, PATIENTLY).toBe(200);
});

test('too few session starts are left: none is used up, the log says until when, and then it logs in', async () => {
  const discord = await make();
  Object.assign(discord.gateway.limits, {
    ...{ shards: 2, maxConcurrency: 16, remaining: 1 },
    resetsAt: Date.now() + 3_000,
  });
  const bot = await launch({ DATA_DIR: 'data', ...withDiscord(discord) });
  await untilPrinted(bot, 'not enough session starts left');
  expect(discord.gateway.counts().identified).toBe(0);
  discord.gateway.limits.remaining = 0;
  await untilLoggedIn(discord, 2);
});

test('a session that is lost when no start is left is begun again only when it may be', async () => {
  const discord = await make();
  discord.gateway.limits.remaining = 1;
  const bot = await begin(discord);
  await untilLoggedIn(discord);
  discord.gateway.limits.resetsAt = Date.now() + 12_000;
  discord.gateway.cut({ forget: true });
  await untilPrinted(bot, 'not enough session starts left');
  expect(discord.gateway.counts().identified).toBe(1);
  expect((await health(bot)).status).toBe(503);
  await untilLoggedIn(discord, 2);
  const ada = discord.world.person('Ada');
  await untilAnswered(discord, discord.say(ada, discord.dm(ada), 'Hello'), 'echo: Hello');
});

test('connections that lose their sessions at once start no more of them than are left', async () => {
  const discord = await make();
  Object.assign(discord.gateway.limits, { shards: 3, maxConcurrency: 16, remaining: 5 });
  const bot = await begin(discord);
  await untilLoggedIn(discord, 3);
  discord.gateway.limits.resetsAt = Date.now() + 20_000;
  discord.gateway.cut({ forget: true });
  await untilLoggedIn(discord, 5);
  await untilPrinted(bot, 'not enough session starts left');
  await untilLoggedIn(discord, 6);
  await expect.poll(async () => (await health(bot)).status, PATIENTLY).toBe(200);
});
