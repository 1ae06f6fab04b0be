/** The REST routes of the fake Discord, as far as this bot needs them. */
import {
  type APIApplicationCommand,
  type APIMessage,
  ApplicationCommandType,
  ChannelType,
  MessageFlags,
} from 'discord-api-types/v10';
import { z } from 'zod';
import { errors } from './api-error.ts';
import { bodies, type EditedBody, type MessageRows, notifies, type Payload, unfolds } from './bodies.ts';
import type { Gateway } from './gateway.ts';
import type { Interactions } from './interactions.ts';
import type { Handler, Route } from './rest.ts';
import { type FakeChannel, isNewer, type StoredMessage, visible, type World } from './world.ts';

export interface RoutesDeps {
  readonly world: World;
  readonly interactions: Interactions;
  readonly gateway: Pick<Gateway, 'url' | 'limits'>;
  /** The granted intents, which also apply to texts over REST. */
  readonly intents: () => number;
  readonly changed: (stored: StoredMessage, how: 'created' | 'updated' | 'deleted') => void;
  readonly typed: (channelId: string) => void;
  /** Messages whose nonce was enforced, by channel and nonce. */
  readonly nonces: Map<string, StoredMessage>;
  readonly commands: { registered: readonly APIApplicationCommand[]; writes: number };
  readonly noted: Noted;
}

/** Ids of the bot's messages that notified anybody, and of those whose links would have got previews. */
export interface Noted {
  readonly pinged: string[];
  readonly previewed: string[];
}

const commandSchema = z
  .object({
    type: z.literal(1),
    name: z.string().regex(/^[-_\p{L}\p{N}]{1,32}$/u),
    description: z.string().min(1).max(100),
    description_localizations: z.record(z.enum(['zh-CN']), z.string().min(1).max(100)).optional(),
    integration_types: z.array(z.union([z.literal(0), z.literal(1)])).min(1),
    contexts: z.array(z.union([z.literal(0), z.literal(1), z.literal(2)])).min(1),
    options: z
      .array(z.looseObject({ name: z.string(), description: z.string().min(1).max(100) }))
      .max(25)
      .optional(),
  })
  .strict();

/**
 * In the menu of a message: neither a description nor options, and a name that may have blanks and capitals; at most 15.
 * https://docs.discord.com/developers/interactions/application-commands#message-commands
 */
const messageCommandSchema = z
  .object({
    type: z.literal(3),
    name: z.string().min(1).max(32),
    name_localizations: z.record(z.enum(['zh-CN']), z.string().min(1).max(32)).optional(),
    description: z.literal('').optional(),
    integration_types: z.array(z.union([z.literal(0), z.literal(1)])).min(1),
    contexts: z.array(z.union([z.literal(0), z.literal(1), z.literal(2)])).min(1),
  })
  .strict();
const MAX_MESSAGE_COMMANDS = 15;

/** https://docs.discord.com/developers/interactions/application-commands#entry-point-commands */
const entryPointSchema = z.looseObject({ type: z.literal(4), name: z.string(), handler: z.literal([1, 2]) });

