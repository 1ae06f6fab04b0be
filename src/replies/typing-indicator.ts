/** The platform's typing indicator: shown, renewed and hidden again. */
import { toBotError } from '../errors.ts';
import type { Timers } from '../lib/timers.ts';

export interface TypingIndicatorDeps {
  /** Shows it for a while. Rejects if the platform refuses. */
  readonly show: () => Promise<void>;
  /** Hides it at once. Does nothing on a platform that cannot. */
  readonly clear: () => Promise<void>;
  /** Milliseconds between renewals; shorter than the platform shows it. */
  readonly refreshMs: number;
  readonly timers: Timers;
  /** It may be visible already, left by a worker that died. */
  readonly leftShown: boolean;
  /** The worker still holds the lease. Otherwise nothing is shown or hidden; the next worker does that. */
  readonly alive: () => boolean;
}

export interface TypingIndicator {
  /** Shows it and renews it. Never throws. Does nothing if it was started before. */
  start(): void;
  /** Resolves when no request is in flight and none will follow. Never rejects. */
  stop(): Promise<void>;
  /** A message was posted, which hides it on every platform. */
  replaced(): void;
  /** Stops it and hides it, if it is visible. Never rejects. */
  clear(): Promise<void>;
}

export function createTypingIndicator(deps: TypingIndicatorDeps): TypingIndicator {
  const { show, clear, refreshMs, timers, alive } = deps;
  let state: 'idle' | 'running' | 'stopped' = 'idle';
  let visible = deps.leftShown;
  let cancel = () => {};
  let inFlight = Promise.resolve();

  async function refresh(): Promise<void> {
    let wait = refreshMs;
    try {
      if (alive()) {
        visible = true;
        await show();
      }
    } catch (thrown) {
      const error = toBotError(thrown);
      // Not important enough to retry after a permanent refusal.
      if (!error.retryable) return;
      wait = Math.max(wait, error.retryAfterMs ?? 0);
    }
    if (state !== 'running') return;
    cancel = timers.after(wait, () => {
      inFlight = refresh();
    });
  }

  async function stop(): Promise<void> {
    state = 'stopped';
    cancel();
    // A request in flight could show it again after the answer.
    await inFlight;
  }

  return {
    start() {
      if (state !== 'idle') return;
      state = 'running';
      inFlight = refresh();
    },
    stop,
    replaced() {
      visible = false;
    },
    async clear() {
      await stop();
      if (!visible || !alive()) return;
      visible = false;
      await clear().catch(() => undefined);
    },
  };
}
