import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { boundQuotes, MAX_QUOTE, MAX_QUOTES_LENGTH } from '../../src/core/quotes.ts';

const MARK = ' […]'.length;

describe('the quotes that go with a message', () => {
  it('stay as they are while they are short', () => {
    const quotes = [
      { author: 'Ada', text: 'one' },
      { author: 'Grace', text: '' },
    ];
    expect(boundQuotes(quotes)).toEqual(quotes);
  });

  it('are cut each and all together, and the last ones are kept', () => {
    const long = boundQuotes(
      Array.from({ length: 15 }, (_, index) => ({ author: `${index}`, text: 'x'.repeat(40_000) })),
    );
    expect(long.map(({ author }) => author)).toEqual(['11', '12', '13', '14']);
    expect(long[3]?.text).toBe(`${'x'.repeat(MAX_QUOTE)} […]`);
  });

  it('are never longer than they may be, and end with whole characters', () => {
    const quote = fc.record({
      author: fc.string({ maxLength: 300 }),
      text: fc
        .tuple(fc.constantFrom('', 'x'), fc.constantFrom('😀', 'y'), fc.nat(9_000))
        .map(([a, b, n]) => a + b.repeat(n)),
    });
    fc.assert(
      fc.property(fc.array(quote, { maxLength: 20 }), (quotes) => {
        const bound = boundQuotes(quotes);
        const lengths = bound.map(({ text }) => text.length);
        for (const { author, text } of bound) {
          expect(text.length).toBeLessThanOrEqual(MAX_QUOTE + MARK);
          expect(author.length).toBeLessThanOrEqual(200);
          expect(text).not.toMatch(/\p{Surrogate}/u);
        }
        expect(lengths.reduce((sum, length) => sum + length, 0)).toBeLessThanOrEqual(MAX_QUOTES_LENGTH + MARK);
      }),
    );
  });
});
