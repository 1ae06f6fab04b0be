/** The leases of the drains that run in this process. */
import type { Clock, Lease } from '../core/ports.ts';
import { BotError } from '../errors.ts';
import { raceTimeout } from '../lib/timeout.ts';

export interface OpenLeases {
  begin(id: string): { readonly lease: Lease; readonly end: () => void };
  /** These were renewed by a call sent at `sentAt` (monotonic milliseconds). */
  renewed(ids: readonly string[], sentAt: number): void;
  lost(ids: readonly string[]): void;
  /** Ends all leases because the process ends; the drains hand their turns over. */
  abortAll(): void;
  /** Resolves when no drain runs, or after `ms`. */
  idle(ms: number): Promise<void>;
}

interface Open {
  readonly controller: AbortController;
  renewedAt: number;
}

/** @param lifeMs milliseconds a lease is good for after a renewal; Infinity where nobody else can take it. */
export function createOpenLeases(clock: Clock, lifeMs: number): OpenLeases {
  const open = new Set<Open>();
  /** The newest of each id: a queue that lost its keys gives ids out again, and a renewal speaks of its newest job only. */
  const newest = new Map<string, Open>();
  let wake: () => void = () => {};

  return {
    begin(id) {
      const own: Open = { controller: new AbortController(), renewedAt: clock.monotonic() };
      open.add(own);
      newest.set(id, own);
      const { signal } = own.controller;
      return {
        lease: { signal, alive: () => !signal.aborted && clock.monotonic() - own.renewedAt < lifeMs },
        end() {
          open.delete(own);
          if (newest.get(id) === own) newest.delete(id);
          if (open.size === 0) wake();
        },
      };
    },
    renewed(ids, sentAt) {
      for (const id of ids) {
        const own = newest.get(id);
        if (own !== undefined) own.renewedAt = Math.max(own.renewedAt, sentAt);
      }
    },
    lost(ids) {
      for (const id of ids)
        newest.get(id)?.controller.abort(new BotError('turn_lost', 'The lease of this drain was lost.'));
    },
    abortAll() {
      for (const { controller } of open) {
        controller.abort(new BotError('turn_lost', 'This process is shutting down.'));
      }
    },
    async idle(ms) {
      if (open.size === 0) return;
      const empty = new Promise<void>((resolve) => {
        wake = resolve;
      });
      await raceTimeout(ms, empty, () => undefined);
    },
  };
}
