/** Both drivers of the queue's interfaces, and what only the one on Redis must do. */
import { randomBytes } from 'node:crypto';
import { Redis } from 'ioredis';
import { describe, expect, inject, test } from 'vitest';
import { createRateLimiter } from '../../src/app/rate-limiter.ts';
import type { Clock, Logger } from '../../src/core/ports.ts';
import { createBullmqScheduler, openQueueRedis } from '../../src/queue/bullmq.ts';
import { createInProcessScheduler } from '../../src/queue/in-process.ts';
import { createOpenLeases } from '../../src/queue/leases.ts';
import { createRedisSignals } from '../../src/queue/signals.ts';
import { createRedisConnections } from '../../src/redis/connection.ts';
import { serverAt } from '../../src/redis/target.ts';
import { describeScheduler } from '../contracts/scheduler.contract.ts';
import { describeSignals } from '../contracts/signals.contract.ts';
import { sessionOf } from '../contracts/store/support.ts';
import { startCutProxy } from '../support/cut-proxy.ts';

const url = inject('redisUrl');
const clock: Clock = { now: () => Date.now(), monotonic: () => performance.now() };
const logger: Logger = { debug() {}, info() {}, warn() {}, error() {}, child: () => logger };
const newPrefix = () => `t${randomBytes(6).toString('hex')}`;
const connections = createRedisConnections(serverAt(url), () => {});
const open = () => connections.open('test');
const bullmq = (prefix = newPrefix(), at = url) =>
  createBullmqScheduler(openQueueRedis(createRedisConnections(serverAt(at), () => {})), { prefix, clock, logger });

describeScheduler('in process', async () => createInProcessScheduler({ clock, logger }));
describeScheduler('on BullMQ', async () => bullmq());
const signalsPrefix = newPrefix();
describeSignals('on Redis', () =>
  createRedisSignals(open(), connections.openSubscriber('test'), { prefix: signalsPrefix, logger }),
);

describe('the DrainScheduler on BullMQ', () => {
  test('shares the work between replicas and never gives one conversation to both', async () => {
    const prefix = newPrefix();
    const replicas = [bullmq(prefix), bullmq(prefix)];
    const running = new Map<string, number>();
    const by = new Set<number>();
    let overlaps = 0;
    let drains = 0;
    for (const [index, replica] of replicas.entries()) {
      await replica.process(async (sessionId) => {
        by.add(index);
        const now = (running.get(sessionId) ?? 0) + 1;
        running.set(sessionId, now);
        if (now > 1) overlaps += 1;
        await new Promise((resolve) => setTimeout(resolve, 5));
        running.set(sessionId, now - 1);
        drains += 1;
      }, 4);
    }
    const sessions = Array.from({ length: 20 }, (_, n) => sessionOf({ channel: `c${n}` }));
    for (let round = 0; round < 5; round += 1) {
      await Promise.all(sessions.map((id) => replicas[round % 2]?.schedule(id)));
    }
    await expect
      .poll(() => drains >= 20 && [...running.values()].every((n) => n === 0), { timeout: 20_000 })
      .toBe(true);
    expect(overlaps).toBe(0);
    expect(by).toEqual(new Set([0, 1]));
    for (const replica of replicas) await replica.close(1_000);
  });

  test.each(['before', 'after'] as const)(
    'drains a conversation again when the connection broke %s the end of its drain was done',
    async (when) => {
      const proxy = await startCutProxy(Number(new URL(url).port));
      const scheduler = bullmq(newPrefix(), `redis://127.0.0.1:${proxy.port}`);
      let drains = 0;
      let broken = Promise.resolve();
      await scheduler.process(async () => {
        drains += 1;
        // BullMQ's command that ends a job has this as an argument of its own.
        if (drains === 1) broken = proxy.cutAt('\r\ncompleted\r\n', when);
      }, 1);
      await scheduler.schedule(sessionOf());
      await expect.poll(() => drains, { timeout: 20_000 }).toBe(1);
      await broken;
      await scheduler.schedule(sessionOf());
      await expect.poll(() => drains, { timeout: 20_000 }).toBeGreaterThan(1);
      await scheduler.close(1_000);
      await proxy.close();
    },
  );

  test('works on when its own keys were deleted', async () => {
    const prefix = newPrefix();
    const scheduler = bullmq(prefix);
    let drains = 0;
    await scheduler.process(async () => {
      drains += 1;
    }, 2);
    await scheduler.schedule(sessionOf());
    await expect.poll(() => drains, { timeout: 15_000 }).toBe(1);
    const redis = new Redis(url);
    await redis.del(await redis.keys(`${prefix}:*`));
    await scheduler.schedule(sessionOf());
    await expect.poll(() => drains, { timeout: 15_000 }).toBe(2);
    redis.disconnect();
    await scheduler.close(1_000);
  });
});

