import { setMaxListeners } from 'node:events';

/** A bound that the work of a whole process shares. */
export interface Quota {
  /**
   * Runs `task` while it holds `amount` of the quota (at most all of it). Callers wait in order. Rejects with the signal's reason if it
   * aborts before the task begins.
   */
  hold<T>(amount: number, signal: AbortSignal, task: () => Promise<T>): Promise<T>;
  /** Likewise, until it is released. */
  acquire(amount: number, signal: AbortSignal): Promise<Hold>;
}

export interface Hold {
  /** Gives back what is more than `amount`. */
  shrinkTo(amount: number): void;
  /** Gives back the rest. May be called again. */
  release(): void;
}

interface Waiter {
  readonly amount: number;
  readonly start: () => void;
}

export function createQuota(total: number): Quota {
  const waiting: Waiter[] = [];
  let free = total;

  /** The first in line may be large: nobody overtakes it. */
  const startNext = () => {
    for (let next = waiting[0]; next !== undefined && next.amount <= free; next = waiting[0]) {
      waiting.shift();
      free -= next.amount;
      next.start();
    }
  };

  const take = (amount: number, signal: AbortSignal) =>
    new Promise<void>((resolve, reject) => {
      const waiter: Waiter = {
        amount,
        start() {
          signal.removeEventListener('abort', leave);
          resolve();
        },
      };
      function leave(): void {
        waiting.splice(waiting.indexOf(waiter), 1);
        reject(signal.reason);
        startNext();
      }
      signal.addEventListener('abort', leave, { once: true });
      waiting.push(waiter);
      startNext();
    });

  const acquire = async (amount: number, signal: AbortSignal): Promise<Hold> => {
    signal.throwIfAborted();
    // Many files may share a signal; Node warns of a leak above ten listeners.
    setMaxListeners(0, signal);
    let held = Math.min(amount, total);
    await take(held, signal);
    const shrinkTo = (kept: number) => {
      if (kept >= held) return;
      free += held - kept;
      held = kept;
      startNext();
    };
    return { shrinkTo, release: () => shrinkTo(0) };
  };

  return {
    acquire,
    async hold(amount, signal, task) {
      const { release } = await acquire(amount, signal);
      try {
        return await task();
      } finally {
        release();
      }
    },
  };
}
