import { readdirSync, readFileSync } from 'node:fs';
import { expect, it } from 'vitest';

const TEST = new URL('../../', import.meta.url);

/** Every file about Slack. */
const FILES = readdirSync(TEST, { recursive: true, encoding: 'utf8' }).filter((file) => /slack.*\.ts$/.test(file));

it('no test patches Bolt, its clients or the adapter', () => {
  expect(FILES.length).toBeGreaterThan(10);
  for (const file of FILES.filter((each) => !each.endsWith('unpatched.test.ts'))) {
    const text = readFileSync(new URL(file, TEST), 'utf8');
    expect(text, file).not.toMatch(
      /\b(?:vi|vitest)\s*\.\s*(?:mock|doMock|hoisted|spyOn|stubGlobal|fn)\b|\.prototype\b/,
    );
    // Tests use types of Slack's packages, but nothing that could be changed.
    const imports = text.match(/^import .*from '@slack\/.*$/gm) ?? [];
    for (const line of imports) expect(line, file).toMatch(/^import type /);
  }
});
