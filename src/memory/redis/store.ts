/** The ConversationStore on Redis (7 or newer, or Valkey). */
import type { Redis } from 'ioredis';
import type { ConversationStore, StoreOptions } from '../../core/store.ts';
import { BotError } from '../../errors.ts';
import { createRedisChannels } from './channels.ts';
import { connect, ready, toStoreError } from './client.ts';
import { createContext } from './context.ts';
import { keyspace } from './keys.ts';
import { createSessionMemory } from './memory.ts';
import { createRedisNotes } from './notes.ts';
import { createPeopleMemory } from './people.ts';
import { createRedisStats, parseInfo } from './stats.ts';
import { type AppendTurn, createRedisTurns } from './turns.ts';

/** Milliseconds between two looks for what this process keeps of conversations that are not talked in any more. */
const PURGE_MS = 30_000;

export interface RedisStoreOptions extends StoreOptions {
  /** `redis://` or `rediss://`. */
  readonly url: string;
  /** `[a-z0-9_-]+`; see {@link keyspace}. */
  readonly prefix: string;
  /** Start on a server that may evict keys. */
  readonly allowEviction: boolean;
  /** Something that an operator should know and that does not hinder the start. */
  readonly warn: (message: string) => void;
}

export interface RedisStore extends ConversationStore, AppendTurn {}

/**
 * Connects and checks that this server keeps what it is given.
 * @throws BotError `store_unavailable`, `store_too_old` or `store_evicting`.
 */
export async function createRedisStore(options: RedisStoreOptions): Promise<RedisStore> {
  const redis = connect(options.url, (error) => options.observer.error('connection', toStoreError(error)));
  let server: Server;
  try {
    await ready(redis);
    server = await checkServer(redis, options);
  } catch (thrown) {
    redis.disconnect();
    throw toStoreError(thrown);
  }
  const context = createContext(redis, keyspace(options.prefix), options, server.clustered);
  const turns = createRedisTurns(context);
  const sessions = createSessionMemory(context);
  const { sweep, ...stats } = createRedisStats(context);
  const purging = setInterval(() => context.recent.purge(), PURGE_MS).unref();
  return {
    ...turns,
    ...sessions,
    ...createPeopleMemory(context, sessions),
    ...stats,
    async claimSweep(ms) {
      const claimed = await turns.claimSweep(ms);
      // Whoever sweeps takes what is overdue out of the indexes too, so that they stay small where nobody asks for figures.
      if (claimed) context.behind('sweep', sweep);
      return claimed;
    },
    channels: createRedisChannels(context),
    notes: createRedisNotes(context),
    ping: () => context.call('ping', async () => void (await redis.ping())),
    async close() {
      clearInterval(purging);
      await context.settled();
      redis.disconnect();
    },
  };
}

/** What the store has to know of its server. */
interface Server {
  /** In cluster mode: each script has one slot. */
  readonly clustered: boolean;
}

async function checkServer(redis: Redis, { allowEviction, warn }: RedisStoreOptions): Promise<Server> {
  const info = parseInfo(await redis.info());
  const version = info.get('redis_version') ?? '0';
  if (Number.parseInt(version, 10) < 7) {
    throw new BotError('store_too_old', `Redis ${version} is too old: use Redis 7 or newer, or Valkey.`);
  }
  const policy = await redis.config('GET', 'maxmemory-policy').then(
    (reply) => (Array.isArray(reply) ? String(reply[1]) : undefined),
    () => undefined,
  );
  if (policy === undefined) {
    warn('CONFIG is forbidden on this Redis, so nobody checked that its maxmemory-policy is noeviction. Please do.');
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
  return { clustered: info.get('cluster_enabled') === '1' };
}
