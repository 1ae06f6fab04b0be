/** The benchmarks in their short form, so that they cannot rot. What depends on the machine's speed is judged nowhere here. */
import { execFile } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import { z } from 'zod';

const ROOT = fileURLToPath(new URL('..', import.meta.url));

const figure = z.strictObject({ median: z.number(), lowest: z.number(), highest: z.number() });
const output = z.strictObject({
  machine: z.string(),
  short: z.literal(true),
  parts: z.array(
    z.strictObject({
      part: z.string(),
      tables: z.array(
        z.strictObject({
          title: z.string(),
          note: z.string(),
          columns: z.array(z.string()),
          rows: z.array(z.array(z.union([z.string(), z.number(), figure]))),
        }),
      ),
      bars: z.array(
        z.strictObject({
          name: z.string(),
          wanted: z.string(),
          measured: z.string(),
          holds: z.union([z.boolean(), z.literal('not judged')]),
        }),
      ),
    }),
  ),
});

function bench(...args: readonly string[]) {
  return new Promise<{ code: number | null; stdout: string; stderr: string }>((resolve) => {
    const child = execFile(
      'npm',
      ['run', '--silent', 'bench', '--', ...args],
      { cwd: ROOT, timeout: 480_000, maxBuffer: 64 * 1024 * 1024 },
      (_, stdout, stderr) => resolve({ code: child.exitCode, stdout, stderr }),
    );
  });
}

/** Every way is in every table that it can be in, and each row fills its columns. */
function expectFilled(tables: z.infer<typeof output>['parts'][number]['tables']): void {
  expect(tables.length).toBeGreaterThan(0);
  for (const { title, columns, rows } of tables) {
    expect(rows.length, title).toBeGreaterThan(1);
    for (const row of rows) expect(row, title).toHaveLength(columns.length);
  }
}

describe('npm run bench', () => {
  it('measures the memory, of which all that does not depend on speed holds', async () => {
    const { code, stdout, stderr } = await bench('--short', '--json', '--check', '--only', 'memory');
    expect(code, stderr).toBe(0);
    const [memory] = output.parse(JSON.parse(stdout)).parts;
    const { tables = [], bars = [] } = memory ?? {};

    const judged = bars.filter(({ holds }) => holds !== 'not judged');
    expect(judged).toMatchObject([
      { name: expect.stringMatching(/^half turns and immortal keys after \d+ SIGKILLs/), measured: '0 and 0' },
      { name: expect.stringMatching(/^broken user\/assistant pairs in \d+ turns/), measured: '0' },
      { name: 'retry after an unknown outcome', holds: true },
      { name: 'a corrupt element', measured: 'goes on; 1 counted' },
    ]);
    expect(bars.length).toBeGreaterThan(judged.length);

    expectFilled(tables);
    expect(tables.map(({ title }) => title)).toContain('Turns a second');
  }, 480_000);

  it('measures the whole bot beside bare ones, and its footprint', async () => {
    const { code, stdout, stderr } = await bench('--short', '--json', '--only', 'turns,footprint,answers');
    expect(code, stderr).toBe(0);
    const { parts } = output.parse(JSON.parse(stdout));
    expect(parts.map(({ part }) => part)).toEqual(['turns', 'footprint', 'answers']);
    for (const { tables } of parts) expectFilled(tables);
  }, 480_000);

  it('says what it does not know', async () => {
    expect(await bench('--fast')).toMatchObject({ code: 1, stdout: '', stderr: expect.stringContaining("'--fast'") });
    const { code, stderr } = await bench('--only', 'memory,speed');
    expect(code).toBe(1);
    expect(stderr).toMatch(/There is no part 'speed'\. The parts are memory/);
  });
});
