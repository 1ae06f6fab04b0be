import { COMMAND_LIMIT } from '../../commands/limit.ts';
import { BotError } from '../../errors.ts';
import { keyspace } from '../../memory/redis/keys.ts';
import { createRedisSignals } from '../../queue/signals.ts';
import { createRateLimiter } from '../rate-limiter.ts';
import type { Driver } from './driver.ts';

/** Redis, for any number of replicas. */
export const redisDriver: Driver = {
  name: 'redis',
  chosen: ({ redisUrl }) => redisUrl !== undefined,
  // The host alone: the URL may contain a password.
  banner: ({ redisUrl = '' }, startup) => startup.redis(new URL(redisUrl).host),
  async open(config, options, { clock, logger, observer }) {
    const { redisUrl: url, keyPrefix: prefix, allowEviction } = config.store;
    if (url === undefined) throw new BotError('config_invalid', 'REDIS_URL is not set.');
    const [
      { openStore },
      { checkServer },
      { toStoreError },
      { createBullmqScheduler, openQueueRedis },
      { COMMAND_TIMEOUT_MS, createRedisConnections },
    ] = await Promise.all([
      import('../../memory/redis/store.ts'),
      import('../../memory/redis/server-check.ts'),
      import('../../memory/redis/client.ts'),
      import('../../queue/bullmq.ts'),
      import('../../redis/connection.ts'),
    ]);
    await checkServer({ url, prefix, allowEviction, warn: (message) => logger.warn({}, message) });
    const connections = createRedisConnections(url, (name, error) => {
      logger.debug({ connection: name, err: error.message }, 'redis connection');
      observer.error('connection', toStoreError(error));
    });
    const store = await openStore(connections, { ...options, prefix });
    const keys = keyspace(prefix);
    // Each needs a connection of its own: BullMQ blocks on it, and a subscriber can run no other commands.
    const open = (name: string) => connections.open(name, { commandTimeout: COMMAND_TIMEOUT_MS });
    const queue = openQueueRedis(connections);
    const limits = open('limits');
    const signals = createRedisSignals(limits, open('subscriber'), { prefix: keys.signals, logger });
    return {
      store,
      signals,
      scheduler: createBullmqScheduler(queue, { prefix: keys.queue, clock, logger }),
      limiter: createRateLimiter(config.turns.rateLimit, { redis: limits, prefix: keys.limits }),
      commandLimiter: createRateLimiter(COMMAND_LIMIT, { redis: limits, prefix: keys.commandLimits }),
      health: connections.health,
      async close() {
        connections.close();
        limits.disconnect();
        await signals.close();
        await store.close();
      },
    };
  },
};
