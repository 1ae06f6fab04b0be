/** Exponential back-off, and retrying with it. */
import { type BotError, toBotError } from '../errors.ts';
import { delay } from './delay.ts';

/** Milliseconds to wait after `failures` failures in a row (from 1): `firstMs`, doubled each time, at most `maxMs`. */
export function backoff(failures: number, maxMs: number, firstMs = 500): number {
  return Math.min(maxMs, firstMs * 2 ** Math.max(0, failures - 1));
}

export interface RetryOptions {
  /** Calls in all, the first included. */
  readonly tries: number;
  /** Milliseconds before the second call; doubled for each further one. */
  readonly firstMs: number;
  /** Longest wait in milliseconds, unless the error names a longer one (`retryAfterMs`). */
  readonly maxMs?: number;
  /** Whether the error is worth another call. By default its own `retryable`. */
  readonly retryIf?: (error: BotError) => boolean;
}

/**
 * Calls `action` until it succeeds. Waits in between by {@link backoff}, or as long as the error asks for.
 * @throws BotError of the last call, when it is not worth another one or all tries are used up
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
