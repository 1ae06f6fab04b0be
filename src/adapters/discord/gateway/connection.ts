/** The connection to Discord's gateway: logging in, falling back, and telling what comes and what is wrong. */
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
import { type GatewayInfo, loginLimit, readGatewayInfo, untilStartsSuffice } from './session-starts.ts';
import { createShards } from './shards.ts';

/** Close codes of the gateway behind which the same login is of no use. */
const AUTHENTICATION_FAILED = 4004;
const SHARDING_REQUIRED = 4011;
const DISALLOWED_INTENTS = 4014;
/** Logins in a row that ask for more connections each. */
const MAX_MORE = 5;
const MAX_BACKOFF_MS = 60_000;
/** Milliseconds that a client that is given up has to close its connections. */
const DESTROY_MS = 2_000;

export interface ConnectionOptions {
  readonly token: string;
  readonly apiUrl?: string | undefined;
  readonly log: Logger;
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
  /** Whether the bot is in a server; before that is known, yes. */
  isMember(guild: string): boolean;
  /** What a server calls its channels and roles. */
  names(guild: string | undefined): Names;
  /** The language that a server has set. */
  language(guild: string | undefined): string | undefined;
  health(): { readonly ok: boolean; readonly detail?: string };
}

/** What one login led to. `more`: Discord demands more connections. */
type Login = 'ready' | 'disallowed' | 'more';

