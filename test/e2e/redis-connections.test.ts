/** A bot on a Redis that changes its role, or behind a network that goes silent: seen from outside, on real servers. */
import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import { Redis } from 'ioredis';
import { expect, onTestFinished, test, vi } from 'vitest';
import { healthResponse } from '../../src/adapters/http/schemas.ts';
import { readEvents } from '../adapters/http/support.ts';
import type { RunningBot } from '../support/bot-process.ts';
import { makeCertificate } from '../support/certificate.ts';
import { freePort } from '../support/free-port.ts';
import { type Network, startNetwork } from '../support/network.ts';
import { type RedisServer, startRedis } from '../support/redis-server.ts';
import { variants } from '../support/tier.ts';
import { ask, said, say, useWorkshop } from './http-support.ts';

const { makeFolder, start } = useWorkshop();
/** Only bounds what never happens. */
const PATIENTLY = { timeout: 60_000, interval: 50 };
/** One for everything, one for what is subscribed to. */
const CONNECTIONS = 2;

async function makeServer(...args: string[]): Promise<RedisServer & { readonly admin: Redis }> {
  const server = await startRedis({ args });
  const admin = new Redis(server.url, { protocol: 2, connectionName: 'admin' });
  onTestFinished(async () => {
    admin.disconnect();
    await server.stop();
  });
  return { ...server, url: server.url, admin };
}

async function makeNetwork({ port }: RedisServer): Promise<Network & { readonly url: string }> {
  const network = await startNetwork(port);
  onTestFinished(() => network.close());
  return { ...network, url: `redis://127.0.0.1:${network.port}` };
}

async function healthOf(bot: RunningBot) {
  const response = await fetch(`${bot.url}/health`);
  const health = healthResponse.strict().parse(await response.json());
  expect(response.status).toBe(health.status === 'healthy' ? 200 : 503);
  return health;
}

const untilHealthy = (bot: RunningBot) =>
  expect.poll(async () => (await healthOf(bot)).status, PATIENTLY).toBe('healthy');
const untilSick = (bot: RunningBot, error: RegExp) =>
  expect.poll(async () => (await healthOf(bot)).error, PATIENTLY).toMatch(error);

/** The ids of the bot's connections to a server. */
async function clientsOf(admin: Redis): Promise<string[]> {
  const list =
    String(await admin.call('CLIENT', 'LIST', 'TYPE', 'normal')) +
    String(await admin.call('CLIENT', 'LIST', 'TYPE', 'pubsub'));
  const lines = list.split('\n').filter((line) => line !== '' && !line.includes('name=admin'));
  return lines.map((line) => /^id=(\d+)/.exec(line)?.[1] ?? line).toSorted();
}

/** Says it as a client does that must not lose it: again, under the same key, until it is taken. */
async function sayUntilTaken(bot: RunningBot, user: string, message: string): Promise<void> {
  await vi.waitFor(async () => {
    const { status } = await say(bot, user, message, { 'Idempotency-Key': message });
    expect(status).toBe(200);
  }, PATIENTLY);
}

/** A streamed answer goes over the connections for signals: what the worker publishes, the caller's process is subscribed to. */
async function streams(bot: RunningBot, user: string, message: string): Promise<string[]> {
  const kinds: string[] = [];
  for await (const { event } of readEvents(await say(bot, user, message, { Accept: 'text/event-stream' })))
    kinds.push(event);
  return kinds;
}

test('roles are swapped behind one address and no connection is cut: all move to the new primary by themselves', async () => {
  const old = await makeServer();
  const heir = await makeServer('--replicaof', '127.0.0.1', String(old.port));
  await expect.poll(() => old.admin.info('replication'), PATIENTLY).toContain('state=online');
  const network = await makeNetwork(old);
  const bot = await start(await makeFolder(), { REDIS_URL: network.url });
  await ask(bot, 'grace', 'one');

  await old.admin.call('FAILOVER');
  await expect.poll(() => old.admin.info('replication'), PATIENTLY).toContain('role:slave');
  await untilSick(bot, /read-only replica \(READONLY\)/);
  expect((await say(bot, 'grace', 'two', { 'Idempotency-Key': 'two' })).status).toBe(503);
  network.moveTo(heir.port);
  await untilHealthy(bot);
  await sayUntilTaken(bot, 'grace', 'two');
  await sayUntilTaken(bot, 'grace', 'three');
  expect(await streams(bot, 'grace', 'four')).toContain('delta');

  const asked = (await said(bot, 'grace')).filter((_, index) => index % 2 === 0);
  expect(asked).toEqual(['one', 'two', 'three', 'four']);
  expect(await clientsOf(old.admin)).toEqual([]);
  expect(await clientsOf(heir.admin)).toHaveLength(CONNECTIONS);
});

test('connections that die without a word are given up, each of them, and the bot goes on over new ones', async () => {
  const server = await makeServer();
  const network = await makeNetwork(server);
  const bot = await start(await makeFolder(), { REDIS_URL: network.url });
  await ask(bot, 'grace', 'one');
  expect(network.made()).toBe(1 + CONNECTIONS);

  network.loseOpen();
  await sayUntilTaken(bot, 'grace', 'two');
  await expect.poll(() => network.made(), PATIENTLY).toBe(1 + 2 * CONNECTIONS);
  await untilHealthy(bot);
  expect(await streams(bot, 'grace', 'three')).toContain('delta');

  // The whole network, for a while.
  network.loseNew(true);
  network.loseOpen();
  await untilSick(bot, /Redis/);
  network.loseNew(false);
  await untilHealthy(bot);
  await sayUntilTaken(bot, 'grace', 'four');
  expect(await streams(bot, 'grace', 'five')).toContain('delta');
  expect((await said(bot, 'grace')).filter((_, index) => index % 2 === 0)).toEqual([
    'one',
    'two',
    'three',
    'four',
    'five',
  ]);
});

