/** The connection to Discord's gateway: logs in, logs in again where Discord demands it, and passes events on. */
import { type Client, DiscordjsError, DiscordjsErrorCodes, Events, REST, Routes } from 'discord.js';
import type { Logger } from '../../../core/ports.ts';
import { BotError, toBotError } from '../../../errors.ts';
import { backoff } from '../../../lib/backoff.ts';
import { createDelays } from '../../../lib/delay.ts';
import { raceTimeout } from '../../../lib/timeout.ts';
import type { Names } from '../channels/message-text.ts';
import { type ChannelPayload, guildDeletePayload, type ReadyPayload } from '../payloads.ts';
import { apiOf, credentialsError, toPlatformError } from '../rest.ts';
import { createGatewayClient, namesOf } from './client.ts';
import { type GatewayInfo, loginTimeout, readGatewayInfo, untilStartsSuffice } from './session-starts.ts';
import { createShards } from './shards.ts';

/**
 * Close codes after which the same login fails again.
 * https://docs.discord.com/developers/topics/opcodes-and-status-codes#gateway-gateway-close-event-codes
 */
const AUTHENTICATION_FAILED = 4004;
const SHARDING_REQUIRED = 4011;
const DISALLOWED_INTENTS = 4014;
/** Logins in a row, each with more shards. */
const MAX_RESHARDINGS = 5;
const MAX_BACKOFF_MS = 60_000;
/** Milliseconds for a discarded client to close its connections. */
const DESTROY_MS = 2_000;

export interface ConnectionOptions {
  readonly token: string;
  readonly apiUrl?: string | undefined;
  readonly log: Logger;
  /** Gets the gateway's events, in order of arrival. */
  readonly onEvent: (name: string, data: unknown) => void;
  /** Counts events that discord.js could not process. */
  readonly malformed: () => void;
  /** A new session began: events before it are not replayed. Not called when a session is resumed. */
  readonly onSession: () => void;
}

export interface Connection {
  /**
   * Resolves once all shards are ready.
   * @throws BotError `platform_credentials`, or `platform_unavailable` (retryable)
   */
  open(): Promise<void>;
  close(): Promise<void>;
  /** The bot's own user and application. @throws BotError `platform_unavailable` (retryable) before the first session */
  self(): ReadyPayload;
  /** A channel as the gateway described it. */
  channel(id: string): ChannelPayload | undefined;
  /** Whether the bot is in a server. True as long as that is not known. */
  isMember(guild: string): boolean;
  /** The names of a server's channels and roles. */
  names(guild: string | undefined): Names;
  /** The language that is set for a server. */
  language(guild: string | undefined): string | undefined;
  health(): { readonly ok: boolean; readonly detail?: string };
}

/** The result of a login. `disallowed`: an intent is not granted. `reshard`: Discord demands more shards. */
type Login = 'ready' | 'disallowed' | 'reshard';

