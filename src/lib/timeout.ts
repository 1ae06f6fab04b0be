/** Requests to a platform in bounded time, whatever its client does. */
import { BotError } from '../errors.ts';
import type { Timers } from './timers.ts';

/**
 * What `run` gives within `ms` milliseconds. Later its signal aborts and this rejects, whether `run` heeds that or not:
 * a request that hangs must not hold a whole conversation.
 * @throws BotError `platform_unavailable` (retryable) for what is late, and in place of anything that is no BotError.
 */
export async function withTimeout<T>(ms: number, timers: Timers, run: (signal: AbortSignal) => Promise<T>): Promise<T> {
  const controller = new AbortController();
  let cancel = () => {};
  const late = new Promise<never>((_, reject) => {
    cancel = timers.after(ms, () => {
      controller.abort();
      reject(new BotError('platform_unavailable', 'The platform did not answer in time.', { retryable: true }));
    });
  });
  try {
    return await Promise.race([run(controller.signal), late]);
  } catch (thrown) {
    if (thrown instanceof BotError) throw thrown;
    const message = thrown instanceof Error ? thrown.message : String(thrown);
    throw new BotError('platform_unavailable', message, { cause: thrown, retryable: true });
  } finally {
    cancel();
  }
}
