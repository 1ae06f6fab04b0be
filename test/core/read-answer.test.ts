import { once } from 'node:events';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { ChainEvent } from '../../src/core/ports.ts';
import { type ReadOptions, readAnswer } from '../../src/core/read-answer.ts';

const LONG = 3_600_000;

function options(changes: Partial<ReadOptions> = {}) {
  const seen: string[] = [];
  return {
    seen,
    ...{ firstTokenMs: LONG, betweenTokensMs: LONG, remainingMs: LONG, maxLength: 40_000 },
    signal: new AbortController().signal,
    onFirst: () => undefined,
    onShown: () => undefined,
    onText: (text: string) => void seen.push(text),
    ...changes,
  };
}

const text = (piece: string): ChainEvent => ({ kind: 'text', text: piece });

/** A stream of these events that then waits for its abort, and says whether it was left. */
function source(events: readonly ChainEvent[], end: 'ends' | 'hangs' = 'ends') {
  const state = { left: false, taken: 0 };
  async function* open(signal: AbortSignal): AsyncIterable<ChainEvent> {
    try {
      for (const event of events) {
        state.taken += 1;
        yield event;
      }
      if (end === 'ends') return;
      if (!signal.aborted) await once(signal, 'abort');
      throw signal.reason;
    } finally {
      state.left = true;
    }
  }
  return { state, open };
}

describe('an answer', () => {
  it('is what the model said, shown as it grew', async () => {
    const read = options();
    expect(await readAnswer(source([text('Hello'), { kind: 'working' }, text(' you')]).open, read)).toEqual({
      text: 'Hello you',
    });
    expect(read.seen).toEqual(['Hello', 'Hello you']);
  });

  it('that begins anew has nothing of what was there before, which is taken back at once', async () => {
    const read = options();
    const { open } = source([text('secret'), { kind: 'restart' }, text('Hi')]);
    expect(await readAnswer(open, read)).toEqual({ text: 'Hi' });
    expect(read.seen).toEqual(['secret', '', 'Hi']);
  });

  it('says what the model was shown last, which is no sign of life', async () => {
    const used: unknown[] = [];
    const firsts: string[] = [];
    const shown = (...turns: string[]): ChainEvent => ({ kind: 'shown', used: { turns, facts: [] }, unread: [] });
    const read = options({ onShown: (one) => void used.push(one.used), onFirst: () => void firsts.push('first') });
    expect(await readAnswer(source([shown('t1'), shown('t2'), text('Hi')]).open, read)).toEqual({ text: 'Hi' });
    expect([used, firsts]).toEqual([
      [
        { turns: ['t1'], facts: [] },
        { turns: ['t2'], facts: [] },
      ],
      ['first'],
    ]);
    const silent = options({ firstTokenMs: 1 });
    await expect(readAnswer(source([shown('t1')], 'hangs').open, silent)).rejects.toMatchObject({
      code: 'model_timeout',
    });
  });

  it('says why it was cut off', async () => {
    const { open } = source([text('Hello'), { kind: 'cut', reason: 'filtered' }]);
    expect(await readAnswer(open, options())).toEqual({ text: 'Hello', cut: 'filtered' });
  });

  it('has a maximum, where the stream is left, in however large pieces it comes', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.array(fc.string({ unit: 'grapheme', minLength: 1, maxLength: 40 }), { minLength: 1 }),
        fc.integer({ min: 1, max: 60 }),
        async (pieces, maxLength) => {
          const whole = pieces.join('');
          fc.pre(whole.slice(0, maxLength).trim() !== '' && !/^[\uD800-\uDBFF]?$/.test(whole.slice(0, maxLength)));
          const { open, state } = source(pieces.map(text));
          const read = options({ maxLength });
          const answer = await readAnswer(open, read);
          const cut = whole.slice(0, maxLength).replace(/[\uD800-\uDBFF]$/, '');
          expect(answer).toEqual(whole.length <= maxLength ? { text: whole } : { text: cut, cut: 'maximum' });
          expect(read.seen.at(-1)).toBe(answer.text);
          expect(state.left).toBe(true);
        },
      ),
    );
  });

  it('that is at its maximum and goes on is asked for no further piece', async () => {
    const { open, state } = source([text('abc'), text('d'), text('e')], 'hangs');
    expect(await readAnswer(open, options({ maxLength: 3 }))).toEqual({ text: 'abc', cut: 'maximum' });
    expect(state).toEqual({ left: true, taken: 2 });
  });

  it('of nothing but blanks up to the maximum is none', async () => {
    const reading = readAnswer(source([text(' '.repeat(99))]).open, options({ maxLength: 10 }));
    await expect(reading).rejects.toMatchObject({ code: 'model_empty_answer', retryable: true });
  });

  it('may take as long as it likes while something comes, also when nothing of it is text', async () => {
    async function* slow(): AsyncIterable<ChainEvent> {
      for (let index = 0; index < 12; index += 1) {
        await new Promise((resolve) => setTimeout(resolve, 100));
        yield index % 3 === 0 ? text('x') : { kind: 'working' };
      }
    }
    expect(await readAnswer(slow, options({ betweenTokensMs: 1_000, firstTokenMs: 5_000 }))).toEqual({ text: 'xxxx' });
  });

  it('is given up when nothing comes: first, or further', async () => {
    const timeout = { code: 'model_timeout', retryable: true };
    await expect(readAnswer(source([], 'hangs').open, options({ firstTokenMs: 20 }))).rejects.toMatchObject(timeout);
    const half = source([text('half')], 'hangs');
    await expect(readAnswer(half.open, options({ betweenTokensMs: 20 }))).rejects.toMatchObject(timeout);
    expect(half.state.left).toBe(true);
  });

  it('is what there is of it when the time of its turn is up', async () => {
    const { open } = source([text('half')], 'hangs');
    expect(await readAnswer(open, options({ remainingMs: 30 }))).toEqual({ text: 'half', cut: 'time' });
    await expect(readAnswer(source([], 'hangs').open, options({ remainingMs: 30 }))).rejects.toMatchObject({
      code: 'model_timeout',
    });
  });

  it('ends with its turn, whose reason is thrown', async () => {
    const turn = new AbortController();
    const reading = readAnswer(source([text('half')], 'hangs').open, options({ signal: turn.signal }));
    const reason = new Error('stopped');
    turn.abort(reason);
    await expect(reading).rejects.toBe(reason);
  });
});
