/** Delays that can be aborted. */
import { setMaxListeners } from 'node:events';
import type { Timers } from './timers.ts';

/** Unlike `systemTimers`, these keep the process alive, because the caller waits for them. */
const referencedTimers: Timers = {
  after(ms, task) {
    const timer = setTimeout(task, ms);
    return () => clearTimeout(timer);
  },
};

/** Resolves after `ms` milliseconds, or as soon as `signal` aborts. Never rejects. */
export async function delay(ms: number, signal?: AbortSignal, timers: Timers = referencedTimers): Promise<void> {
  if (signal?.aborted === true) return;
  // Many delays may share a signal; Node warns of a leak above ten listeners.
  if (signal !== undefined) setMaxListeners(0, signal);
  await new Promise<void>((resolve) => {
    const done = () => {
      cancel();
      signal?.removeEventListener('abort', done);
      resolve();
    };
    const cancel = timers.after(ms, done);
    signal?.addEventListener('abort', done);
  });
}

/** Delays that are all ended together, permanently. */
export interface Delays {
  /** Resolves after `ms` milliseconds, or at once when {@link Delays.end} is or was called. */
  wait(ms: number): Promise<void>;
  end(): void;
  ended(): boolean;
}

export function createDelays(): Delays {
  const controller = new AbortController();
  return {
    wait: (ms) => delay(ms, controller.signal),
    end: () => controller.abort(),
    ended: () => controller.signal.aborted,
  };
}
