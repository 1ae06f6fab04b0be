/** People in Discord: in DMs, in channels where they mention the bot, in threads where they go on without. */
import { setTimeout as sleep } from 'node:timers/promises';
import type { APIUser } from 'discord-api-types/v10';
import { DIRECT, sessionOf } from '../../src/adapters/discord/places.ts';
import type { FakeChannel, FakeDiscord, FakeInteraction, StoredMessage } from '../support/fake-discord/fake-discord.ts';
import { isTrouble } from '../support/visible-text.ts';
import { AGAIN_MS, type CommandName, NOTHING, type Outcome, type Spoken, type Surface, type Talk } from './surface.ts';

const LOOK_MS = 50;
const TRIES = 40;
/** Of one command; an interaction that nobody acked within 3 s has failed before. */
const ANSWER_WITHIN_MS = 20_000;
/**
 * discord.js (14.28.1) begins twice on one connection when the one before broke off while it waited for its hello. Discord
 * closes such a connection (4005), as the fake does, and the library begins anew.
 */
const TWICE = 'identified twice on one connection';
/** People of one channel. */
const PEOPLE = 3;

export interface DiscordSurface extends Surface {
  /**
   * A new session replays nothing, and what was said first in a place is then known to nobody (docs/discord.md). So nobody
   * begins to talk from here on, and this resolves when all who did are answered; false: not in time. `resume` ends it.
   */
  holdBeginnings(withinMs: number): Promise<boolean>;
  resume(): void;
}

export function createDiscordSurface(discord: FakeDiscord): DiscordSurface {
  const guild = discord.guild();
  const mention = `<@${discord.world.bot.id}>`;
  const beginnings = new Set<StoredMessage>();
  let held = false;
  let room = discord.channel(guild);
  let inRoom = 0;

  function placeFor(number: number, person: APIUser) {
    if (number % 3 === 0) return { channel: discord.dm(person), about: DIRECT };
    inRoom += 1;
    if (inRoom % PEOPLE === 0) room = discord.channel(guild);
    if (number % 3 === 1) return { channel: room, about: { guild: guild.id, direct: false } };
    return { channel: discord.thread(room), about: { guild: guild.id, parent: room.id, direct: false } };
  }

  async function ended(interaction: FakeInteraction): Promise<'answered' | 'refused' | 'unsure'> {
    const until = performance.now() + ANSWER_WITHIN_MS;
    while (performance.now() < until) {
      const said = interaction.answer()?.message.message.content;
      if (said !== undefined) return isTrouble(said) ? 'refused' : 'answered';
      if (interaction.timedOut) return 'unsure';
      await sleep(LOOK_MS);
    }
    return 'unsure';
  }

  async function command(person: APIUser, channel: FakeChannel, name: CommandName) {
    const options = name === 'ttl' ? { options: { value: '7d' } } : {};
    let sure = true;
    for (let tries = 1; tries <= TRIES; tries += 1) {
      const interaction = discord.slash(person, channel, name, options);
      const end = await ended(interaction);
      if (end === 'answered') return { text: interaction.answer()?.message.message.content ?? '', sure };
      // Refused: nothing was done; a memory out of reach may have been reached all the same.
      sure = false;
      await sleep(AGAIN_MS);
    }
    throw new Error(`/${name} was never answered in channel ${channel.id}`);
  }

  /** Replies by the message they refer to; the parts behind the first refer to nothing, and stand behind it. */
  function look(): (id: string) => Outcome {
    const replies = new Map<string, StoredMessage[][]>();
    const last = new Map<string, StoredMessage[]>();
    for (const stored of discord.world.messages.values()) {
      const { author, message_reference: reference, channel_id: channel } = stored.message;
      if (author.id !== discord.world.bot.id || stored.deleted || stored.ephemeralFor !== undefined) continue;
      const to = reference?.message_id;
      if (to === undefined) {
        last.get(channel)?.push(stored);
        continue;
      }
      const reply = [stored];
      replies.set(to, [...(replies.get(to) ?? []), reply]);
      last.set(channel, reply);
    }
    return (id) => {
      const found = replies.get(id) ?? [];
      const parts = found.flat().map(({ message }) => message);
      if (parts.length === 0) return NOTHING;
      return {
        replies: found.length,
        text: parts.map(({ content }) => content).join('\n'),
        half: parts.some(({ components = [] }) => components.length > 0),
        position: parts[0]?.id ?? '',
      };
    };
  }

  return {
    name: 'discord',
    begin(number): Talk {
      const person = discord.world.person(`Person ${number}`);
      const { channel, about } = placeFor(number, person);
      const inThread = 'parent' in about;
      const direct = about.direct;
      let begun = false;
      return {
        sessionId: () => sessionOf(channel.id, about, person.id, 'user'),
        mayBegin: () => !held && discord.gateway.connected() > 0,
        say(text): Spoken {
          const named = direct || (inThread && begun) ? text : `${mention} ${text}`;
          const stored = discord.say(person, channel, named);
          if (!begun) beginnings.add(stored);
          begun = true;
          return { id: stored.message.id, taken: undefined };
        },
        command(name) {
          // Behind a /forget in a thread the bot no longer follows it: it has to be called again.
          if (name === 'forget') begun = false;
          return command(person, channel, name);
        },
      };
    },
    look,
    async holdBeginnings(withinMs) {
      held = true;
      const until = performance.now() + withinMs;
      while (performance.now() < until) {
        for (const stored of beginnings) if (discord.replies(stored).length > 0) beginnings.delete(stored);
        if (beginnings.size === 0) return true;
        await sleep(LOOK_MS);
      }
      return false;
    },
    resume() {
      held = false;
    },
    complaints: () => [
      ...discord
        .violations()
        .filter((what) => what !== TWICE)
        .map((what) => `discord: ${what}`),
      ...discord.pinged().map((id) => `discord: message ${id} pinged somebody`),
      ...discord.previewed().map((id) => `discord: links in message ${id} got previews`),
    ],
  };
}
