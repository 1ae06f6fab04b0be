import type { types } from '@slack/bolt';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { ANSWER_LIMIT, answerOf } from '../../../src/adapters/slack/commands/private-answers.ts';
import { FORMS, messageOf, PART_LIMIT } from '../../../src/adapters/slack/reply/render.ts';
import { escapeMentions, stablePart, unescapeMentions } from '../../../src/adapters/slack/reply/safe-text.ts';
import { readBlocks, shownText } from '../../support/fake-slack/block-rules.ts';
import { runs } from '../../support/tier.ts';

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

/** Every token with which Slack notifies someone or links somewhere. */
const CALLS = /<!(?:channel|here|everyone|group|subteam\^)|<@[UWBS][A-Z0-9]|<#[CDG][A-Z0-9]/i;
/** In Slack's markup only links may be tokens. */
const TOKENS = /<(?!(?:https?:\/\/|mailto:|tel:))/i;

describe('a message', () => {
  it('is unchanged Markdown in a markdown block', () => {
    const { text, blocks } = messageOf(MARKDOWN, 'markdown');
    // Slack's own types.
    const typed: types.KnownBlock[] | undefined = blocks;
    expect(typed).toEqual([{ type: 'markdown', text: escapeMentions(MARKDOWN) }]);
    expect(text).not.toBe('');
    expect(text.length).toBeLessThan(4_000);
  });

  it('is in sections of Slack’s markup if Slack refuses the markdown block', () => {
    const { blocks } = messageOf(MARKDOWN, 'sections');
    expect(() => readBlocks(blocks)).not.toThrow();
    const shown = shownText(undefined, readBlocks(blocks));
    expect(shown).toContain('if (a');
    expect(shown).toContain('<https://a.example/?x=1&y=%3C2%3E|a link>');
    expect(shown).not.toMatch(TOKENS);
    expect(shown).not.toContain('```ts');
  });

  it('is escaped text if Slack refuses all blocks', () => {
    expect(messageOf('<@U1> & **b**', 'text')).toEqual({ text: '&lt;@U1&gt; &amp; **b**' });
  });

  it('of the longest part is accepted by Slack in either form', () => {
    const long = `${MARKDOWN}\n\n`.repeat(100).slice(0, PART_LIMIT - 100);
    for (const form of ['markdown', 'sections'] as const)
      expect(() => readBlocks(messageOf(long, form).blocks)).not.toThrow();
  });

  it.each([
    '&lt;@U012AB&gt; hi',
    '&#60;@U1&#62; &#x3c;!here&#x3E; &lt;&#33;channel&gt;',
    '&amp;lt;@U1&amp;gt;',
    '<\\@U1> \\<@U1\\> <\\!here>',
    '<@U1|ada> <!subteam^S1|@crew> <!subteam^S1> <#C1> <#C1|general> <!group> <!everyone>',
    '[x](<@U1>) [x](!channel) [x](#C1) ![x](@U1) [<!here>](https://a.example)',
    '[x]: @U1\n\n[x]',
    '`<@U1>` ``<!here>``',
    '```\n<@U1> <!here>\n&lt;@U1&gt;\n```',
    '    <!here> &lt;@U1&gt;',
    '| a | b |\n| --- | --- |\n| <@U1> | &lt;!here&gt; |',
    '# &lt;!here&gt;\n> &lt;@U1&gt;\n- **&lt;@U1&gt;**',
    '<div>&lt;!here></div> <!-- <@U1> --> <!DOCTYPE html>',
    '<https://a.example|&lt;@U1&gt;> <slack://user?id=U1> <HTTPS://a.example>',
  ])('%j mentions nobody, in any form', (said) => {
    for (const text of [said, escapeMentions(said)]) expectCallsNobody(text);
  });

  it('mentions nobody, whatever the model writes', () => {
    const pieces = [
      '<',
      '&lt;',
      '&#60;',
      '&#x3c;',
      '\\<',
      '@U1',
      '@',
      '!here',
      '!',
      '&#33;',
      'channel',
      '!subteam^S1',
      '#C1',
      '|x',
      '>',
      '&gt;',
    ].concat([
      '&amp;',
      '[',
      '](',
      ')',
      '`',
      '```\n',
      '**',
      '_',
      '|',
      '\n',
      '\n\n',
      '> ',
      '# ',
      '- ',
      'https://a.example',
      ' ',
      'x',
      '\\',
      '😀',
    ]);
    fc.assert(
      fc.property(fc.array(fc.constantFrom(...pieces), { maxLength: 20 }), (parts) =>
        expectCallsNobody(parts.join('')),
      ),
      { numRuns: runs(300) },
    );
  });

  it('mentions nobody where it is cut', () => {
    for (let length = 985; length < 1_000; length += 1) expectCallsNobody(`${'x'.repeat(length)}&lt;@U012AB&gt;`);
  });

  function expectCallsNobody(said: string): void {
    const notices = FORMS.map((form) => messageOf(said, form).text);
    for (const text of notices) expect(text).not.toMatch(TOKENS);
    const sections = shownText('', readBlocks(messageOf(said, 'sections').blocks ?? []));
    expect(sections).not.toMatch(TOKENS);
    for (const block of messageOf(said, 'markdown').blocks ?? []) expect(JSON.stringify(block)).not.toMatch(CALLS);
    const answer = answerOf({ text: said, actions: [] }, 'markdown');
    expect(JSON.stringify(answer.blocks)).not.toMatch(CALLS);
  }
});

