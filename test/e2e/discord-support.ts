/** What the black-box tests of Discord share: a fake Discord, bots that are logged in to it, and how one waits for answers. */
import { afterAll, afterEach, beforeAll, expect, vi } from 'vitest';
import type { BotSettings, RunningBot } from '../support/bot-process.ts';
import { type FakeDiscord, type FakeDiscordOptions, startFakeDiscord } from '../support/fake-discord/fake-discord.ts';
import type { FakeChannel, FakeGuild, StoredMessage } from '../support/fake-discord/world.ts';
import { type FakeModel, startModel } from '../support/model.ts';
import { type Workshop, withModel } from './http-support.ts';

/** Only bounds what never happens: a slow machine must not fail for being slow. */
export const PATIENTLY = { timeout: 60_000, interval: 25 };

const NO_VIOLATIONS = { violations: [], pinged: [], previewed: [] };

function violationsOf(discord: FakeDiscord) {
  return { violations: discord.violations(), pinged: discord.pinged(), previewed: discord.previewed() };
}

/** Makes fake Discords for tests; whatever a test came to, a bot has behaved and nothing is left running. */
export function useDiscord(): { make(options?: FakeDiscordOptions): Promise<FakeDiscord> } {
  const made: FakeDiscord[] = [];
  afterEach(async () => {
    for (const discord of made.splice(0)) {
      const found = violationsOf(discord);
      await discord.stop();
      expect(found).toEqual(NO_VIOLATIONS);
    }
  });
  return {
    async make(options) {
      const discord = await startFakeDiscord(options);
      made.push(discord);
      return discord;
    },
  };
}

export function withDiscord(discord: FakeDiscord): BotSettings {
  return { DISCORD_TOKEN: discord.token, DISCORD_API_URL: discord.url };
}

/** Resolves when so many sessions have begun in all, and their commands are registered. */
export async function untilLoggedIn(discord: FakeDiscord, sessions = 1): Promise<void> {
  await vi.waitFor(() => {
    expect(discord.gateway.counts().identified).toBeGreaterThanOrEqual(sessions);
    expect(discord.commands.registered).not.toEqual([]);
  }, PATIENTLY);
}

export function textsOf(messages: readonly StoredMessage[]): readonly string[] {
  return messages.map(({ message }) => message.content);
}

/** The bot's messages of a channel, none of which is being written any more. */
export async function untilSaid(discord: FakeDiscord, channel: FakeChannel, texts: readonly string[]): Promise<void> {
  await expect.poll(() => textsOf(discord.said(channel)), PATIENTLY).toEqual(texts);
  await expect.poll(() => discord.said(channel).flatMap(({ message }) => message.components), PATIENTLY).toEqual([]);
}

/** The answer to a message; it stays as it is. */
export async function untilAnswered(discord: FakeDiscord, to: StoredMessage, text: string): Promise<void> {
  await expect.poll(() => textsOf(discord.replies(to)), PATIENTLY).toEqual([text]);
  await expect.poll(() => discord.replies(to).flatMap(({ message }) => message.components), PATIENTLY).toEqual([]);
}

/** Resolves when the bot has printed this. */
export async function untilPrinted(bot: RunningBot, text: string | RegExp): Promise<void> {
  await expect.poll(() => bot.output(), PATIENTLY).toMatch(text);
}

/** One Discord with one bot for all tests of the surrounding describe; each has people and channels of its own. */
export interface SharedDiscord {
  readonly discord: FakeDiscord;
  readonly model: FakeModel;
  readonly bot: RunningBot;
  readonly guild: FakeGuild;
}

export function shareDiscord({ shareBot }: Workshop, settings: () => Promise<BotSettings>): SharedDiscord {
  let made: Omit<SharedDiscord, 'bot'> | undefined;
  const present = () => {
    if (made === undefined) throw new Error('Discord is there inside of a test only.');
    return made;
  };
  beforeAll(async () => {
    const discord = await startFakeDiscord();
    made = { discord, guild: discord.guild(), model: await startModel() };
  });
  afterAll(async () => {
    if (made === undefined) return;
    made.model.release();
    await made.model.close();
    await made.discord.stop();
  });
  const shared = shareBot(async () => {
    const { discord, model } = present();
    return { ...(await settings()), ...withModel(model), ...withDiscord(discord) };
  });
  beforeAll(() => untilLoggedIn(present().discord));
  afterEach(() => {
    const { discord } = present();
    expect(violationsOf(discord)).toEqual(NO_VIOLATIONS);
  });
  return {
    get discord() {
      return present().discord;
    },
    get model() {
      return present().model;
    },
    get guild() {
      return present().guild;
    },
    get bot() {
      return shared.bot;
    },
  };
}
