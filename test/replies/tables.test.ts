/** Discord renders no tables (https://docs.discord.com/developers/reference#message-formatting): they are shown in its own ways. */
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { fenceLimits } from '../../src/replies/markdown/code-fences.ts';
import { splitMarkdown, textOf } from '../../src/replies/markdown/split.ts';
import { renderTables } from '../../src/replies/markdown/tables.ts';

const shownOf = (text: string, complete: boolean) => renderTables(text, complete, fenceLimits(2_000));

const TABLE = ['| Name | Age |', '|:-----|----:|', '| **Ada** | 36 |', '| 王小明 | 7 |'].join('\n');
const SHOWN = ['```', 'Name    Age', '------  ---', 'Ada      36', '王小明    7', '```'].join('\n');

describe('a table', () => {
  test('is a code block with aligned columns', () => {
    expect(shownOf(`Here:\n${TABLE}\n\nThat was it.`, true)).toBe(`Here:\n${SHOWN}\n\nThat was it.`);
    expect(shownOf(TABLE, true)).toBe(SHOWN);
  });

  test('may lack outer pipes and have empty, missing and escaped cells, links and code', () => {
    const text = ['A | B', '--- | ---', '`x` \\| y | [here](https://example.com)', 'z', '| | c |'].join('\n');
    expect(shownOf(text, true)).toBe(
      [
        '```',
        'A      B',
        '-----  --------------------------',
        'x | y  here (https://example.com)',
        '```',
        'z',
        '| | c |',
      ].join('\n'),
    );
  });

  test('in a block quote is rendered in the quote, whose end ends it', () => {
    const quoted = (text: string) => text.replaceAll(/^/gm, '> ');
    expect(shownOf(`${quoted(`Here:\n${TABLE}`)}\n| no | row |`, true)).toBe(
      `${quoted(`Here:\n${SHOWN}`)}\n| no | row |`,
    );
    expect(shownOf(quoted(quoted(TABLE)), true)).toBe(quoted(quoted(SHOWN)));
    const fenced = quoted(`\`\`\`\n${TABLE}\n\`\`\``);
    expect(shownOf(fenced, true)).toBe(fenced);
    expect(shownOf(`> | a | b |\n|---|---|\n> | c | d |`, true)).toBe('> | a | b |\n|---|---|\n> | c | d |');
  });

  test('wider than a screen is a list', () => {
    const long = 'word '.repeat(20).trim();
    expect(shownOf(`| Name | Text | More |\n|---|---|---|\n| **Ada** | ${long} | x |\n| Bob | | y |`, true)).toBe(
      `- **Ada**\n  - Text: ${long}\n  - More: x\n- **Bob**\n  - More: y`,
    );
  });

  test.each([
    ['in a code block', `\`\`\`md\n${TABLE}\n\`\`\``],
    ['without a rule', '| a | b |\n| c | d |'],
    ['whose rule has other columns', '| a | b |\n|---|\n| c | d |'],
    ['that is only pipes', 'a || b | c'],
    ['a rule alone', '---\n| - |'],
  ])('%s stays as it is', (_, text) => {
    expect(shownOf(text, true)).toBe(text);
  });

  test('is shown once it is complete; what is shown of a growing text never changes', () => {
    const text = `Before | it\n${TABLE}\n\nBetween\n${TABLE}\nAfter`;
    let before = '';
    for (let length = 1; length <= text.length; length += 1) {
      const now = shownOf(text.slice(0, length), false);
      // A heading without a pipe at its beginning is known as one at its first pipe.
      if (length > 'Before | it'.length) expect(now.startsWith(before)).toBe(true);
      before = now;
    }
    expect(shownOf(text, true).startsWith(before)).toBe(true);
    expect(before).toContain(SHOWN);
  });

  test('in any text: the posted parts are short enough, in linear time', () => {
    const piece = fc.constantFrom(
      '|',
      '-',
      ':',
      ' ',
      '\n',
      'a',
      '`',
      '```\n',
      TABLE,
      '\\',
      '| a | b |\n|--|--|\n',
      '王',
    );
    fc.assert(
      fc.property(fc.array(piece, { maxLength: 200 }), (pieces) => {
        const shown = shownOf(pieces.join(''), true);
        expect(shownOf(shown, false).length).toBeLessThanOrEqual(shown.length + 1);
        for (const part of splitMarkdown(shown, { limit: 2_000 }))
          expect(textOf(part).length).toBeLessThanOrEqual(2_000);
      }),
    );
    for (const text of ['|', '|-', '| a |\n|---|\n', '[', '[a](', ' |\n', '`|'].map((each) => each.repeat(40_000))) {
      expect(shownOf(text, true).length).toBeGreaterThan(0);
    }
  });

  test('never becomes many times as long as its source', () => {
    const rows = (row: string) => `${row}\n`.repeat(2_000);
    const hostile = {
      'a long heading, said in each row': `|a|${'h'.repeat(10_000)}|\n|-|-|\n${rows('a|b')}`,
      'many headings': `${'a|'.repeat(6_000)}\n${'-|'.repeat(6_000)}\n${rows('|')}`,
      'headings that just fit': `|${`${'h'.repeat(199)}|`.repeat(29)}\n|${'-|'.repeat(29)}\n${rows('a|b')}`,
      'a list in a deep quote':
        `| ${'x'.repeat(90)} |${'h|'.repeat(28)}\n|${'-|'.repeat(29)}\n${rows(`|${'aaa|'.repeat(29)}`)}`.replaceAll(
          /^(?=.)/gm,
          '>'.repeat(400),
        ),
      'one wide cell, and many narrow ones': `|a|b|\n|-|-|\n|${'w'.repeat(70)}|b|\n${rows('a|b')}`,
    };
    for (const [what, text] of Object.entries(hostile))
      expect(shownOf(text, true).length, what).toBeLessThanOrEqual(4 * text.length + 4_000);
  });
});
