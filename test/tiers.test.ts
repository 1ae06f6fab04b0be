/** What the short tier leaves out is in the long one. */
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { dirname, join, relative } from 'node:path';
import { fileURLToPath } from 'node:url';
import { expect, test } from 'vitest';

const ROOT = fileURLToPath(new URL('..', import.meta.url));
const TIER = join(ROOT, 'test/support/tier.ts');

/** The files of `test` that a test file runs, itself included: what it imports, and what these import. */
function importsOf(file: string, seen = new Set<string>()): Set<string> {
  if (seen.has(file) || !existsSync(file)) return seen;
  seen.add(file);
  const imports = readFileSync(file, 'utf8').matchAll(/^(?:import|export|\}) (?!type\b)[^;\n]*'(\.[^']+\.ts)';$/gm);
  for (const [, path = ''] of imports) {
    const imported = join(dirname(file), path);
    if (!relative(ROOT, imported).startsWith('src')) importsOf(imported, seen);
  }
  return seen;
}

test('a test file that does less in the short tier is run in full by a twin in the long tier', () => {
  const files = readdirSync(join(ROOT, 'test'), { recursive: true, encoding: 'utf8' }).filter(
    (file) => file.endsWith('.test.ts') && !file.endsWith('.long.test.ts'),
  );
  const tiered = files.filter((file) => importsOf(join(ROOT, 'test', file)).has(TIER));
  expect(tiered.length).toBeGreaterThan(10);
  const without = tiered.filter((file) => {
    const path = join(ROOT, 'test', file);
    return !importsOf(path.replace(/\.test\.ts$/, '.long.test.ts')).has(path);
  });
  expect(without).toEqual([]);
});
