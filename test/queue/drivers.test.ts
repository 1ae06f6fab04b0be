/** Signals between processes, and the limits that all of them share. */
import { randomBytes } from 'node:crypto';
import { describe, expect, inject, test, vi } from 'vitest';
import { createRateLimiter } from '../../src/app/rate-limiter.ts';
import type { Logger } from '../../src/core/ports.ts';
import type { JsonValue } from '../../src/core/types.ts';
import { createRedisSignals } from '../../src/queue/signals.ts';
import { createRedisConnections } from '../../src/redis/connection.ts';
import { serverAt } from '../../src/redis/target.ts';
import { describeSignals } from '../contracts/signals.contract.ts';
import { startCutProxy } from '../support/cut-proxy.ts';

const url = inject('redisUrl');
const logger: Logger = { debug() {}, info() {}, warn() {}, error() {}, child: () => logger };
const newPrefix = () => `t${randomBytes(6).toString('hex')}`;
const connections = createRedisConnections(serverAt(url), () => {});
const open = () => connections.open('test');

const signalsPrefix = newPrefix();
describeSignals('on Redis', () =>
  createRedisSignals(open(), connections.openSubscriber('test'), { prefix: signalsPrefix, logger }),
);

test.each(['stays silent', 'breaks'])(
  'signals are heard again although the connection after an outage %s before the subscription is confirmed',
  async (how) => {
    const proxy = await startCutProxy(Number(new URL(url).port));
    const prefix = newPrefix();
    const through = createRedisConnections(serverAt(`redis://127.0.0.1:${proxy.port}`), () => {});
    const near = createRedisSignals(open(), connections.openSubscriber('near'), { prefix, logger });
    const far = createRedisSignals(open(), through.openSubscriber('far'), { prefix, logger });
    const heard: JsonValue[] = [];
    await far.listen((payload) => heard.push(payload));
    const interrupted = how === 'breaks' ? proxy.cutAt('subscribe', 'after') : proxy.muteAt('subscribe');
    proxy.cutAll();
    await interrupted;
    await vi.waitFor(
      async () => {
        await near.send(far.process, 'news');
        expect(heard).toContain('news');
      },
      { timeout: 20_000, interval: 50 },
    );
    await near.close();
    await far.close();
    through.close();
    await proxy.close();
  },
);

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
