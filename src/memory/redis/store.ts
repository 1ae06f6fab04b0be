/** The ConversationStore on Redis (7 or newer, or Valkey). */
import type { ConversationStore, StoreOptions } from '../../core/store.ts';
import { createRedisConnections, type RedisConnections } from '../../redis/connection.ts';
import { createRedisChannels } from './channels.ts';
import { connect, ready, toStoreError } from './client.ts';
import { createContext } from './context.ts';
import { createRedisFlags } from './flags.ts';
import { keyspace } from './keys.ts';
import { createSessionMemory } from './memory.ts';
import { createPeopleMemory } from './people.ts';
import { confirmingMemory, confirmingTurns, openReplication } from './replication.ts';
import { checkServer, type ServerCheck } from './server-check.ts';
import { createRedisStats } from './stats.ts';
import { type AppendTurn, createRedisTurns } from './turns.ts';

export interface RedisStoreOptions extends StoreOptions, ServerCheck {
  /** Replicas that must have a message, an answer or an erasure before it counts as stored. Default: 0, none. */
  readonly waitReplicas?: number;
}

export interface RedisStore extends ConversationStore, AppendTurn {}

/**
 * Opens a store on connections of its own.
 * @throws BotError as {@link checkServer}
 */
export async function createRedisStore(options: RedisStoreOptions): Promise<RedisStore> {
  await checkServer(options);
  const connections = createRedisConnections(options.redis, (_, error) =>
    options.observer.error('connection', toStoreError(error)),
  );
  try {
    const store = await openStore(connections, options);
    return {
      ...store,
      async close() {
        connections.close();
        await store.close();
      },
    };
  } catch (thrown) {
    connections.close();
    throw thrown;
  }
}

/**
 * Opens the store on a server that was checked.
 * @throws BotError `store_unavailable`
 */
export async function openStore(
  connections: RedisConnections,
  options: StoreOptions & Pick<RedisStoreOptions, 'prefix' | 'waitReplicas'>,
): Promise<RedisStore> {
  const { waitReplicas = 0 } = options;
  const redis = connect(connections);
  try {
    await ready(redis);
  } catch (thrown) {
    redis.disconnect();
    throw toStoreError(thrown);
  }
  const keys = keyspace(options.prefix);
  const context = createContext(redis, keys, options, connections.notice);
  const replication =
    waitReplicas === 0
      ? undefined
      : await openReplication(connections, keys, waitReplicas).catch((thrown: unknown) => {
          redis.disconnect();
          throw thrown;
        });
  const plain = createRedisTurns(context);
  const turns = replication === undefined ? plain : { ...plain, ...confirmingTurns(plain, replication) };
  const memory = createSessionMemory(context);
  const sessions = replication === undefined ? memory : confirmingMemory(memory, replication);
  const { sweep, ...stats } = createRedisStats(context);
  return {
    ...turns,
    ...sessions,
    ...createPeopleMemory(context, sessions),
    ...stats,
    async claimSweep(ms) {
      const claimed = await turns.claimSweep(ms);
      // Whoever sweeps takes what is overdue out of the indexes too, so that they stay small where nobody asks for figures.
      if (claimed) context.behind('sweep', sweep);
      return claimed;
    },
    channels: createRedisChannels(context),
    flags: createRedisFlags(context),
    ping: () => context.call('ping', async () => void (await redis.ping())),
    async close() {
      await context.settled();
      replication?.close();
      redis.disconnect();
    },
  };
}
