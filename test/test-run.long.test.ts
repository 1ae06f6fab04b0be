import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { access, mkdir, mkdtemp, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';

const ROOT = fileURLToPath(new URL('..', import.meta.url));

/** Only bounds what hangs: each test is a whole `npm test`, on a machine that runs other tests besides. */
vi.setConfig({ testTimeout: 120_000 });

let root: string;
beforeEach(async () => {
  root = await mkdtemp(join(tmpdir(), 'recollect-test-'));
  await mkdir(join(root, 'test'));
  await symlink(join(ROOT, 'node_modules'), join(root, 'node_modules'));
});
afterEach(() => rm(root, { recursive: true }));

/** `npm test` on a tree that has only these test files. */
function start(
  files: Readonly<Record<string, string>>,
  env: NodeJS.ProcessEnv = process.env,
  config = 'vitest.config.ts',
) {
  const args = [join(ROOT, 'scripts/test.mjs'), '--config', join(ROOT, config), '--root', root];
  return Promise.all(
    Object.entries(files).map(([name, text]) =>
      writeFile(join(root, 'test', name), `import { expect, inject, it } from 'vitest';\n${text}`),
    ),
  ).then(() => spawn(process.execPath, args, { cwd: ROOT, env, stdio: ['ignore', 'pipe', 'pipe'] }));
}

async function run(files: Readonly<Record<string, string>>, env?: NodeJS.ProcessEnv, config?: string) {
  const child = await start(files, env, config);
  // Two streams: what comes last in which is for each to say.
  const [out, err]: [string[], string[]] = [[], []];
  child.stdout.on('data', (data: Buffer) => out.push(data.toString()));
  child.stderr.on('data', (data: Buffer) => err.push(data.toString()));
  const [code] = await once(child, 'close');
  const stdout = out.join('');
  return { code, output: stdout + err.join(''), last: stdout.trimEnd().split('\n').at(-1) };
}

const PASSES = "it('passes', () => expect(inject('redisUrl')).toMatch(/^redis/));\n";
const FAILS = "it('fails', () => expect(1).toBe(2));\n";

describe('npm test', () => {
  it('ends with the number of tests, and succeeds when all passed', async () => {
    expect(await run({ 'a.test.ts': PASSES, 'b.test.ts': PASSES })).toMatchObject({
      code: 0,
      last: '2 passed, 0 failed',
    });
  });

  it('fails when a test failed', async () => {
    const files = { 'a.test.ts': PASSES + FAILS };
    expect(await run(files)).toMatchObject({ code: 1, last: '1 passed, 1 failed' });
  });

  it('counts a file that cannot be loaded as one that failed', async () => {
    const files = { 'a.test.ts': PASSES + FAILS, 'b.test.ts': "import './nowhere.ts';\n" };
    expect(await run(files)).toMatchObject({ code: 1, last: '1 passed, 2 failed' });
  });

  it('counts an unhandled rejection as a failure', async () => {
    const files = { 'a.test.ts': `${PASSES}${FAILS}it('leaks', () => void Promise.reject(new Error('lost')));\n` };
    expect(await run(files)).toMatchObject({ code: 1, last: '2 passed, 2 failed' });
  });

  it('fails when a test.only would switch others off', async () => {
    const files = { 'a.test.ts': PASSES.replace('it(', 'it.only(') };
    expect(await run(files)).toMatchObject({ code: 1, last: '0 passed, 1 failed' });
  });

  it('fails when there is no test', async () => {
    expect(await run({})).toMatchObject({ code: 1, last: '0 passed, 1 failed' });
  });

  it('fails where no Redis can be had, and says what to install', async () => {
    const { code, output, last } = await run({ 'a.test.ts': PASSES }, { PATH: root });
    expect(output).toContain('apt install redis-server');
    expect({ code, last }).toEqual({ code: 1, last: '0 passed, 1 failed' });
  });

  it('leaves the long tier to `npm run test:long`, which has nothing else', async () => {
    const tells = (tier: string) => `it('is ${tier}', () => expect(inject('tier')).toBe('${tier}'));\n`;
    const files = { 'a.test.ts': tells('short'), 'b.long.test.ts': tells('long') };
    expect(await run(files)).toMatchObject({ code: 0, last: '1 passed, 0 failed' });
    const long = await run(files, undefined, 'vitest.long.config.ts');
    expect(long).toMatchObject({ code: 0, last: '1 passed, 0 failed' });
  });

  it('leaves no process behind when it is killed in the middle', async () => {
    const support = JSON.stringify(join(ROOT, 'test/support/redis-server.ts'));
    const hangs = `import { startRedis } from ${support};
      // Nor does it end by itself when it can report no more.
      for (const fault of ['uncaughtException', 'unhandledRejection']) process.on(fault, () => undefined);
      it('hangs', async () => {
        const { pid, dir } = await startRedis();
        process.stdout.write(JSON.stringify({ worker: process.pid, pid, dir }) + '\\n');
        await new Promise(() => undefined);
      });\n`;
    const child = await start({ 'a.test.ts': hangs });
    const lines = createInterface({ input: child.stdout });
    const found = await new Promise<string>((resolve) => {
      lines.on('line', (line) => line.startsWith('{') && resolve(line));
    });
    const { worker, pid, dir } = JSON.parse(found);
    child.kill('SIGKILL');
    await vi.waitFor(() => expect([worker, pid].filter(runs)).toEqual([]), { timeout: 20_000 });
    await vi.waitFor(() => expect(access(dir)).rejects.toThrow('ENOENT'), { timeout: 20_000 });
  });
});

function runs(pid: number): boolean {
  try {
    return process.kill(pid, 0);
  } catch {
    return false;
  }
}
