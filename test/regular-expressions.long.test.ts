import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import {
  ends,
  faultOf,
  LENGTH,
  type RegularExpression,
  regularExpressionsIn,
  regularExpressionsOf,
} from '../scripts/regular-expressions.ts';

const SRC = fileURLToPath(new URL('../src/', import.meta.url));

const expression = ({ source, flags }: RegExp): RegularExpression => ({ source, flags });

/** Long inputs of what the expression itself is made of, and of what is in no expression, ended so that they match or not. */
function* inputsFor({ source }: RegularExpression): Generator<string> {
  const units = new Set([' ', '\t', '\n', 'a', 'Z', '0', '-', '中', ...source.replaceAll(/[\\()[\]{}|?+^$]/g, '')]);
  const words = source.match(/[\w /<>@"'`~:.!-]{2,}/g) ?? [];
  for (const piece of [...units, ...words]) {
    for (const end of ['', '\0', '\n\0']) yield piece.repeat(Math.ceil(LENGTH / piece.length)) + end;
  }
}

describe('the expressions of a source text', () => {
  it('are found wherever they stand, and nothing else is', () => {
    const code = `
      // Not /this+/ and not "/that+/".
      const half = (total: number) => total / 2 / 1;
      export class Reader { static readonly #form = /a+/gi; read = (text: string) => text.split(/b/u); }
      const schema = z.string().regex(/^c$/);
      const generic = new Map<string, RegExp>([['d', /d\\/[/]/]]);
      const inside = \`\${text.replace(/e/, "/f/")}\`;
      const asked = value instanceof RegExp;
    `;
    const { literals, made } = regularExpressionsOf(code, { typescript: true });
    expect(literals.map(({ source, flags }) => `${source} ${flags}`.trim())).toEqual([
      'a+ gi',
      'b u',
      '^c$',
      'd\\/[/]',
      'e',
    ]);
    expect(made).toEqual([]);
  });

  it('are found in JSX too', () => {
    const code = 'export const Line = () => <p title={text.replace(/a+/g, "b")}>/no+/</p>;';
    const { literals } = regularExpressionsOf(code, { typescript: true, jsx: true });
    expect(literals).toEqual([{ source: 'a+', flags: 'g' }]);
  });

  it.each([
    'new RegExp(text)',
    'RegExp("a")',
    'new globalThis.RegExp(text)',
    'const Made = RegExp; new Made(text)',
    'text.match("a+")',
    'text.matchAll(`a+`)',
    'text.search("a" + part)',
  ])('made at run time are found: %s', (code) => {
    expect(regularExpressionsOf(code, { typescript: false }).made).toHaveLength(1);
  });
});

describe('the checker', () => {
  it.each([
    /\s+$/g,
    /[ \t]+\n/g,
    /\s+x/,
    /(a|a)*b/,
    /(?:\s*<@U1>)+\s*$/,
    /<.*>/,
    /x(?=.*y)/g,
    // The command parser's own of an earlier time.
    /^[/!／！]([a-z]{1,32})([.!?。！？,，]*)(?:[^\S\r\n\v\f\u2028\u2029]+(.*))?$/i,
  ])('finds that %s costs more than its input is long', (slow) => {
    expect(faultOf(expression(slow))).toMatch(/polynomial|exponential/);
  });

  it.each([/^\s+/, /\s+/g, /[^\S\n]|x/, /^(?:ab)+c$/, /<([@#!]?)([^<>|]*)>/g])('lets %s pass', (fast) => {
    expect(faultOf(expression(fast))).toBeUndefined();
  });
});

describe('src/', async () => {
  const files = await regularExpressionsIn(SRC);

  it('is read whole, the scripts of the page too', () => {
    const names = files.map(({ file }) => file);
    expect(names).toEqual(expect.arrayContaining(['main.ts', 'commands/parse.ts', 'adapters/web/public/markdown.tsx']));
    expect(files.flatMap(({ literals }) => literals).length).toBeGreaterThan(80);
  });

  it('makes no expression at run time, which could not be checked', () => {
    expect(files.flatMap(({ file, made }) => made.map((by) => `${file}: ${by}`))).toEqual([]);
  });

  it('tries none for ever, however long and unsuitable its input', { timeout: 300_000 }, () => {
    // That the engine can be stopped at all:
    expect(ends(expression(/\s+$/), [`${' '.repeat(10 * LENGTH)}x`])).toBe(false);
    const endless = files.flatMap(({ file, literals }) =>
      literals.filter((each) => !ends(each, inputsFor(each))).map(({ source }) => `${file}: ${source}`),
    );
    expect(endless).toEqual([]);
  });
});
