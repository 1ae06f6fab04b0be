import { readdirSync, readFileSync } from 'node:fs';
import { expect, it } from 'vitest';

const TEST = new URL('../../', import.meta.url);

/** Everything that shows something of Slack. */
const FILES = readdirSync(TEST, { recursive: true, encoding: 'utf8' }).filter((file) => /slack.*\.ts$/.test(file));

/** Goes through every interleaving of a reply, far too many for a network: it gives the real client another far end by a subclass. */
const OWN_CLIENT = 'adapters/slack/held-slack.ts';

/** Counts what the Markdown converter is given, which is not Slack's. */
const COUNTS_CONVERSIONS = 'adapters/slack/hostile-markup.test.ts';

it('no test patches Bolt, its clients or the adapter', () => {
  expect(FILES.length).toBeGreaterThan(10);
  const judged = FILES.filter((each) => !each.endsWith('unpatched.test.ts') && each !== COUNTS_CONVERSIONS);
  for (const file of judged) {
    const text = readFileSync(new URL(file, TEST), 'utf8');
    expect(text, file).not.toMatch(
      /\b(?:vi|vitest)\s*\.\s*(?:mock|doMock|hoisted|spyOn|stubGlobal|fn)\b|\.prototype\b/,
    );
    if (file === OWN_CLIENT) continue;
    // Slack's packages give types, and nothing that could be changed.
    const imports = text.match(/^import .*from '@slack\/.*$/gm) ?? [];
    for (const line of imports) expect(line, file).toMatch(/^import type /);
  }
});
