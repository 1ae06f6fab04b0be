/** Whose conversation is where: from Discord's servers, channels, threads and people to places and sessions. */
import { z } from 'zod';
import { encodeSession, type Place, type SessionId, type SessionScope } from '../../core/session.ts';
import type { ReplyTarget } from '../../core/types.ts';
import { BotError } from '../../errors.ts';
import { type ChannelPayload, IN_BOT_DM, type InteractionPayload, THREAD_TYPES } from './payloads.ts';

export const DISCORD = 'discord';

/** The workspace of everything outside of servers, as Discord's own links call it. */
const NO_GUILD = '@me';

/** What has to be known of a channel besides its id. Kept in the registry, so parsed when it comes back. */
export const channelAbout = z.object({
  /** Absent in a DM. */
  guild: z.string().optional(),
  /** The channel that a thread belongs to; absent for anything else. */
  parent: z.string().optional(),
  /** The DM with the bot: nobody else reads along. */
  direct: z.boolean(),
});
export type ChannelAbout = z.infer<typeof channelAbout>;

export const DIRECT: ChannelAbout = { direct: true };

export function aboutOf(channel: ChannelPayload, guild: string | undefined): ChannelAbout {
  const parent = THREAD_TYPES.has(channel.type) ? (channel.parent_id ?? undefined) : undefined;
  return { ...(guild === undefined ? {} : { guild }), ...(parent === undefined ? {} : { parent }), direct: false };
}

/** Of the channel that an interaction came from, which Discord sends along. */
export function aboutInteraction({ channel, guild_id: guild, context }: InteractionPayload): ChannelAbout {
  if (context === IN_BOT_DM) return DIRECT;
  if (channel !== undefined) return aboutOf(channel, guild);
  return { ...(guild === undefined ? {} : { guild }), direct: false };
}

/** A thread is in the place of its channel: /memstats and pickers there find it. */
export function placeOf(channel: string, { guild, parent }: ChannelAbout): Place {
  return { platform: DISCORD, workspace: guild ?? NO_GUILD, channel: parent ?? channel };
}

/** The conversation of this person here: a DM is its channel, else by scope. */
export function sessionOf(channel: string, about: ChannelAbout, user: string, scope: SessionScope): SessionId {
  return encodeSession({
    place: placeOf(channel, about),
    ...(about.parent === undefined ? {} : { thread: channel }),
    ...(about.direct || scope === 'channel' ? {} : { user }),
  });
}

const common = { platform: z.literal(DISCORD), channel: z.string(), /** Who asked. */ asker: z.string() };

const schema = z.discriminatedUnion('via', [
  /** In answer to a message. */
  z.object({ ...common, via: z.literal('channel'), trigger: z.string() }),
  /** In answer to /chat, by the token of its interaction. */
  z.object({
    ...common,
    via: z.literal('interaction'),
    application: z.string(),
    token: z.string(),
    /** The message that shows "thinking…". */
    original: z.string(),
    /** Unix milliseconds when the token ends. */
    until: z.number(),
    /** The bot may write to the channel by itself too. */
    present: z.boolean(),
  }),
]);

export type DiscordTarget = z.infer<typeof schema>;
export type InteractionTarget = Extract<DiscordTarget, { via: 'interaction' }>;
export type ChannelTarget = Extract<DiscordTarget, { via: 'channel' }>;

/** @throws BotError `platform_refused`: no reply can be written to a target that can't be read. */
export function readTarget(target: ReplyTarget): DiscordTarget {
  const parsed = schema.safeParse(target);
  if (!parsed.success) throw new BotError('platform_refused', 'A reply target that is not one of Discord.');
  return parsed.data;
}
