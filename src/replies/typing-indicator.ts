/** The platform's sign that an answer is being prepared ("is typing…"), kept alive and taken away again. */
import { toBotError } from '../errors.ts';
import type { Timers } from '../lib/timers.ts';

export interface TypingIndicatorDeps {
  /** Shows the sign for a while. Rejects when the platform did not take it. */
  readonly show: () => Promise<void>;
  /** Takes it away at once; does nothing where the platform can't. */
  readonly clear: () => Promise<void>;
  /** Milliseconds from one showing to the next: less than the platform shows it for. */
  readonly refreshMs: number;
  readonly timers: Timers;
  /** A worker that died may have left it shown. */
  readonly leftShown: boolean;
  /** The worker still has the turn; without it nothing is shown nor cleared: the sign is the next worker's then. */
  readonly alive: () => boolean;
}

export interface TypingIndicator {
  /** Shows the sign and keeps it alive. Never throws; does nothing when it was started before. */
  start(): void;
  /** Resolves when it is no longer refreshed and none is on its way. Never rejects. */
  stop(): Promise<void>;
  /** A message was posted: on every platform that takes the sign away. */
  replaced(): void;
  /** Stops it and takes it away, unless that has happened. Never rejects. */
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
      // A sign is not worth insisting on: what was refused for good is not asked for again.
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
    // One that is on its way would come up again behind the answer.
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
