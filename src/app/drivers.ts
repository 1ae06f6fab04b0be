/** The two sets of drivers: Redis for any number of replicas, or the embedded store for one process. */
import { COMMAND_LIMIT } from '../commands/limit.ts';
import type { Config } from '../config/config.ts';
import type { Clock, DrainScheduler, Health, Logger, RateLimiter } from '../core/ports.ts';
import type { ConversationStore, StoreObserver, StoreOptions } from '../core/store.ts';
import { keyspace } from '../memory/redis/keys.ts';
import { createInProcessScheduler } from '../queue/in-process.ts';
import { type ClosableSignals, createLocalSignals, createRedisSignals } from '../queue/signals.ts';
import { createRateLimiter } from './rate-limiter.ts';

export interface Infrastructure {
  readonly kind: 'redis' | 'sqlite';
  readonly store: ConversationStore;
  readonly scheduler: DrainScheduler;
  readonly signals: ClosableSignals;
  readonly limiter: RateLimiter;
  /** Whether all connections can be used just now. */
  health(): Health;
  /** Of commands and edits. */
  readonly commandLimiter: RateLimiter;
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
 * @throws BotError when the store cannot be had: see checkServer and createSqliteStore
 */
export async function createInfrastructure(config: Config, parts: Parts): Promise<Infrastructure> {
  const { defaultTtl, minTtl, maxTtl, maxMessages } = config.memory;
  const { maxWaiting, rateLimit, answerMs: turnBudgetMs } = config.turns;
  const { observer } = parts;
  const options: StoreOptions = { defaultTtl, minTtl, maxTtl, maxMessages, maxWaiting, turnBudgetMs, observer };
  const { redisUrl, dataDir } = config.store;
  if (redisUrl !== undefined) return await onRedis(redisUrl, config, options, parts);

  const { createSqliteStore } = await import('../memory/sqlite/store.ts');
  const store = await createSqliteStore({ ...options, dataDir });
  const signals = createLocalSignals();
  return {
    kind: 'sqlite',
    store,
    scheduler: createInProcessScheduler(parts),
    signals,
    limiter: createRateLimiter(rateLimit),
    health: () => ({ ok: true }),
    commandLimiter: createRateLimiter(COMMAND_LIMIT),
    async close() {
      await signals.close();
      await store.close();
    },
  };
}

async function onRedis(url: string, config: Config, options: StoreOptions, parts: Parts): Promise<Infrastructure> {
  const { clock, logger, observer } = parts;
  const { keyPrefix: prefix, allowEviction } = config.store;
  const [
    { openStore },
    { checkServer },
    { toStoreError },
    { createBullmqScheduler, openQueueRedis },
    { COMMAND_TIMEOUT_MS, createRedisConnections },
  ] = await Promise.all([
    import('../memory/redis/store.ts'),
    import('../memory/redis/server-check.ts'),
    import('../memory/redis/client.ts'),
    import('../queue/bullmq.ts'),
    import('../redis/connection.ts'),
  ]);
  await checkServer({ url, prefix, allowEviction, warn: (message) => logger.warn({}, message) });
  const connections = createRedisConnections(url, (name, error) => {
    logger.debug({ connection: name, err: error.message }, 'redis connection');
    observer.error('connection', toStoreError(error));
  });
  const store = await openStore(connections, { ...options, prefix });
  const keys = keyspace(prefix);
  // Each of these has its own way with a connection: BullMQ blocks on it, a subscriber can do nothing else.
  const open = (name: string) => connections.open(name, { commandTimeout: COMMAND_TIMEOUT_MS });
  const queue = openQueueRedis(connections);
  const limits = open('limits');
  const signals = createRedisSignals(open('signals'), open('subscriber'), { prefix: keys.signals, logger });
  return {
    kind: 'redis',
    store,
    scheduler: createBullmqScheduler(queue, { prefix: keys.queue, clock, logger }),
    signals,
    limiter: createRateLimiter(config.turns.rateLimit, { redis: limits, prefix: keys.limits }),
    health: connections.health,
    commandLimiter: createRateLimiter(COMMAND_LIMIT, { redis: limits, prefix: keys.commandLimits }),
    async close() {
      connections.close();
      limits.disconnect();
      await signals.close();
      await store.close();
    },
  };
}
