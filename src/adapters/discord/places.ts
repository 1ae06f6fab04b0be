/** From Discord's servers, channels, threads and people to the bot's places, sessions and reply targets. */
import { z } from 'zod';
import { encodeSession, type Place, type SessionId, type SessionScope } from '../../core/session.ts';
import type { ReplyTarget } from '../../core/types.ts';
import { BotError } from '../../errors.ts';
import { type ChannelPayload, IN_BOT_DM, type InteractionPayload, THREAD_TYPES } from './payloads.ts';

export const DISCORD = 'discord';

/** The workspace of everything outside of servers, as in Discord's own links. */
const NO_GUILD = '@me';

/** What the bot has to know of a channel besides its id. Stored in the registry, so it is parsed when it is read. */
export const channelInfo = z.object({
  /** Absent in a DM. */
  guild: z.string().optional(),
  /** The channel that a thread belongs to. Absent for other channels. */
  parent: z.string().optional(),
  /** The DM with the bot: nobody else can read it. */
  direct: z.boolean(),
});
export type ChannelInfo = z.infer<typeof channelInfo>;

export const DIRECT: ChannelInfo = { direct: true };

export function channelInfoOf(channel: ChannelPayload, guild: string | undefined): ChannelInfo {
  const parent = THREAD_TYPES.has(channel.type) ? (channel.parent_id ?? undefined) : undefined;
  return { ...(guild === undefined ? {} : { guild }), ...(parent === undefined ? {} : { parent }), direct: false };
}

/** The channel in which an interaction was made. Discord sends it along. */
export function interactionChannelInfo({ channel, guild_id: guild, context }: InteractionPayload): ChannelInfo {
  if (context === IN_BOT_DM) return DIRECT;
  if (channel !== undefined) return channelInfoOf(channel, guild);
  return { ...(guild === undefined ? {} : { guild }), direct: false };
}

/** A thread belongs to the place of its channel, so that /memstats and the like there include it. */
export function placeOf(channel: string, { guild, parent }: ChannelInfo): Place {
  return { platform: DISCORD, workspace: guild ?? NO_GUILD, channel: parent ?? channel };
}

/** The conversation of this person in this channel: one per channel in a DM, else by `SESSION_SCOPE`. */
export function sessionOf(channel: string, info: ChannelInfo, user: string, scope: SessionScope): SessionId {
  return encodeSession({
    place: placeOf(channel, info),
    ...(info.parent === undefined ? {} : { thread: channel }),
    ...(info.direct || scope === 'channel' ? {} : { user }),
  });
}

const common = { platform: z.literal(DISCORD), channel: z.string(), /** Who asked. */ asker: z.string() };

/** Where a reply goes. It is stored with the message, so that any replica can write the reply. */
const target = z.discriminatedUnion('via', [
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
    /** Unix milliseconds at which the token expires. */
    until: z.number(),
    /** The bot itself is in the channel and may write there. */
    present: z.boolean(),
  }),
]);

export type DiscordTarget = z.infer<typeof target>;
export type InteractionTarget = Extract<DiscordTarget, { via: 'interaction' }>;
export type ChannelTarget = Extract<DiscordTarget, { via: 'channel' }>;

/** @throws BotError `platform_refused` for a target that cannot be parsed: no reply can be written */
export function readTarget(replyTo: ReplyTarget): DiscordTarget {
  const parsed = target.safeParse(replyTo);
  if (!parsed.success) throw new BotError('platform_refused', 'The reply target is not one of Discord.');
  return parsed.data;
}
