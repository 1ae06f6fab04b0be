import { Redis } from 'ioredis';
import { vi } from 'vitest';
import { freePort } from './free-port.ts';
import { type RedisServer, startRedis } from './redis-server.ts';

/** A Redis in cluster mode that has all slots: it refuses a script whose declared keys have more than one slot. */
export async function startRedisCluster(): Promise<RedisServer> {
  // The bus listens on port + 10,000 by default: among the ephemeral ports, where an outgoing connection may sit.
  const bus = String(await freePort());
  const server = await startRedis({ args: ['--cluster-enabled', 'yes', '--cluster-port', bus] });
  const redis = new Redis(server.url);
  await redis.cluster('ADDSLOTSRANGE', '0', '16383');
  await vi.waitUntil(async () => (await redis.cluster('INFO')).includes('cluster_state:ok'), 10_000);
  redis.disconnect();
  return server;
}
