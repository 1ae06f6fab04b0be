/** The last hour in figures, for the overview: kept in this process only, a sample every fifteen seconds. */
import type { Stats } from '../../core/store.ts';
import type { Sample } from './schemas.ts';

/** Milliseconds between two samples. */
export const SAMPLE_MS = 15_000;
/** An hour of them. */
export const KEPT_SAMPLES = 240;
/** Durations kept between two samples; beyond it the percentiles are those of the first ones. */
const MAX_DURATIONS = 10_000;

/** What happens in this process, told by those to whom it happens. Durations in milliseconds. */
export interface StatsSink {
  turn(outcome: string, ms: number): void;
  firstToken(ms: number): void;
  storeError(): void;
}

export interface Samples extends StatsSink {
  /** Takes a sample of what has happened since the last one, and of how the store is. Never rejects. */
  take(stats: Pick<Stats, 'stats'>, now: number): Promise<void>;
  /** Oldest first. */
  list(): readonly Sample[];
}

/** Turns that left this process unfinished: another one counts them. */
const NOT_ENDED = ['handed_over', 'lost'];

export function createSamples(): Samples {
  const samples: Sample[] = [];
  let turnMs: number[] = [];
  let firstTokenMs: number[] = [];
  let turns = 0;
  let errors = 0;
  let last: number | undefined;

  return {
    turn(outcome, ms) {
      if (NOT_ENDED.includes(outcome)) return;
      turns += 1;
      if (outcome === 'failed') errors += 1;
      if (turnMs.length < MAX_DURATIONS) turnMs.push(ms);
    },
    firstToken(ms) {
      if (firstTokenMs.length < MAX_DURATIONS) firstTokenMs.push(ms);
    },
    storeError() {
      errors += 1;
    },
    async take(stats, now) {
      const service = await stats.stats().catch(() => undefined);
      const minutes = (now - (last ?? now - SAMPLE_MS)) / 60_000;
      samples.push({
        at: now,
        conversations: service?.conversations ?? null,
        messages: service?.messages ?? null,
        waiting: service?.pending ?? null,
        turns_per_minute: minutes > 0 ? turns / minutes : 0,
        errors,
        first_token_p50: quantile(firstTokenMs, 0.5),
        first_token_p99: quantile(firstTokenMs, 0.99),
        turn_p50: quantile(turnMs, 0.5),
        turn_p99: quantile(turnMs, 0.99),
        memory_bytes: service?.server.usedMemoryBytes ?? null,
        clients: service?.server.connectedClients ?? null,
      });
      samples.splice(0, samples.length - KEPT_SAMPLES);
      last = now;
      turnMs = [];
      firstTokenMs = [];
      turns = 0;
      errors = 0;
    },
    list: () => [...samples],
  };
}

/** The smallest value that at least this share of the values does not exceed; null of none. */
function quantile(values: readonly number[], share: number): number | null {
  const sorted = [...values].sort((one, other) => one - other);
  return sorted[Math.max(0, Math.ceil(share * sorted.length) - 1)] ?? null;
}
