/** The data of the fake Discord: people, servers, channels, messages. Independent of HTTP and the gateway. */
import {
  type APIMessage,
  type APIMessageReference,
  type APIUser,
  ChannelType,
  GatewayIntentBits,
  MessageType,
} from 'discord-api-types/v10';

import { type Cdn, createCdn, type FakeFile } from './cdn.ts';

const EPOCH_MS = 1_420_070_400_000;

export interface FakeChannel {
  readonly id: string;
  readonly type: ChannelType.GuildText | ChannelType.GuildForum | ChannelType.DM | ChannelType.PublicThread;
  readonly name?: string;
  /** Not everybody in the server may see it. */
  readonly hidden?: boolean;
  readonly guildId?: string;
  readonly parentId?: string;
  /** The person of a DM. */
  readonly recipient?: APIUser;
  /** The bot may neither read nor write here. */
  closed: boolean;
}

export interface FakeGuild {
  readonly id: string;
  readonly preferredLocale: string;
  /** @everyone (with the server's id), the bot's own role, and those that were created. */
  readonly roles: Map<string, FakeRole>;
}

export interface FakeRole {
  readonly id: string;
  readonly name: string;
  /** The role that Discord made for a bot: https://docs.discord.com/developers/topics/permissions#role-object-role-tags-structure */
  readonly botId?: string;
}

/** A message, and what only Discord knows about it. */
export interface StoredMessage {
  message: APIMessage;
  /** Only this person sees it. It is in no history. */
  readonly ephemeralFor?: string;
  /** Milliseconds (Unix) of each edit. */
  readonly edits: { readonly at: number; readonly content: string }[];
  deleted: boolean;
}

export interface NewMessage {
  readonly channel: FakeChannel;
  readonly author: APIUser;
  readonly content: string;
  readonly type?: MessageType;
  readonly reference?: string | undefined;
  readonly mentions?: readonly APIUser[];
  readonly files?: readonly FakeFile[];
  /** Default: a new one. */
  readonly id?: string;
  readonly more?: Partial<APIMessage>;
  readonly components?: APIMessage['components'];
  readonly flags?: number;
  readonly webhookId?: string;
  readonly ephemeralFor?: string;
}

export interface World {
  readonly bot: APIUser;
  readonly applicationId: string;
  readonly guilds: Map<string, FakeGuild>;
  readonly channels: Map<string, FakeChannel>;
  readonly messages: Map<string, StoredMessage>;
  readonly cdn: Cdn;
  /** A unique id, in order of creation. */
  snowflake(): string;
  person(name: string, more?: Partial<APIUser>): APIUser;
  post(message: NewMessage): StoredMessage;
  /** The messages of a channel that are not deleted, oldest first. */
  history(channelId: string): readonly StoredMessage[];
}

/** @param violations Gets what a client must never do with files. */
export function createWorld(violations: string[] = []): World {
  let last = 0n;
  const snowflake = () => {
    const now = BigInt(Date.now() - EPOCH_MS) << 22n;
    last = now > last ? now : last + 1n;
    return String(last);
  };
  const person = (name: string, more: Partial<APIUser> = {}): APIUser => ({
    id: snowflake(),
    username: name.toLowerCase().replaceAll(/\W+/g, '.'),
    global_name: name,
    discriminator: '0',
    avatar: null,
    ...more,
  });
  const messages = new Map<string, StoredMessage>();
  const has = ({ attachments, message_snapshots: snapshots = [] }: APIMessage, id: string) =>
    [...attachments, ...snapshots.flatMap(({ message }) => message.attachments)].some((each) => each.id === id);
  const exists = (id: string) => [...messages.values()].some(({ message, deleted }) => !deleted && has(message, id));
  const cdn = createCdn({ exists, violations });

  return {
    bot: person('Recollect', { bot: true }),
    applicationId: snowflake(),
    guilds: new Map(),
    channels: new Map(),
    messages,
    cdn,
    snowflake,
    person,
    post(made) {
      const { channel, author, content, reference, files = [], components = [] } = made;
      const id = made.id ?? snowflake();
      const referenced = reference === undefined ? undefined : messages.get(reference);
      const messageReference: APIMessageReference | undefined =
        reference === undefined ? undefined : { type: 0, message_id: reference, channel_id: channel.id };
      const message: APIMessage = {
        id,
        channel_id: channel.id,
        author,
        content,
        timestamp: new Date(Date.now()).toISOString(),
        edited_timestamp: null,
        tts: false,
        mention_everyone: false,
        mentions: [...(made.mentions ?? [])],
        mention_roles: [],
        attachments: files.map((file) => cdn.add(snowflake(), channel.id, file)),
        embeds: [],
        pinned: false,
        type: made.type ?? (reference === undefined ? MessageType.Default : MessageType.Reply),
        components,
        flags: Number(made.flags ?? 0),
        ...made.more,
        ...(made.webhookId === undefined ? {} : { webhook_id: made.webhookId }),
        ...(messageReference === undefined ? {} : { message_reference: messageReference }),
        ...(reference === undefined
          ? {}
          : { referenced_message: referenced === undefined || referenced.deleted ? null : referenced.message }),
      };
      const stored: StoredMessage = {
        message,
        edits: [],
        deleted: false,
        ...(made.ephemeralFor === undefined ? {} : { ephemeralFor: made.ephemeralFor }),
      };
      messages.set(id, stored);
      return stored;
    },
    history: (channelId) =>
      [...messages.values()].filter(
        ({ message, deleted, ephemeralFor }) =>
          message.channel_id === channelId && !deleted && ephemeralFor === undefined,
      ),
  };
}

export function isNewer(id: string, than: string): boolean {
  return BigInt(id) > BigInt(than);
}

/** Whether the bot may see the text: with the intent, in a DM, if it is mentioned, and of its own messages. */
function showsContent({ bot, channels }: World, message: APIMessage, intents: number): boolean {
  if ((intents & GatewayIntentBits.MessageContent) !== 0) return true;
  if (channels.get(message.channel_id)?.type === ChannelType.DM || message.author.id === bot.id) return true;
  return message.mentions.some(({ id }) => id === bot.id);
}

/** A message as a bot with these intents gets it: the URLs of its files are valid now. */
export function visible(world: World, message: APIMessage, intents: number): APIMessage {
  const { referenced_message: referenced, ...own } = world.cdn.signed(message);
  const shown: APIMessage =
    referenced == null
      ? { ...own, ...(referenced === null ? { referenced_message: null } : {}) }
      : { ...own, referenced_message: visible(world, referenced, intents) };
  if (showsContent(world, message, intents)) return shown;
  const { message_snapshots: _, poll: __, ...rest } = shown;
  return { ...rest, content: '', attachments: [], embeds: [], components: [] };
}
