import { readFile } from 'node:fs/promises';
import { Redis } from 'ioredis';
import { describe, expect, it, onTestFinished } from 'vitest';
import { parse } from 'yaml';
import { z } from 'zod';
import { loadConfig, SETTINGS } from '../src/config/config.ts';
import { startRedis } from './support/redis-server.ts';

const read = (name: string) => readFile(new URL(`../${name}`, import.meta.url), 'utf8');

const healthcheck = z.object({ test: z.array(z.string()).min(2), interval: z.string(), retries: z.number() });
const composeFile = z.strictObject({
  services: z.strictObject({
    bot: z.looseObject({
      build: z.literal('.'),
      env_file: z.tuple([z.object({ path: z.literal('.env') })]),
      environment: z.record(z.string(), z.string()),
      ports: z.array(z.string()),
      depends_on: z.object({ redis: z.object({ condition: z.literal('service_healthy') }) }),
      healthcheck,
      stop_grace_period: z.string().regex(/^\d+s$/),
    }),
    redis: z.looseObject({
      image: z.string(),
      command: z.array(z.string()),
      volumes: z.array(z.string()),
      healthcheck,
    }),
  }),
  volumes: z.record(z.string(), z.null()),
});

/** The lines of a redis.conf as options of the command line, where tests put them: both are read by the same parser. */
const optionsOf = (conf: string) =>
  conf
    .split('\n')
    .filter((line) => line !== '' && !line.startsWith('#'))
    .flatMap((line) => [`--${line.split(' ')[0]}`, ...line.split(' ').slice(1)])
    .map((word) => (word === '""' ? '' : word));

const readCompose = async () => composeFile.parse(parse(await read('docker-compose.yml')));

