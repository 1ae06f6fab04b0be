/** What docs/operations.md tells operators to do and to look at, done and looked at. */
import { copyFile, mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { Redis } from 'ioredis';
import { expect, onTestFinished, test } from 'vitest';
import { parse } from 'yaml';
import { z } from 'zod';
import { createMetrics } from '../src/app/metrics.ts';
import { loadConfig, SETTINGS } from '../src/config/config.ts';
import { ERROR_CODES } from '../src/errors.ts';
import { ask, historyUrl, useWorkshop } from './e2e/http-support.ts';
import { type RedisServer, startRedis } from './support/redis-server.ts';

const PATIENTLY = { timeout: 25_000, interval: 25 };
const page = await readFile(fileURLToPath(new URL('../docs/operations.md', import.meta.url)), 'utf8');
const { makeFolder, start } = useWorkshop();

function blocks(language: string): string[] {
  return [...page.matchAll(new RegExp(`^\`\`\`${language}\\n(.*?)^\`\`\`$`, 'gms'))].map(([, code = '']) => code);
}

async function withRedis<T>({ url }: RedisServer, use: (redis: Redis) => Promise<T>): Promise<T> {
  const redis = new Redis(url, { protocol: 2 });
  try {
    return await use(redis);
  } finally {
    redis.disconnect();
  }
}

/** The names that `/metrics` has, without Node's own. */
async function metricNames(): Promise<string[]> {
  const text = await createMetrics().text();
  return [...text.matchAll(/^# TYPE (bot_\w+) /gm)].map(([, name = '']) => name);
}

test('the table of metrics has each of them, with its labels, and no other', async () => {
  const rows = [...page.matchAll(/^\| `(bot_\w+)(?:\{([\w,]+)\})?` \|/gm)].map(([, name, labels = '']) => [
    name,
    labels,
  ]);
  const names = await metricNames();
  expect(rows.map(([name]) => name).toSorted()).toEqual(names.toSorted());
  const source = await readFile(fileURLToPath(new URL('../src/app/metrics.ts', import.meta.url)), 'utf8');
  for (const label of rows.flatMap(([, labels = '']) => labels.split(',').filter((one) => one !== ''))) {
    expect(source).toContain(`'${label}'`);
  }
});

test('the alarms are rules of Prometheus on metrics that exist', async () => {
  const [, rules = ''] = blocks('yaml');
  const rule = z.strictObject({ alert: z.string(), expr: z.string(), for: z.string().optional() });
  const file = z.strictObject({ groups: z.array(z.strictObject({ name: z.string(), rules: z.array(rule).min(5) })) });
  const names = await metricNames();
  for (const { expr } of file.parse(parse(rules)).groups.flatMap((group) => group.rules)) {
    const used = [...expr.matchAll(/bot_\w+/g)].map(([name]) => name);
    expect(used.length).toBeGreaterThan(0);
    expect(names).toEqual(expect.arrayContaining(used));
  }
});

test('the deployment for Kubernetes leaves the bot more time to end than it takes, and asks /health', () => {
  const spec = z.looseObject({
    terminationGracePeriodSeconds: z.number(),
    containers: z.tuple([
      z.looseObject({ readinessProbe: z.looseObject({ httpGet: z.object({ path: z.string() }) }) }),
    ]),
  });
  const deployment = z.looseObject({ spec: z.looseObject({ template: z.looseObject({ spec }) }) });
  const pod = deployment.parse(parse(blocks('yaml')[0] ?? '')).spec.template.spec;
  expect(pod.terminationGracePeriodSeconds * 1_000).toBeGreaterThan(
    loadConfig({}, { cwd: '/nowhere' }).turns.shutdownGraceMs,
  );
  expect(pod.containers[0].readinessProbe.httpGet.path).toBe('/health');
});

test('settings and codes it names exist', () => {
  const settings = new Set<string>(SETTINGS.map(({ name }) => name));
  const named = [...page.matchAll(/`([A-Z][A-Z0-9]*_[A-Z0-9_]+)[`=]/g)].map(([, name = '']) => name);
  expect(named.filter((name) => !settings.has(name))).toEqual([]);
  const codes = [...page.matchAll(/`((?:turn|model|store|platform)_\w+)`/g)].map(([, code = '']) => code);
  expect(codes.length).toBeGreaterThan(2);
  expect(ERROR_CODES).toEqual(expect.arrayContaining(codes));
});

test('the rights of the Redis user are enough for the whole bot', async () => {
  const redis = await startRedis();
  onTestFinished(() => redis.stop());
  const [, name = '', ...rights] = (blocks('text')[0] ?? '').trim().split(' ');
  await withRedis(redis, async (admin) => {
    await admin.call('ACL', 'SETUSER', name, ...rights);
    await admin.call('ACL', 'LOG', 'RESET');
  });
  const url = redis.url.replace('redis://', `redis://${name}:PASSWORD@`);
  const bot = await start(await makeFolder(), { REDIS_URL: url });
  expect(await ask(bot, 'grace', 'My name is Grace Hopper')).not.toBe('');
  expect(await ask(bot, 'grace', '/ttl 10m')).toContain('10 minutes');
  expect(await ask(bot, 'grace', '/memstats')).toContain('The service');
  expect(await ask(bot, 'grace', '/history')).toContain('Grace Hopper');
  expect(await ask(bot, 'grace', '/forget')).toContain('Forgotten');
  expect((await fetch(`${bot.url}/stats`)).status).toBe(200);
  await bot.release();
  expect(await withRedis(redis, (admin) => admin.call('ACL', 'LOG'))).toEqual([]);
  expect(bot.output()).not.toMatch(/NOPERM|"level":"(warn|error)"/);
});

test('a backup can be restored', async () => {
  const redis = await startRedis();
  onTestFinished(() => redis.stop());
  const bot = await start(await makeFolder(), { REDIS_URL: redis.url });
  await ask(bot, 'grace', 'My name is Grace Hopper');
  const folder = await mkdtemp(join(tmpdir(), 'recollect-backup-'));
  onTestFinished(() => rm(folder, { recursive: true, force: true }));
  await withRedis(redis, async (admin) => {
    await admin.bgsave();
    await expect.poll(() => admin.info('persistence'), PATIENTLY).toContain('rdb_bgsave_in_progress:0');
  });
  await copyFile(join(redis.dir, 'dump.rdb'), join(folder, 'dump.rdb'));

  const restored = await startRedis({ args: ['--dir', folder, '--dbfilename', 'dump.rdb', '--appendonly', 'no'] });
  onTestFinished(() => restored.stop());
  await withRedis(restored, async (admin) => {
    await admin.config('SET', 'appendonly', 'yes');
    const rewritten = async () => /aof_enabled:1.*aof_rewrite_in_progress:0/s.test(await admin.info('persistence'));
    await expect.poll(rewritten, PATIENTLY).toBe(true);
  });
  const again = await start(await makeFolder(), { REDIS_URL: restored.url });
  expect(await (await fetch(historyUrl(again, 'grace'))).text()).toContain('Grace Hopper');
});