export function createRoutes(deps: RoutesDeps): readonly Route[] {
  const { world, interactions } = deps;

  function channelOf(id: string | undefined): FakeChannel {
    const channel = world.channels.get(id ?? '');
    if (channel === undefined) throw errors.unknownChannel();
    if (channel.closed) throw errors.noAccess();
    return channel;
  }

  function messageOf(channel: FakeChannel, id: string | undefined): StoredMessage {
    const stored = world.messages.get(id ?? '');
    if (stored === undefined || stored.deleted || stored.message.channel_id !== channel.id)
      throw errors.unknownMessage();
    if (stored.ephemeralFor !== undefined) throw errors.unknownMessage();
    return stored;
  }

  const post: Handler = ({ payload }, channelId) => {
    const channel = channelOf(channelId);
    const body = bodies.created(payload);
    const key = `${channel.id} ${body.nonce}`;
    const earlier = body.enforce_nonce === true ? deps.nonces.get(key) : undefined;
    if (earlier !== undefined) return earlier.message;
    const reference = body.message_reference;
    const referenced = reference === undefined ? undefined : world.messages.get(reference.message_id);
    if (reference !== undefined && (referenced === undefined || referenced.deleted)) {
      if (reference.fail_if_not_exists !== false) throw errors.invalidForm('unknown message in message_reference');
    }
    const stored = world.post({
      channel,
      author: world.bot,
      content: body.content ?? '',
      reference: referenced?.message.id,
      components: componentsOf(body.components),
      flags: body.flags ?? 0,
      files: payload.files.map(({ name, content }) => ({ name, content: Buffer.from(content) })),
    });
    if (notifies(body, reference !== undefined)) deps.noted.pinged.push(stored.message.id);
    if (unfolds(stored.message)) deps.noted.previewed.push(stored.message.id);
    if (body.enforce_nonce === true) deps.nonces.set(key, stored);
    deps.changed(stored, 'created');
    return stored.message;
  };

  const list: Handler = ({ query }, channelId) => {
    const channel = channelOf(channelId);
    const limit = Number(query.get('limit') ?? 50);
    if (!(limit >= 1 && limit <= 100)) throw errors.invalidForm('limit');
    const [after, before] = [query.get('after'), query.get('before')];
    if (after !== null && before !== null) throw errors.invalidForm('after and before');
    const all = world.history(channel.id).map(({ message }) => message);
    const older = before === null ? all : all.filter(({ id }) => isNewer(before, id));
    const found = after === null ? older.slice(-limit) : all.filter(({ id }) => isNewer(id, after)).slice(0, limit);
    return found.map((message) => visible(world, message, deps.intents())).reverse();
  };

  const edit: Handler = ({ payload }, channelId, messageId) => {
    const stored = messageOf(channelOf(channelId), messageId);
    if (stored.message.author.id !== world.bot.id) throw errors.notOurs();
    applyEdit(stored, bodies.edited(payload), payload, deps.noted);
    deps.changed(stored, 'updated');
    return stored.message;
  };

  const remove: Handler = (_, channelId, messageId) => {
    const stored = messageOf(channelOf(channelId), messageId);
    stored.deleted = true;
    deps.changed(stored, 'deleted');
    return undefined;
  };

  const setCommands: Handler = ({ payload }, application) => {
    if (application !== world.applicationId) throw errors.noAccess();
    const parsed = z
      .array(z.union([commandSchema, messageCommandSchema, entryPointSchema]))
      .max(116)
      .refine((all) => all.filter(({ type }) => type === 3).length <= MAX_MESSAGE_COMMANDS)
      .safeParse(payload.json);
    if (!parsed.success) throw errors.invalidForm(z.prettifyError(parsed.error));
    const had = deps.commands.registered.find(({ type }) => type === ApplicationCommandType.PrimaryEntryPoint);
    const launches = parsed.data.filter(({ type }) => type === ApplicationCommandType.PrimaryEntryPoint);
    if (had !== undefined && launches.length !== 1) throw errors.entryPoint();
    deps.commands.writes += 1;
    deps.commands.registered = [
      ...withIds(
        parsed.data.flatMap((command) => (command.type === 4 ? [] : [command])),
        world,
      ),
      ...(had === undefined ? [] : [had]),
    ];
    return [...deps.commands.registered];
  };

  const messages = /^\/channels\/(\d+)\/messages$/;
  const message = /^\/channels\/(\d+)\/messages\/(\d+)$/;
  const commands = /^\/applications\/(\d+)\/commands$/;
  const webhookMessage = /^\/webhooks\/(\d+)\/([^/]+)\/messages\/(@original|%40original|\d+)$/;
  const inWebhook =
    (run: (token: string, messageId: string, payload: Payload) => object | undefined): Handler =>
    ({ payload }, application, token = '', messageId = '') => {
      if (application !== world.applicationId) throw errors.unknownWebhook();
      return run(token, decodeURIComponent(messageId), payload);
    };

  return [
    {
      method: 'GET',
      pattern: /^\/gateway\/bot$/,
      handle() {
        const { url, limits } = deps.gateway;
        const { shards, remaining, resetsAt, maxConcurrency: max_concurrency } = limits;
        const reset_after = Math.max(0, resetsAt - Date.now());
        const left = remaining <= 0 && reset_after === 0 ? 1_000 : Math.max(0, remaining);
        return { url, shards, session_start_limit: { total: 1_000, remaining: left, reset_after, max_concurrency } };
      },
    },
    {
      method: 'POST',
      pattern: /^\/channels\/(\d+)\/typing$/,
      handle(_, channelId) {
        deps.typed(channelOf(channelId).id);
        return undefined;
      },
    },
    { method: 'GET', pattern: /^\/channels\/(\d+)$/, handle: (_, id) => apiChannel(channelOf(id)) },
    { method: 'POST', pattern: messages, limit: 5, handle: post },
    { method: 'GET', pattern: messages, handle: list },
    {
      method: 'GET',
      pattern: message,
      handle: (_, channelId, id) => visible(world, messageOf(channelOf(channelId), id).message, deps.intents()),
    },
    { method: 'PATCH', pattern: message, limit: 5, handle: edit },
    { method: 'DELETE', pattern: message, handle: remove },
    { method: 'GET', pattern: commands, handle: () => [...deps.commands.registered] },
    { method: 'PUT', pattern: commands, handle: setCommands },
    {
      method: 'POST',
      pattern: /^\/interactions\/(\d+)\/([^/]+)\/callback$/,
      open: true,
      handle({ payload, query }, id = '', token = '') {
        const answer = interactions.callback(id, token, payload);
        return query.get('with_response') === 'true' ? answer : undefined;
      },
    },
    { method: 'PATCH', pattern: webhookMessage, open: true, handle: inWebhook(interactions.edit) },
    { method: 'GET', pattern: webhookMessage, open: true, handle: inWebhook(interactions.get) },
    {
      method: 'DELETE',
      pattern: webhookMessage,
      open: true,
      handle: inWebhook((token, id) => void interactions.remove(token, id)),
    },
    {
      method: 'POST',
      pattern: /^\/webhooks\/(\d+)\/([^/]+)$/,
      open: true,
      handle: inWebhook((token, _, payload) => interactions.followUp(token, payload)),
    },
  ];
}

