import { execFile } from 'node:child_process';
import { cp, mkdir, mkdtemp, readdir, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { z } from 'zod';

const ROOT = fileURLToPath(new URL('..', import.meta.url));
const DEPCRUISE = join(ROOT, 'node_modules/dependency-cruiser/bin/dependency-cruise.mjs');
const BIOME = join(ROOT, 'node_modules/@biomejs/biome/bin/biome');

const cruiseResult = z.object({
  modules: z.array(z.object({ source: z.string() })),
  summary: z.object({
    violations: z.array(z.object({ from: z.string(), to: z.string(), rule: z.object({ name: z.string() }) })),
    totalDependenciesCruised: z.number(),
  }),
});

interface Outcome {
  readonly code: number;
  readonly stdout: string;
}

/** Runs a tool of the project, which may fail. */
function run(tool: string, args: readonly string[], cwd: string): Promise<Outcome> {
  return new Promise((resolve) => {
    const child = execFile(
      process.execPath,
      [tool, ...args],
      { cwd, maxBuffer: 64 * 1024 * 1024 },
      (_, stdout, stderr) => resolve({ code: child.exitCode ?? -1, stdout: stdout || stderr }),
    );
  });
}

async function cruise(cwd: string, ...folders: readonly string[]) {
  const args = ['--config', join(ROOT, '.dependency-cruiser.cjs'), '--output-type', 'json', ...folders];
  return cruiseResult.parse(JSON.parse((await run(DEPCRUISE, args, cwd)).stdout));
}

/** A small tree of its own: `files` names each file with what it imports. */
async function build(folder: string, files: Readonly<Record<string, readonly string[]>>): Promise<void> {
  for (const [path, lines] of Object.entries(files)) {
    await mkdir(dirname(join(folder, path)), { recursive: true });
    await writeFile(
      join(folder, path),
      [...lines, 'export const here = 1;', 'export type Here = number;', ''].join('\n'),
    );
  }
}

const named = (...paths: readonly string[]) =>
  paths.map((path, index) => `import { here as here${index} } from '${path}';`);
const typed = (...paths: readonly string[]) =>
  paths.map((path, index) => `import type { Here as Here${index} } from '${path}';`);

const PACKAGES = ['zod', 'discord.js', '@slack/bolt', 'ioredis', '@langchain/openai'];

/** A tree that keeps every rule. */
const TREE = {
  'src/errors.ts': [],
  'src/redis/connection.ts': named('ioredis'),
  'src/config/config.ts': named('./settings.ts'),
  'src/config/settings.ts': named('zod'),
  'src/core/types.ts': [...typed('../errors.ts'), ...named('node:crypto')],
  'src/memory/window.ts': typed('../core/types.ts'),
  'src/memory/redis/store.ts': named(
    '../window.ts',
    '../../core/types.ts',
    '../../errors.ts',
    '../../redis/connection.ts',
    'ioredis',
  ),
  'src/queue/signals.ts': named('../core/types.ts', '../redis/connection.ts', 'ioredis'),
  'src/chain/model.ts': named('../core/types.ts', '@langchain/openai'),
  'src/files/fetch.ts': named('../core/types.ts', 'node:https'),
  'src/files/reader.ts': named('./fetch.ts', '../core/types.ts'),
  'src/i18n/messages.ts': typed('../core/types.ts'),
  'src/commands/run.ts': named('../core/types.ts', '../i18n/messages.ts'),
  'src/lib/timeout.ts': typed('../errors.ts'),
  'src/replies/live-reply.ts': named('../core/types.ts', '../i18n/messages.ts', '../lib/timeout.ts'),
  'src/adapters/discord/normalize.ts': typed('../../core/types.ts'),
  'src/adapters/discord/adapter.ts': named(
    './normalize.ts',
    '../../replies/live-reply.ts',
    '../../i18n/messages.ts',
    'discord.js',
  ),
  'src/adapters/slack/adapter.ts': named(
    '../../replies/live-reply.ts',
    '../../files/fetch.ts',
    '../../errors.ts',
    '@slack/bolt',
  ),
  'src/adapters/web/schemas.ts': named('zod'),
  'src/adapters/web/routes.ts': named('./schemas.ts'),
  'src/adapters/web/public/texts.ts': typed('../schemas.ts'),
  'src/main.ts': named(
    './config/config.ts',
    './memory/redis/store.ts',
    './queue/signals.ts',
    './chain/model.ts',
    './commands/run.ts',
    './files/reader.ts',
    './adapters/discord/adapter.ts',
    './adapters/slack/adapter.ts',
  ),
  'test/helper.ts': named('dev-tool'),
};

/** Each breaks one rule, once: the rule, the file that breaks it, its imports, and where the forbidden one leads. */
const BREACHES: readonly (readonly [rule: string, file: string, imports: readonly string[], to: string])[] = [
  ['core-stands-alone', 'src/core/memory.ts', named('../memory/window.ts'), 'src/memory/window.ts'],
  ['core-stands-alone', 'src/core/memory-type.ts', typed('../memory/window.ts'), 'src/memory/window.ts'],
  ['core-stands-alone', 'src/core/texts.ts', named('../i18n/messages.ts'), 'src/i18n/messages.ts'],
  ['core-stands-alone', 'src/core/zod.ts', named('zod'), 'node_modules/zod/index.js'],
  [
    'core-stands-alone',
    'src/core/later.ts',
    ["export const later = import('../redis/connection.ts');"],
    'src/redis/connection.ts',
  ],
  [
    'core-stands-alone',
    'src/core/passed-on.ts',
    ["export * from '../redis/connection.ts';"],
    'src/redis/connection.ts',
  ],
  ['modules-know-core-only', 'src/memory/queue.ts', named('../queue/signals.ts'), 'src/queue/signals.ts'],
  ['modules-know-core-only', 'src/queue/memory.ts', typed('../memory/window.ts'), 'src/memory/window.ts'],
  ['modules-know-core-only', 'src/chain/adapter.ts', named('../replies/live-reply.ts'), 'src/replies/live-reply.ts'],
  ['modules-know-core-only', 'src/files/memory.ts', named('../memory/window.ts'), 'src/memory/window.ts'],
  ['adapters-stand-alone', 'src/adapters/slack/reader.ts', named('../../files/reader.ts'), 'src/files/reader.ts'],
  ['commands-know-core-only', 'src/commands/store.ts', named('../memory/redis/store.ts'), 'src/memory/redis/store.ts'],
  ['messages-know-core-only', 'src/i18n/commands.ts', named('../commands/run.ts'), 'src/commands/run.ts'],
  [
    'adapters-stand-alone',
    'src/adapters/slack/other.ts',
    named('../discord/adapter.ts'),
    'src/adapters/discord/adapter.ts',
  ],
  [
    'adapters-stand-alone',
    'src/adapters/slack/other-type.ts',
    typed('../discord/adapter.ts'),
    'src/adapters/discord/adapter.ts',
  ],
  [
    'adapters-stand-alone',
    'src/adapters/slack/store.ts',
    named('../../memory/redis/store.ts'),
    'src/memory/redis/store.ts',
  ],
  ['adapters-stand-alone', 'src/adapters/slack/queue.ts', named('../../queue/signals.ts'), 'src/queue/signals.ts'],
  ['adapters-stand-alone', 'src/adapters/slack/chain.ts', named('../../chain/model.ts'), 'src/chain/model.ts'],
  [
    'shared-adapter-files-know-no-adapter',
    'src/adapters/one.ts',
    named('./slack/adapter.ts'),
    'src/adapters/slack/adapter.ts',
  ],
  ['lib-stands-alone', 'src/lib/ports.ts', typed('../core/types.ts'), 'src/core/types.ts'],
  [
    'replies-know-no-adapter',
    'src/replies/one.ts',
    named('../adapters/slack/adapter.ts'),
    'src/adapters/slack/adapter.ts',
  ],
  ['settings-are-handed-in', 'src/redis/settings.ts', typed('../config/config.ts'), 'src/config/config.ts'],
  ['pure-files-know-no-sdk', 'src/adapters/discord/render.ts', named('discord.js'), 'node_modules/discord.js/index.js'],
  [
    'pure-files-know-no-sdk',
    'src/adapters/slack/normalize.ts',
    typed('@slack/bolt'),
    'node_modules/@slack/bolt/index.js',
  ],
  ['discord-in-its-adapter', 'src/adapters/slack/discord.ts', named('discord.js'), 'node_modules/discord.js/index.js'],
  ['slack-in-its-adapter', 'src/commands/slack.ts', named('@slack/bolt'), 'node_modules/@slack/bolt/index.js'],
  [
    'model-client-in-chain',
    'src/adapters/openai.ts',
    named('@langchain/openai'),
    'node_modules/@langchain/openai/index.js',
  ],
  ['page-shares-types-only', 'src/adapters/web/public/server.ts', named('../routes.ts'), 'src/adapters/web/routes.ts'],
  [
    'page-shares-types-only',
    'src/adapters/web/public/node.tsx',
    [...named('node:fs'), 'export const view = <p>Text</p>;'],
    'fs',
  ],
  ['page-shares-types-only', 'src/adapters/web/public/zod.ts', named('zod'), 'node_modules/zod/index.js'],
  [
    'page-is-built-by-itself',
    'src/adapters/web/rendered.ts',
    typed('./public/texts.ts'),
    'src/adapters/web/public/texts.ts',
  ],
  ['nobody-imports-main', 'test/start.ts', named('../src/main.ts'), 'src/main.ts'],
  ['product-without-tests', 'src/adapters/helped.ts', named('../../test/helper.ts'), 'test/helper.ts'],
  ['product-without-dev-dependencies', 'src/adapters/dev.ts', named('dev-tool'), 'node_modules/dev-tool/index.js'],
  ['no-unlisted-package', 'src/adapters/unlisted.ts', named('unlisted'), 'node_modules/unlisted/index.js'],
  ['no-orphan', 'src/adapters/alone.ts', [], 'src/adapters/alone.ts'],
  ['no-unresolvable', 'src/adapters/nowhere.ts', named('./no-such-file.ts'), './no-such-file.ts'],
  // A cycle is told once, at one of its files.
  ['no-cycle', 'src/queue/back.ts', typed('./forth.ts'), 'src/queue/forth.ts'],
];

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'recollect-architecture-'));
});
afterAll(() => rm(folder, { recursive: true }));

