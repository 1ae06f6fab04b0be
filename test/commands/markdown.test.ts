import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { codeText, cut, oneLine, plainLine, quote } from '../../src/commands/markdown.ts';

const text = fc.oneof(
  fc.string({ unit: 'binary' }),
  fc
    .array(
      fc.constantFrom(
        '```',
        '`',
        '~~~',
        '\n',
        '\r\n',
        '\u2028',
        '\v',
        '> ',
        '>>> ',
        '**',
        '||',
        '# ',
        '- ',
        'a',
        ' ',
        '<@1>',
        '😀',
      ),
    )
    .map((parts) => parts.join('')),
);

describe('a quoted message', () => {
  it('keeps every line behind its mark, whatever it holds', () => {
    fc.assert(
      fc.property(text, (content) => {
        for (const line of quote(content).split(/\r\n|[\n\r\v\f\u0085\u2028\u2029]/))
          expect(line.startsWith('> ')).toBe(true);
      }),
    );
  });

  it('leaves no code fence open', () => {
    fc.assert(
      fc.property(text, (content) => {
        expect((quote(content).match(/```/g)?.length ?? 0) % 2).toBe(0);
      }),
    );
    expect(quote('look:\n```js\nf()')).toBe('> look:\n> ```js\n> f()\n> ```');
    expect(quote('```\nf()\n```')).toBe('> ```\n> f()\n> ```');
  });

  it('keeps the text', () => {
    fc.assert(
      fc.property(fc.stringMatching(/^[a-z *_#>\n-]*$/), (content) => {
        expect(
          quote(content)
            .split('\n')
            .map((line) => line.slice(2))
            .join('\n'),
        ).toBe(content);
      }),
    );
  });
});

describe('a cut text', () => {
  it('is within its length, a beginning of the text, and has no half characters', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary' }), fc.integer({ min: 1, max: 20 }), (whole, length) => {
        const short = cut(whole, length);
        expect(short.length).toBeLessThanOrEqual(length);
        expect(whole.startsWith(short.replace(/…$/, ''))).toBe(true);
        expect(short === whole || short.endsWith('…')).toBe(true);
        expect(short).not.toMatch(/\p{Cs}/u);
      }),
    );
    expect(cut('ab😀cd', 4)).toBe('ab…');
  });
});

describe('a name', () => {
  it('is one line in which nothing is active', () => {
    expect(plainLine('**Eve**\n> hi @everyone <!channel> `x` [a](b)', 80)).toBe(
      '\\*\\*Eve\\*\\* \\> hi \\@everyone \\<!channel\\> \\`x\\` \\[a\\]\\(b\\)',
    );
    expect(plainLine('a\u202eb\u2066c\u200bd\u0000e', 80)).toBe('a b c d e');
    expect(plainLine(' \n ', 80)).toBe('');
  });

  it('has no unescaped mark and no line end, whatever it holds', () => {
    fc.assert(
      fc.property(text, (name) => {
        const line = plainLine(name, 40);
        expect(line).not.toMatch(/[\p{Cc}\u2028\u2029]/u);
        expect(line.replace(/\\[\\`*_~|[\]()<>#@&]/g, '')).not.toMatch(/[`*_~|[\]()<>#@&\\]/);
      }),
    );
  });
});

describe('a label and a piece of code', () => {
  it('are one line; code has no backtick', () => {
    fc.assert(
      fc.property(text, (content) => {
        expect(oneLine(content)).not.toMatch(/[\p{Cc}\u2028\u2029]|\s\s|^\s|\s$/u);
        expect(codeText(content, 40)).not.toMatch(/`|[\p{Cc}\u2028\u2029]/u);
      }),
    );
  });
});
