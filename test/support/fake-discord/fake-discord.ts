/**
 * A fake Discord on loopback, REST and gateway, for one bot. It is as strict as Discord (API documentation, August 2026). Tests act
 * as people by the functions below. The bot is only given its DISCORD_API_URL. `violations` collects what a bot must never do.
 */
import {
  type APIApplicationCommand,
  type APIEmbed,
  type APIMessage,
  type APIPoll,
  type APIPublicThreadChannel,
  type APIRole,
  type APITextChannel,
  type APIUser,
  ApplicationCommandType,
  ChannelType,
  EmbedType,
  EntryPointCommandHandlerType,
  GatewayDispatchEvents,
  type GatewayGuildCreateDispatchData,
  GatewayIntentBits,
  type GatewayMessageCreateDispatchData,
  InteractionType,
  Locale,
  MessageFlags,
  MessageReferenceType,
  MessageType,
  OverwriteType,
  PermissionFlagsBits,
  PollLayoutType,
  RoleFlags,
} from 'discord-api-types/v10';
import type { FakeFile } from './cdn.ts';
import { createFaults, type Faults } from './faults.ts';
import { type Gateway, type GatewayEvent, startGateway } from './gateway.ts';
import { createInteractions, type FakeInteraction } from './interactions.ts';
import { type JournalEntry, startRest } from './rest.ts';
import { applyEdit, createRoutes, type Noted } from './routes.ts';
import {
  createWorld,
  type FakeChannel,
  type FakeGuild,
  type FakeRole,
  type StoredMessage,
  visible,
  type World,
} from './world.ts';

export type { FakeFile } from './cdn.ts';
export type { FakeInteraction } from './interactions.ts';
export type { FakeChannel, FakeGuild, FakeRole, StoredMessage } from './world.ts';

export interface SayOptions {
  readonly replyTo?: StoredMessage;
  /** The reply notifies the author it replies to, and so mentions them. Default: true. */
  readonly ping?: boolean;
  /** Of a name alone it matters only that there is such a file. */
  readonly attachments?: readonly (string | FakeFile)[];
  readonly embeds?: readonly APIEmbed[];
  readonly stickers?: readonly string[];
  readonly poll?: { readonly question: string; readonly answers: readonly string[] };
  /** Forwards this message. The text of a forward is always empty. */
  readonly forward?: StoredMessage;
  readonly type?: MessageType;
  readonly webhookId?: string;
}

export interface FileEdit {
  readonly add?: readonly FakeFile[];
  readonly remove?: readonly string[];
}

export interface CommandOptions {
  readonly options?: Readonly<Record<string, string | number | boolean>>;
  readonly locale?: string;
  /** The user installed the app for themselves; the bot itself is not here. */
  readonly userInstall?: boolean;
  /** The person's permissions in this channel. Default: none. */
  readonly permissions?: bigint;
}

export interface FakeDiscord {
  /** For DISCORD_API_URL. */
  readonly url: string;
  readonly token: string;
  readonly world: World;
  readonly gateway: Gateway;
  readonly faults: Faults;
  readonly journal: readonly JournalEntry[];
  readonly commands: { readonly registered: readonly APIApplicationCommand[]; readonly writes: number };
  /** What the bot did that a bot must never do. */
  violations(): readonly string[];
  /** Messages of the bot that notified somebody. */
  pinged(): readonly string[];
  /** Messages of the bot of whose links Discord would have made previews. */
  previewed(): readonly string[];
  /** When the bot was shown as typing, and in which channel (Unix milliseconds). */
  typing(): readonly { readonly channelId: string; readonly at: number }[];
  /** Replaces the valid token. */
  resetToken(): string;
  /** Forgets all nonces, as Discord does after a while. */
  forgetNonces(): void;
  /** The granted intents, which limit the history over REST, too. */
  deny(intent: GatewayIntentBits): void;

