import { describe, expect, test } from 'vitest';
import { createSamples, KEPT_SAMPLES, SAMPLE_MS } from '../../../src/adapters/web/samples.ts';
import type { ServiceStats } from '../../../src/core/store.ts';
import { BotError } from '../../../src/errors.ts';

const SERVICE: ServiceStats = {
  conversations: 3,
  messages: 12,
  turnsToday: 6,
  tokensToday: 100,
  pending: 1,
  server: { store: 'redis', version: '7', usedMemoryBytes: 1000, usedMemoryHuman: '1K', connectedClients: 4 },
};
const there = { stats: async () => SERVICE };
const away = { stats: () => Promise.reject(new BotError('store_unavailable', 'away')) };

describe('the samples of the overview', () => {
  test('count what happened since the last one, with exact percentiles', async () => {
    const samples = createSamples();
    for (let ms = 1; ms <= 100; ms += 1) {
      samples.turn('answered', ms * 10);
      samples.firstToken(ms);
    }
    await samples.take(there, 50_000);
    expect(samples.list()).toEqual([
      {
        at: 50_000,
        ...{ conversations: 3, messages: 12, waiting: 1, memory_bytes: 1000, clients: 4, errors: 0 },
        turns_per_minute: (100 * 60_000) / SAMPLE_MS,
        ...{ first_token_p50: 50, first_token_p99: 99, turn_p50: 500, turn_p99: 990 },
      },
    ]);
    samples.turn('answered', 2);
    samples.turn('answered', 1);
    await samples.take(there, 50_000 + SAMPLE_MS / 2);
    expect(samples.list()[1]).toMatchObject({ turns_per_minute: 240_000 / SAMPLE_MS, turn_p50: 1, turn_p99: 2 });
    await samples.take(there, 50_000 + SAMPLE_MS);
    expect(samples.list()[2]).toMatchObject({ turns_per_minute: 0, turn_p50: null, first_token_p99: null });
  });

  test('count failed turns and failures of the store as errors, and turns left to others not at all', async () => {
    const samples = createSamples();
    samples.turn('failed', 5);
    samples.turn('handed_over', 5);
    samples.turn('lost', 5);
    samples.storeError();
    await samples.take(there, 0);
    expect(samples.list()[0]).toMatchObject({ errors: 2, turns_per_minute: 60_000 / SAMPLE_MS });
  });

  test('go on without figures of a store that is away', async () => {
    const samples = createSamples();
    await samples.take(away, 0);
    expect(samples.list()[0]).toMatchObject({ conversations: null, waiting: null, memory_bytes: null });
  });

  test('are kept for an hour and not longer', async () => {
    const samples = createSamples();
    for (let index = 0; index <= KEPT_SAMPLES; index += 1) await samples.take(there, index * SAMPLE_MS);
    expect(samples.list()).toHaveLength(KEPT_SAMPLES);
    expect(samples.list()[0]?.at).toBe(SAMPLE_MS);
    expect(KEPT_SAMPLES * SAMPLE_MS).toBe(3_600_000);
  });
});
