/** Redis for the contract suite: a store with a key prefix of its own on a server that tests share. */
import { randomBytes } from 'node:crypto';
import { Redis } from 'ioredis';
import type { SessionId } from '../../src/core/session.ts';
import type { StoreOptions } from '../../src/core/store.ts';
import { keyspace } from '../../src/memory/redis/keys.ts';
import { createRedisStore, openStore, type RedisStore } from '../../src/memory/redis/store.ts';
import { createRedisConnections } from '../../src/redis.ts';
import type { StoreFixture } from '../contracts/store.contract.ts';
import { dumpRedis } from '../support/redis-dump.ts';

export interface RedisFixture extends StoreFixture {
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
            true,
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
