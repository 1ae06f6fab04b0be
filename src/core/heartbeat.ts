/**
 * Whether the store takes what people write: told by the sign of life that each replica writes every {@link BEAT_MS} anyway. A
 * store that answers and takes nothing (read only, full, its disk gone) looks healthy to everything else.
 */
import type { BotError } from '../errors.ts';
import { BEAT_MS } from './limits.ts';
import type { Clock, Health } from './ports.ts';

export interface Heartbeat {
  /** The store took the write. */
  wrote(): void;
  failed(error: BotError): void;
  health(): Health;
}

/** Milliseconds without any outcome of a write, as when each one hangs, after which the store counts as away. */
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