describe('a private answer', () => {
  const action = { label: 'Older', style: 'plain', id: 'memory:ho10:abcdefghijkl' } as const;

  it('has its buttons, each with its own id', () => {
    const { blocks } = answerOf({ text: 'Hello', actions: [action, { ...action, style: 'danger' }] }, 'markdown');
    const typed: types.KnownBlock[] | undefined = blocks;
    expect(typed?.[1]).toMatchObject({
      type: 'actions',
      elements: [
        { value: action.id, text: { type: 'plain_text', text: 'Older' } },
        { value: action.id, style: 'danger' },
      ],
    });
    expect(() => readBlocks(blocks)).not.toThrow();
  });

  it('of the longest text, with many buttons, is accepted by Slack', () => {
    const { blocks } = answerOf(
      { text: 'x'.repeat(ANSWER_LIMIT), actions: Array.from({ length: 30 }, () => action) },
      'markdown',
    );
    expect(() => readBlocks(blocks)).not.toThrow();
  });
});

describe('model text', () => {
  it('mentions nobody, in text and in code', () => {
    const said = 'Dear <!channel>, <!here|here> <!everyone> <!subteam^S1> <@U123> `<@W1|x>` <!CHANNEL> <#C1|x>';
    expect(escapeMentions(said)).not.toMatch(CALLS);
    expect(escapeMentions(said).replaceAll('\u200B', '')).toBe(said);
  });

  it('is otherwise unchanged', () => {
    const said = 'a <b> <!DOCTYPE html> <!-- comment --> x <@ y List<@Nonnull> <https://a.example> <# C1> #C1 1<2';
    expect(escapeMentions(said)).toBe(said);
  });

  it('mentions nobody in whatever pieces it arrives, and each piece continues the last one', () => {
    const piece = fc.constantFrom(
      '<',
      '!',
      '@',
      '#',
      'C',
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
          const shown = stablePart(escapeMentions(text));
          expect(shown.startsWith(before)).toBe(true);
          expect(shown).not.toMatch(CALLS);
          before = shown;
        }
        const whole = escapeMentions(text);
        expect(whole.startsWith(before)).toBe(true);
        expect(whole).not.toMatch(CALLS);
        expect(escapeMentions(whole)).toBe(whole);
        expect(unescapeMentions(whole)).toBe(text);
      }),
    );
  });
});
