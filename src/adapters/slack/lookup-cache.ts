/** What is looked up in Slack once in a while: kept for some minutes, never waited for long, and left alone where Slack refuses. */
import type { Clock, Logger } from '../../core/ports.ts';
import { toBotError } from '../../errors.ts';
import { withTimeout } from '../../lib/timeout.ts';
import type { Timers } from '../../lib/timers.ts';

/** Slack wants its ack within 3 s, and the message has to be stored in that time too. Milliseconds. */
export const LOOKUP_MS = 1_000;
/** How long an answer holds, in milliseconds; rights that were taken away hold no longer than that. */
const KEEP_MS = 5 * 60_000;
/** How long nothing is asked again after an attempt that came to nothing; where Slack names a time, that. Milliseconds. */
const FAILED_MS = 1_000;
const MAX_KEPT = 5_000;

export interface LookupDeps {
  readonly clock: Pick<Clock, 'monotonic'>;
  readonly timers: Timers;
  readonly logger: Logger;
}

export interface LookupCache<T> {
  /** Undefined: it can't be told now. Never rejects. */
  find(key: string): Promise<T | undefined>;
}

/** `look` asks Slack; it may reject. */
export function createLookupCache<T>(
  { clock, timers, logger }: LookupDeps,
  look: (key: string) => Promise<T>,
): LookupCache<T> {
  const known = new Map<string, { readonly answer: Promise<T | undefined>; until: number }>();
  /** While Slack asks for a wait. */
  let pausedUntil = 0;

  function keep(key: string, answer: Promise<T | undefined>): { until: number } {
    const entry = { answer, until: clock.monotonic() + KEEP_MS };
    known.delete(key);
    known.set(key, entry);
    const [oldest] = known.keys();
    if (known.size > MAX_KEPT && oldest !== undefined) known.delete(oldest);
    return entry;
  }

  return {
    find(key) {
      const now = clock.monotonic();
      const found = known.get(key);
      if (found !== undefined && found.until > now) return found.answer;
      if (now < pausedUntil) return Promise.resolve(undefined);
      const answer = withTimeout(LOOKUP_MS, timers, () => look(key)).catch((thrown: unknown) => {
        const { code, retryable, retryAfterMs = FAILED_MS } = toBotError(thrown);
        const then = clock.monotonic();
        // What is refused for good (there is no such person, the scope is missing) is not asked again soon.
        if (retryable) entry.until = then + retryAfterMs;
        if (code === 'platform_rate_limited') pausedUntil = then + retryAfterMs;
        logger.debug({ code }, 'nothing could be looked up in Slack');
        return undefined;
      });
      const entry = keep(key, answer);
      return answer;
    },
  };
}
