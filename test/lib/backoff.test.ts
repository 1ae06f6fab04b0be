import { describe, expect, it } from 'vitest';
import { BotError } from '../../src/errors.ts';
import { backoff, retry } from '../../src/lib/backoff.ts';

describe('backoff', () => {
  it('doubles with each failure, up to the limit, however many there are', () => {
    expect([1, 2, 3, 4, 5, 6].map((failures) => backoff(failures, 8_000))).toEqual([
      500, 1_000, 2_000, 4_000, 8_000, 8_000,
    ]);
    expect(backoff(1, 1_000, 100)).toBe(100);
    expect(backoff(5_000, 30_000)).toBe(30_000);
  });

  it('never waits longer than the limit, even at first', () => {
    expect(backoff(0, 1_000)).toBe(500);
    expect(backoff(1, 200)).toBe(200);
  });
});

describe('retry', () => {
  const failing = (failures: number, error: Error) => {
    let calls = 0;
    const action = async () => {
      calls += 1;
      if (calls <= failures) throw error;
      return calls;
    };
    return { action, calls: () => calls };
  };
  const passing = new BotError('platform_unavailable', 'away', { retryable: true });

  it('calls again until it succeeds', async () => {
    expect(await retry(failing(2, passing).action, { tries: 3, firstMs: 1 })).toBe(3);
  });

  it('throws the last error when all tries are used up', async () => {
    const { action, calls } = failing(9, passing);
    await expect(retry(action, { tries: 3, firstMs: 1 })).rejects.toBe(passing);
    expect(calls()).toBe(3);
  });

  it('does not repeat what cannot succeed: an error that is not retryable, or that the caller rules out', async () => {
    const refused = failing(9, new BotError('platform_refused', 'no'));
    await expect(retry(refused.action, { tries: 3, firstMs: 1 })).rejects.toMatchObject({ code: 'platform_refused' });
    expect(refused.calls()).toBe(1);
    const unforeseen = failing(9, new TypeError('broken'));
    await expect(retry(unforeseen.action, { tries: 3, firstMs: 1 })).rejects.toMatchObject({ code: 'internal' });
    expect(unforeseen.calls()).toBe(1);
    const ruledOut = failing(9, passing);
    await expect(retry(ruledOut.action, { tries: 3, firstMs: 1, retryIf: () => false })).rejects.toBe(passing);
    expect(ruledOut.calls()).toBe(1);
  });
});
