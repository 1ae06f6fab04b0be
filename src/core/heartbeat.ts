/**
 * Whether the store accepts writes, judged by the heartbeat that each replica writes every {@link BEAT_MS}. A store that answers but
 * accepts no writes (read-only, full, disk failure) looks healthy otherwise.
 */
import type { BotError } from '../errors.ts';
import { BEAT_MS } from './limits.ts';
import type { Clock, Health } from './ports.ts';

export interface Heartbeat {
  /** A write succeeded. */
  wrote(): void;
  failed(error: BotError): void;
  health(): Health;
}

/** Milliseconds without a completed write after which the store counts as down. Writes may hang without failing. */
const SILENCE_MS = 6 * BEAT_MS;

export function createHeartbeat(clock: Pick<Clock, 'monotonic'>): Heartbeat {
  let heardAt = clock.monotonic();
  let health: Health = { ok: true };
  return {
    wrote() {
      heardAt = clock.monotonic();
      health = { ok: true };
    },
    failed({ code, reason }) {
      heardAt = clock.monotonic();
      health = { ok: false, reason: `nothing can be stored: ${reason ?? code}` };
    },
    health() {
      const silentMs = clock.monotonic() - heardAt;
      if (!health.ok || silentMs <= SILENCE_MS) return health;
      return { ok: false, reason: `the store has not answered a write for ${Math.round(silentMs / 1_000)} s` };
    },
  };
}
