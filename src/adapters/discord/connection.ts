/** The connection to Discord's gateway: logging in, falling back, and telling what comes and what is wrong. */
import { Client, DiscordjsError, DiscordjsErrorCodes, Events, GatewayIntentBits, Options } from 'discord.js';
import type { Logger } from '../../core/ports.ts';
import { BotError, toBotError } from '../../errors.ts';
import { createGatewayGuard } from './gateway-guard.ts';
import { type ChannelPayload, type ReadyPayload, readyPayload } from './payloads.ts';
import { apiOf, credentialsError, toPlatformError } from './rest.ts';

/** Close codes of the gateway that end it for good. */
const AUTHENTICATION_FAILED = 4004;
const DISALLOWED_INTENTS = 4014;
/** Milliseconds that a client that is given up has to close its connections. */
const DESTROY_MS = 2_000;

export interface ConnectionOptions {
  readonly token: string;
  readonly apiUrl?: string | undefined;
  readonly log: Logger;
  /** From the start of one try to log in to its end; then Discord counts as not reachable. */
  readonly loginTimeoutMs: number;
  /** An event of the gateway, in order of arrival. */
  readonly onEvent: (name: string, data: unknown) => void;
  /** Counts an event that discord.js could not deal with. */
  readonly malformed: () => void;
  /** A new session, whose events begin now: what came before is not replayed. Not called when a session was resumed. */
  readonly onSession: () => void;
}

export interface Connection {
  /**
   * Resolves when events come.
   * @throws BotError `platform_credentials`, or `platform_unavailable` (retryable)
   */
  open(): Promise<void>;
  close(): Promise<void>;
  /** Who the bot is. @throws BotError `platform_unavailable` (retryable) before the first session */
  self(): ReadyPayload;
  /** What is known of a channel without asking. */
  channel(id: string): ChannelPayload | undefined;
  /** The language that a server has set. */
  language(guild: string | undefined): string | undefined;
  health(): { readonly ok: boolean; readonly detail?: string };
}

type State =
  | { readonly kind: 'connecting' }
  | { readonly kind: 'connected' }
  | { readonly kind: 'broken'; readonly error: BotError };