/** Applies an edit to a message. */
export function applyEdit(stored: StoredMessage, body: EditedBody, payload: Payload, noted: Noted): void {
  const { message } = stored;
  if (body.content !== undefined) message.content = body.content;
  if (body.components !== undefined) message.components = componentsOf(body.components);
  if (body.flags !== undefined) {
    const others = (message.flags ?? 0) & ~MessageFlags.SuppressEmbeds;
    message.flags = others | (body.flags & MessageFlags.SuppressEmbeds);
  }
  if (notifies(body, false)) noted.pinged.push(message.id);
  if (unfolds(message)) noted.previewed.push(message.id);
  message.edited_timestamp = new Date().toISOString();
  stored.edits.push({ at: Date.now(), content: message.content });
  if (payload.files.length > 0) {
    const kept = { size: 1, url: 'https://cdn.invalid/a', proxy_url: 'https://cdn.invalid/a' };
    message.attachments = payload.files.map(({ name }, index) => ({ id: String(index), filename: name, ...kept }));
  } else if (body.attachments !== undefined) message.attachments = [];
}

function componentsOf(rows: MessageRows | undefined): NonNullable<APIMessage['components']> {
  let id = 0;
  const numbered = () => {
    id += 1;
    return id;
  };
  return (rows ?? []).map((row) => ({
    ...row,
    id: numbered(),
    components: row.components.map((each) => ({ ...each, id: numbered() })),
  }));
}

function apiChannel({ id, type, guildId, parentId }: FakeChannel): object {
  return {
    id,
    type,
    ...(type === ChannelType.DM ? { recipients: [] } : { guild_id: guildId, name: `c${id}` }),
    ...(parentId === undefined ? {} : { parent_id: parentId }),
  };
}

/** As Discord returns them: with ids, versions and defaults. */
function withIds(
  commands: readonly z.infer<typeof commandSchema | typeof messageCommandSchema>[],
  world: World,
): APIApplicationCommand[] {
  return z.array(z.custom<APIApplicationCommand>((value) => typeof value === 'object' && value !== null)).parse(
    commands.map((command) => ({
      name_localizations: null,
      ...command,
      description: command.description ?? '',
      id: world.snowflake(),
      application_id: world.applicationId,
      version: world.snowflake(),
      default_member_permissions: null,
      dm_permission: true,
      nsfw: false,
      ...(command.type === 1
        ? { options: (command.options ?? []).map((option) => ({ ...option, name_localizations: null })) }
        : {}),
    })),
  );
}
