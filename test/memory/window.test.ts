import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { HistoryMessage } from '../../src/core/ports.ts';
import { createWindow, messageTokens } from '../../src/memory/window.ts';

const UNBOUNDED = 1_000_000;

/** Turns `first` to `last`: q1 a1 q2 a2 … */
function turns(first: number, last: number): readonly HistoryMessage[] {
  return Array.from({ length: Math.max(0, last - first + 1) }, (_, index) => [
    { role: 'user' as const, content: `q${first + index}`, turn: `t${first + index}` },
    { role: 'assistant' as const, content: `a${first + index}`, turn: `t${first + index}` },
  ]).flat();
}

async function shown(
  history: readonly HistoryMessage[],
  maxMessages: number,
  maxTokens = UNBOUNDED,
  reserved?: number,
) {
  const { messages } = await createWindow({ maxMessages, maxTokens }).view(history, reserved);
  return messages.map(({ content }) => content);
}

describe('the window', () => {
  it('shows everything of a short history', async () => {
    expect(await shown(turns(1, 3), 20)).toEqual(['q1', 'a1', 'q2', 'a2', 'q3', 'a3']);
  });

  it('shows the newest messages of a long one', async () => {
    expect(await shown(turns(1, 50), 4)).toEqual(['q49', 'a49', 'q50', 'a50']);
  });

  it('shows whole turns only, so an odd number counts as the even one below it', async () => {
    expect(await shown(turns(1, 50), 5)).toEqual(['q49', 'a49', 'q50', 'a50']);
    expect(await shown(turns(1, 50), 1)).toEqual([]);
    expect(await shown(turns(1, 50), 0)).toEqual([]);
  });

  it("does not start with the assistant's half that a read of the newest messages may begin with", async () => {
    expect(await shown(turns(1, 3).slice(1), 20)).toEqual(['q2', 'a2', 'q3', 'a3']);
    expect(await shown(turns(1, 1).slice(1), 20)).toEqual([]);
    expect(
      await shown(
        [
          { role: 'assistant', content: 'x' },
          { role: 'assistant', content: 'y' },
        ],
        20,
      ),
    ).toEqual([]);
  });

  it('leaves halves out whose other half is missing', async () => {
    const [q1, a1, q2, a2, q3, a3] = turns(1, 3);
    const without = (...left: (HistoryMessage | undefined)[]) => left.filter((message) => message !== undefined);
    expect(await shown(without(q1, a1, a2, q3, a3), 20)).toEqual(['q1', 'a1', 'q3', 'a3']);
    expect(await shown(without(q1, a1, q2, q3, a3), 20)).toEqual(['q1', 'a1', 'q3', 'a3']);
    expect(await shown(without(q1, a1, q2), 20)).toEqual(['q1', 'a1']);
  });

  it('does not show an answer as the answer to something else', async () => {
    const [q1, , , a2, q3, a3] = turns(1, 3);
    expect(
      await shown(
        [q1, a2, q3, a3].filter((message) => message !== undefined),
        20,
      ),
    ).toEqual(['q3', 'a3']);
  });

  it('is bounded by tokens, between two turns', async () => {
    const turn = turns(1, 1).reduce((total, message) => total + messageTokens(message), 0);
    expect(await shown(turns(1, 9), 20, turn * 2)).toEqual(['q8', 'a8', 'q9', 'a9']);
    expect(await shown(turns(1, 9), 20, turn * 2 - 1)).toEqual(['q9', 'a9']);
    expect(await shown(turns(1, 9), 20, turn - 1)).toEqual([]);
  });

  it('leaves room for what is reserved', async () => {
    const turn = turns(1, 1).reduce((total, message) => total + messageTokens(message), 0);
    expect(await shown(turns(1, 9), 20, turn * 2, turn)).toEqual(['q9', 'a9']);
    expect(await shown(turns(1, 9), 20, turn * 2, turn * 5)).toEqual([]);
  });

  it('hides a message over the bound, with its turn and what came before, and nothing behind it', async () => {
    const giant = [
      { role: 'user' as const, content: 'x'.repeat(100_000) },
      { role: 'assistant' as const, content: 'long!' },
    ];
    expect(await shown([...turns(1, 3), ...giant, ...turns(4, 5)], 20, 1_000)).toEqual(['q4', 'a4', 'q5', 'a5']);
    expect(await shown([...turns(1, 3), ...giant], 20, 1_000)).toEqual([]);
  });

  it('counts what it shows, names included', async () => {
    const history: readonly HistoryMessage[] = [
      { role: 'user', content: 'abcdefgh', author: 'abcd' },
      { role: 'assistant', content: 'abcd' },
    ];
    const view = await createWindow({ maxMessages: 20, maxTokens: UNBOUNDED }).view(history);
    expect(view).toEqual({ messages: history, tokens: 4 + 2 + 1 + 4 + 1 });
    expect(await createWindow({ maxMessages: 20, maxTokens: UNBOUNDED }).view([])).toEqual({ messages: [], tokens: 0 });
  });

  it('hands the messages out as they came, with everything that they carry', async () => {
    const history = turns(1, 2).map((message, index) => ({ ...message, timestamp: index }));
    const { messages } = await createWindow({ maxMessages: 2, maxTokens: UNBOUNDED }).view(history);
    expect(messages[0]).toBe(history[2]);
    expect(messages[1]).toBe(history[3]);
  });

  it('holds for any history: whole turns without gaps, the newest, as many as fit, within both bounds', async () => {
    const message = fc.record({
      role: fc.constantFrom('user' as const, 'assistant' as const),
      content: fc.oneof(fc.string({ maxLength: 30 }), fc.constant('x'.repeat(500))),
    });
    const history = fc.oneof(
      fc.array(message, { maxLength: 40 }),
      fc.integer({ min: 0, max: 30 }).map((n) => turns(1, n)),
    );
    await fc.assert(
      fc.asyncProperty(
        history,
        fc.integer({ min: 0, max: 30 }),
        fc.integer({ min: 0, max: 400 }),
        async (stored, maxMessages, maxTokens) => {
          const { messages, tokens } = await createWindow({ maxMessages, maxTokens }).view<HistoryMessage>(stored);
          expect(messages.map(({ role }) => role)).toEqual(
            messages.map((_, index) => (index % 2 === 0 ? 'user' : 'assistant')),
          );
          expect(messages.length % 2).toBe(0);
          expect(messages.length).toBeLessThanOrEqual(maxMessages);
          expect(tokens).toBeLessThanOrEqual(maxTokens);

          const pairs = stored.filter(({ role }, index) =>
            role === 'user' ? stored[index + 1]?.role === 'assistant' : stored[index - 1]?.role === 'user',
          );
          expect(messages).toEqual(messages.length === 0 ? [] : pairs.slice(-messages.length));
          const larger = pairs.slice(-(messages.length + 2));
          const fits = larger.reduce((total, one) => total + messageTokens(one), 0) <= maxTokens;
          expect(larger.length === messages.length || larger.length > maxMessages || !fits).toBe(true);
        },
      ),
    );
  });
});
