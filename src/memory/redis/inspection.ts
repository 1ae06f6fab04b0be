/** Checks at startup what a server reports about itself. */

import { BotError } from '../../errors.ts';
import { delay } from '../../lib/delay.ts';
import type { RedisClient } from '../../redis/connection.ts';
import { faultOf } from '../../redis/faults.ts';
import { toStoreError } from './client.ts';
import { keyspace } from './keys.ts';
import { RIGHTS } from './rights.ts';
import { parseInfo } from './stats.ts';

export interface Inspection {
  /** `[a-z0-9_-]+`; see {@link keyspace}. */
  readonly prefix: string;
  /** Start even if the server may evict keys. */
  readonly allowEviction: boolean;
  /** Warns the administrator of something that does not prevent startup. */
  readonly warn: (message: string) => void;
  /** Milliseconds to wait while Redis loads its data. Default: a minute. */
  readonly loadingMs?: number;
}

export type Info = ReadonlyMap<string, string>;

const LOADING_MS = 60_000;
/** Milliseconds between two looks whether it has loaded them. */
const LOOK_MS = 250;

/** The server's INFO, once it has loaded its data. */
export async function loadedInfo(
  redis: { info(): Promise<string> },
  { warn, loadingMs = LOADING_MS }: Inspection,
): Promise<Info> {
  const deadline = performance.now() + loadingMs;
  for (let looks = 0; ; looks += 1) {
    const info = parseInfo(await redis.info());
    if ((info.get('loading') ?? '0') === '0') return info;
    if (performance.now() >= deadline) throw new Error('LOADING Redis is loading the dataset in memory');
    if (looks === 0) warn(`Redis is loading its data. It is waited for, for up to ${Math.ceil(loadingMs / 1_000)} s.`);
    await delay(LOOK_MS);
  }
}

export function isCluster(info: Info): boolean {
  return info.get('redis_mode') === 'cluster' || info.get('cluster_enabled') === '1';
}

export function isSentinel(info: Info): boolean {
  return info.get('redis_mode') === 'sentinel';
}

/** @throws BotError `config_invalid` for a server of the wrong kind for its setting */
export function refuseKind(setting: string, what: string, fix: string): never {
  throw new BotError('config_invalid', `${setting} leads to ${what}. ${fix}`);
}

/**
 * Checks that the server does not lose data.
 * @throws BotError `store_too_old`, `store_evicting`
 */
export function checkKeeping(info: Info, { allowEviction, warn }: Inspection): void {
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

/**
 * Checks that the bot's user has the required permissions on its keys and channels.
 * @param user the setting with the user's name
 * @throws BotError `config_invalid`; `store_unavailable` if the connection is lost
 */
export async function checkRights(redis: RedisClient, user: string, { prefix }: Inspection): Promise<void> {
  const keys = keyspace(prefix);
  for (const right of RIGHTS) {
    try {
      await right(redis, keys);
    } catch (thrown) {
      // Temporary errors (full, too few replicas) are reported by /health.
      if (!(thrown instanceof Error) || !/\bNOPERM\b|can't run this command/.test(thrown.message)) {
        if (faultOf(thrown).kind === 'away') throw toStoreError(thrown);
        continue;
      }
      throw new BotError(
        'config_invalid',
        `The Redis user of ${user} lacks a right: ${thrown.message} docs/operations.md has all that it needs.`,
        { cause: thrown },
      );
    }
  }
}
