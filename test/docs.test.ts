/** What the docs say about the source, checked against the source. */
import { access, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import { TURN_STATES } from '../src/core/types.ts';

const root = fileURLToPath(new URL('..', import.meta.url));
const read = (page: string) => readFile(join(root, page), 'utf8');

/** Paths in code spans: below a folder of the project, or a file at its root. */
function pathsIn(page: string): string[] {
  const spans = [...page.matchAll(/`([^`\n]+)`/g)].map(([, span = '']) => span);
  return spans.filter(
    (span) => /^(src|test|scripts|docs|bench|slack)\/[\w./-]+$/.test(span) || /^\.[\w-]+\.[\w.]+$/.test(span),
  );
}

async function missing(paths: readonly string[]): Promise<string[]> {
  const found = await Promise.all(
    paths.map((path) =>
      access(join(root, path)).then(
        () => [],
        () => [path],
      ),
    ),
  );
  return found.flat();
}

describe('docs/architecture.md', () => {
  it('names only files and folders that exist', async () => {
    const paths = pathsIn(await read('docs/architecture.md'));
    expect(paths.length).toBeGreaterThan(100);
    expect(await missing(paths)).toEqual([]);
  });

  it('names functions that are in the file before them', async () => {
    const page = await read('docs/architecture.md');
    const named = [...page.matchAll(/`(src\/[\w./-]+\.ts)` \(`(\w+)`\)/g)];
    expect(named.length).toBeGreaterThan(5);
    for (const [, file = '', name = ''] of named) {
      expect(await read(file), `${file} has no ${name}`).toMatch(new RegExp(`\\b${name}\\b`));
    }
  });

  it('has every state of a turn in its diagram', async () => {
    const page = await read('docs/architecture.md');
    const diagram = page.slice(page.indexOf('stateDiagram-v2'));
    for (const state of TURN_STATES)
      expect(diagram.slice(0, diagram.indexOf('```'))).toMatch(new RegExp(`\\b${state}\\b`));
  });
});

describe.each(['docs/extending.md', 'docs/turns.md', 'CONTRIBUTING.md', 'README.md'])('%s', (page) => {
  it('names only files and folders that exist', async () => {
    /** Those that a reader adds. */
    const added = /telegram|count\.ts|TELEGRAM/;
    expect(
      await missing(pathsIn(await read(page)).filter((path) => !added.test(path) || path.includes('examples'))),
    ).toEqual([]);
  });
});