export function createConnection(options: ConnectionOptions): Connection {
  const { token, log, onEvent, onSession } = options;
  let client: Client | undefined;
  let self: ReadyPayload | undefined;
  let content = true;
  const rest = new REST(apiOf(options.apiUrl));
  const delays = createDelays();
  const shards = createShards();
  let broken: BotError | undefined;
  /** Discord demands at least so many connections. */
  let least = 1;

  /** From 2500 servers on, one connection alone is refused: as many as Discord recommends, when it lets them begin. */
  async function plan(): Promise<{ readonly count: number; readonly limitMs: number }> {
    const needed = (info: GatewayInfo) => Math.max(info.shards, least);
    // A refused token makes discord.js forget it.
    const read = async () => readGatewayInfo(await rest.setToken(token).get(Routes.gatewayBot()));
    const wait = async (ms: number) => {
      await delays.wait(ms);
      if (delays.ended()) throw new BotError('platform_unavailable', 'The bot ends.', { retryable: true });
    };
    const info = await untilStartsSuffice(needed, read, wait, log);
    return { count: needed(info), limitMs: loginLimit(needed(info), info) };
  }

  /** One login. Rejects with what ended it; `disallowed` for an intent that was not granted. */
  async function login(): Promise<Login> {
    let ready = false;
    let closeCode: number | undefined;
    const { count, limitMs } = await plan().catch((thrown: unknown) => {
      throw toPlatformError(thrown);
    });
    shards.begin(count);
    const onPacket = (name: string, data: unknown, shard: number) => {
      if (current !== client || delays.ended()) return;
      if (name === 'RESUMED') shards.resumed(shard);
      if (name === 'GUILD_CREATE' || name === 'GUILD_DELETE') membership(name, data, shard);
      if (name === 'READY') {
        const begun = shards.ready(shard, data);
        self = begun ?? self;
        if (begun === undefined) log.error({}, 'Discord began a session that can’t be read');
        // The first ones are told when the channels are known, too.
        else if (ready) onSession();
      }
      onEvent(name, data);
    };
    const current = createGatewayClient({ ...options, count, content, onPacket });
    client = current;
    const whenReady = new Promise<void>((resolve) => current.once(Events.ClientReady, () => resolve()));
    current.on(Events.ShardReconnecting, (shard) => {
      if (current === client) shards.lost(shard);
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
      await raceTimeout(limitMs, Promise.race([current.login(token).then(() => whenReady), whenRefused]), () => {
        throw new Error(`no session within ${limitMs / 1_000} s`);
      });
      ready = true;
      onSession();
      return 'ready';
    } catch (thrown) {
      // It may wait for the close of a connection that is closed already.
      await raceTimeout(DESTROY_MS, current.destroy(), () => undefined).catch(() => undefined);
      if (closeCode === DISALLOWED_INTENTS) return 'disallowed';
      if (closeCode === SHARDING_REQUIRED) {
        least = count + 1;
        return 'more';
      }
      const invalid = thrown instanceof DiscordjsError && thrown.code === DiscordjsErrorCodes.TokenInvalid;
      if (invalid || closeCode === AUTHENTICATION_FAILED) throw credentialsError(thrown);
      throw toPlatformError(thrown);
    }
  }

  /** What a server's event says of being in it; of a server that is only unavailable the bot still is one. */
  function membership(name: 'GUILD_CREATE' | 'GUILD_DELETE', data: unknown, shard: number): void {
    const guild = guildDeletePayload.safeParse(data);
    if (!guild.success) return;
    if (name === 'GUILD_CREATE') shards.joined(shard, guild.data.id);
    else if (guild.data.unavailable !== true) shards.left(guild.data.id);
  }

  async function open(): Promise<void> {
    for (let more = 0; more <= MAX_MORE; ) {
      const led = await login();
      if (led === 'ready') return;
      if (led === 'more') {
        more += 1;
        log.warn({ least }, 'Discord demands more connections to its gateway');
        continue;
      }
      if (!content) throw new BotError('platform_refused', 'Discord refuses even the intents that need no approval.');
      content = false;
      log.warn(
        {},
        'Discord has not granted this bot the Message Content intent (Developer Portal, your app, Bot). It goes on ' +
          'without: it can read DMs, messages that mention it and /chat, but not threads or replies that do not mention it.',
      );
    }
    throw new BotError('platform_refused', `Discord refuses ${least - 1} connections to its gateway as too few.`);
  }

  /** The gateway closed for good while it was in use. */
  async function ended(code: number): Promise<void> {
    if (delays.ended()) return;
    const current = client;
    client = undefined;
    await raceTimeout(DESTROY_MS, current?.destroy() ?? Promise.resolve(), () => undefined).catch(() => undefined);
    if (code === AUTHENTICATION_FAILED) return giveUp(credentialsError(undefined));
    if (code !== SHARDING_REQUIRED && (code !== DISALLOWED_INTENTS || !content)) {
      return giveUp(new BotError('platform_refused', `Discord has closed the connection for good (${code}).`));
    }
    if (code === SHARDING_REQUIRED) least = shards.count().expected + 1;
    await reopen();
  }

  async function reopen(): Promise<void> {
    shards.begin(least);
    for (let failures = 1; !delays.ended(); failures += 1) {
      try {
        return await open();
      } catch (thrown) {
        const error = toBotError(thrown);
        if (!error.retryable) return giveUp(error);
        log.warn({ code: error.code, err: error.message }, 'Discord can’t be logged in to again yet');
        await delays.wait(backoff(failures, MAX_BACKOFF_MS));
      }
    }
  }

  function giveUp(error: BotError): void {
    if (delays.ended()) return;
    broken = error;
    log.error({ code: error.code }, `Discord is off: ${error.message} The other platforms go on.`);
  }

  return {
    open,
    async close() {
      delays.end();
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
    names: (guild) => namesOf(client, guild),
    language: (guild) => (guild === undefined ? undefined : client?.guilds.cache.get(guild)?.preferredLocale),
    isMember: shards.isMember,
    health() {
      if (broken !== undefined) return { ok: false, detail: broken.message };
      const { expected, up } = shards.count();
      if (up >= expected) return { ok: true };
      const some = expected === 1 ? '' : ` (${expected - up} of ${expected} connections)`;
      return { ok: false, detail: `not connected to the gateway of Discord${some}` };
    },
  };
}
