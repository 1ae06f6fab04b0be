import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { type Measure, sizeOf, withClosedFence } from '../../src/replies/markdown/code-fences.ts';
import { createSplitter, splitMarkdown, textOf } from '../../src/replies/markdown/split.ts';
import { runs } from '../support/tier.ts';

const texts = (text: string, limit: number, measure?: Measure) =>
  splitMarkdown(text, measure === undefined ? { limit } : { limit, measure }).map((part) => textOf(part));

/**
 * The judge, written apart from the code it judges: walks over the lines of one posted message and tells the fence that is
 * still open at its end.
 */
function openAtEnd(message: string): string | undefined {
  let open: { marker: string; quotes: number } | undefined;
  for (const line of message.split('\n')) {
    const quotes = /^[\s>]*/.exec(line)?.[0].replace(/\s/g, '').length ?? 0;
    if (open !== undefined && quotes < open.quotes) open = undefined;
    if (open === undefined) {
      const bare = line.replace(/^(?:\s|>|[-*+]\s|\d+[.)]\s)*/, '');
      const run = /^(?:`{3,}|~{3,})/.exec(bare)?.[0];
      if (run === undefined || (run.startsWith('`') && bare.slice(run.length).includes('`'))) continue;
      open = { marker: run, quotes };
    } else {
      const bare = line.replace(new RegExp(`^(?:\\s*>){${open.quotes}}`), '').trim();
      if (bare.startsWith(open.marker) && bare === bare.charAt(0).repeat(bare.length)) open = undefined;
    }
  }
  return open?.marker;
}

const word = fc.oneof(
  { weight: 6, arbitrary: fc.stringMatching(/^[a-zA-Z]{1,12}[,.]?$/) },
  fc.constantFrom(
    '😀',
    '👨‍👩‍👧',
    '👍🏽',
    '🇨🇳',
    'é',
    'naïve',
    '你好，世界。',
    '记忆',
    '#',
    '1.',
    '*b*',
    '`x`',
    '``',
    '"~"',
  ),
  fc.stringMatching(/^[a-z0-9]{150,400}$/),
  fc
    .array(fc.constantFrom('a', '😀', '👨‍👩‍👧', '👍🏽', '🇨🇳', 'e\u0301', '你'), { minLength: 30, maxLength: 150 })
    .map((characters) => characters.join('')),
);
const proseLine = fc.array(word, { minLength: 1, maxLength: 25 }).map((words) => words.join(' '));
const codeLine = fc.oneof(
  fc.array(fc.stringMatching(/^[a-z0-9(){};=]{1,14}$/), { maxLength: 20 }).map((tokens) => `  ${tokens.join(' ')}`),
  fc.constantFrom('', '    ``', '// ```', '"quoted ``` here"', '汉字注释，汉字注释。'),
);
const codeBlock = fc
  .record({
    place: fc.constantFrom(['', ''], ['> ', '> '], ['- ', '  '], ['1. ', '   '], ['> > ', '> > ']),
    fence: fc.constantFrom('```', '~~~', '````'),
    language: fc.constantFrom('', 'js', 'python', 'c++'),
    lines: fc.array(codeLine, { maxLength: 30 }),
    closed: fc.boolean(),
  })
  .map(({ place: [first, next], fence, language, lines, closed }) =>
    [`${first}${fence}${language}`, ...lines.map((line) => next + line), ...(closed ? [next + fence] : [])].join('\n'),
  );
const markdown = fc
  .array(fc.oneof({ weight: 3, arbitrary: proseLine }, codeBlock, fc.constantFrom('', '\n\n\n', '   ')), {
    maxLength: 12,
  })
  .chain((blocks) => fc.constantFrom('\n', '\n\n', '\r\n').map((gap) => blocks.join(gap)));

/** Anything at all of what fences, quotes and characters are made of. */
const noise = fc
  .array(
    fc.constantFrom(
      '`',
      '```',
      '````',
      '~~~',
      '\n',
      '\r\n',
      ' ',
      '\t',
      '> ',
      '- ',
      '1. ',
      'a',
      'js',
      'é',
      '你',
      '😀',
      '\ud83d',
    ),
    { maxLength: 400 },
  )
  .map((pieces) => pieces.join(''));
const anyText = fc.oneof(markdown, noise);
const limits = fc.constantFrom(64, 100, 160, 333, 1990);
const measures = fc.constantFrom<Measure>('utf16', 'utf8');

describe('splitMarkdown', () => {
  it('keeps every part within the limit, and none blank', () => {
    fc.assert(
      fc.property(anyText, limits, measures, (text, limit, measure) => {
        for (const part of texts(text, limit, measure)) {
          expect(sizeOf(part, measure)).toBeLessThanOrEqual(limit);
          expect(part.trim()).not.toBe('');
        }
      }),
      { numRuns: runs(500) },
    );
  });

  it('adds nothing but fence lines and loses nothing but blank text at the end', () => {
    fc.assert(
      fc.property(anyText, limits, measures, (text, limit, measure) => {
        const parts = splitMarkdown(text, { limit, measure });
        const kept = parts.map(({ lead, body }) => lead + body).join('');
        expect(text.startsWith(kept)).toBe(true);
        expect(text.slice(kept.length).trim()).toBe('');
        for (const { lead, head, tail } of parts) {
          expect(lead.trim()).toBe('');
          expect(head).toMatch(/^(?:[\s>]*(?:`{3,}|~{3,})\S*\n[\s>]*)?$/);
          expect(tail).toMatch(/^(?:\n?[\s>]*(?:`{3,}|~{3,}))?$/);
        }
      }),
      { numRuns: runs(500) },
    );
  });

  it('balances the fences of each part', () => {
    fc.assert(
      fc.property(markdown, fc.constantFrom(160, 333, 1990), measures, (text, limit, measure) => {
        for (const part of texts(text, limit, measure)) expect(openAtEnd(part)).toBeUndefined();
      }),
      { numRuns: runs(1000) },
    );
  });

  it('never changes a part, but the last, when the text grows', () => {
    fc.assert(
      fc.property(
        anyText,
        limits,
        measures,
        fc.double({ min: 0, max: 1, noNaN: true }),
        (text, limit, measure, share) => {
          const whole = splitMarkdown(text, { limit, measure });
          // One beginning at random and, since the corners are there, some of those around the cuts.
          const cuts = whole.map((_, index) => textLength(whole.slice(0, index)));
          const near = cuts.flatMap((cut) => Array.from({ length: 24 }, (_, offset) => cut - 4 + offset));
          const stride = Math.ceil(near.length / 24);
          const ends = near.filter((_, index) => index % stride === Math.floor(share * stride));
          for (const end of [Math.floor(share * text.length), ...ends]) {
            const early = splitMarkdown(text.slice(0, Math.max(0, end)), { limit, measure });
            const full = JSON.stringify(early.slice(0, -1));
            expect(full).toBe(JSON.stringify(whole.slice(0, Math.max(0, early.length - 1))));
          }
        },
      ),
      { numRuns: runs(100) },
    );
  });

  it('never changes a part even where the whole text would fit again, once its fence is closed', () => {
    for (let length = 80; length <= 100; length += 1) {
      const text = `\`\`\`js\n${'x'.repeat(length - 10)}\n\`\`\``;
      const whole = texts(text, 100);
      for (let end = 0; end < text.length; end += 1) {
        const early = texts(text.slice(0, end), 100);
        expect(early.slice(0, -1)).toEqual(whole.slice(0, Math.max(0, early.length - 1)));
      }
    }
  });

  it('leaves no fence empty', () => {
    for (let length = 1; length <= 100; length += 1) {
      const text = `${'p'.repeat(length)}\n\`\`\`js\n${'let a = 1;\n'.repeat(6)}\`\`\`\nBye.`;
      for (const part of texts(text, 100)) expect(part).not.toMatch(/```js\n```/);
    }
  });

  it('splits no character, of two code units or of many code points', () => {
    fc.assert(
      fc.property(markdown, limits, measures, (text, limit, measure) => {
        const parts = splitMarkdown(text, { limit, measure });
        const segmenter = new Intl.Segmenter(undefined, { granularity: 'grapheme' });
        const boundaries = new Set([...segmenter.segment(text)].map(({ index }) => index));
        let at = 0;
        for (const { lead, body } of parts) {
          if (at > 0) expect(boundaries.has(at)).toBe(true);
          at += lead.length + body.length;
        }
      }),
      { numRuns: runs(500), examples: [[`1. \`\`\`js\r\n${'a👍🏽🇨🇳👨‍👩‍👧'.repeat(9)}é\r\n> > \`\`\`\``, 64, 'utf16']] },
    );
  });

  it('splits no character of which only half has arrived yet', () => {
    expect(texts(`${'a'.repeat(98)}👍🏽${'b'.repeat(50)}`, 100)[0]).toBe('a'.repeat(98));
  });

  it('makes no fence by breaking a line before its marker, and breaks none in two', () => {
    for (let limit = 64; limit <= 100; limit += 1) {
      const inline = splitMarkdown('Some ~~~js here '.repeat(30), { limit });
      expect(inline.map(({ head, tail }) => head + tail).join('')).toBe('');
    }
    const opening = texts(`${'p'.repeat(30)}\n\`\`\`js ${'title '.repeat(12)}\nlet a;\n\`\`\``, 100);
    expect(opening[1]).toMatch(/^```js title/);
  });

  it('leaves a text that fits as it is', () => {
    expect(texts('Hello.\n\n```js\nlet a;\n```\nBye.', 100)).toEqual(['Hello.\n\n```js\nlet a;\n```\nBye.']);
    expect(texts('x'.repeat(2000), 2000)).toEqual(['x'.repeat(2000)]);
    expect(texts('', 100)).toEqual([]);
    expect(texts(' \n\n ', 100)).toEqual([]);
  });

  it('closes an open fence and opens it again with its language', () => {
    const code = Array.from({ length: 12 }, (_, line) => `let value${line} = ${line};`).join('\n');
    const parts = texts(`Look:\n\`\`\`typescript\n${code}\n\`\`\`\nDone.`, 160);
    expect(parts.length).toBeGreaterThan(1);
    expect(parts[0]).toMatch(/^Look:\n```typescript\nlet value0 = 0;\n.*;\n```$/s);
    expect(parts[1]).toMatch(/^```typescript\nlet value\d+/);
    expect(parts.at(-1)).toMatch(/;\n```\nDone\.$/);
  });

  it('keeps the kind and the length of the fence, and the fences within it as text', () => {
    const inner = 'Some text.\n```js\nlet a;\n```\n'.repeat(6);
    for (const fence of ['````', '~~~~']) {
      const parts = texts(`${fence}markdown\n${inner}${fence}`, 120);
      expect(parts.length).toBeGreaterThan(1);
      for (const part of parts) {
        expect(part.startsWith(`${fence}markdown\n`)).toBe(true);
        expect(part.endsWith(`\n${fence}`)).toBe(true);
      }
    }
  });

  it('ignores what only looks like a fence', () => {
    const none = [
      '```code``` in a line',
      'Text ``` and more',
      `${'`'.repeat(40)}js`,
      `${'> '.repeat(20)}\`\`\`js`,
      '```js\n        ```\n```',
    ];
    for (const line of none) {
      const text = `${line}\n${'Some text, no code.\n'.repeat(12)}`;
      const parts = splitMarkdown(text, { limit: 100 });
      expect(parts.length).toBeGreaterThan(2);
      expect(parts.map(({ head, tail }) => head + tail).join('')).toBe('');
    }
  });

  it('repeats the quote marks of a quoted fence and the indentation of one in a list', () => {
    const quoted = texts(`> \`\`\`sh\n${'> npm run something\n'.repeat(8)}> \`\`\``, 100);
    expect(quoted[0]?.endsWith('> npm run something\n> ```')).toBe(true);
    expect(quoted[1]?.startsWith('> ```sh\n> npm run something\n')).toBe(true);
    const listed = texts(`1. Run:\n   \`\`\`sh\n${'   npm run something\n'.repeat(8)}   \`\`\`\n2. Ready.`, 100);
    expect(listed[0]?.endsWith('   npm run something\n   ```')).toBe(true);
    expect(listed[1]?.startsWith('   ```sh\n   npm run something\n')).toBe(true);
  });

  it('splits a line of code that is longer than a part, within its fence', () => {
    const parts = texts(`\`\`\`json\n${'"0123456789",'.repeat(30)}\n\`\`\``, 100);
    expect(parts.length).toBeGreaterThan(4);
    for (const part of parts) expect(part).toMatch(/^```json\n[0-9",]+\n```$/);
  });

  it('prefers the end of a paragraph, then of a line, then of a sentence or word', () => {
    const sentence = 'Ten words are just enough to fill up one line.';
    const [two, three] = [`${sentence}\n${sentence}`, `${sentence}\n${sentence}\n${sentence}`];
    expect(texts(`${two}\n\n${three}`, 150)[0]).toBe(`${two}\n\n`);
    expect(texts(`${sentence}\n${sentence}\n${sentence}`, 120)[0]).toBe(`${sentence}\n${sentence}\n`);
    expect(texts('words '.repeat(30), 100)[0]).toBe('words '.repeat(16));
    expect(texts('这是一个很长的句子，没有空格。'.repeat(10), 64)[0]).toBe('这是一个很长的句子，没有空格。'.repeat(4));
  });

  it('keeps a short fence whole by ending the part before it', () => {
    const parts = texts(`${'Some prose. '.repeat(7)}\n\`\`\`js\nlet a = 1;\nlet b = 2;\n\`\`\`\n`, 110);
    expect(parts[1]).toBe('```js\nlet a = 1;\nlet b = 2;\n```\n');
  });

  it('counts bytes when asked to', () => {
    expect(texts('记'.repeat(100), 100)).toHaveLength(1);
    expect(texts('😀'.repeat(25), 100, 'utf8')).toHaveLength(1);
    expect(texts('记'.repeat(100), 100, 'utf8').map((part) => part.length)).toEqual([33, 33, 33, 1]);
  });

  it('refuses a limit that leaves no room for text', () => {
    expect(() => splitMarkdown('x', { limit: 63 })).toThrow(/at least 64/);
    expect(() => splitMarkdown('x', { limit: Number.NaN })).toThrow(/at least 64/);
  });
});

describe('textOf with a cursor', () => {
  const marked = (text: string) => splitMarkdown(text, { limit: 100 }).map((part) => textOf(part, ' …'));

  it('puts it after the text, but inside an open fence', () => {
    expect(marked('Hello\n')).toEqual(['Hello …\n']);
    expect(marked('```js\nlet a')).toEqual(['```js\nlet a …\n```']);
    expect(marked('```js\nlet a\n')).toEqual(['```js\nlet a …\n```']);
  });

  it('never makes it part of a line that opens or closes a fence', () => {
    expect(marked('```js')).toEqual(['```js\n …\n```']);
    expect(marked('```js\nlet a\n```')).toEqual(['```js\nlet a\n```\n …']);
  });

  it('balances the fences and adds at most one character to its own', () => {
    fc.assert(
      fc.property(markdown, (text) => {
        for (const part of splitMarkdown(text, { limit: 333 })) {
          const withMark = textOf(part, ' …');
          expect(withMark.length - textOf(part).length).toBeLessThanOrEqual(3);
          if (!part.body.includes('>')) expect(openAtEnd(withMark)).toBeUndefined();
        }
      }),
      { numRuns: runs(500) },
    );
  });
});

describe('a splitter of a text that grows', () => {
  it('equals splitting the whole text, also if the text starts over or gets shorter', () => {
    const bit = fc.constantFrom(
      'word ',
      '\n',
      '\n\n',
      '```js\n',
      '```\n',
      '> ',
      '漢字。',
      '👩‍🚀',
      'x'.repeat(70),
      '  ',
    );
    const cut = fc.record({ bits: fc.array(bit, { maxLength: 60 }), anew: fc.boolean(), shorter: fc.nat(90) });
    fc.assert(
      fc.property(fc.array(cut, { minLength: 1, maxLength: 6 }), (steps) => {
        const split = createSplitter({ limit: 64 });
        let text = '';
        for (const { bits, anew, shorter } of steps) {
          text = (anew ? '' : text.slice(0, Math.max(0, text.length - shorter))) + bits.join('');
          expect(split(text)).toEqual(splitMarkdown(text, { limit: 64 }));
        }
      }),
      { numRuns: runs(300) },
    );
  });
});

describe('withClosedFence', () => {
  it('closes the fence that is open at the end, and only that', () => {
    expect(withClosedFence('Hello')).toBe('Hello');
    expect(withClosedFence('```js\nlet a')).toBe('```js\nlet a\n```');
    expect(withClosedFence('> ~~~\n> let a\n')).toBe('> ~~~\n> let a\n> ~~~');
    expect(withClosedFence('```js\nlet a\n```\nBye')).toBe('```js\nlet a\n```\nBye');
  });
});

function textLength(parts: readonly { lead: string; body: string }[]): number {
  return parts.reduce((sum, { lead, body }) => sum + lead.length + body.length, 0);
}
