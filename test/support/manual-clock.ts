import { setImmediate } from 'node:timers/promises';
import type { Clock } from '../../src/core/ports.ts';
import type { Timers } from '../../src/lib/timers.ts';

/** Time that only passes when the test says so. */
export interface ManualClock extends Clock, Timers {
  /** Lets `ms` milliseconds pass: runs what falls due, in order, each with all that follows from it. */
  advance(ms: number): Promise<void>;
  /** Lets everything happen that needs no time to pass. */
  settle(): Promise<void>;
  /** How many timers are set. */
  pending(): number;
}

export function createManualClock(startMs = 1_700_000_000_000): ManualClock {
  let passed = 0;
  let timers: { readonly due: number; readonly task: () => void }[] = [];

  // Runs behind all microtasks, so every promise that can settle has settled.
  const settle = () => setImmediate();

  return {
    now: () => startMs + passed,
    monotonic: () => passed,
    after(ms, task) {
      const timer = { due: passed + Math.max(0, ms), task };
      timers.push(timer);
      return () => {
        timers = timers.filter((other) => other !== timer);
      };
    },
    async advance(ms) {
      const end = passed + ms;
      await settle();
      for (;;) {
        const next = timers.toSorted((a, b) => a.due - b.due)[0];
        if (next === undefined || next.due > end) break;
        timers = timers.filter((other) => other !== next);
        passed = next.due;
        next.task();
        await settle();
      }
      passed = end;
    },
    settle,
    pending: () => timers.length,
  };
}
