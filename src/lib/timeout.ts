/** Time limits for work that may take too long. */
import { BotError } from '../errors.ts';
import { systemTimers, type Timers } from './timers.ts';

/**
 * Settles like `work`, or like `onTimeout` if `work` takes longer than `ms` milliseconds. `work` itself continues; use
 * {@link withTimeout} for a request that should be aborted.
 */
export async function raceTimeout<T, U>(
  ms: number,
  work: Promise<T>,
  onTimeout: () => U,
  timers: Timers = systemTimers,
): Promise<T | U> {
  let cancel = () => {};
  const timedOut = new Promise<U>((resolve, reject) => {
    cancel = timers.after(ms, () => {
      try {
        resolve(onTimeout());
      } catch (thrown) {
        reject(thrown);
      }
    });
  });
  try {
    return await Promise.race([work, timedOut]);
  } finally {
    cancel();
  }
}

/**
 * Runs a request to a platform for at most `ms` milliseconds. Then its signal aborts and the promise rejects, even if `run`
 * ignores the signal: a request that hangs must not block a whole conversation.
 * @throws BotError `platform_unavailable` (retryable) on a timeout, and instead of any error that is not a BotError
 */
export async function withTimeout<T>(ms: number, timers: Timers, run: (signal: AbortSignal) => Promise<T>): Promise<T> {
  const controller = new AbortController();
  const onTimeout = (): never => {
    controller.abort();
    throw new BotError('platform_unavailable', 'The platform did not answer in time.', { retryable: true });
  };
  try {
    return await raceTimeout(ms, run(controller.signal), onTimeout, timers);
  } catch (thrown) {
    if (thrown instanceof BotError) throw thrown;
    const message = thrown instanceof Error ? thrown.message : String(thrown);
    throw new BotError('platform_unavailable', message, { cause: thrown, retryable: true });
  }
}