test('a proxy that forgets idle connections is noticed by nobody', async () => {
  const server = await makeServer();
  const network = await makeNetwork(server);
  const bot = await start(await makeFolder(), { REDIS_URL: network.url });
  await ask(bot, 'grace', 'one');
  const before = await clientsOf(server.admin);
  expect(before).toHaveLength(CONNECTIONS);

  network.forgetIdleAfter(4_500);
  // Nobody says anything for longer than that.
  const until = performance.now() + 10_000;
  while (performance.now() < until) expect((await healthOf(bot)).status).toBe('healthy');
  expect(await streams(bot, 'grace', 'two')).toContain('delta');
  expect(await clientsOf(server.admin)).toEqual(before);
});

test('the bot runs over a Unix socket, as a user of its own, in a database of its own', async () => {
  const folder = await makeFolder();
  const path = join(folder, 'a redis.sock');
  const { admin } = await makeServer('--unixsocket', path);
  await admin.call('ACL', 'SETUSER', 'bot', 'on', '>pw', '~*', '&*', '+@all');
  const url = `unix://${encodeURI(path)}?db=2`;
  const bot = await start(folder, { REDIS_URL: url, REDIS_USER: 'bot', REDIS_PASSWORD: 'pw' });
  expect(bot.output()).toContain(path);
  await ask(bot, 'grace', 'one');
  await admin.select(2);
  expect(await admin.keys('conversation:*')).not.toHaveLength(0);
  // It loses none of what a network connection has.
  await admin.call('CLIENT', 'KILL', 'TYPE', 'normal', 'SKIPME', 'yes');
  await sayUntilTaken(bot, 'grace', 'two');
  await untilHealthy(bot);
});

test('a CA of one’s own, by the name of its file', async () => {
  const folder = await makeFolder();
  const { cert, key } = await makeCertificate(folder);
  const port = await freePort();
  const files = ['--tls-cert-file', cert, '--tls-key-file', key, '--tls-ca-cert-file', cert];
  await makeServer('--tls-port', String(port), ...files, '--tls-auth-clients', 'no');
  const bot = await start(folder, { REDIS_URL: `rediss://localhost:${port}`, REDIS_TLS_CA: 'cert.pem' });
  await ask(bot, 'grace', 'one');
  expect(await streams(bot, 'grace', 'two')).toContain('delta');
});

/** What a server refuses, how it comes to that, how it ends, and what /health says of it. */
const REFUSALS: readonly (readonly [
  string,
  (admin: Redis, server: RedisServer) => Promise<unknown>,
  (admin: Redis) => Promise<unknown>,
  RegExp,
])[] = [
  [
    'too few replicas',
    (admin) => admin.config('SET', 'min-replicas-to-write', '1'),
    (admin) => admin.config('SET', 'min-replicas-to-write', '0'),
    /min-replicas-to-write \(NOREPLICAS\)/,
  ],
  [
    'a full memory',
    (admin) => admin.config('SET', 'maxmemory', '1mb'),
    (admin) => admin.config('SET', 'maxmemory', '0'),
    /maxmemory \(OOM\)/,
  ],
  [
    'a disk that can’t be written to',
    async (admin, { dir }) => {
      await admin.config('SET', 'save', '3600 1');
      await rm(dir, { recursive: true });
      await admin.bgsave();
    },
    (admin) => admin.config('SET', 'stop-writes-on-bgsave-error', 'no'),
    /cannot write to its disk \(MISCONF\)/,
  ],
  [
    'a right that was taken away',
    (admin) => admin.call('ACL', 'SETUSER', 'default', '-set'),
    (admin) => admin.call('ACL', 'SETUSER', 'default', '+set'),
    /lacks a right \(NOPERM\)/,
  ],
  [
    'a password that nobody told it',
    async (admin) => {
      await admin.config('SET', 'requirepass', 'changed');
      await admin.call('CLIENT', 'KILL', 'TYPE', 'normal', 'SKIPME', 'yes');
    },
    (admin) => admin.config('SET', 'requirepass', ''),
    /wants a password \(NOAUTH\)/,
  ],
  [
    'too many clients',
    async (admin) => {
      await admin.config('SET', 'maxclients', '1');
      await admin.call('CLIENT', 'KILL', 'TYPE', 'normal', 'SKIPME', 'yes');
    },
    (admin) => admin.config('SET', 'maxclients', '10000'),
    /connection "\w+" to Redis is down/,
  ],
];

test.each(variants(REFUSALS, 2))('/health tells of %s, and of its end', async (_, begin, end, reason) => {
  const server = await makeServer();
  const bot = await start(await makeFolder(), { REDIS_URL: server.url });
  await ask(bot, 'grace', 'one');
  await begin(server.admin, server);
  await untilSick(bot, reason);
  const { error } = await healthOf(bot);
  expect(error).not.toMatch(/127\.0\.0\.1|sweep|changed/);
  await end(server.admin);
  await untilHealthy(bot);
  await sayUntilTaken(bot, 'grace', 'two');
  expect((await said(bot, 'grace')).filter((_, index) => index % 2 === 0)).toEqual(['one', 'two']);
});
