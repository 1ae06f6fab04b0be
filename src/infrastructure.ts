/** The two sets of drivers: Redis for any number of replicas, or the embedded store for one process. */
import type { Redis } from 'ioredis';
import type { Config } from './config.ts';
import type { Clock, DrainScheduler, Logger, RateLimiter } from './core/ports.ts';
import type { ConversationStore, StoreObserver, StoreOptions } from './core/store.ts';
import { keyspace } from './memory/redis/keys.ts';
import { createInProcessScheduler } from './queue/in-process.ts';
import { type ClosableSignals, createLocalSignals, createRedisSignals } from './queue/signals.ts';
import { createRateLimiter } from './rate-limiter.ts';

export interface Infrastructure {
  readonly kind: 'redis' | 'sqlite';
  readonly store: ConversationStore;
  readonly scheduler: DrainScheduler;
  readonly signals: ClosableSignals;
  readonly limiter: RateLimiter;
  /** Closes all but the scheduler, which the worker closes when its turns have ended. */
  close(): Promise<void>;
}

interface Parts {
  readonly clock: Clock;
  readonly logger: Logger;
  readonly observer: StoreObserver;
}

/**
 * Loads only the drivers that are used: on a Raspberry Pi the others would take longer than the start may.
 * @throws BotError when the store cannot be had: see createRedisStore and createSqliteStore
 */
export async function createInfrastructure(config: Config, parts: Parts): Promise<Infrastructure> {
  const { defaultTtl, minTtl, maxTtl, maxMessages } = config.memory;
  const { maxWaiting, rateLimit, answerMs: turnBudgetMs } = config.turns;
  const { observer } = parts;
  const options: StoreOptions = { defaultTtl, minTtl, maxTtl, maxMessages, maxWaiting, turnBudgetMs, observer };
  const { redisUrl, dataDir } = config.store;
  if (redisUrl !== undefined) return await onRedis(redisUrl, config, options, parts);

  const { createSqliteStore } = await import('./memory/sqlite/store.ts');
  const store = await createSqliteStore({ ...options, dataDir });
  const signals = createLocalSignals();
  return {
    kind: 'sqlite',
    store,
    scheduler: createInProcessScheduler(parts),
    signals,
    limiter: createRateLimiter(rateLimit),
    async close() {
      await signals.close();
      await store.close();
    },
  };
}

async function onRedis(url: string, config: Config, options: StoreOptions, parts: Parts): Promise<Infrastructure> {
  const { clock, logger } = parts;
  const { keyPrefix: prefix, allowEviction } = config.store;
  const [{ createRedisStore }, { createBullmqScheduler, openQueueRedis }, { COMMAND_TIMEOUT_MS, openRedis }] =
    await Promise.all([import('./memory/redis/store.ts'), import('./queue/bullmq.ts'), import('./redis.ts')]);
  const store = await createRedisStore({
    ...options,
    ...{ url, prefix, allowEviction },
    warn: (message) => logger.warn({}, message),
  });
  const keys = keyspace(prefix);
  // Each of these has its own way with a connection: BullMQ blocks on it, a subscriber can do nothing else.
  const open = (name: string): Redis => {
    const redis = openRedis(
      url,
      (error) => logger.debug({ connection: name, err: error.message }, 'redis connection'),
      {
        commandTimeout: COMMAND_TIMEOUT_MS,
        connectionName: name,
      },
    );
    return redis;
  };
  const queue = openQueueRedis(url, (error) =>
    logger.debug({ connection: 'queue', err: error.message }, 'redis connection'),
  );
  const limits = open('limits');
  const signals = createRedisSignals(open('signals'), open('subscriber'), { prefix: keys.signals, logger });
  return {
    kind: 'redis',
    store,
    scheduler: createBullmqScheduler(queue, { prefix: keys.queue, clock, logger }),
    signals,
    limiter: createRateLimiter(config.turns.rateLimit, { redis: limits, prefix: keys.limits }),
    async close() {
      limits.disconnect();
      await signals.close();
      await store.close();
    },
  };
}
