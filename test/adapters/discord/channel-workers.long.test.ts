/** As many channels as a bot in tens of thousands of servers has. */
import { expect, test, vi } from 'vitest';
import { makeWorkers } from './channel-workers-support.ts';

const CHANNELS = 100_000;

test('100,000 channels catch up, some at a time', { timeout: 120_000 }, async () => {
  const { workers, world } = makeWorkers(CHANNELS);
  workers.sessionBegan();
  await vi.waitFor(() => expect(world.read.size).toBe(CHANNELS), { timeout: 100_000, interval: 100 });
  expect(world.most).toBeLessThanOrEqual(50);
  await workers.stop();
});