describe('leases', () => {
  test('die of age unless they are renewed, by the time at which the renewal was sent', () => {
    let now = 0;
    const leases = createOpenLeases({ now: () => 0, monotonic: () => now }, 100);
    const { lease } = leases.begin('1');
    now = 99;
    expect(lease.alive()).toBe(true);
    leases.renewed(['1'], 50);
    now = 149;
    expect(lease.alive()).toBe(true);
    now = 150;
    expect(lease.alive()).toBe(false);
    leases.renewed(['1'], 40);
    expect(lease.alive()).toBe(false);
  });

  test('of an id that is given out again: a renewal and a loss speak of the newer one', () => {
    let now = 0;
    const leases = createOpenLeases({ now: () => 0, monotonic: () => now }, 100);
    const older = leases.begin('1').lease;
    const newer = leases.begin('1').lease;
    now = 90;
    leases.renewed(['1'], 90);
    now = 120;
    expect([older.alive(), newer.alive()]).toEqual([false, true]);
    leases.lost(['1']);
    expect([older.signal.aborted, newer.signal.aborted]).toEqual([false, true]);
  });
});

describe('the rate limit', () => {
  const limits = { messages: 2, perMs: 60_000 };

  test.each(['in this process', 'over all replicas'])(
    'counts %s, tells the first refusal from the others',
    async (where) => {
      const prefix = newPrefix();
      const make = () =>
        where === 'in this process' ? createRateLimiter(limits) : createRateLimiter(limits, { redis, prefix });
      const redis = open();
      await redis.ping();
      const first = make();
      const second = where === 'in this process' ? first : make();
      expect(await first.take('ada')).toEqual({ ok: true });
      expect(await second.take('ada')).toEqual({ ok: true });
      expect(await first.take('ada')).toMatchObject({ ok: false, first: true });
      const refused = await second.take('ada');
      expect(refused).toMatchObject({ ok: false, first: false });
      expect(refused.ok ? 0 : refused.retryAfterMs).toBeGreaterThan(0);
      expect(await second.take('bob')).toEqual({ ok: true });
      redis.disconnect();
    },
  );

  test.each(['in this process', 'over all replicas'])(
    'takes several at once, counted %s, and tells the first refusal whatever it would have cost',
    async (where) => {
      const redis = open();
      await redis.ping();
      const shared = where === 'in this process' ? undefined : { redis, prefix: newPrefix() };
      const first = createRateLimiter({ messages: 5, perMs: 60_000 }, shared);
      const second = shared === undefined ? first : createRateLimiter({ messages: 5, perMs: 60_000 }, shared);
      expect(await first.take('ada', 4)).toEqual({ ok: true });
      expect(await second.take('ada', 4)).toMatchObject({ ok: false, first: true });
      expect(await first.take('ada')).toMatchObject({ ok: false, first: false });
      redis.disconnect();
    },
  );

  test('gives back what was taken for a message that had come before', async () => {
    const limiter = createRateLimiter(limits);
    for (let n = 0; n < 10; n += 1) {
      expect(await limiter.take('ada')).toEqual({ ok: true });
      await limiter.giveBack('ada');
    }
  });
});
