import type { types } from '@slack/bolt';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { denature, neutralise, settledPart } from '../../../src/adapters/slack/neutral.ts';
import { ANSWER_LIMIT, answerOf, messageOf, PART_LIMIT } from '../../../src/adapters/slack/render.ts';
import { readBlocks, shownText } from '../../support/fake-slack/block-rules.ts';

const MARKDOWN = [
  '| Name | Value |',
  '| --- | --- |',
  '| a & b | `<!channel>` |',
  '',
  '- one',
  '  - two',
  '    1. three',
  '',
  '```ts',
  'if (a < b && c > d) call("<@U1>");',
  '```',
  '[a link](https://a.example/?x=1&y=<2>) and https://b.example/a_b_c',
].join('\n');

/** Everything at which Slack would call somebody. */
const CALLS = /<!(?:channel|here|everyone|subteam\^)|<@[UWB][A-Z0-9]/i;

describe('a message', () => {
  it('is the Markdown as it is, in a block that Slack renders itself', () => {
    const { text, blocks } = messageOf(MARKDOWN, false);
    // Slack's own types.
    const typed: types.KnownBlock[] = blocks;
    expect(typed).toEqual([{ type: 'markdown', text: MARKDOWN }]);
    expect(text).not.toBe('');
    expect(text.length).toBeLessThan(4_000);
  });

  it('is in sections of Slack’s own markup where the Markdown block is not known', () => {
    const { blocks } = messageOf(neutralise(MARKDOWN), true);
    expect(() => readBlocks(blocks)).not.toThrow();
    const shown = shownText(undefined, readBlocks(blocks));
    expect(shown).toContain('if (a');
    expect(shown).toContain('<https://a.example/?x=1&y=%3C2%3E|a link>');
    expect(shown).not.toMatch(CALLS);
    expect(shown).not.toContain('```ts');
  });

  it('as long as a part may be is taken by Slack in either form', () => {
    const long = `${MARKDOWN}\n\n`.repeat(100).slice(0, PART_LIMIT - 100);
    for (const plain of [false, true]) expect(() => readBlocks(messageOf(long, plain).blocks)).not.toThrow();
  });
});

describe('a private answer', () => {
  const action = { label: 'Older', style: 'plain', id: 'memory:ho10:abcdefghijkl' } as const;

  it('has its buttons, each with an id of its own', () => {
    const { blocks } = answerOf({ text: 'Hello', actions: [action, { ...action, style: 'danger' }] }, false);
    const typed: types.KnownBlock[] = blocks;
    expect(typed[1]).toMatchObject({
      type: 'actions',
      elements: [
        { value: action.id, text: { type: 'plain_text', text: 'Older' } },
        { value: action.id, style: 'danger' },
      ],
    });
    expect(() => readBlocks(blocks)).not.toThrow();
  });

  it('as long as it may be, with many buttons, is taken by Slack', () => {
    const { blocks } = answerOf(
      { text: 'x'.repeat(ANSWER_LIMIT), actions: Array.from({ length: 30 }, () => action) },
      false,
    );
    expect(() => readBlocks(blocks)).not.toThrow();
  });
});

describe('what a model says', () => {
  it('calls nobody, in text and in code', () => {
    const said = 'Dear <!channel>, <!here|here> <!everyone> <!subteam^S1> <@U123> `<@W1|x>` <!CHANNEL>';
    expect(neutralise(said)).not.toMatch(CALLS);
    expect(neutralise(said).replaceAll('\u200B', '')).toBe(said);
  });

  it('is otherwise left as it is', () => {
    const said = 'a <b> <!DOCTYPE html> <!-- comment --> x <@ y List<@Nonnull> <https://a.example> <#C1> 1<2';
    expect(neutralise(said)).toBe(said);
  });

  it('calls nobody in whatever pieces it comes, and each piece goes on where the last ended', () => {
    const piece = fc.constantFrom(
      '<',
      '!',
      '@',
      'U',
      'channel',
      'here',
      'sub',
      'team^',
      'every',
      'one',
      'x',
      ' ',
      '>',
      '1',
    );
    fc.assert(
      fc.property(fc.array(piece, { maxLength: 30 }), (pieces) => {
        let text = '';
        let before = '';
        for (const next of pieces) {
          text += next;
          const shown = settledPart(neutralise(text));
          expect(shown.startsWith(before)).toBe(true);
          expect(shown).not.toMatch(CALLS);
          before = shown;
        }
        const whole = neutralise(text);
        expect(whole.startsWith(before)).toBe(true);
        expect(whole).not.toMatch(CALLS);
        expect(neutralise(whole)).toBe(whole);
        expect(denature(whole)).toBe(text);
      }),
    );
  });
});
