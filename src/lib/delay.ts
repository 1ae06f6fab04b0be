/** Waits that end when intake does. */

export interface Delays {
  /** Resolves after `ms` milliseconds, or at once when {@link Delays.end} is or was called. */
  wait(ms: number): Promise<void>;
  end(): void;
  ended(): boolean;
}

export function createDelays(): Delays {
  const waiting = new Set<() => void>();
  let over = false;
  return {
    wait(ms) {
      if (over) return Promise.resolve();
      return new Promise((resolve) => {
        const done = () => {
          clearTimeout(timer);
          waiting.delete(done);
          resolve();
        };
        const timer = setTimeout(done, ms);
        waiting.add(done);
      });
    },
    end() {
      over = true;
      for (const done of [...waiting]) done();
    },
    ended: () => over,
  };
}

/** Milliseconds before try `failures + 1`: doubles from half a second up to `most`. */
export function backoff(failures: number, most: number): number {
  return Math.min(most, 500 * 2 ** Math.min(10, Math.max(0, failures - 1)));
}

/** At most `most` tasks at a time; the others wait in order. */
export function createGate(most: number): <T>(task: () => Promise<T>) => Promise<T> {
  const queue: (() => void)[] = [];
  let free = most;
  return async (task) => {
    if (free > 0) free -= 1;
    else await new Promise<void>((resolve) => queue.push(resolve));
    try {
      return await task();
    } finally {
      const next = queue.shift();
      if (next === undefined) free += 1;
      else next();
    }
  };
}
