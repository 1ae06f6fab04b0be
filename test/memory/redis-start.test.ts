/** What a start says to a Redis that it can't use, on real servers: what is set wrongly, and what may pass by itself. */
import { mkdtemp, rm } from 'node:fs/promises';
import { createServer } from 'node:http';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Redis } from 'ioredis';
import { describe, expect, onTestFinished, test, vi } from 'vitest';
import { loadConfig } from '../../src/config/config.ts';
import { checkServer, type ServerCheck } from '../../src/memory/redis/server-check.ts';
import { type RedisTarget, serverAt } from '../../src/redis/target.ts';
import { launchBot } from '../support/bot-process.ts';
import { builtBot } from '../support/built-bot.ts';
import { makeCertificate } from '../support/certificate.ts';
import { freePort } from '../support/free-port.ts';
import { startGuarded } from '../support/guarded-process.ts';
import { findRedisBinary, HOW_TO_GET_REDIS } from '../support/redis-binary.ts';
import { startSentinel } from '../support/redis-sentinels.ts';
import { type RedisServer, startRedis } from '../support/redis-server.ts';

const wrongly = (message: RegExp) => ({
  name: 'BotError',
  code: 'config_invalid',
  message: expect.stringMatching(message),
});
const passing = (message: RegExp) => ({
  name: 'BotError',
  code: 'store_unavailable',
  message: expect.stringMatching(message),
});

function check(where: string | RedisTarget, more: Partial<ServerCheck> = {}): Promise<void> {
  const redis = typeof where === 'string' ? serverAt(where) : where;
  return checkServer({ redis, prefix: 'conversation', allowEviction: false, warn() {}, ...more });
}

async function makeServer(...args: string[]): Promise<RedisServer> {
  const server = await startRedis({ args });
  onTestFinished(() => server.stop());
  return server;
}

async function makeFolder(): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'recollect-start-'));
  onTestFinished(() => rm(folder, { recursive: true, force: true }));
  return folder;
}

async function makeAdmin(url: string): Promise<Redis> {
  const admin = new Redis(url, { protocol: 2 });
  onTestFinished(() => admin.disconnect());
  return admin;
}

async function makeSentinel({ port }: RedisServer, ...lines: string[]) {
  const sentinel = await startSentinel(port, { lines });
  onTestFinished(() => sentinel.stop());
  return sentinel;
}

/** A server that is not waited for, with arguments of its own only. */
async function launchServer(...args: string[]): Promise<void> {
  const binary = await findRedisBinary();
  if (binary?.kind !== 'program') throw new Error(HOW_TO_GET_REDIS);
  const server = await startGuarded(binary.path, args);
  onTestFinished(() => server.release());
}

function withUser(url: string, user: string): string {
  return url.replace('redis://', `redis://${user}@`);
}

/** Ends a process with exit code 78 and says why in the terminal. */
async function expectRefusedStart(url: string, text: RegExp): Promise<void> {
  const bot = await launchBot(await builtBot(), await makeFolder(), { REDIS_URL: url });
  onTestFinished(() => bot.release());
  expect(await bot.exited).toBe(78);
  expect(bot.output()).toMatch(text);
}

vi.setConfig({ testTimeout: 120_000 });

describe('a server of the wrong kind', () => {
  test('a node of a Cluster', async () => {
    const server = await makeServer('--cluster-enabled', 'yes', '--cluster-port', String(await freePort()));
    await expect(check(server.url)).rejects.toMatchObject(
      wrongly(/REDIS_URL leads to a node of a Redis Cluster.*in REDIS_CLUSTER/),
    );
    await expect(check(`${server.url}/3`)).rejects.toMatchObject(wrongly(/a node of a Redis Cluster/));
    await expectRefusedStart(server.url, /a node of a Redis Cluster/);
  });

  test('a Sentinel', async () => {
    const { port } = await makeSentinel(await makeServer());
    const url = `redis://127.0.0.1:${port}`;
    await vi.waitFor(
      () => expect(check(url)).rejects.toMatchObject(wrongly(/a Redis Sentinel.*in REDIS_SENTINELS.*REDIS_MASTER/)),
      30_000,
    );
    await expectRefusedStart(url, /a Redis Sentinel/);
  });

  test('a replica, whether or not it has reached its primary, and though it takes writes', async () => {
    const primary = await makeServer();
    const replica = await makeServer('--replicaof', '127.0.0.1', String(primary.port), '--replica-read-only', 'no');
    await expect(check(replica.url)).rejects.toMatchObject(
      wrongly(new RegExp(`a replica, which takes no writes.*follows 127.0.0.1:${primary.port}`)),
    );
    const lost = await makeServer();
    await (await makeAdmin(lost.url)).config('SET', 'replica-serve-stale-data', 'no');
    await (await makeAdmin(lost.url)).replicaof('127.0.0.1', '1');
    await expect(check(lost.url)).rejects.toMatchObject(wrongly(/a replica, which takes no writes/));
    await expectRefusedStart(replica.url, /a replica, which takes no writes/);
  });

  test('no Redis at all', async () => {
    const server = createServer((_, response) => response.end('Hello'));
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    onTestFinished(() => new Promise<void>((resolve) => void server.close(() => resolve())));
    const address = server.address();
    const port = typeof address === 'object' ? address?.port : undefined;
    await expect(check(`redis://127.0.0.1:${port}`)).rejects.toMatchObject(wrongly(/something that is no Redis/));
  });
});

