/** Discord's payloads (API v10) as far as the adapter reads them. Other fields are ignored. */
import { z } from 'zod';

const snowflake = z.string().regex(/^\d{1,20}$/);

const user = z.object({
  id: snowflake,
  username: z.string(),
  global_name: z.string().nullish(),
  bot: z.boolean().optional(),
  system: z.boolean().optional(),
});
export type UserPayload = z.infer<typeof user>;

const memberName = z.object({ nick: z.string().nullish() });

/** Types of messages that people write. All others are Discord's own messages. */
export const DEFAULT_MESSAGE = 0;
export const REPLY_MESSAGE = 19;

const text = z.string().nullish();
const embed = z.object({
  type: text,
  author: z.object({ name: text }).nullish(),
  title: text,
  description: text,
  fields: z.array(z.object({ name: z.string(), value: z.string() })).default([]),
  footer: z.object({ text }).nullish(),
});
export type EmbedPayload = z.infer<typeof embed>;

const poll = z.object({
  question: z.object({ text }),
  answers: z.array(z.object({ poll_media: z.object({ text }) })).default([]),
});
export type PollPayload = z.infer<typeof poll>;

/** A component, as far as it is read. Rows, sections and containers hold further components. */
export interface ComponentPayload {
  readonly custom_id?: string | undefined;
  /** Of a text display: Markdown. https://docs.discord.com/developers/components/reference#text-display */
  readonly content?: string | undefined;
  readonly components: readonly ComponentPayload[];
}

/** @param depth Levels that are read. */
function components(depth: number): z.ZodType<readonly ComponentPayload[]> {
  if (depth === 0) return z.array(z.never()).catch([]);
  const component = z.object({
    custom_id: z.string().optional(),
    content: z.string().optional(),
    components: components(depth - 1),
  });
  return z.array(component).catch([]);
}
/** A text display in a section in a container. */
const MAX_COMPONENT_DEPTH = 3;

/** https://docs.discord.com/developers/resources/message#attachment-object */
const attachment = z.object({
  id: snowflake.optional().catch(undefined),
  filename: z.string(),
  title: text.catch(null),
  content_type: text.catch(null),
  /** Bytes. */
  size: z.number().int().nonnegative().nullish().catch(null),
  url: text.catch(null),
  proxy_url: text.catch(null),
  /** Pixels, of images and videos. */
  width: z.number().int().positive().nullish().catch(null),
  height: z.number().int().positive().nullish().catch(null),
});
export type AttachmentPayload = z.infer<typeof attachment>;

/** What a message shows. An unexpected form of anything but the text must not make the text unreadable. */
const bodyCore = {
  content: z.string().default(''),
  mentions: z.array(user.extend({ member: memberName.optional() })).default([]),
  mention_roles: z.array(snowflake).catch([]),
  attachments: z.array(attachment).default([]),
  embeds: z.array(embed).catch([]),
  sticker_items: z.array(z.object({ name: z.string() })).catch([]),
  poll: poll.nullish().catch(null),
  components: components(MAX_COMPONENT_DEPTH),
};

/**
 * A forwarded message comes as a snapshot, without its author. It may hold further snapshots.
 * https://docs.discord.com/developers/resources/message#message-snapshot-object
 */
export interface MessageBody {
  readonly content: string;
  readonly mentions: z.infer<typeof bodyCore.mentions>;
  readonly mention_roles: readonly string[];
  readonly attachments: readonly AttachmentPayload[];
  readonly embeds: readonly EmbedPayload[];
  readonly sticker_items: readonly { readonly name: string }[];
  readonly poll?: PollPayload | null | undefined;
  readonly components: readonly ComponentPayload[];
  readonly message_snapshots: readonly { readonly message: MessageBody }[];
}

/** @param depth Levels of nested snapshots that are read. */
function snapshots(depth: number): z.ZodType<readonly { readonly message: MessageBody }[]> {
  if (depth === 0) return z.array(z.never()).catch([]);
  return z.array(z.object({ message: z.object({ ...bodyCore, message_snapshots: snapshots(depth - 1) }) })).catch([]);
}
const MAX_SNAPSHOTS = 3;

const messageCore = {
  id: snowflake,
  channel_id: snowflake,
  author: user,
  webhook_id: snowflake.optional(),
  ...bodyCore,
  message_snapshots: snapshots(MAX_SNAPSHOTS),
};

