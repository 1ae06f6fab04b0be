import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { ContextCosts, ContextSources, HistoryMessage } from '../../src/core/ports.ts';
import { estimateTokens } from '../../src/core/tokens.ts';
import { createContext } from '../../src/memory/context/context.ts';
import { runs } from '../support/tier.ts';

const UNBOUNDED = 1_000_000;

/** As a chain that adds little to each part. */
const COSTS: ContextCosts = {
  message: ({ content }) => 4 + estimateTokens(content),
  fact: ({ text }) => 2 + estimateTokens(text),
  factsFrame: 5,
  recalled: ({ content }) => 2 + estimateTokens(content),
  passage: 3,
  recallFrame: 5,
};

/** Turns `first` to `last`: q1 a1 q2 a2 … */
function turns(first: number, last: number): readonly HistoryMessage[] {
  return Array.from({ length: Math.max(0, last - first + 1) }, (_, index) => [
    { role: 'user' as const, content: `q${first + index}`, turn: `t${first + index}` },
    { role: 'assistant' as const, content: `a${first + index}`, turn: `t${first + index}` },
  ]).flat();
}

function build(
  sources: Partial<ContextSources<HistoryMessage>>,
  { maxMessages = 20, recallTokens = 0, tokens = UNBOUNDED, reserved = 0 } = {},
) {
  const context = createContext({ maxMessages, recallTokens });
  const { history = [], facts = [], question } = sources;
  return context.build({ history, facts, question }, { tokens, reserved }, COSTS);
}

function shown(history: readonly HistoryMessage[], maxMessages = 20, tokens = UNBOUNDED, reserved = 0) {
  return build({ history }, { maxMessages, tokens, reserved }).messages.map(({ content }) => content);
}

function fact(id: string, text: string) {
  return { id, text, saidAt: 0 };
}

describe('the window', () => {
  it('shows everything of a short history', () => {
    expect(shown(turns(1, 3))).toEqual(['q1', 'a1', 'q2', 'a2', 'q3', 'a3']);
  });

  it('shows the newest messages of a long one', () => {
    expect(shown(turns(1, 50), 4)).toEqual(['q49', 'a49', 'q50', 'a50']);
  });

  it('shows whole turns only, so an odd number counts as the even one below it', () => {
    expect(shown(turns(1, 50), 5)).toEqual(['q49', 'a49', 'q50', 'a50']);
    expect(shown(turns(1, 50), 1)).toEqual([]);
    expect(shown(turns(1, 50), 0)).toEqual([]);
  });

  it("does not start with the assistant's half that a read of the newest messages may begin with", () => {
    expect(shown(turns(1, 3).slice(1))).toEqual(['q2', 'a2', 'q3', 'a3']);
    expect(shown(turns(1, 1).slice(1))).toEqual([]);
    expect(
      shown([
        { role: 'assistant', content: 'x' },
        { role: 'assistant', content: 'y' },
      ]),
    ).toEqual([]);
  });

  it('leaves halves out whose other half is missing', () => {
    const [q1, a1, q2, a2, q3, a3] = turns(1, 3);
    const without = (...left: (HistoryMessage | undefined)[]) => left.filter((message) => message !== undefined);
    expect(shown(without(q1, a1, a2, q3, a3))).toEqual(['q1', 'a1', 'q3', 'a3']);
    expect(shown(without(q1, a1, q2, q3, a3))).toEqual(['q1', 'a1', 'q3', 'a3']);
    expect(shown(without(q1, a1, q2))).toEqual(['q1', 'a1']);
  });

  it('does not show an answer as the answer to something else', () => {
    const [q1, , , a2, q3, a3] = turns(1, 3);
    expect(shown([q1, a2, q3, a3].filter((message) => message !== undefined))).toEqual(['q3', 'a3']);
  });

  it('is bounded by tokens, between two turns', () => {
    const turn = turns(1, 1).reduce((total, message) => total + COSTS.message(message), 0);
    expect(shown(turns(1, 9), 20, turn * 2)).toEqual(['q8', 'a8', 'q9', 'a9']);
    expect(shown(turns(1, 9), 20, turn * 2 - 1)).toEqual(['q9', 'a9']);
    expect(shown(turns(1, 9), 20, turn - 1)).toEqual([]);
  });

  it('leaves room for what is reserved', () => {
    const turn = turns(1, 1).reduce((total, message) => total + COSTS.message(message), 0);
    expect(shown(turns(1, 9), 20, turn * 2, turn)).toEqual(['q9', 'a9']);
    expect(shown(turns(1, 9), 20, turn * 2, turn * 5)).toEqual([]);
  });

  it('ends before an older turn over the bound, so that what is shown has no gaps', () => {
    const giant = [
      { role: 'user' as const, content: 'x'.repeat(100_000) },
      { role: 'assistant' as const, content: 'long!' },
    ];
    expect(shown([...turns(1, 3), ...giant, ...turns(4, 5)], 20, 1_000)).toEqual(['q4', 'a4', 'q5', 'a5']);
  });

  it('says why it has no more', () => {
    expect(build({ history: turns(1, 3) }).windowEnd).toBe('all');
    expect(build({ history: turns(1, 30) }).windowEnd).toBe('messages');
    expect(build({ history: turns(1, 3) }, { tokens: 12 }).windowEnd).toBe('tokens');
  });
});

