import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { access, chmod, mkdtemp, readdir, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { Redis } from 'ioredis';
import { afterEach, describe, expect, inject, it, vi } from 'vitest';
import { findRedisBinary } from './redis-binary.ts';
import { type RedisServer, type RedisServerOptions, startRedis } from './redis-server.ts';

const cleanups: (() => Promise<unknown>)[] = [];
afterEach(async () => {
  for (const cleanup of cleanups.splice(0).reverse()) await cleanup();
});

async function ownRedis(options?: RedisServerOptions): Promise<RedisServer> {
  const server = await startRedis(options);
  cleanups.push(() => server.stop());
  return server;
}

async function ask<T>(url: string, question: (redis: Redis) => Promise<T>): Promise<T> {
  const redis = new Redis(url);
  try {
    return await question(redis);
  } finally {
    redis.disconnect();
  }
}

async function temporaryFolder(): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'recollect-test-'));
  cleanups.push(() => rm(folder, { recursive: true }));
  return folder;
}

function runs(pid: number): boolean {
  try {
    return process.kill(pid, 0);
  } catch {
    return false;
  }
}

const exists = (path: string) =>
  access(path).then(
    () => true,
    () => false,
  );

describe('the Redis of the test run', () => {
  it('is a real one', async () => {
    expect(await ask(inject('redisUrl'), (redis) => redis.info('server'))).toMatch(/redis_version:\d+/);
  });
});

describe('startRedis', () => {
  it('starts a server with an append-only file and without eviction', async () => {
    const server = await ownRedis();
    const settings = await ask(server.url, (redis) => redis.config('GET', 'append*', 'maxmemory-policy', 'save'));
    expect(settings).toEqual(
      expect.arrayContaining(['appendonly', 'yes', 'appendfsync', 'everysec', 'maxmemory-policy', 'noeviction']),
    );
  });

  it('gives the options of the test the last word', async () => {
    const server = await ownRedis({ args: ['--maxmemory-policy', 'allkeys-lru'] });
    expect(await ask(server.url, (redis) => redis.config('GET', 'maxmemory-policy'))).toContain('allkeys-lru');
  });

  it('comes back after a kill -9 on the same port with what it had acknowledged', async () => {
    const server = await ownRedis();
    await ask(server.url, (redis) => redis.set('kept', 'yes'));
    const before = server.pid;
    await server.kill9();
    expect(runs(before)).toBe(false);
    await server.restart();
    expect(server.pid).not.toBe(before);
    expect(await ask(server.url, (redis) => redis.get('kept'))).toBe('yes');
  });

  it('restarts a running server by SIGTERM', async () => {
    const server = await ownRedis();
    await ask(server.url, (redis) => redis.set('kept', 'yes'));
    const before = server.pid;
    await server.restart();
    expect(runs(before)).toBe(false);
    expect(await ask(server.url, (redis) => redis.get('kept'))).toBe('yes');
  });

  it('leaves neither process nor folder behind when it is stopped, also after restarts and in a frozen state', async () => {
    const server = await startRedis();
    await server.kill9();
    await server.restart();
    process.kill(server.pid, 'SIGSTOP');
    await server.stop();
    expect(runs(server.pid)).toBe(false);
    expect(await exists(server.dir)).toBe(false);
    await server.stop();
  });

  it('says why a server did not start, and cleans up', async () => {
    const scratch = await temporaryFolder();
    vi.stubEnv('TMPDIR', scratch);
    cleanups.push(async () => vi.unstubAllEnvs());
    await expect(startRedis({ args: ['--no-such-option', 'x'] })).rejects.toThrow(/no-such-option/);
    expect(await readdir(scratch)).toEqual([]);
  });

  it('dies with the process that started it, even when that one is killed by SIGKILL', async () => {
    const module = JSON.stringify(new URL('./redis-server.ts', import.meta.url).href);
    const script = `const { startRedis } = await import(${module});
      const { pid, dir } = await startRedis();
      console.log(JSON.stringify({ pid, dir }));`;
    const owner = spawn(process.execPath, ['--import', 'tsx', '--input-type=module', '-e', script], {
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    cleanups.push(async () => owner.kill('SIGKILL'));
    const [line] = await once(createInterface({ input: owner.stdout }), 'line');
    const { pid, dir } = JSON.parse(line);
    expect(runs(pid)).toBe(true);

    owner.kill('SIGKILL');
    await vi.waitFor(() => expect(runs(pid)).toBe(false), { timeout: 20_000 });
    await vi.waitFor(async () => expect(await exists(dir)).toBe(false), { timeout: 20_000 });
  });
});

describe('findRedisBinary', () => {
  it('prefers redis-server, takes valkey-server, and nothing that cannot be run', async () => {
    const [first, second, third] = [await temporaryFolder(), await temporaryFolder(), await temporaryFolder()];
    await writeFile(join(first, 'redis-server'), 'not executable');
    await chmod(join(first, 'redis-server'), 0o644);
    expect(await findRedisBinary(first)).toBeUndefined();

    await symlink(process.execPath, join(second, 'valkey-server'));
    expect(await findRedisBinary(`${first}:${second}`)).toEqual({
      kind: 'program',
      path: join(second, 'valkey-server'),
    });

    await symlink(process.execPath, join(third, 'redis-server'));
    expect(await findRedisBinary(`${second}:${third}`)).toEqual({ kind: 'program', path: join(third, 'redis-server') });
  });

  it('does not count a Docker client whose engine does not answer', async () => {
    const folder = await temporaryFolder();
    // As the real client does: prints its own version, then fails.
    await writeFile(join(folder, 'docker'), '#!/bin/sh\necho "Client:"\nexit 1\n', { mode: 0o755 });
    expect(await findRedisBinary(folder)).toBeUndefined();
    await writeFile(join(folder, 'docker'), '#!/bin/sh\necho "Client:"\necho "Server:"\n', { mode: 0o755 });
    expect(await findRedisBinary(folder)).toEqual({ kind: 'docker', path: join(folder, 'docker') });
  });

  it('finds nothing where nothing is', async () => {
    expect(await findRedisBinary(await temporaryFolder())).toBeUndefined();
  });
});
