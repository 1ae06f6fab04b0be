/** Prometheus metrics. docs/operations.md explains each and what to alert on. */
import { Counter, collectDefaultMetrics, Gauge, Histogram, Registry } from 'prom-client';
import type { TurnMetrics } from '../core/ports.ts';
import type { StoreObserver } from '../core/store.ts';

export interface Metrics {
  readonly turns: TurnMetrics;
  readonly storeObserver: StoreObserver;
  received(kind: string, platform: string): void;
  pending(conversations: number): void;
  /** Counts a refused HTTP request. */
  httpRefused(status: number): void;
  /** Counts a malformed payload from a platform. */
  malformed(platform: string): void;
  /** The metrics in Prometheus' text format. */
  text(): Promise<string>;
}

/** Seconds. Most of a turn is spent waiting for the model. */
const BUCKETS = [0.05, 0.1, 0.25, 0.5, 1, 2, 4, 8, 15, 30, 60, 120, 180];

export function createMetrics(): Metrics {
  const registry = new Registry();
  collectDefaultMetrics({ register: registry });
  const registers = [registry];
  const counter = <T extends string>(name: string, help: string, labelNames: readonly T[] = []) =>
    new Counter({ name, help, labelNames: [...labelNames], registers });

  const messages = counter('bot_messages_total', 'Incoming messages, by what was done with them.', [
    'kind',
    'platform',
  ]);
  const turns = counter('bot_turns_total', 'Turns that ended in this process, by outcome.', ['outcome']);
  const takeovers = counter('bot_takeovers_total', 'Turns taken over from a worker that died.');
  const retries = counter('bot_retries_total', 'Failed attempts that were repeated, by reason.', ['code']);
  const unreconciled = counter('bot_unreconciled_posts_total', 'Posts whose outcome could not be found out.', [
    'platform',
  ]);
  const undelivered = counter('bot_undelivered_replies_total', 'Answers that their platform refused.', ['platform']);
  const recallSkipped = counter(
    'bot_recall_skipped_total',
    'Answers for which the older messages could not be read in time, so that none were recalled.',
  );
  const badElements = counter('bot_bad_elements_total', 'Stored elements that could not be read and were skipped.');
  const storeErrors = counter('bot_store_errors_total', 'Failed calls of the store.', ['operation', 'code']);
  const httpRefused = counter('bot_http_refused_total', 'Refused HTTP requests, by status.', ['status']);
  const malformed = counter('bot_malformed_payloads_total', 'Payloads of platforms that could not be read.', [
    'platform',
  ]);
  const pending = new Gauge({
    name: 'bot_pending_conversations',
    help: 'Conversations with messages that are not answered yet, of all replicas; looked up every 2 s.',
    registers,
  });
  const turnSeconds = new Histogram({
    name: 'bot_turn_seconds',
    help: 'Duration of a turn in its last worker.',
    labelNames: ['outcome'],
    buckets: BUCKETS,
    registers,
  });
  const firstToken = new Histogram({
    name: 'bot_first_token_seconds',
    help: 'Time from asking the model to its first text.',
    buckets: BUCKETS,
    registers,
  });

  return {
    turns: {
      turn(outcome, ms) {
        turns.inc({ outcome });
        turnSeconds.observe({ outcome }, ms / 1_000);
      },
      firstToken: (ms) => firstToken.observe(ms / 1_000),
      takeover: () => takeovers.inc(),
      retry: (code) => retries.inc({ code }),
      recallSkipped: () => recallSkipped.inc(),
      unreconciled: (platform) => unreconciled.inc({ platform }),
      undelivered: (platform) => undelivered.inc({ platform }),
    },
    storeObserver: {
      badElement: (_sessionId, count) => badElements.inc(count),
      error: (operation, error) =>
        storeErrors.inc({ operation, code: 'code' in error ? String(error.code) : 'internal' }),
    },
    received: (kind, platform) => messages.inc({ kind, platform }),
    httpRefused: (status) => httpRefused.inc({ status: String(status) }),
    malformed: (platform) => malformed.inc({ platform }),
    pending: (conversations) => pending.set(conversations),
    text: () => registry.metrics(),
  };
}