describe('the newest turn', () => {
  const story = (half: 'user' | 'assistant', length: number): readonly HistoryMessage[] => {
    const long = `Once ${'upon a time '.repeat(length / 12)}the end.`;
    return [
      { role: 'user', content: half === 'user' ? long : 'Tell me a story' },
      { role: 'assistant', content: half === 'assistant' ? long : 'Nice story' },
    ];
  };

  it('is cut in the middle of an answer that is too long, with a mark, and never left out', () => {
    const { messages, tokens } = build({ history: [...turns(1, 3), ...story('assistant', 30_000)] }, { tokens: 2_000 });
    expect(messages).toHaveLength(2);
    expect(messages[0]?.content).toBe('Tell me a story');
    expect(messages[1]?.content).toMatch(/^Once upon a time .*\n\[… cut here …\]\n.* time the end\.$/s);
    expect(tokens.window).toBeLessThanOrEqual(2_000);
    expect(tokens.window).toBeGreaterThan(1_950);
  });

  it("is cut in the person's half, where that is the long one", () => {
    const { messages } = build({ history: story('user', 30_000) }, { tokens: 2_000 });
    expect(messages[0]?.content).toMatch(/^Once .*\[… cut here …\].* end\.$/s);
    expect(messages[1]?.content).toBe('Nice story');
  });

  it('shares the room when both halves are long', () => {
    const long = 'word '.repeat(4_000);
    const history = [
      { role: 'user' as const, content: long },
      { role: 'assistant' as const, content: long },
    ];
    const [question, answer] = build({ history }, { tokens: 1_000 }).messages.map(COSTS.message);
    expect(question).toBeGreaterThan(480);
    expect(answer).toBeGreaterThan(480);
  });

  it('is left out only where not even the least of it fits', () => {
    expect(build({ history: story('assistant', 30_000) }, { tokens: 40 }).messages).toHaveLength(2);
    expect(build({ history: story('assistant', 30_000) }, { tokens: 20 }).messages).toEqual([]);
  });
});