  guild(preferredLocale?: string): FakeGuild;
  channel(guild: FakeGuild, about?: { readonly name?: string; readonly hidden?: boolean }): FakeChannel;
  role(guild: FakeGuild, name: string): FakeRole;
  /** The role that Discord made for the bot. */
  ownRole(guild: FakeGuild): FakeRole;
  thread(channel: FakeChannel): FakeChannel;
  /** A thread that is started from a message. */
  threadFrom(stored: StoredMessage): FakeChannel;
  /** A post in a new forum. */
  forumPost(guild: FakeGuild, author: APIUser, content: string): FakeChannel;
  dm(person: APIUser): FakeChannel;
  /** Somebody writes. `<@id>` in the text mentions. */
  say(author: APIUser, channel: FakeChannel, content: string, options?: SayOptions): StoredMessage;
  /** Files that are added to the message, or removed by their names. */
  edit(stored: StoredMessage, content: string, files?: FileEdit): void;
  /** Adds the preview of a link, as Discord does: an update that is no edit. */
  unfurl(stored: StoredMessage): void;
  /** Pins the message: another update that is no edit. */
  pin(stored: StoredMessage): void;
  remove(stored: StoredMessage): void;
  /** Sends an event again. */
  repeat(stored: StoredMessage): void;
  removeMany(stored: readonly StoredMessage[]): void;
  /** Deletes a channel with its threads, or a thread. Discord sends no events for the threads of a deleted channel. */
  deleteChannel(channel: FakeChannel): void;
  /** Removes the bot from a server. */
  leave(guild: FakeGuild): void;
  /** Makes a server unavailable for a while. */
  outage(guild: FakeGuild): void;
  /** Gives the application an activity: Discord creates the command that launches it. */
  entryPoint(): APIApplicationCommand;
  slash(person: APIUser, channel: FakeChannel, name: string, options?: CommandOptions): FakeInteraction;
  /** A person chooses a command in the menu of a message. */
  chooseOn(person: APIUser, stored: StoredMessage, name: string, options?: CommandOptions): FakeInteraction;
  press(person: APIUser, stored: StoredMessage, label: string, options?: CommandOptions): FakeInteraction;
  /** The bot's public messages in a channel, oldest first. */
  said(channel: FakeChannel): readonly StoredMessage[];
  /** The bot's replies to a message. */
  replies(to: StoredMessage): readonly StoredMessage[];
  stop(): Promise<void>;
}

export interface FakeDiscordOptions {
  /** Window of the rate limit: 5 posts and 5 edits per channel. Default: 1 s (Discord: 5 s). */
  readonly windowMs?: number;
  /** Called for every message that anybody posts, edits or deletes. */
  readonly onChange?: (stored: StoredMessage) => void;
}

const ALL_INTENTS = (1 << 26) - 1;
/** The permissions of the bot's invite link. */
const BOT_PERMISSIONS = (1n << 10n) | (1n << 11n) | (1n << 16n) | (1n << 38n);

