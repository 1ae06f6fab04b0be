import { COMMAND_LIMIT } from '../../commands/limit.ts';
import { BotError } from '../../errors.ts';
import { keyspace } from '../../memory/redis/keys.ts';
import { createRedisSignals } from '../../queue/signals.ts';
import { describeTarget } from '../../redis/target.ts';
import { createRateLimiter } from '../rate-limiter.ts';
import type { Driver } from './driver.ts';

/** Redis, for any number of replicas. */
export const redisDriver: Driver = {
  name: 'redis',
  chosen: ({ redis }) => redis !== undefined,
  banner: ({ redis }, startup) => startup.redis(redis === undefined ? '' : describeTarget(redis)),
  async open(config, options, { clock, logger, observer }) {
    const { redis, keyPrefix: prefix, allowEviction, waitReplicas } = config.store;
    if (redis === undefined) throw new BotError('config_invalid', 'REDIS_URL is not set.');
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
    await checkServer({ redis, prefix, allowEviction, warn: (message) => logger.warn({}, message) });
    const connections = createRedisConnections(redis, (name, error) => {
      logger.debug({ connection: name, err: error.message }, 'redis connection');
      observer.error('connection', toStoreError(error));
    });
    const store = await openStore(connections, { ...options, prefix, waitReplicas });
    const keys = keyspace(prefix);
    // Each needs a connection of its own: BullMQ blocks on it, and a subscriber can run no other commands.
    const open = (name: string) => connections.open(name, { commandTimeout: COMMAND_TIMEOUT_MS });
    const queue = openQueueRedis(connections);
    // BullMQ's scripts use several keys: on a Cluster all of them must have one slot.
    const queuePrefix = redis.kind === 'cluster' ? `{${keys.queue}}` : keys.queue;
    const limits = open('limits');
    const signals = createRedisSignals(limits, connections.openSubscriber('subscriber'), {
      prefix: keys.signals,
      logger,
    });
    return {
      store,
      signals,
      scheduler: createBullmqScheduler(queue, { prefix: queuePrefix, clock, logger }),
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