export function createConnection(options: ConnectionOptions): Connection {
  const { token, log, onEvent, onSession } = options;
  let client: Client | undefined;
  let self: ReadyPayload | undefined;
  let content = true;
  let closed = false;
  let state: State = { kind: 'connecting' };

  function createClient(onPacket: (name: string, data: unknown) => void): Client {
    const { Guilds, GuildMessages, DirectMessages, MessageContent } = GatewayIntentBits;
    return new Client({
      intents: [Guilds, GuildMessages, DirectMessages, ...(content ? [MessageContent] : [])],
      allowedMentions: { parse: [], repliedUser: false },
      rest: apiOf(options.apiUrl),
      ws: {
        buildStrategy: createGatewayGuard({
          onEvent: onPacket,
          onFault(event, thrown) {
            options.malformed();
            log.error({ event, thrown }, 'discord.js could not deal with an event');
          },
        }),
      },
      // As many connections as Discord recommends: from 2500 servers on, one alone is refused.
      shards: 'auto',
      // The payloads themselves are read; of discord.js's own memory only channels and servers are asked.
      makeCache: Options.cacheWithLimits({
        ...Options.DefaultMakeCacheSettings,
        ...{ MessageManager: 0, ReactionManager: 0, PresenceManager: 0, VoiceStateManager: 0, ThreadMemberManager: 0 },
        UserManager: { maxSize: 0, keepOverLimit: ({ id, client: own }) => id === own.user.id },
        GuildMemberManager: { maxSize: 0, keepOverLimit: ({ id, client: own }) => id === own.user.id },
      }),
    });
  }

  /** One login. Rejects with what ended it; `disallowed` for an intent that was not granted. */
  async function login(): Promise<'ready' | 'disallowed'> {
    let ready = false;
    let closeCode: number | undefined;
    const current = createClient((name, data) => {
      if (current !== client || closed) return;
      const begun = name === 'READY' ? readyPayload.safeParse(data) : undefined;
      if (begun?.success === false) log.error({}, 'Discord began a session that can’t be read');
      if (begun?.success === true) {
        self = begun.data;
        // The first one is told when the channels are known, too.
        if (ready) onSession();
      }
      if (name === 'READY' || name === 'RESUMED') state = { kind: 'connected' };
      onEvent(name, data);
    });
    client = current;
    const whenReady = new Promise<void>((resolve) => current.once(Events.ClientReady, () => resolve()));
    current.on(Events.ShardReconnecting, () => {
      if (state.kind !== 'broken') state = { kind: 'connecting' };
    });
    current.on(Events.ShardError, (error) => log.warn({ err: error.message }, 'connection to the gateway failed'));
    current.on(Events.Error, (error) => log.warn({ err: error.message }, 'discord.js reports an error'));
    // discord.js may go on waiting for a session although the gateway has said no for good.
    const whenRefused = new Promise<never>((_, reject) => {
      current.on(Events.ShardDisconnect, ({ code }) => {
        closeCode = code;
        if (ready && current === client) void ended(code);
        reject(new Error(`the gateway closed with ${code}`));
      });
    });
    whenRefused.catch(() => undefined);
    try {
      await within(options.loginTimeoutMs, Promise.race([current.login(token).then(() => whenReady), whenRefused]));
      ready = true;
      onSession();
      return 'ready';
    } catch (thrown) {
      // It may wait for the close of a connection that is closed already.
      await within(DESTROY_MS, current.destroy()).catch(() => undefined);
      if (closeCode === DISALLOWED_INTENTS) return 'disallowed';
      const invalid = thrown instanceof DiscordjsError && thrown.code === DiscordjsErrorCodes.TokenInvalid;
      if (invalid || closeCode === AUTHENTICATION_FAILED) throw credentialsError(thrown);
      throw toPlatformError(thrown);
    }
  }

  async function open(): Promise<void> {
    if ((await login()) === 'ready') return;
    if (!content) throw new BotError('platform_refused', 'Discord refuses even the intents that need no approval.');
    content = false;
    log.warn(
      {},
      'Discord has not granted this bot the Message Content intent (Developer Portal, your app, Bot). It goes on without: ' +
        'it can read DMs, messages that mention it and /chat, but not threads or replies that do not mention it.',
    );
    await open();
  }

  /** The gateway closed for good while it was in use. */
  async function ended(code: number): Promise<void> {
    if (closed) return;
    await client?.destroy().catch(() => undefined);
    if (code === DISALLOWED_INTENTS && content) {
      content = true;
      await open().catch((thrown: unknown) => broken(toBotError(thrown)));
      return;
    }
    broken(
      code === AUTHENTICATION_FAILED
        ? credentialsError(undefined)
        : new BotError('platform_refused', `Discord has closed the connection for good (${code}).`),
    );
  }

  function broken(error: BotError): void {
    state = { kind: 'broken', error };
    log.error({ code: error.code }, `Discord is off: ${error.message} The other platforms go on.`);
  }

  return {
    open,
    async close() {
      closed = true;
      await client?.destroy();
    },
    self() {
      if (self !== undefined) return self;
      throw new BotError('platform_unavailable', 'There was no session with Discord yet.', { retryable: true });
    },
    channel(id) {
      const channel = client?.channels.cache.get(id);
      if (channel === undefined || channel.isDMBased()) return undefined;
      return { id, type: channel.type, guild_id: channel.guildId, parent_id: channel.parentId };
    },
    language: (guild) => (guild === undefined ? undefined : client?.guilds.cache.get(guild)?.preferredLocale),
    health() {
      if (state.kind === 'connected') return { ok: true };
      const detail = state.kind === 'broken' ? state.error.message : 'not connected to the gateway of Discord';
      return { ok: false, detail };
    },
  };
}

async function within<T>(ms: number, task: Promise<T>): Promise<T> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(new Error(`no session within ${ms / 1_000} s`)), ms);
  });
  try {
    return await Promise.race([task, late]);
  } finally {
    clearTimeout(timer);
  }
}