export async function startFakeDiscord(options: FakeDiscordOptions = {}): Promise<FakeDiscord> {
  const { windowMs = 1_000, onChange = () => {} } = options;
  const violations: string[] = [];
  const world = createWorld(violations);
  const faults = createFaults();
  const journal: JournalEntry[] = [];
  const noted: Noted = { pinged: [], previewed: [] };
  const typing: { channelId: string; at: number }[] = [];
  const nonces = new Map<string, StoredMessage>();
  const commands: { registered: readonly APIApplicationCommand[]; writes: number } = { registered: [], writes: 0 };
  const people = new Map<string, APIUser>([[world.bot.id, world.bot]]);
  let tokens = 1;
  let granted = ALL_INTENTS;
  const token = () => `token-${tokens}-of-the-fake-discord`;

  const gateway = await startGateway({
    world,
    accepts: (given) => given === token(),
    guildCreate: (id) => ({ t: GatewayDispatchEvents.GuildCreate, d: guildData(world, id) }),
    violations,
  });
  const interactions = createInteractions({
    world,
    changed,
    apply: (stored, body, payload) => applyEdit(stored, body, payload, noted),
  });
  const routes = createRoutes({
    ...{ world, interactions, changed, nonces, commands, noted },
    gateway,
    intents: () => granted,
    typed: (channelId) => void typing.push({ channelId, at: Date.now() }),
  });
  const rest = await startRest({ routes, faults, token, windowMs, journal, violations, cdn: world.cdn });

  function channelOf(stored: StoredMessage): FakeChannel {
    const channel = world.channels.get(stored.message.channel_id);
    if (channel === undefined) throw new Error('A message of no channel.');
    return channel;
  }

  function changed(stored: StoredMessage, how: 'created' | 'updated' | 'deleted'): void {
    if (stored.ephemeralFor !== undefined) return;
    onChange(stored);
    const channel = channelOf(stored);
    if (channel.type === ChannelType.GuildForum) throw new Error('Nobody writes in a forum itself.');
    const { type: channel_type } = channel;
    const intent = channel.type === ChannelType.DM ? GatewayIntentBits.DirectMessages : GatewayIntentBits.GuildMessages;
    const where = channel.guildId === undefined ? {} : { guild_id: channel.guildId };
    // A copy: the message may change before the event is sent again.
    const message = structuredClone(stored.message);
    gateway.dispatch(intent, channel.guildId, (intents): GatewayEvent => {
      if (how === 'deleted') {
        return { t: GatewayDispatchEvents.MessageDelete, d: { id: message.id, channel_id: channel.id, ...where } };
      }
      const data: GatewayMessageCreateDispatchData = {
        ...visible(world, message, intents),
        ...where,
        channel_type,
      };
      return how === 'created'
        ? { t: GatewayDispatchEvents.MessageCreate, d: data }
        : { t: GatewayDispatchEvents.MessageUpdate, d: data };
    });
  }

  function announce(thread: FakeChannel): void {
    const d = threadData(thread);
    gateway.dispatch(GatewayIntentBits.Guilds, thread.guildId, () => ({ t: GatewayDispatchEvents.ThreadCreate, d }));
  }

  /** Whom and what a text mentions: https://docs.discord.com/developers/reference#message-formatting */
  function mentionsOf(content: string): Pick<APIMessage, 'mentions' | 'mention_roles' | 'mention_everyone'> {
    const users = new Set([...content.matchAll(/<@!?(\d+)>/g)].flatMap(([, id]) => people.get(id ?? '') ?? []));
    const roles = new Set([...content.matchAll(/<@&(\d+)>/g)].flatMap(([, id]) => id ?? []));
    return {
      mentions: [...users],
      mention_roles: [...roles],
      mention_everyone: /@everyone|@here/.test(content),
    };
  }

  function say(author: APIUser, channel: FakeChannel, content: string, options: SayOptions = {}): StoredMessage {
    const { replyTo, ping = true, attachments = [], type, webhookId, forward, embeds, stickers, poll } = options;
    const named = mentionsOf(content);
    const mentions = new Set(
      replyTo !== undefined && ping ? [...named.mentions, replyTo.message.author] : named.mentions,
    );
    const stored = world.post({
      ...{ channel, author, content, mentions: [...mentions] },
      reference: replyTo?.message.id,
      files: attachments.map(fileOf),
      ...(type === undefined ? {} : { type }),
      ...(webhookId === undefined ? {} : { webhookId }),
      more: {
        mention_roles: named.mention_roles,
        mention_everyone: named.mention_everyone,
        ...(embeds === undefined ? {} : { embeds: [...embeds] }),
        ...(stickers === undefined
          ? {}
          : { sticker_items: stickers.map((name) => ({ id: world.snowflake(), name, format_type: 1 })) }),
        ...(poll === undefined ? {} : { poll: pollData(poll) }),
        ...(forward === undefined ? {} : forwardData(forward)),
      },
    });
    changed(stored, 'created');
    return stored;
  }

  function interact(person: APIUser, channel: FakeChannel, data: object, more: CommandOptions, source?: StoredMessage) {
    const { userInstall = false, locale = 'en-US', permissions = 0n } = more;
    const { id, token: interactionToken, view } = interactions.begin({ channel, person, userInstall, source });
    const direct = channel.type === ChannelType.DM;
    const own = direct && channel.recipient?.id === person.id && !userInstall;
    const about = {
      id,
      application_id: world.applicationId,
      token: interactionToken,
      version: 1,
      ...data,
      channel_id: channel.id,
      channel: { id: channel.id, type: channel.type, parent_id: channel.parentId, guild_id: channel.guildId },
      ...(direct
        ? { user: person }
        : {
            guild_id: channel.guildId,
            member: { user: person, nick: null, permissions: String(permissions), roles: [] },
          }),
      app_permissions: String(userInstall ? 0n : BOT_PERMISSIONS),
      locale,
      context: direct ? (own ? 1 : 2) : 0,
      authorizing_integration_owners: userInstall ? { 1: person.id } : { 0: channel.guildId ?? '0' },
      ...(source === undefined ? {} : { message: source.message }),
      entitlements: [],
    };
    gateway.dispatch(0, channel.guildId, () => ({ t: GatewayDispatchEvents.InteractionCreate, d: about }));
    return view;
  }

  return {
    url: rest.url,
    get token() {
      return token();
    },
    world: {
      ...world,
      person(name, more) {
        const made = world.person(name, more);
        people.set(made.id, made);
        return made;
      },
    },
    ...{ gateway, faults, journal, commands },
    violations: () => [...violations],
    pinged: () => [...noted.pinged],
    previewed: () => [...noted.previewed],
    typing: () => [...typing],
    resetToken() {
      tokens += 1;
      return token();
    },
    forgetNonces: () => nonces.clear(),
    deny(intent) {
      gateway.denied.add(intent);
      granted &= ~intent;
    },
    guild(preferredLocale = 'en-US') {
      const id = world.snowflake();
      const own = { id: world.snowflake(), name: 'Recollect', botId: world.bot.id };
      const roles = [{ id, name: '@everyone' }, own].map((role) => [role.id, role] as const);
      const guild: FakeGuild = { id, preferredLocale, roles: new Map(roles) };
      world.guilds.set(guild.id, guild);
      const d = guildData(world, guild.id);
      gateway.dispatch(GatewayIntentBits.Guilds, guild.id, () => ({ t: GatewayDispatchEvents.GuildCreate, d }));
      return guild;
    },
    role({ id: guildId, roles }, name) {
      const role: FakeRole = { id: world.snowflake(), name };
      roles.set(role.id, role);
      const d = { guild_id: guildId, role: roleData(role) };
      gateway.dispatch(GatewayIntentBits.Guilds, guildId, () => ({ t: GatewayDispatchEvents.GuildRoleCreate, d }));
      return role;
    },
    ownRole({ roles }) {
      const own = [...roles.values()].find(({ botId }) => botId === world.bot.id);
      if (own === undefined) throw new Error('The bot has no role here.');
      return own;
    },
    threadFrom(stored) {
      const { id: parentId, guildId } = channelOf(stored);
      const where = guildId === undefined ? {} : { guildId };
      const thread = addChannel(world, { type: ChannelType.PublicThread, parentId, ...where }, stored.message.id);
      announce(thread);
      const type = MessageType.ThreadStarterMessage;
      const starter = { channel: thread, author: stored.message.author, content: '', type };
      changed(world.post({ ...starter, reference: stored.message.id }), 'created');
      return thread;
    },
    forumPost({ id: guildId }, author, content) {
      const { id: parentId } = addChannel(world, { type: ChannelType.GuildForum, guildId });
      const thread = addChannel(world, { type: ChannelType.PublicThread, parentId, guildId });
      announce(thread);
      changed(world.post({ id: thread.id, channel: thread, author, content }), 'created');
      return thread;
    },
    channel({ id: guildId }, about = {}) {
      const channel = addChannel(world, { type: ChannelType.GuildText, guildId, ...about });
      const d = channelData(channel);
      gateway.dispatch(GatewayIntentBits.Guilds, guildId, () => ({ t: GatewayDispatchEvents.ChannelCreate, d }));
      return channel;
    },
    thread: ({ id: parentId, guildId }) => {
      const thread = addChannel(world, {
        type: ChannelType.PublicThread,
        parentId,
        ...(guildId === undefined ? {} : { guildId }),
      });
      announce(thread);
      return thread;
    },
    dm: (recipient) => addChannel(world, { type: ChannelType.DM, recipient }),
    say,
    edit(stored, content, { add = [], remove = [] } = {}) {
      const edited_timestamp = new Date().toISOString();
      const { channel_id, attachments: had } = stored.message;
      const attachments = [
        ...had.filter(({ filename }) => !remove.includes(filename)),
        ...add.map((file) => world.cdn.add(world.snowflake(), channel_id, file)),
      ];
      stored.message = { ...stored.message, content, ...mentionsOf(content), attachments, edited_timestamp };
      changed(stored, 'updated');
    },
    unfurl(stored) {
      stored.message = { ...stored.message, embeds: [{ type: EmbedType.Link, title: 'What it leads to' }] };
      changed(stored, 'updated');
    },
    pin(stored) {
      stored.message = { ...stored.message, pinned: true };
      changed(stored, 'updated');
    },
    remove(stored) {
      stored.deleted = true;
      changed(stored, 'deleted');
    },
    repeat(stored) {
      changed(stored, 'created');
    },
    removeMany(all) {
      for (const stored of all) stored.deleted = true;
      const [first] = all;
      if (first === undefined) return;
      const { id: channel_id, guildId } = channelOf(first);
      const ids = all.map(({ message }) => message.id);
      const where = guildId === undefined ? {} : { guild_id: guildId };
      gateway.dispatch(GatewayIntentBits.GuildMessages, guildId, () => ({
        t: GatewayDispatchEvents.MessageDeleteBulk,
        d: { ids, channel_id, ...where },
      }));
    },
    deleteChannel(channel) {
      const { id, type, guildId: guild_id, parentId: parent_id } = channel;
      const gone = [...world.channels.values()].filter((each) => each.id === id || each.parentId === id);
      for (const each of gone) world.channels.delete(each.id);
      const event: GatewayEvent =
        parent_id === undefined
          ? { t: GatewayDispatchEvents.ChannelDelete, d: { ...channelData(channel), guild_id } }
          : { t: GatewayDispatchEvents.ThreadDelete, d: { id, guild_id, parent_id, type } };
      gateway.dispatch(GatewayIntentBits.Guilds, guild_id, () => event);
    },
    leave({ id }) {
      world.guilds.delete(id);
      gateway.dispatch(GatewayIntentBits.Guilds, id, () => ({ t: GatewayDispatchEvents.GuildDelete, d: { id } }));
    },
    outage({ id }) {
      const d = { id, unavailable: true };
      gateway.dispatch(GatewayIntentBits.Guilds, id, () => ({ t: GatewayDispatchEvents.GuildDelete, d }));
    },
    entryPoint() {
      const launch: APIApplicationCommand = {
        ...{ id: world.snowflake(), application_id: world.applicationId, version: world.snowflake() },
        ...{ type: ApplicationCommandType.PrimaryEntryPoint, name: 'launch', description: '' },
        ...{ default_member_permissions: null, handler: EntryPointCommandHandlerType.DiscordLaunchActivity },
      };
      commands.registered = [...commands.registered, launch];
      return launch;
    },
    slash(person, channel, name, more = {}) {
      const registered = commands.registered.find((command) => command.name === name);
      if (registered === undefined) throw new Error(`There is no command /${name}.`);
      // Clients send no longer text (`max_length`), and no command without a required option.
      for (const option of registered.options ?? []) {
        const given = more.options?.[option.name];
        const tooLong = option.type === 3 && typeof given === 'string' && given.length > (option.max_length ?? 6_000);
        if (tooLong || (option.required === true && given === undefined))
          throw new Error(`No client sends that /${name}.`);
      }
      const options = Object.entries(more.options ?? {}).map(([option, value]) => ({
        name: option,
        type: typeof value === 'string' ? 3 : typeof value === 'number' ? 4 : 5,
        value,
      }));
      const data = { id: registered.id, name, type: 1, options };
      return interact(person, channel, { type: InteractionType.ApplicationCommand, data }, more);
    },
    chooseOn(person, stored, name, more = {}) {
      const registered = commands.registered.find((command) => command.name === name && command.type === 3);
      if (registered === undefined) throw new Error(`There is no message command "${name}".`);
      const { message } = stored;
      // https://docs.discord.com/developers/interactions/receiving-and-responding#interaction-object-interaction-data
      const data = {
        ...{ id: registered.id, name, type: 3, target_id: message.id },
        resolved: { messages: { [message.id]: message } },
      };
      return interact(person, channelOf(stored), { type: InteractionType.ApplicationCommand, data }, more);
    },
    press(person, stored, label, more = {}) {
      const button = buttonsOf(stored.message).find((each) => each.label === label);
      if (button === undefined) throw new Error(`There is no button ${label}.`);
      const data = { component_type: 2, custom_id: button.id };
      return interact(person, channelOf(stored), { type: InteractionType.MessageComponent, data }, more, stored);
    },
    said: ({ id }) => world.history(id).filter(({ message }) => message.author.id === world.bot.id),
    replies: ({ message: { id, channel_id } }) =>
      world.history(channel_id).filter(({ message }) => message.message_reference?.message_id === id),
    async stop() {
      interactions.close();
      await gateway.stop();
      await rest.stop();
    },
  };
}

