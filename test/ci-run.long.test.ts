import { execFile } from 'node:child_process';
import { cp, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';

const ROOT = fileURLToPath(new URL('..', import.meta.url));

/** Only bounds what hangs: each test starts npm four times, on a machine that runs other tests besides. */
vi.setConfig({ testTimeout: 120_000 });

let root: string;
beforeEach(async () => {
  root = await mkdtemp(join(tmpdir(), 'recollect-ci-'));
  await cp(join(ROOT, '.ci'), join(root, '.ci'), { recursive: true });
});
afterEach(() => rm(root, { recursive: true }));

/** Runs `.ci/run` in a project whose `npm test`, `npm run check` and `npm run test:long` are these commands. */
async function ci(commands: { test: string; check: string; long?: string }, locked = true) {
  const scripts = {
    test: commands.test,
    check: commands.check,
    'test:long': commands.long ?? says('0 passed, 0 failed'),
  };
  await writeFile(join(root, 'package.json'), JSON.stringify({ name: 'project', version: '1.0.0', scripts }));
  if (locked) await writeFile(join(root, 'package-lock.json'), JSON.stringify({ lockfileVersion: 3, packages: {} }));
  return await new Promise<{ code: number | null; last: string | undefined }>((resolve) => {
    const child = execFile(join(root, '.ci/run'), { cwd: tmpdir(), env: { ...process.env, CI: 'true' } }, (_, stdout) =>
      resolve({ code: child.exitCode, last: stdout.trimEnd().split('\n').at(-1) }),
    );
  });
}

const says = (line: string, code = 0) => `echo '${line}'; exit ${code}`;
const GOOD = says('4 passed, 0 failed');

describe('.ci/run', () => {
  it('adds up both tiers and the checks, from any working directory', async () => {
    const commands = { test: says('30 passed, 0 failed'), check: GOOD, long: says('200 passed, 0 failed') };
    expect(await ci(commands)).toEqual({ code: 0, last: '234 passed, 0 failed' });
  });

  it('fails when the tests fail, and still runs the rest', async () => {
    expect(await ci({ test: says('29 passed, 1 failed', 1), check: GOOD })).toEqual({
      code: 1,
      last: '33 passed, 1 failed',
    });
  });

  it('fails when a check fails', async () => {
    const scripts = { test: says('30 passed, 0 failed'), check: says('2 passed, 2 failed', 1) };
    expect(await ci(scripts)).toEqual({ code: 1, last: '32 passed, 2 failed' });
  });

  it('fails when the long tier fails', async () => {
    const commands = { test: says('30 passed, 0 failed'), check: GOOD, long: says('9 passed, 1 failed', 1) };
    expect(await ci(commands)).toEqual({ code: 1, last: '43 passed, 1 failed' });
  });

  it('counts a crash without a last line as a failure', async () => {
    expect(await ci({ test: 'kill -9 $$', check: GOOD })).toEqual({ code: 1, last: '4 passed, 1 failed' });
  });

  it('does not take silence for success', async () => {
    expect(await ci({ test: 'true', check: 'true', long: 'true' })).toEqual({ code: 1, last: '0 passed, 3 failed' });
  });

  it('does not believe a good last line when the exit code says otherwise', async () => {
    expect(await ci({ test: says('30 passed, 0 failed', 7), check: GOOD })).toEqual({
      code: 1,
      last: '34 passed, 1 failed',
    });
  });

  it('does not run the tests when npm ci fails, as it does without a lockfile', async () => {
    const scripts = { test: says('30 passed, 0 failed'), check: GOOD };
    expect(await ci(scripts, false)).toEqual({ code: 1, last: '4 passed, 1 failed' });
  });

  it('leaves nothing to read on stdin', async () => {
    expect(await ci({ test: `cat && ${GOOD}`, check: GOOD })).toEqual({ code: 0, last: '8 passed, 0 failed' });
  });
});
