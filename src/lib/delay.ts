/** Waiting that can be cut short. */
import { setMaxListeners } from 'node:events';
import type { Timers } from './timers.ts';

/** Like `systemTimers`, but they keep the process alive: somebody waits for them. */
const waitedFor: Timers = {
  after(ms, task) {
    const timer = setTimeout(task, ms);
    return () => clearTimeout(timer);
  },
};

/** Resolves after `ms` milliseconds, or as soon as `signal` aborts. Never rejects. */
export async function delay(ms: number, signal?: AbortSignal, timers: Timers = waitedFor): Promise<void> {
  if (signal?.aborted === true) return;
  // Many may wait for one signal; Node would take more than ten for a leak.
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

/** Delays that can all be ended at once, for good. */
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