describe('docker-compose.yml', () => {
  it('gives the bot settings that exist and are sound', async () => {
    const { environment } = (await readCompose()).services.bot;
    const names = SETTINGS.map(({ name }) => name);
    expect(names).toEqual(expect.arrayContaining(Object.keys(environment)));
    const config = loadConfig({ ...environment, API_KEY: 'a-long-random-word' }, { cwd: '/nowhere' });
    expect(config.store.redis).toMatchObject({ kind: 'server', url: 'redis://redis:6379' });
    expect(config.http).toMatchObject({ host: '0.0.0.0', port: 8000, apiKey: 'a-long-random-word' });
    expect(config.warnings).toEqual([]);
  });

  it('takes nothing from outside but settings, and refuses to start without a key', async () => {
    const taken = [...(await read('docker-compose.yml')).matchAll(/\$\{?([A-Z_]+)(:\?)?/g)];
    expect(taken.map(([, name, required]) => [name, required])).toEqual([['API_KEY', ':?']]);
  });

  it('publishes the ports that the bot listens on, to this machine only', async () => {
    const { environment, ports } = (await readCompose()).services.bot;
    expect(ports).toEqual([environment.PORT, environment.SLACK_PORT].map((port) => `127.0.0.1:${port}:${port}`));
  });

  it.each(['bot', 'redis'] as const)('lets %s do no more than it has to', async (name) => {
    expect((await readCompose()).services[name]).toMatchObject({
      read_only: true,
      cap_drop: ['ALL'],
      security_opt: ['no-new-privileges:true'],
      tmpfs: ['/tmp'],
      mem_limit: expect.stringMatching(/^\d+[mg]$/),
      pids_limit: expect.any(Number),
    });
  });

  it('runs Redis as a user who is not root, with memory for a rewrite of its file', async () => {
    const { user, mem_limit } = (await readCompose()).services.redis;
    expect(user).toMatch(/^[1-9]\d*:[1-9]\d*$/);
    const [, maxmemory] = /^maxmemory (\d+)mb$/m.exec(await read('redis.conf')) ?? [];
    expect([mem_limit, maxmemory]).toEqual(['1g', '512']);
  });

  it('does not publish Redis', async () => {
    expect((await readCompose()).services.redis).not.toHaveProperty('ports');
  });

  it('lets the bot end its turns before it is killed', async () => {
    const { stop_grace_period } = (await readCompose()).services.bot;
    const { shutdownGraceMs } = loadConfig({}, { cwd: '/nowhere' }).turns;
    expect(Number.parseInt(stop_grace_period, 10) * 1_000).toBeGreaterThan(shutdownGraceMs);
  });

  it('asks for the health of both by what they answer', async () => {
    const { bot, redis } = (await readCompose()).services;
    expect(bot.healthcheck.test.join(' ')).toContain(`http://127.0.0.1:${bot.environment.PORT}/health`);
    expect(redis.healthcheck.test.join(' ')).toContain('redis-cli ping | grep -q PONG');
  });

  it('runs a Redis 7 that keeps its data in a volume', async () => {
    const { services, volumes } = await readCompose();
    expect(services.redis.image).toMatch(/^redis:7\.\d+\.\d+-bookworm@sha256:[0-9a-f]{64}$/);
    const [source] = (services.redis.volumes.find((volume) => volume.endsWith(':/data')) ?? '').split(':');
    expect(Object.keys(volumes)).toContain(source);
  });

  it('runs it with a redis.conf that a real Redis takes: append-only file, no snapshots, no eviction', async () => {
    const { command, volumes } = (await readCompose()).services.redis;
    expect(command[0]).toBe('redis-server');
    expect(volumes).toContain(`./redis.conf:${command[1]}:ro`);
    const args = optionsOf(await read('redis.conf'));
    expect(args).toEqual(expect.arrayContaining(['--appendonly', '--appendfsync', '--save', '--maxmemory-policy']));
    const running = await startRedis({ args });
    onTestFinished(() => running.stop());
    const redis = new Redis(running.url);
    onTestFinished(() => redis.disconnect());
    const setting = async (name: string) => (await redis.config('GET', name))?.at(1);
    expect(await setting('save')).toBe('');
    expect(await setting('appendonly')).toBe('yes');
    expect(await setting('appendfsync')).toBe('everysec');
    expect(await setting('maxmemory-policy')).toBe('noeviction');
    expect(await setting('maxmemory')).toBe(String(512 * 1024 * 1024));
  });
});

describe('Dockerfile', () => {
  const instructions = async () =>
    (await read('Dockerfile'))
      .replaceAll('\\\n', '')
      .split('\n')
      .filter((line) => /^[A-Z]/.test(line));

  it('builds in stages and runs as a user who is not root, by exec so that signals arrive', async () => {
    const lines = await instructions();
    expect(lines.filter((line) => line.startsWith('FROM ')).length).toBeGreaterThan(1);
    const final = lines.slice(lines.findLastIndex((line) => line.startsWith('FROM ')));
    expect(final.filter((line) => line.startsWith('USER '))).toEqual(['USER node']);
    const { scripts } = z
      .object({ scripts: z.record(z.string(), z.string()) })
      .parse(JSON.parse(await read('package.json')));
    expect(final.at(-1)).toBe(`CMD ${JSON.stringify(scripts.start?.split(' ')).replaceAll(',', ', ')}`);
    for (const [, script = ''] of lines.join('\n').matchAll(/npm run (\S+)/g)) expect(scripts).toHaveProperty([script]);
  });

  it('is built on one image of the Node that the package asks for, named by its digest', async () => {
    const images = (await instructions()).flatMap((line) => /^FROM (\S+)/.exec(line)?.[1] ?? []);
    expect(new Set(images).size).toBe(1);
    const [, major] = /^node:(\d+)-bookworm-slim@sha256:[0-9a-f]{64}$/.exec(images[0] ?? '') ?? [];
    const { engines } = z
      .object({ engines: z.object({ node: z.string().regex(/^>=\d+/) }) })
      .parse(JSON.parse(await read('package.json')));
    expect(Number(major)).toBeGreaterThanOrEqual(Number.parseInt(engines.node.slice(2), 10));
  });

  it('has a health check on the port of the settings', async () => {
    const [check = ''] = (await instructions()).filter((line) => line.startsWith('HEALTHCHECK '));
    expect(check).toContain(`process.env.PORT || ${loadConfig({}, { cwd: '/nowhere' }).http.port}}/health`);
  });

  it('copies single named things only, and .dockerignore lets through just these', async () => {
    const copied = (await instructions())
      .filter((line) => line.startsWith('COPY ') && !line.includes('--from='))
      .flatMap((line) => line.split(' ').slice(1, -1));
    await Promise.all(copied.filter((name) => name !== 'src').map(read));
    const ignored = (await read('.dockerignore')).split('\n').filter((line) => line !== '' && !line.startsWith('#'));
    expect(ignored[0]).toBe('*');
    expect(ignored.slice(1).sort()).toEqual([...new Set(copied)].map((name) => `!${name}`).sort());
  });

  it('has the licence in it that the package names', async () => {
    const { license } = z.object({ license: z.string() }).parse(JSON.parse(await read('package.json')));
    expect(license).toBe('MIT');
    expect(await read('LICENSE')).toMatch(/^MIT License\n/);
    const lines = await instructions();
    const final = lines.slice(lines.findLastIndex((line) => line.startsWith('FROM ')));
    expect(
      final
        .filter((line) => line.startsWith('COPY '))
        .join(' ')
        .split(' '),
    ).toContain('LICENSE');
  });
});