describe('credentials, rights and names', () => {
  test('a password that is missing or wrong, a user that is unknown', async () => {
    const { url } = await makeServer();
    await (await makeAdmin(url)).config('SET', 'requirepass', 'right');
    await expect(check(url)).rejects.toMatchObject(wrongly(/Redis wants a password: write it in REDIS_URL/));
    for (const user of [':wrong-one', 'nobody:wrong-one']) {
      const refused = await check(withUser(url, user)).catch((thrown: unknown) => thrown);
      expect(refused).toMatchObject(wrongly(/refuses the user name or the password in REDIS_URL/));
      expect(String(refused)).not.toContain('wrong-one');
    }
    await check(withUser(url, ':right'));
    await expectRefusedStart(withUser(url, ':wrong-one'), /refuses the user name or the password/);
  });

  /** Each takes away one thing that the bot needs. */
  const ALL = ['on', '>pw', '~*', '&*', '+@all'];
  test.each([
    ['a command', [...ALL, '-set'], /'set' command/],
    ['INFO', [...ALL, '-info'], /'info' command/],
    ['scripts', [...ALL, '-eval'], /'eval' command/],
    ['what scripts do', [...ALL, '-hset'], /hset|script/i],
    ['taking work', [...ALL, '-zpopmin'], /'zpopmin' command/],
    ['subscribing', [...ALL, '-subscribe'], /'subscribe' command/],
    ['its keys', ['on', '>pw', '~other:*', '&*', '+@all'], /keys/],
    ['writing to its keys', ['on', '>pw', '%R~*', '&*', '+@all'], /keys/],
    ['its channels', ['on', '>pw', '~*', 'resetchannels', '+@all'], /channels/],
  ])('a user without a right to %s', async (_, rights, named) => {
    const { url } = await makeServer();
    await (await makeAdmin(url)).call('ACL', 'SETUSER', 'bot', ...rights);
    const refused = await check(withUser(url, 'bot:pw')).catch((thrown: unknown) => thrown);
    expect(refused).toMatchObject(wrongly(/user of REDIS_URL lacks a right.*docs\/operations\.md/));
    expect(String(refused)).toMatch(named);
  });

  test('a user with rights to the keys of one KEY_PREFIX, and to no others', async () => {
    const { url } = await makeServer();
    await (await makeAdmin(url)).call('ACL', 'SETUSER', 'bot', 'on', '>pw', '~mybot:*', '&mybot:*', '+@all');
    await check(withUser(url, 'bot:pw'), { prefix: 'mybot' });
    await expect(check(withUser(url, 'bot:pw'))).rejects.toMatchObject(wrongly(/lacks a right/));
  });

  test('a database that is not there, or may not be chosen: never another one in its place', async () => {
    const { url } = await makeServer('--databases', '1');
    await expect(check(`${url}/5`)).rejects.toMatchObject(wrongly(/REDIS_URL names database 5.*out of range/));
    // ioredis would take this for no number, and choose none.
    expect(() => loadConfig({ REDIS_URL: `${url}/mine` }, { cwd: '/nowhere' })).toThrow(
      /REDIS_URL must be .*database number/,
    );
    const other = await makeServer();
    await (await makeAdmin(other.url)).call('ACL', 'SETUSER', 'bot', ...ALL, '-select');
    await expect(check(withUser(`${other.url}/2`, 'bot:pw'))).rejects.toMatchObject(
      wrongly(/REDIS_URL names database 2/),
    );
    await check(`${other.url}/2`);
  });

  test('a host that does not exist', async () => {
    await expect(check('redis://no-such-host.invalid')).rejects.toMatchObject(
      wrongly(/names the host no-such-host\.invalid, which does not exist/),
    );
  });
});

