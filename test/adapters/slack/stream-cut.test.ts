import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { PART_LIMIT } from '../../../src/adapters/slack/reply/render.ts';
import { cutStream } from '../../../src/adapters/slack/reply/stream-cut.ts';

/** The messages of `text` when it is streamed in pieces of these sizes. */
function streamed(text: string, sizes: readonly number[], mustEnd = false): readonly string[] {
  const messages: string[] = [];
  let shown = '';
  let head = '';
  let at = 0;
  for (let turn = 0; at < text.length; turn += 1) {
    const fresh = text.slice(at, at + Math.max(1, sizes[turn % sizes.length] ?? 1));
    const cut = cutStream(shown === '' ? head : shown, fresh, mustEnd);
    shown = (shown === '' ? head : shown) + cut.text;
    at += cut.used;
    if (!cut.ends) continue;
    messages.push(shown);
    shown = '';
    head = cut.head;
  }
  return shown === '' ? messages : [...messages, shown];
}

describe('a streamed text', () => {
  it('that is short is one message', () => {
    expect(streamed('Hello', [2])).toEqual(['Hello']);
  });

  it('continues in a new message at the end of a line; nothing is repeated or lost', () => {
    const text = Array.from({ length: 1_500 }, (_, index) => `Line ${index}`).join('\n');
    const messages = streamed(text, [37, 80, 5]);
    expect(messages.length).toBe(2);
    expect(messages.join('')).toBe(text);
    expect(messages[0]?.endsWith('\n')).toBe(true);
  });

  it('closes an open code fence and reopens it with its language', () => {
    const text = `Look:\n\`\`\`python\n${'print("x")\n'.repeat(2_000)}\`\`\`\nDone.`;
    const messages = streamed(text, [300]);
    expect(messages.length).toBeGreaterThan(2);
    for (const message of messages) expect((message.match(/```/g) ?? []).length % 2).toBe(0);
    for (const message of messages.slice(1)) expect(message.startsWith('```python\n')).toBe(true);
  });

  it('never makes a message that is too long, whatever the text and the pieces', () => {
    const bit = fc.constantFrom(
      'word ',
      '\n',
      '```js\n',
      '```\n',
      '> quote\n',
      '漢字',
      '👩‍🚀',
      'x'.repeat(700),
      '- item\n',
    );
    const text = fc.array(bit, { minLength: 1, maxLength: 200 }).map((bits) => bits.join(''));
    const sizes = fc.array(fc.integer({ min: 1, max: 4_000 }), { minLength: 1, maxLength: 8 });
    fc.assert(
      fc.property(text, sizes, (whole, pieces) => {
        for (const message of streamed(whole, pieces)) {
          expect(Buffer.byteLength(message)).toBeLessThanOrEqual(PART_LIMIT);
          expect(message).not.toMatch(/^[\uDC00-\uDFFF]|[\uD800-\uDBFF]$/);
        }
      }),
      { numRuns: 60 },
    );
  });

  it('whose message is too old ends after a word', () => {
    expect(cutStream('shown ', 'two words', true)).toEqual({ text: 'two ', used: 4, ends: true, head: '' });
    expect(cutStream('shown\n```\ncode\n', 'more\nlast', true)).toMatchObject({ text: 'more\n```', ends: true });
  });
});
