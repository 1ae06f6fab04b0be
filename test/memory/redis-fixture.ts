/** Redis for the contract suite: a store with a key prefix of its own on a server that tests share. */
import { randomBytes } from 'node:crypto';
import { Redis } from 'ioredis';
import type { SessionId } from '../../src/core/session.ts';
import type { StoreOptions } from '../../src/core/store.ts';
import { keyspace } from '../../src/memory/redis/keys.ts';
import { createRedisStore, openStore, type RedisStore } from '../../src/memory/redis/store.ts';
import { createRedisConnections } from '../../src/redis/connection.ts';
import type { AgingFixture } from '../contracts/store.contract.ts';
import { dumpRedis } from '../support/redis-dump.ts';

export interface RedisFixture extends AgingFixture {
  readonly store: RedisStore;
  open(): Promise<RedisStore>;
  readonly redis: Redis;
  readonly prefix: string;
  /** All keys of this fixture. */
  keys(): Promise<string[]>;
}

/** @param clustered a server in cluster mode, which a start would refuse */
export function makeRedisFixture(
  url: string,
  { clustered = false } = {},
): (options: StoreOptions) => Promise<RedisFixture> {
  return async (options) => {
    const prefix = `t${randomBytes(6).toString('hex')}`;
    const redis = new Redis(url, { protocol: 2 });
    const stores: RedisStore[] = [];
    const open = async () => {
      const store = clustered
        ? await openStore(
            createRedisConnections(url, () => {}),
            { ...options, prefix },
          )
        : await createRedisStore({ ...options, url, prefix, allowEviction: false, warn: () => {} });
      stores.push(store);
      return store;
    };
    const keys = async () => (await redis.keys(`${prefix}:*`)).sort();
    return {
      store: await open(),
      open,
      redis,
      prefix,
      keys,
      advance: (ms) => age(redis, keys, ms),
      dumpText: () => dumpRedis(redis, `${prefix}:*`),
      async injectBadElement(sessionId: SessionId, raw, where = 'memory') {
        const own = keyspace(prefix).session(sessionId);
        if (where === 'memory') await redis.rpush(own.list, raw);
        else await redis.lpush(own.inbox, raw);
      },
      async close() {
        for (const store of stores) await store.close();
        const left = await keys();
        for (const key of left) await redis.del(key);
        redis.disconnect();
      },
    };
  };
}

/**
 * Redis' clock is the machine's, so what is stored is made older instead: every expiry comes nearer, every sorted set of the
 * store (all are scored by instants) is moved back, and so are the figures of a day.
 */
async function age(redis: Redis, keys: () => Promise<string[]>, ms: number): Promise<void> {
  for (const key of await keys()) {
    if ((await redis.type(key)) === 'zset') {
      const by = key.endsWith(':pending') ? -1_000 * ms : -ms;
      for (const member of await redis.zrange(key, '0', '-1')) await redis.zincrby(key, by, member);
    }
    const left = await redis.pttl(key);
    if (left > ms) await redis.pexpire(key, left - ms);
    else if (left >= 0) await redis.del(key);
  }
  for (const key of await keys()) {
    const [, before, date] = /^(.*:day:)(.*)$/.exec(key) ?? [];
    if (date === undefined) continue;
    await redis.rename(key, `${before}${new Date(Date.parse(date) - ms).toISOString().slice(0, 10)}`);
  }
}
