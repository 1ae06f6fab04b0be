/** Before the start: is this a Redis that keeps what it is given, and may this bot do on it what it has to? */
import { setTimeout as sleep } from 'node:timers/promises';
import { Redis } from 'ioredis';
import { BotError } from '../../errors.ts';
import { COMMAND_TIMEOUT_MS } from '../../redis/connection.ts';
import { faultOf, refusedCommand } from '../../redis/faults.ts';
import { toStoreError } from './client.ts';
import { connectFault } from './connect-fault.ts';
import { keyspace } from './keys.ts';
import { RIGHTS } from './rights.ts';
import { parseInfo } from './stats.ts';

export interface ServerCheck {
  /** `redis://` or `rediss://`. */
  readonly url: string;
  /** `[a-z0-9_-]+`; see {@link keyspace}. */
  readonly prefix: string;
  /** Start on a server that may evict keys. */
  readonly allowEviction: boolean;
  /** Something that an operator should know and that does not hinder the start. */
  readonly warn: (message: string) => void;
  /** Milliseconds to wait for a Redis that loads its data. Default: a minute. */
  readonly loadingMs?: number;
}

const LOADING_MS = 60_000;
/** Milliseconds between two looks whether it has loaded them. */
const LOOK_MS = 250;

/**
 * @throws BotError `config_invalid` for what another setting has to mend, here or on the server: a Cluster node, a Sentinel, a
 * replica, credentials, rights, TLS; `store_too_old`, `store_evicting`; `store_unavailable` for what may pass by itself.
 */
export async function checkServer(options: ServerCheck): Promise<void> {
  const { url } = options;
  const faults: Error[] = [];
  const redis = new Redis(url, {
    protocol: 2,
    connectTimeout: 2_000,
    commandTimeout: COMMAND_TIMEOUT_MS,
    retryStrategy: null,
    lazyConnect: true,
    // It is asked here how far it is with loading.
    enableReadyCheck: false,
    // What a server says before it hangs up (too many clients) would be taken for the answer to one of these, and dropped.
    disableClientInfo: true,
  });
  redis.on('error', (error: Error) => faults.push(error));
  try {
    await redis.connect();
    const info = await loadedInfo(redis, options);
    // ioredis only tells of this one, and would go on in database 0.
    const select = faults.find((fault) => refusedCommand(fault) === 'select');
    checkKind(info);
    if (select !== undefined) throw select;
    checkKeeping(info, options);
    await checkRights(redis, options);
  } catch (thrown) {
    throw await connectFault(thrown instanceof BotError ? thrown : (faults[0] ?? thrown), url);
  } finally {
    redis.disconnect();
  }
}

/** What the server tells of itself, once it has loaded its data. */
async function loadedInfo(redis: Redis, { warn, loadingMs = LOADING_MS }: ServerCheck): Promise<Info> {
  const deadline = performance.now() + loadingMs;
  for (let looks = 0; ; looks += 1) {
    const info = parseInfo(await redis.info());
    if ((info.get('loading') ?? '0') === '0') return info;
    if (performance.now() >= deadline) throw new Error('LOADING Redis is loading the dataset in memory');
    if (looks === 0) warn(`Redis is loading its data. It is waited for, for up to ${Math.ceil(loadingMs / 1_000)} s.`);
    await sleep(LOOK_MS);
  }
}

type Info = ReadonlyMap<string, string>;

/** Is it one server that takes writes? */
function checkKind(info: Info): void {
  const refuse = (what: string, mend: string) => {
    throw new BotError('config_invalid', `REDIS_URL leads to ${what}. ${mend}`);
  };
  if (info.get('redis_mode') === 'sentinel') {
    refuse('a Redis Sentinel, which stores nothing', 'Set it to the primary that the Sentinel watches.');
  }
  if (info.get('redis_mode') === 'cluster' || info.get('cluster_enabled') === '1') {
    refuse('a node of a Redis Cluster, which holds a part of the keys only', 'Set it to a Redis that is no Cluster.');
  }
  if (info.get('role') === 'slave') {
    const primary = [info.get('master_host'), info.get('master_port')].join(':');
    refuse('a replica, which takes no writes', `Set it to the primary (this replica follows ${primary}).`);
  }
}

/** Does it keep what it is given? */
function checkKeeping(info: Info, { allowEviction, warn }: ServerCheck): void {
  const version = info.get('redis_version') ?? '0';
  if (Number.parseInt(version, 10) < 7) {
    throw new BotError('store_too_old', `Redis ${version} is too old: use Redis 7 or newer, or Valkey.`);
  }
  const policy = info.get('maxmemory_policy');
  if (policy === undefined) {
    warn('This Redis does not tell its maxmemory-policy, so nobody checked that it is noeviction. Please do.');
  } else if (policy !== 'noeviction' && !allowEviction) {
    throw new BotError(
      'store_evicting',
      `This Redis may throw memories away (maxmemory-policy ${policy}). Set it to noeviction, or ALLOW_EVICTION=true if you accept that.`,
    );
  }
  if (info.get('aof_enabled') === '0') {
    warn(
      'This Redis has no append-only file: when it restarts, memories and waiting messages are lost. Set appendonly yes.',
    );
  }
}

/** Does the bot's user have the rights that it needs, on the keys and channels that it uses? */
async function checkRights(redis: Redis, { prefix }: ServerCheck): Promise<void> {
  const keys = keyspace(prefix);
  for (const right of RIGHTS) {
    try {
      await right(redis, keys);
    } catch (thrown) {
      // What it can't do just now (full, too few replicas) passes, and /health tells it.
      if (!(thrown instanceof Error) || !/\bNOPERM\b|can't run this command/.test(thrown.message)) {
        if (faultOf(thrown).kind === 'away') throw toStoreError(thrown);
        continue;
      }
      throw new BotError(
        'config_invalid',
        `The Redis user of REDIS_URL lacks a right: ${thrown.message} docs/operations.md has all that it needs.`,
        { cause: thrown },
      );
    }
  }
}
