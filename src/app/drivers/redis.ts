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
  async open(config, options, { logger, observer }) {
    const { redis: target, keyPrefix: prefix, allowEviction, waitReplicas } = config.store;
    if (target === undefined) throw new BotError('config_invalid', 'REDIS_URL is not set.');
    const [{ openStore }, { checkServer }, { connect, toStoreError }, { createRedisConnections }] = await Promise.all([
      import('../../memory/redis/store.ts'),
      import('../../memory/redis/server-check.ts'),
      import('../../memory/redis/client.ts'),
      import('../../redis/connection.ts'),
    ]);
    await checkServer({ redis: target, prefix, allowEviction, warn: (message) => logger.warn({}, message) });
    const connections = createRedisConnections(target, (name, error) => {
      logger.debug({ connection: name, err: error.message }, 'redis connection');
      observer.error('connection', toStoreError(error));
    });
    const redis = connect(connections);
    const store = await openStore(connections, { ...options, prefix, waitReplicas }, redis);
    const keys = keyspace(prefix);
    // A subscriber can run no other commands; everything else shares one connection.
    const subscriber = connections.openSubscriber('subscriber');
    const signals = createRedisSignals(redis, subscriber, { prefix: keys.signals, logger });
    return {
      store,
      signals,
      limiter: createRateLimiter(config.turns.rateLimit, { redis, prefix: keys.limits }),
      commandLimiter: createRateLimiter(COMMAND_LIMIT, { redis, prefix: keys.commandLimits }),
      health: connections.health,
      async close() {
        connections.close();
        await signals.close();
        await store.close();
      },
    };
  },
};