export const messagePayload = z.object({
  ...messageCore,
  /** In gateway events only; absent in a DM. */
  guild_id: snowflake.optional(),
  member: memberName.optional(),
  timestamp: z.string(),
  edited_timestamp: z.string().nullish(),
  type: z.number().default(DEFAULT_MESSAGE),
  mention_everyone: z.boolean().catch(false),
  referenced_message: z.object(messageCore).nullish(),
  message_reference: z.object({ message_id: snowflake.optional() }).nullish(),
});
export type MessagePayload = z.infer<typeof messagePayload>;

/** An update without author or text: something else changed, such as the preview of a link. */
export const partialUpdatePayload = z
  .looseObject({ id: snowflake })
  .refine(({ author, content }) => author === undefined || content === undefined);

export const deletePayload = z.object({
  id: snowflake.optional(),
  ids: z.array(snowflake).optional(),
  channel_id: snowflake,
  guild_id: snowflake.optional(),
});

/** Types of channels that are threads: announcement, public, private. */
export const THREAD_TYPES: ReadonlySet<number> = new Set([10, 11, 12]);

export const channelPayload = z.object({
  id: snowflake,
  type: z.number(),
  guild_id: snowflake.nullish(),
  parent_id: snowflake.nullish(),
});
export type ChannelPayload = z.infer<typeof channelPayload>;

export const guildDeletePayload = z.object({ id: snowflake, unavailable: z.boolean().optional() });

export const readyPayload = z.object({
  user: z.object({ id: snowflake }),
  application: z.object({ id: snowflake }),
  /** The bot's servers on this connection, unavailable ones included. */
  guilds: z.array(z.object({ id: snowflake })),
});
export type ReadyPayload = z.infer<typeof readyPayload>;

/**
 * The message of a message command, which may be of another bot, a webhook or Discord itself.
 * https://docs.discord.com/developers/interactions/receiving-and-responding#interaction-object-resolved-data-structure
 */
const chosenMessage = z.object({ ...messageCore, type: z.number().default(DEFAULT_MESSAGE) });

/** Kinds of interactions. */
export const COMMAND_INTERACTION = 2;
export const COMPONENT_INTERACTION = 3;
/** The context of an interaction: a server, the DM with the bot (or, with another value, a DM between people). */
const IN_GUILD = 0;
export const IN_BOT_DM = 1;

/** The app is installed to the server (or this is the bot's DM), and not just by a user for themselves. */
const GUILD_INSTALL = '0';

export const interactionPayload = z
  .object({
    id: snowflake,
    application_id: snowflake,
    token: z.string(),
    type: z.number(),
    guild_id: snowflake.optional(),
    channel_id: snowflake.optional(),
    channel: channelPayload.optional(),
    member: memberName.extend({ user, permissions: z.string().default('0') }).optional(),
    user: user.optional(),
    app_permissions: z.string().default('0'),
    locale: z.string().optional(),
    context: z.number().optional(),
    authorizing_integration_owners: z.record(z.string(), z.string()).default({}),
    data: z
      .object({
        name: z.string().optional(),
        type: z.number().optional(),
        /** Of a message command. */
        target_id: snowflake.optional(),
        resolved: z
          .object({ messages: z.record(z.string(), chosenMessage).default({}) })
          .optional()
          .catch(undefined),
        options: z.array(z.object({ name: z.string(), value: z.unknown() })).default([]),
        custom_id: z.string().optional(),
      })
      .optional(),
    message: z.object({ id: snowflake, flags: z.number().default(0) }).optional(),
  })
  .transform(({ member, user: direct, channel_id, channel, context, ...rest }, check) => {
    const person = member?.user ?? direct;
    const channelId = channel?.id ?? channel_id;
    if (person === undefined || channelId === undefined) {
      check.addIssue({ code: 'custom', message: 'an interaction without a user or a channel' });
      return z.NEVER;
    }
    return {
      ...rest,
      person,
      nick: member?.nick,
      permissions: member?.permissions ?? '0',
      channelId,
      channel,
      // Absent from older clients.
      context: context ?? (rest.guild_id === undefined ? IN_BOT_DM : IN_GUILD),
      /** The bot itself is here, not only the commands of a user's own installation. */
      botIsHere: GUILD_INSTALL in rest.authorizing_integration_owners,
    };
  });
export type InteractionPayload = z.infer<typeof interactionPayload>;

/** The response to a callback with `with_response=true`. */
export const callbackPayload = z.object({ resource: z.object({ message: z.object({ id: snowflake }) }) });
export const createdPayload = z.object({ id: snowflake });
