/** Connections to Redis that are asked nothing. */
import { Redis } from 'ioredis';
import { expect, onTestFinished, test } from 'vitest';
import { ready } from '../../src/memory/redis/client.ts';
import { createRedisConnections } from '../../src/redis/connection.ts';
import { serverAt } from '../../src/redis/target.ts';
import { startRedis } from '../support/redis-server.ts';

test('an idle connection is sent a PING now and then, one that is used is not', async () => {
  // A server of its own: ioredis takes a line that comes together with the reply to MONITOR for an unknown reply.
  const server = await startRedis();
  onTestFinished(() => server.stop());
  const { url } = server;
  const connections = createRedisConnections(serverAt(url), () => {});
  onTestFinished(() => connections.close());
  const [used, idle] = [connections.open('used'), connections.openSubscriber('idle')];
  const admin = new Redis(url, { protocol: 2 });
  for (const client of [used, idle, admin]) onTestFinished(() => client.disconnect());
  await Promise.all([ready(used), ready(idle)]);
  const addressOf = async (client: typeof used) =>
    /\baddr=(\S+)/.exec(String(await client.call('CLIENT', 'INFO')))?.[1];
  const [usedAt, idleAt] = [await addressOf(used), await addressOf(idle)];
  await idle.subscribe('news');
  const pings: (string | undefined)[] = [];
  const monitor = await admin.monitor();
  onTestFinished(() => monitor.disconnect());
  monitor.on('monitor', (_: string, [command]: string[], source: string) => {
    if (command?.toLowerCase() === 'ping') pings.push(source);
  });
  const using = setInterval(() => void used.get('nothing'), 100);
  onTestFinished(() => clearInterval(using));
  await expect.poll(() => pings.filter((source) => source === idleAt).length, { timeout: 60_000 }).toBe(2);
  expect(pings).not.toContain(usedAt);
});
