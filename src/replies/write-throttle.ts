/** When a reply may write next: the platform's pace, its rate limits, and backoff after failures. */

import type { Clock } from '../core/ports.ts';
import type { BotError } from '../errors.ts';
import { backoff } from '../lib/backoff.ts';
import type { Timers } from '../lib/timers.ts';

export interface WriteThrottleOptions {
  readonly clock: Pick<Clock, 'monotonic'>;
  readonly timers: Timers;
  /** Milliseconds from the start of one write to the start of the next while a text is streamed. */
  readonly intervalMs: number;
  /** Milliseconds of the first delay after a failure, doubled for each further one. */
  readonly backoffMs: number;
  readonly maxBackoffMs: number;
  /** 0 to below 1, for the jitter. */
  readonly random: () => number;
}

export interface WriteThrottle {
  /** Resolves when the next write may start (`spaced`: at the streaming pace), or when woken. One waiter at a time. */
  ready(spaced: boolean): Promise<void>;
  /** Ends the current wait. */
  wake(): void;
  /** Holds streamed writes for `ms` milliseconds. */
  hold(ms: number): void;
  /** A write starts. */
  began(): void;
  succeeded(): void;
  /** Backs off: as long as the platform asked for, otherwise exponentially with jitter. */
  failed(error: BotError): void;
  /** Failures in a row. */
  failures(): number;
  /** Milliseconds until any write may start; 0 if it may start now. */
  heldMs(): number;
}

export function createWriteThrottle(options: WriteThrottleOptions): WriteThrottle {
  const { clock, timers, intervalMs } = options;
  let nextSpaced = 0;
  let notBefore = 0;
  let failures = 0;
  let endWait: (() => void) | undefined;

  const jittered = () => {
    const full = backoff(failures, options.maxBackoffMs, options.backoffMs);
    // Half fixed, half random, so that conversations that failed together do not retry together.
    return full / 2 + (full / 2) * options.random();
  };

  return {
    async ready(spaced) {
      let woken = false;
      for (;;) {
        const wait = Math.max(notBefore, spaced ? nextSpaced : 0) - clock.monotonic();
        if (wait <= 0 || woken) return;
        woken = await new Promise<boolean>((resolve) => {
          const cancel = timers.after(wait, () => resolve(false));
          endWait = () => {
            cancel();
            resolve(true);
          };
        });
        endWait = undefined;
      }
    },
    wake() {
      endWait?.();
    },
    hold(ms) {
      nextSpaced = Math.max(nextSpaced, clock.monotonic() + ms);
    },
    began() {
      nextSpaced = Math.max(nextSpaced, clock.monotonic() + intervalMs);
    },
    succeeded() {
      failures = 0;
    },
    failed(error) {
      failures += 1;
      notBefore = clock.monotonic() + (error.retryAfterMs ?? jittered());
    },
    failures: () => failures,
    heldMs: () => Math.max(0, notBefore - clock.monotonic()),
  };
}
