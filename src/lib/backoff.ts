/** Exponential backoff, and retries with it. */
import { type BotError, toBotError } from '../errors.ts';
import { delay } from './delay.ts';

/** Milliseconds to wait after `failures` failures in a row (from 1): `firstMs`, doubled each time, at most `maxMs`. */
export function backoff(failures: number, maxMs: number, firstMs = 500): number {
  return Math.min(maxMs, firstMs * 2 ** Math.max(0, failures - 1));
}

export interface RetryOptions {
  /** Maximum number of calls, including the first. */
  readonly tries: number;
  /** Milliseconds before the second call, doubled for each further call. */
  readonly firstMs: number;
  /** Longest delay in milliseconds, unless the error's `retryAfterMs` is longer. */
  readonly maxMs?: number;
  /** Whether to call again after this error. Default: its `retryable`. */
  readonly retryIf?: (error: BotError) => boolean;
}

/**
 * Calls `action` until it succeeds, with a delay of {@link backoff} or of the error's `retryAfterMs`, whichever is longer.
 * @throws BotError of the last call, if it must not be retried or no tries are left
 */
export async function retry<T>(action: () => Promise<T>, options: RetryOptions): Promise<T> {
  const { tries, firstMs, maxMs = Number.POSITIVE_INFINITY, retryIf = ({ retryable }) => retryable } = options;
  for (let failures = 1; ; failures += 1) {
    try {
      return await action();
    } catch (thrown) {
      const error = toBotError(thrown);
      if (failures >= tries || !retryIf(error)) throw error;
      await delay(Math.max(error.retryAfterMs ?? 0, backoff(failures, maxMs, firstMs)));
    }
  }
}