describe('facts', () => {
  it('are all shown where there is room, and before older turns', () => {
    const facts = [fact('a', 'I am vegetarian.'), fact('b', 'My dog is Rex.')];
    const factTokens = facts.reduce((sum, each) => sum + COSTS.fact(each), 0);
    const { facts: kept, messages } = build({ history: turns(1, 20), facts }, { tokens: 10 + 5 + factTokens + 4 });
    expect(kept).toEqual(facts);
    expect(messages.map(({ content }) => content)).toEqual(['q20', 'a20']);
  });

  it('give way from the oldest on where there is none', () => {
    const facts = [fact('a', 'x'.repeat(400)), fact('b', 'short')];
    expect(build({ facts }, { tokens: 20 }).facts).toEqual([facts[1]]);
    expect(build({ facts }, { tokens: 5 })).toMatchObject({ facts: [], tokens: { facts: 0 } });
  });
});

describe('for any memory and room', () => {
  const words = fc.array(fc.constantFrom('cat', 'tea', 'Rex', '猫', '茶', 'walked', 'x'.repeat(200), '😀'), {
    maxLength: 60,
  });
  const text = words.map((list) => list.join(' '));
  const message = fc.record({ role: fc.constantFrom('user' as const, 'assistant' as const), content: text });
  const halves = fc.tuple(text, text).map(([question, answer]): readonly HistoryMessage[] => [
    { role: 'user', content: question },
    { role: 'assistant', content: answer },
  ]);
  const history = fc.oneof(
    fc.array(message, { maxLength: 40 }),
    fc.array(halves, { maxLength: 60 }).map((list) => list.flat()),
  );
  const facts = fc.array(text, { maxLength: 5 }).map((list) => list.map((each, index) => fact(`f${index}`, each)));
  const room = fc.record({ tokens: fc.integer({ min: 0, max: 2_000 }), reserved: fc.integer({ min: 0, max: 500 }) });
  const options = fc.record({
    maxMessages: fc.integer({ min: 0, max: 30 }),
    recallTokens: fc.integer({ min: 0, max: 800 }),
  });

  it('holds: whole turns without gaps, the newest, within every bound', () => {
    fc.assert(
      fc.property(
        history,
        facts,
        room,
        options,
        text,
        (stored, kept, { tokens, reserved }, { maxMessages, recallTokens }, question) => {
          const view = build(
            { history: stored, facts: kept, question },
            { tokens, reserved, maxMessages, recallTokens },
          );
          const { messages, tokens: used } = view;
          expect(messages.map(({ role }) => role)).toEqual(
            messages.map((_, at) => (at % 2 === 0 ? 'user' : 'assistant')),
          );
          expect(messages.length % 2).toBe(0);
          expect(messages.length).toBeLessThanOrEqual(maxMessages);
          expect(reserved + used.facts + used.window + used.recalled).toBeLessThanOrEqual(Math.max(tokens, reserved));
          expect(used.recalled).toBeLessThanOrEqual(Math.min(recallTokens, tokens / 4));
          const pairs = stored.filter(({ role }, at) =>
            role === 'user' ? stored[at + 1]?.role === 'assistant' : stored[at - 1]?.role === 'user',
          );
          // All but the newest turn are shown as they are.
          const whole = pairs.slice(pairs.length - messages.length);
          expect(messages.slice(0, -2)).toEqual(whole.slice(0, -2));
          if (maxMessages >= 2 && pairs.length > 0 && tokens - reserved >= 48)
            expect(messages.length).toBeGreaterThan(0);
          const older = pairs.slice(0, pairs.length - messages.length);
          for (const { message: recalled } of view.recalled) expect(older).toContain(recalled);
          const order = view.recalled.map(({ message: recalled }) => older.indexOf(recalled));
          expect(order).toEqual([...order].sort((one, other) => one - other));
        },
      ),
      { numRuns: runs(2_000) },
    );
  });

  it('holds: the window does not depend on the question', () => {
    fc.assert(
      fc.property(history, room, options, text, text, (stored, { tokens, reserved }, limits, one, other) => {
        const windowFor = (question: string) =>
          build({ history: stored, question }, { tokens, reserved, ...limits }).messages;
        expect(windowFor(one)).toEqual(windowFor(other));
      }),
      { numRuns: runs(500) },
    );
  });
});
