/** Model text that is costly to convert. What the converter is given is counted, not the time it takes. */
import fc from 'fast-check';
import slackifyMarkdown from 'slackify-markdown';
import { beforeEach, describe, expect, it } from 'vitest';
import {
  type Converter,
  cachedConverter,
  messageOf,
  PART_LIMIT,
  safeConverter,
} from '../../../src/adapters/slack/reply/render.ts';
import { splitMarkdown, textOf } from '../../../src/replies/markdown/split.ts';
import { readBlocks, shownText } from '../../support/fake-slack/block-rules.ts';
import { runs } from '../../support/tier.ts';

const converted: string[] = [];
const convert = safeConverter((markdown) => {
  converted.push(markdown);
  return slackifyMarkdown(markdown);
});
beforeEach(() => {
  converted.length = 0;
});

/** As long as a long answer. */
const LENGTH = 40_000;
const TOKENS = /<(?!(?:https?:\/\/|mailto:|tel:))/i;

/** Every part of an answer, as the blocks of its message. */
function sectionsOf(answer: string): string {
  const parts = splitMarkdown(answer, { limit: PART_LIMIT, measure: 'utf8' });
  return parts.map((part) => shownText('', readBlocks(messageOf(textOf(part), 'sections', convert).blocks))).join('\n');
}

const plain = (shown: string) => shown.replaceAll('&lt;', '<').replaceAll('&gt;', '>').replaceAll('&amp;', '&');
const lettersOf = (text: string) => text.replace(/\s/g, '');

describe('an answer of 40,000 characters', () => {
  it.each([
    ...['a*_', '_a', '*a**b_c_', '[a]', '*_'],
    ...['> ', '>', '1. ', '1) ', '+ ', '> - ', '- > ', '1. - ', '- 1) > '],
    ...['a\n=\n', '=\n', '- a\n', '[a]: b\n'],
  ])('of %j is shown as plain text, without conversion', (unit) => {
    const answer = unit.repeat(Math.ceil(LENGTH / unit.length));
    const shown = sectionsOf(answer);
    // What is left at the end of an answer may be little enough.
    expect(converted.filter((piece) => piece.length > 1_500).length).toBe(0);
    expect(shown).not.toMatch(TOKENS);
    if (converted.length === 0) expect(lettersOf(plain(shown)) === lettersOf(answer)).toBe(true);
  });

  it('of ordinary Markdown is converted, including code and tables', () => {
    const answer = [
      'Some **bold** and _slanted_ words, a [link](https://a.example) and `code`, in a sentence of usual length.',
      '',
      '- one thing, **stressed**\n  - another',
      '',
      '```python\ndef __init__(self, *args, **kwargs):\n    self._snake_case = [x for x in args if x < 3]\n```',
      '',
      '| Name | Value |\n| --- | --- |\n| **a** | 1 |',
      '',
      '',
    ].join('\n');
    const shown = sectionsOf(answer.repeat(Math.ceil(LENGTH / answer.length)));
    expect(shown).not.toContain('**bold**');
    expect(shown).not.toContain('](https:');
  });

  it.each(['&', '<', '>', 'a&b '])('of %j, which has to be escaped, is shown completely', (unit) => {
    const answer = unit.repeat(Math.ceil(LENGTH / unit.length));
    expect(lettersOf(plain(sectionsOf(answer))) === lettersOf(answer)).toBe(true);
  });
});

it('half a surrogate pair in a URL, for which the converter throws, is shown as text', () => {
  const said = 'see [this](http://a.example/\uD800) <@U1>';
  expect(() => slackifyMarkdown(said)).toThrow(URIError);
  expect(sectionsOf(said)).toContain('[this](http://a.example/');
  expect(sectionsOf(said)).not.toMatch(TOKENS);
});

it('only the end of a growing reply is converted again', () => {
  const answer = 'A line of **usual** length, with `code`.\n\n'.repeat(200);
  let given: string[] = [];
  const count: Converter = (markdown) => {
    given.push(markdown);
    return markdown;
  };
  const convert = cachedConverter(count);
  for (let end = 1_000; end <= answer.length; end += 500) {
    given = [];
    messageOf(answer.slice(0, end), 'sections', convert);
    // The section before has become whole, at the most.
    expect(given.length).toBeLessThanOrEqual(end === 1_000 ? 2 : 3);
  }
  given = [];
  messageOf(answer.slice(0, 8_000), 'sections', convert);
  messageOf(answer.slice(0, 8_000), 'sections', convert);
  expect(given.length).toBeLessThanOrEqual(2);
});

it('never throws and mentions nobody, whatever the text repeats', { timeout: 120_000 }, () => {
  const pieces = [
    '<@U1>',
    '<!here>',
    '&lt;',
    '\\',
    '*',
    '_',
    '~~',
    '`',
    '```\n',
    '> ',
    '- ',
    '1. ',
    '[',
    '](',
    ')',
    '|',
    '|-',
    '\n',
  ].concat(['<', '>', '&', '#', 'a', ' ', '\uD800', 'http://a.example/', '@', '中', '😀', '![', '<b>', '\t']);
  const unit = fc.array(fc.constantFrom(...pieces), { minLength: 1, maxLength: 4 }).map((each) => each.join(''));
  fc.assert(
    fc.property(fc.array(fc.tuple(unit, fc.nat(600)), { maxLength: 3 }), (runs) => {
      const answer = runs
        .map(([text, times]) => text.repeat(times))
        .join('')
        .slice(0, 8_000);
      expect(sectionsOf(answer)).not.toMatch(TOKENS);
    }),
    { numRuns: runs(60) },
  );
});