describe('TLS', () => {
  async function makeTls(clients: 'yes' | 'no') {
    const folder = await makeFolder();
    const [{ key, cert }, port] = [await makeCertificate(folder), await freePort()];
    const files = ['--tls-cert-file', cert, '--tls-key-file', key, '--tls-ca-cert-file', cert];
    const server = await makeServer('--tls-port', String(port), ...files, '--tls-auth-clients', clients);
    return { cert, port, plain: server.port };
  }

  test('a plain URL at a TLS port, and the other way round', async () => {
    const { port, plain } = await makeTls('no');
    await expect(check(`redis://127.0.0.1:${port}`)).rejects.toMatchObject(wrongly(/speaks TLS: write rediss:\/\//));
    await expect(check(`rediss://127.0.0.1:${plain}`)).rejects.toMatchObject(
      wrongly(/does not speak TLS: write redis:\/\//),
    );
  });

  test('a certificate that nobody trusts, and one for another host', async () => {
    const { port, cert } = await makeTls('no');
    await expect(check(`rediss://localhost:${port}`)).rejects.toMatchObject(
      wrongly(/not signed by a CA that is trusted here.*set REDIS_TLS_CA/),
    );
    const bot = await launchBot(await builtBot(), await makeFolder(), {
      REDIS_URL: `rediss://127.0.0.1:${port}`,
      REDIS_TLS_CA: cert,
    });
    onTestFinished(() => bot.release());
    expect(await bot.exited).toBe(78);
    expect(bot.output()).toMatch(/certificate of Redis is for another host than REDIS_URL names \(127\.0\.0\.1\)/);
  });
});

describe('a Unix socket', () => {
  test('a user that it refuses is named by the settings that have it', async () => {
    const path = join(await makeFolder(), 'a redis.sock');
    const server = await makeServer('--unixsocket', path);
    await (await makeAdmin(server.url)).call('ACL', 'SETUSER', 'bot', 'on', '>pw', '~*', '&*', '+@all');
    const url = `unix://${encodeURI(path)}?db=2`;
    await check({ kind: 'server', url, username: 'bot', password: 'pw' });
    await expect(check({ kind: 'server', url, username: 'bot', password: 'wrong' })).rejects.toMatchObject(
      wrongly(/refuses the user name or the password in REDIS_USER and REDIS_PASSWORD/),
    );
  });

  test('one that is not there yet may come', async () => {
    const folder = await makeFolder();
    await expect(check(`unix://${folder}/none.sock`)).rejects.toMatchObject(passing(/ENOENT/));
  });
});

describe('what it keeps', () => {
  test('the eviction policy is read without the right to CONFIG, and ALLOW_EVICTION accepts it', async () => {
    const { url } = await makeServer('--maxmemory-policy', 'allkeys-lru');
    await (await makeAdmin(url)).call('ACL', 'SETUSER', 'bot', 'on', '>pw', '~*', '&*', '+@all', '-config');
    await expect(check(withUser(url, 'bot:pw'))).rejects.toMatchObject({
      code: 'store_evicting',
      message: /allkeys-lru/,
    });
    await check(withUser(url, 'bot:pw'), { allowEviction: true });
  });

  test('one that takes no writes just now is no reason not to start', async () => {
    const { url } = await makeServer('--min-replicas-to-write', '1');
    await check(url);
    await (await makeAdmin(url)).config('SET', 'maxmemory', '1mb');
    await check(url);
  });
});

describe('what passes by itself', () => {
  test('too many clients', async () => {
    const server = await makeServer('--maxclients', '1');
    const other = connect(server.port, '127.0.0.1');
    onTestFinished(() => void other.destroy());
    const text = /Redis has reached its maxclients/;
    await vi.waitFor(() => expect(check(server.url)).rejects.toMatchObject(passing(text)), 30_000);
    // The first thing asked is another one then.
    await expect(check(`${withUser(server.url, ':pw')}/2`)).rejects.toMatchObject(passing(text));
    other.destroy();
    await vi.waitFor(() => check(server.url), 30_000);
  });

  test('nobody there', async () => {
    await expect(check('redis://127.0.0.1:1')).rejects.toMatchObject(passing(/ECONNREFUSED/));
  });

  test('data that is being loaded: it is waited for, but not for ever', async () => {
    const full = await makeServer();
    const filling = await makeAdmin(full.url);
    await filling.eval("for i = 1, 20000 do redis.call('SET', 'k' .. i, i) end", 0);
    await filling.save();
    const port = await freePort();
    const file = ['--dir', full.dir, '--dbfilename', 'dump.rdb', '--appendonly', 'no', '--save', ''];
    // Microseconds a key, and how often it answers meanwhile: options of Redis' own tests (its tests/integration/rdb.tcl).
    const slow = ['--key-load-delay', '5000', '--loading-process-events-interval-bytes', '1024'];
    await launchServer('--port', String(port), '--bind', '127.0.0.1', ...file, ...slow);
    const url = `redis://127.0.0.1:${port}`;
    await vi.waitFor(
      () => expect(check(url, { loadingMs: 300 })).rejects.toMatchObject(passing(/loading its data \(LOADING\)/)),
      30_000,
    );

    const warnings: string[] = [];
    const started = check(url, { warn: (message) => void warnings.push(message) });
    await expect
      .poll(() => warnings, { timeout: 30_000 })
      .toEqual([expect.stringMatching(/loading its data.*up to 60 s/)]);
    const admin = new Redis(url, { protocol: 2, enableReadyCheck: false });
    onTestFinished(() => admin.disconnect());
    await admin.config('SET', 'key-load-delay', '0');
    await started;
  });
});