export function createConnection(options: ConnectionOptions): Connection {
  const { token, log, onEvent, onSession } = options;
  let client: Client | undefined;
  let self: ReadyPayload | undefined;
  /** The Message Content intent is requested. */
  let content = true;
  const rest = new REST(apiOf(options.apiUrl));
  const delays = createDelays();
  const shards = createShards();
  /** Why the connection was given up. */
  let failure: BotError | undefined;
  /** Discord demands at minShards so many shards. */
  let minShards = 1;

  /** As many shards as Discord recommends (from 2500 servers on it demands several). Waits until they may be started. */
  async function planLogin(): Promise<{ readonly shardCount: number; readonly timeoutMs: number }> {
    const needed = (info: GatewayInfo) => Math.max(info.shards, minShards);
    // discord.js drops a token that was refused once.
    const read = async () => readGatewayInfo(await rest.setToken(token).get(Routes.gatewayBot()));
    const wait = async (ms: number) => {
      await delays.wait(ms);
      if (delays.ended()) throw new BotError('platform_unavailable', 'The bot is stopping.', { retryable: true });
    };
    const info = await untilStartsSuffice(needed, read, wait, log);
    return { shardCount: needed(info), timeoutMs: loginTimeout(needed(info), info) };
  }

  /** Logs in once. @throws BotError `platform_*` */
  async function login(): Promise<Login> {
    let ready = false;
    let closeCode: number | undefined;
    const { shardCount, timeoutMs } = await planLogin().catch((thrown: unknown) => {
      throw toPlatformError(thrown);
    });
    shards.begin(shardCount);
    const onPacket = (name: string, data: unknown, shard: number) => {
      if (current !== client || delays.ended()) return;
      if (name === 'RESUMED') shards.resumed(shard);
      if (name === 'GUILD_CREATE' || name === 'GUILD_DELETE') updateMembership(name, data, shard);
      if (name === 'READY') {
        const begun = shards.ready(shard, data);
        self = begun ?? self;
        if (begun === undefined) log.error({}, 'malformed READY event from Discord');
        // For the first sessions it is called below, when all shards are ready and their channels known.
        else if (ready) onSession();
      }
      onEvent(name, data);
    };
    const current = createGatewayClient({ ...options, shardCount, content, onPacket });
    client = current;
    const whenReady = new Promise<void>((resolve) => current.once(Events.ClientReady, () => resolve()));
    current.on(Events.ShardReconnecting, (shard) => {
      if (current === client) shards.lost(shard);
    });
    current.on(Events.ShardError, (error) => log.warn({ err: error.message }, 'gateway connection failed'));
    current.on(Events.Error, (error) => log.warn({ err: error.message }, 'discord.js reported an error'));
    // discord.js may wait for a session even though the gateway has closed the connection for good.
    const whenRefused = new Promise<never>((_, reject) => {
      current.on(Events.ShardDisconnect, ({ code }) => {
        closeCode = code;
        if (ready && current === client) void closed(code);
        reject(new Error(`the gateway closed with ${code}`));
      });
    });
    whenRefused.catch(() => undefined);
    try {
      await raceTimeout(timeoutMs, Promise.race([current.login(token).then(() => whenReady), whenRefused]), () => {
        throw new Error(`no session within ${timeoutMs / 1_000} s`);
      });
      ready = true;
      onSession();
      return 'ready';
    } catch (thrown) {
      // It may wait for a connection to close that is closed already.
      await raceTimeout(DESTROY_MS, current.destroy(), () => undefined).catch(() => undefined);
      if (closeCode === DISALLOWED_INTENTS) return 'disallowed';
      if (closeCode === SHARDING_REQUIRED) {
        minShards = shardCount + 1;
        return 'reshard';
      }
      const invalid = thrown instanceof DiscordjsError && thrown.code === DiscordjsErrorCodes.TokenInvalid;
      if (invalid || closeCode === AUTHENTICATION_FAILED) throw credentialsError(thrown);
      throw toPlatformError(thrown);
    }
  }

  /** The bot is still in a server that is merely unavailable. */
  function updateMembership(name: 'GUILD_CREATE' | 'GUILD_DELETE', data: unknown, shard: number): void {
    const guild = guildDeletePayload.safeParse(data);
    if (!guild.success) return;
    if (name === 'GUILD_CREATE') shards.joined(shard, guild.data.id);
    else if (guild.data.unavailable !== true) shards.left(guild.data.id);
  }

  async function open(): Promise<void> {
    for (let reshardings = 0; reshardings <= MAX_RESHARDINGS; ) {
      const result = await login();
      if (result === 'ready') return;
      if (result === 'reshard') {
        reshardings += 1;
        log.warn({ shards: minShards }, 'Discord demands more gateway shards; logging in again');
        continue;
      }
      if (!content)
        throw new BotError('platform_refused', 'Discord refuses the gateway intents that need no approval.');
      content = false;
      log.warn(
        {},
        'Discord has not granted this bot the Message Content intent (Developer Portal, your app, Bot). Without it the bot ' +
          'reads DMs, messages that mention it and /chat, but no threads or replies without a mention.',
      );
    }
    throw new BotError('platform_refused', `Discord refuses ${minShards - 1} gateway shards as too few.`);
  }

  /** The gateway closed a ready connection for good. */
  async function closed(code: number): Promise<void> {
    if (delays.ended()) return;
    const current = client;
    client = undefined;
    await raceTimeout(DESTROY_MS, current?.destroy() ?? Promise.resolve(), () => undefined).catch(() => undefined);
    if (code === AUTHENTICATION_FAILED) return giveUp(credentialsError(undefined));
    if (code !== SHARDING_REQUIRED && (code !== DISALLOWED_INTENTS || !content)) {
      return giveUp(new BotError('platform_refused', `Discord has closed the connection for good (${code}).`));
    }
    if (code === SHARDING_REQUIRED) minShards = shards.count().expected + 1;
    await reopen();
  }

  async function reopen(): Promise<void> {
    shards.begin(minShards);
    for (let failures = 1; !delays.ended(); failures += 1) {
      try {
        return await open();
      } catch (thrown) {
        const error = toBotError(thrown);
        if (!error.retryable) return giveUp(error);
        log.warn({ code: error.code, err: error.message }, 'login to Discord failed; will retry');
        await delays.wait(backoff(failures, MAX_BACKOFF_MS));
      }
    }
  }

  function giveUp(error: BotError): void {
    if (delays.ended()) return;
    failure = error;
    log.error({ code: error.code }, `Discord is off: ${error.message} The other platforms are not affected.`);
  }

  return {
    open,
    async close() {
      delays.end();
      await client?.destroy();
    },
    self() {
      if (self !== undefined) return self;
      throw new BotError('platform_unavailable', 'There has been no session with Discord yet.', { retryable: true });
    },
    channel(id) {
      const channel = client?.channels.cache.get(id);
      if (channel === undefined || channel.isDMBased()) return undefined;
      return { id, type: channel.type, guild_id: channel.guildId, parent_id: channel.parentId };
    },
    names: (guild) => namesOf(client, guild),
    language: (guild) => (guild === undefined ? undefined : client?.guilds.cache.get(guild)?.preferredLocale),
    isMember: shards.isMember,
    health() {
      if (failure !== undefined) return { ok: false, detail: failure.message };
      const { expected, up } = shards.count();
      if (up >= expected) return { ok: true };
      const some = expected === 1 ? '' : ` (${expected - up} of ${expected} shards down)`;
      return { ok: false, detail: `not connected to Discord's gateway${some}` };
    },
  };
}