function fileOf(file: string | FakeFile): FakeFile {
  return typeof file === 'string' ? { name: file, content: Buffer.alloc(1) } : file;
}

/** The buttons of a message. */
export function buttonsOf({ components = [] }: APIMessage): readonly { readonly label: string; readonly id: string }[] {
  return components.flatMap((row) => {
    if (row.type !== 1) return [];
    return row.components.flatMap((each) =>
      each.type === 2 && 'custom_id' in each ? [{ label: each.label ?? '', id: each.custom_id }] : [],
    );
  });
}

function addChannel(world: World, about: Omit<FakeChannel, 'id' | 'closed'>, id = world.snowflake()): FakeChannel {
  const channel: FakeChannel = { id, ...about, closed: false };
  world.channels.set(channel.id, channel);
  return channel;
}

/** The part of a server that discord.js needs. */
function guildData({ guilds, channels }: World, id: string): Partial<GatewayGuildCreateDispatchData> {
  const own = [...channels.values()].filter(({ guildId }) => guildId === id);
  const text = own.filter(({ type }) => type === ChannelType.GuildText);
  return {
    id,
    unavailable: false,
    name: `g${id}`,
    preferred_locale: guilds.get(id)?.preferredLocale === 'zh-CN' ? Locale.ChineseCN : Locale.EnglishUS,
    roles: [...(guilds.get(id)?.roles.values() ?? [])].map(roleData),
    members: [],
    channels: text.map(channelData),
    threads: own.filter(({ type }) => type === ChannelType.PublicThread).map(threadData),
  };
}

