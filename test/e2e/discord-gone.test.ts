/**
 * What was said in a place of Discord's goes with the place: a channel, a thread, a server.
 * Payloads: https://docs.discord.com/developers/events/gateway-events#channel-delete, #thread-delete, #guild-delete.
 */
import { describe, expect, test } from 'vitest';
import { statsResponse } from '../../src/adapters/http/schemas.ts';
import type { RunningBot } from '../support/bot-process.ts';
import { variants } from '../support/tier.ts';
import { PATIENTLY, untilAnswered, untilLoggedIn, useDiscord, withDiscord } from './discord-support.ts';
import { EMBEDDED, ON_REDIS, useWorkshop, withModel } from './http-support.ts';

const { makeFolder, makeModel, start } = useWorkshop();
const { make } = useDiscord();

async function conversations({ url }: RunningBot): Promise<number> {
  return statsResponse.parse(await (await fetch(`${url}/stats`)).json()).total_users;
}

describe.each(variants([EMBEDDED, ON_REDIS]))('on %s', (_, makeStore) => {
  async function begin() {
    const discord = await make();
    const [guild, other] = [discord.guild(), discord.guild()];
    const [channel, near, elsewhere] = [discord.channel(guild), discord.channel(guild), discord.channel(other)];
    const [thread, sibling] = [discord.thread(channel), discord.thread(channel)];
    const ada = discord.world.person('Ada');
    const dm = discord.dm(ada);
    const settings = { ...(await makeStore()), ...withModel(await makeModel()), ...withDiscord(discord) };
    const folder = await makeFolder();
    const launch = () => start(folder, settings);
    const bot = await launch();
    await untilLoggedIn(discord);
    for (const place of [channel, near, elsewhere, thread, sibling, dm]) {
      await untilAnswered(discord, discord.say(ada, place, `<@${discord.world.bot.id}> hello`), 'echo: hello');
    }
    expect(await conversations(bot)).toBe(6);
    return { discord, guild, other, channel, near, thread, sibling, bot, launch, ada };
  }

  test('a deleted thread: its conversation, not those of its channel; a deleted channel: its threads, too', async () => {
    const { discord, channel, thread, near, bot, ada } = await begin();
    discord.deleteChannel(thread);
    await expect.poll(() => conversations(bot), PATIENTLY).toBe(5);
    const again = discord.say(ada, channel, `<@${discord.world.bot.id}> still`);
    await untilAnswered(discord, again, 'echo: still');
    discord.deleteChannel(channel);
    await expect.poll(() => conversations(bot), PATIENTLY).toBe(3);
    await untilAnswered(discord, discord.say(ada, near, `<@${discord.world.bot.id}> here`), 'echo: here');
    expect(await conversations(bot)).toBe(3);
  });

  test('gone while the bot was down: noticed when it comes back, by a channel that is unknown, a server that is not told of', async () => {
    const { discord, other, channel, bot, launch, guild } = await begin();
    await bot.release();
    discord.deleteChannel(channel);
    discord.leave(other);
    discord.outage(guild);
    const next = await launch();
    await untilLoggedIn(discord, 2);
    await expect.poll(() => conversations(next), PATIENTLY).toBe(2);
  });
});
