/** Redis for the contract suite: a store with a key prefix of its own on a server that tests share. */
import { randomBytes } from 'node:crypto';
import { Redis } from 'ioredis';
import type { SessionId } from '../../src/core/session.ts';
import type { StoreOptions } from '../../src/core/store.ts';
import { ready } from '../../src/memory/redis/client.ts';
import { keyspace } from '../../src/memory/redis/keys.ts';
import { createRedisStore, openStore, type RedisStore } from '../../src/memory/redis/store.ts';
import { openCluster } from '../../src/redis/cluster.ts';
import { createRedisConnections, primariesOf, type RedisClient } from '../../src/redis/connection.ts';
import { type ClusterTarget, type SentinelTarget, serverAt } from '../../src/redis/target.ts';
import type { AgingFixture, MakeFixture } from '../contracts/store.contract.ts';
import { dumpRedis } from '../support/redis-dump.ts';
import { PRIMARY } from '../support/redis-sentinels.ts';

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
      const connections = clustered ? createRedisConnections(serverAt(url), () => {}) : undefined;
      const store = connections
        ? await openStore(connections, { ...options, prefix, oneServer: false })
        : await createRedisStore({ ...options, redis: serverAt(url), prefix, allowEviction: false, warn: () => {} });
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

/** Where a Cluster of a test is: some of its nodes, as REDIS_CLUSTER has them. */
export function clusterAt(nodes: string): ClusterTarget {
  const addresses = nodes.split(',').map((node) => {
    const [host = '', port] = node.split(':');
    return { host, port: Number(port) };
  });
  return { kind: 'cluster', nodes: addresses, access: { tls: false } };
}

/** Where Sentinels of a test are, as REDIS_SENTINELS has them. */
export function sentinelsAt(sentinels: string, more: Partial<SentinelTarget> = {}): SentinelTarget {
  const { nodes } = clusterAt(sentinels);
  const open = { tls: false };
  return { kind: 'sentinel', sentinels: nodes, primary: PRIMARY, access: open, sentinelAccess: open, ...more };
}

/** The same on a Cluster. */
export function makeClusterFixture(nodes: () => string): MakeFixture<AgingFixture> {
  return async (options) => {
    const prefix = `t${randomBytes(6).toString('hex')}`;
    const target = clusterAt(nodes());
    const redis = openCluster(target, { protocol: 2 }, () => null);
    redis.on('error', () => {});
    const ending: (() => Promise<void>)[] = [];
    const open = async () => {
      const connections = createRedisConnections(target, () => {});
      const store = await openStore(connections, { ...options, prefix });
      ending.push(async () => {
        connections.close();
        await store.close();
      });
      return store;
    };
    await ready(redis);
    const keys = () => keysOf(redis, `${prefix}:*`);
    return {
      store: await open(),
      open,
      advance: (ms) => age(redis, keys, ms),
      dumpText: () => dumpRedis(redis, `${prefix}:*`),
      async injectBadElement(sessionId: SessionId, raw, where = 'memory') {
        const own = keyspace(prefix).session(sessionId);
        if (where === 'memory') await redis.rpush(own.list, raw);
        else await redis.lpush(own.inbox, raw);
      },
      async close() {
        for (const end of ending) await end();
        for (const key of await keys()) await redis.del(key);
        redis.disconnect();
      },
    };
  };
}

async function keysOf(redis: RedisClient, pattern: string): Promise<string[]> {
  return (await Promise.all(primariesOf(redis).map((primary) => primary.keys(pattern)))).flat().sort();
}

/**
 * Redis' clock is the machine's, so what is stored is made older instead: every expiry comes nearer, every sorted set of the
 * store (all are scored by instants) is moved back, and so are the figures of a day, and when messages were said.
 */
async function age(redis: RedisClient, keys: () => Promise<string[]>, ms: number): Promise<void> {
  for (const key of await keys()) {
    if ((await redis.type(key)) === 'zset') {
      const by = key.endsWith(':pending') ? -1_000 * ms : -ms;
      for (const member of await redis.zrange(key, '0', '-1')) await redis.zincrby(key, by, member);
    }
    if ((await redis.type(key)) === 'list') {
      for (const [index, element] of (await redis.lrange(key, 0, -1)).entries()) {
        await redis.lset(key, index, saidEarlier(element, ms));
      }
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

/** The retention of a message counts from `saidAt`, else from `timestamp`; while it waits, from `sentAt`. Its size stays. */
function saidEarlier(element: string, ms: number): string {
  const field = ['"sentAt":', '"saidAt":'].find((name) => element.includes(name)) ?? '"timestamp":';
  return element.replace(new RegExp(`${field}(\\d+)`), (_, at: string) => `${field}${Number(at) - ms}`);
}