function channelData({ id, guildId, name = `c${id}`, hidden = false }: FakeChannel): APITextChannel {
  const deny = String(PermissionFlagsBits.ViewChannel);
  return {
    ...{ id, type: ChannelType.GuildText, name, position: 0 },
    permission_overwrites: hidden ? [{ id: guildId ?? '', type: OverwriteType.Role, allow: '0', deny }] : [],
    ...(guildId === undefined ? {} : { guild_id: guildId }),
  };
}

/** Everybody may read and write. */
function roleData({ id, name, botId }: FakeRole): APIRole {
  const permissions = String(PermissionFlagsBits.ViewChannel | PermissionFlagsBits.SendMessages);
  const colors = { primary_color: 0, secondary_color: null, tertiary_color: null };
  return {
    ...{
      id,
      name,
      permissions,
      colors,
      color: 0,
      hoist: false,
      position: 0,
      mentionable: false,
      flags: RoleFlags.InPrompt,
    },
    managed: botId !== undefined,
    ...(botId === undefined ? {} : { tags: { bot_id: botId } }),
  };
}

/** https://docs.discord.com/developers/resources/message#message-reference-content-attribution-forwards */
function forwardData({ message }: StoredMessage): Partial<APIMessage> {
  const { type, content, embeds, attachments, timestamp, edited_timestamp, mentions, mention_roles } = message;
  const { sticker_items, message_snapshots } = message;
  const snapshot = { type, content, embeds, attachments, timestamp, edited_timestamp, mentions, mention_roles };
  return {
    message_reference: { type: MessageReferenceType.Forward, message_id: message.id, channel_id: message.channel_id },
    // A forward of a forward has the snapshot of the first one. Snapshots have no author.
    message_snapshots: message_snapshots ?? [
      { message: { ...snapshot, ...(sticker_items === undefined ? {} : { sticker_items }) } },
    ],
    flags: MessageFlags.HasSnapshot,
  };
}

function pollData({ question, answers }: NonNullable<SayOptions['poll']>): APIPoll {
  return {
    question: { text: question },
    answers: answers.map((text, index) => ({ answer_id: index + 1, poll_media: { text } })),
    expiry: new Date(Date.now() + 86_400_000).toISOString(),
    allow_multiselect: false,
    layout_type: PollLayoutType.Default,
  };
}

function threadData({ id, guildId, parentId }: FakeChannel): APIPublicThreadChannel {
  return {
    id,
    type: ChannelType.PublicThread,
    name: `t${id}`,
    ...(guildId === undefined ? {} : { guild_id: guildId }),
    ...(parentId === undefined ? {} : { parent_id: parentId }),
    ...{ rate_limit_per_user: 0, applied_tags: [] },
    thread_metadata: {
      archived: false,
      auto_archive_duration: 1_440,
      archive_timestamp: new Date().toISOString(),
      locked: false,
    },
  };
}