/** A tree with its packages; `unlisted` is installed but in no list. */
async function tree(name: string, more: Readonly<Record<string, readonly string[]>>): Promise<string> {
  const cwd = join(folder, name);
  await build(cwd, { ...TREE, ...more });
  for (const dependency of [...PACKAGES, 'dev-tool', 'unlisted']) {
    const at = join(cwd, 'node_modules', dependency);
    await mkdir(at, { recursive: true });
    await writeFile(join(at, 'package.json'), JSON.stringify({ name: dependency, version: '1.0.0', main: 'index.js' }));
    await writeFile(join(at, 'index.js'), 'exports.here = 1;\n');
  }
  const dependencies = Object.fromEntries(PACKAGES.map((dependency) => [dependency, '1.0.0']));
  await writeFile(
    join(cwd, 'package.json'),
    JSON.stringify({ dependencies, devDependencies: { 'dev-tool': '1.0.0' } }),
  );
  return cwd;
}

describe('the dependency rules', () => {
  it('find no fault with a tree that keeps them', async () => {
    const { summary } = await cruise(await tree('kept', {}), 'src', 'test');
    expect(summary.violations).toEqual([]);
    expect(summary.totalDependenciesCruised).toBeGreaterThan(Object.keys(TREE).length);
  });

  it('find each breach, type-only imports and cycles included, and nothing else', async () => {
    const breaches = Object.fromEntries(BREACHES.map(([, file, imports]) => [file, imports]));
    const cwd = await tree('broken', { ...breaches, 'src/queue/forth.ts': typed('./back.ts') });
    const { summary } = await cruise(cwd, 'src', 'test');
    const found = summary.violations.map(({ rule, from, to }) => `${rule.name}: ${from} -> ${to}`);
    expect(found.sort()).toEqual(BREACHES.map(([rule, file, , to]) => `${rule}: ${file} -> ${to}`).sort());
  });

  it('fail the command that the check runs', async () => {
    const cwd = await tree('command', { 'src/core/breach.ts': named('../memory/window.ts') });
    const { code, stdout } = await run(DEPCRUISE, ['--config', join(ROOT, '.dependency-cruiser.cjs'), 'src'], cwd);
    expect(code).toBeGreaterThan(0);
    expect(stdout).toContain('core-stands-alone: src/core/breach.ts → src/memory/window.ts');
  });

  it('are kept by the product, of which every file is read', { timeout: 120_000 }, async () => {
    const { modules, summary } = await cruise(ROOT, 'src', 'test', 'scripts');
    expect(summary.violations.map(({ rule, from, to }) => `${rule.name}: ${from} -> ${to}`)).toEqual([]);
    const read = modules.map(({ source }) => source).filter((source) => source.startsWith('src/'));
    const files = await readdir(join(ROOT, 'src'), { recursive: true });
    expect(read.sort()).toEqual(
      files
        .filter((file) => /\.(tsx?|mjs)$/.test(file))
        .map((file) => `src/${file}`)
        .sort(),
    );
    expect(summary.totalDependenciesCruised).toBeGreaterThan(read.length);
  });
});

describe('the environment', () => {
  it('is read by src/config/config.ts alone: the linter fails on any other reader', async () => {
    const cwd = join(folder, 'linted');
    for (const folder of ['core', 'config']) await mkdir(join(cwd, 'src', folder), { recursive: true });
    for (const file of ['biome.json', '.gitignore']) await cp(join(ROOT, file), join(cwd, file));
    const reader = 'export const path = process.env.PATH;\n';

    await writeFile(join(cwd, 'src/config/config.ts'), reader);
    expect((await run(BIOME, ['lint', 'src'], cwd)).code).toBe(0);
    await writeFile(join(cwd, 'src/core/reader.ts'), reader);
    const { code, stdout } = await run(BIOME, ['lint', '--reporter=github', 'src'], cwd);
    expect(code).toBe(1);
    expect(stdout).toMatch(/style\/noProcessEnv,file=.*src\/core\/reader\.ts/);
  });
});
