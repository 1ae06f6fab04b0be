/** The ConversationStore on Redis (7 or newer, or Valkey). */

import type { ConversationStore, StoreOptions } from '../../core/store.ts';
import { createRedisConnections, type RedisClient, type RedisConnections } from '../../redis/connection.ts';
import { createRedisChannels } from './channels.ts';
import { connect, ready, toStoreError } from './client.ts';
import type { AppendTurn } from './commit.ts';
import { confirmingBeats, confirmingErase, confirmingFacts, confirmingMemory, confirmingTurns } from './confirming.ts';
import { createContext, type RedisContext } from './context.ts';
import { createRedisFacts } from './facts.ts';
import { createRedisFlags } from './flags.ts';
import { keyspace } from './keys.ts';
import { createSessionMemory } from './memory.ts';
import { createPeopleMemory } from './people.ts';
import { openReplication, type Replication } from './replication.ts';
import { checkServer, type ServerCheck } from './server-check.ts';
import { createRedisStats } from './stats.ts';
import { createRedisTurns } from './turns.ts';
import { createBeats, createWorkIndex } from './work-index.ts';

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
 * @param redis its connection, which it closes in the end; others may use it meanwhile
 * @throws BotError `store_unavailable`
 */
export async function openStore(
  connections: RedisConnections,
  options: StoreOptions & Pick<RedisStoreOptions, 'prefix' | 'waitReplicas'> & { readonly oneServer?: boolean },
  redis: RedisClient = connect(connections),
): Promise<RedisStore> {
  const { waitReplicas = 0 } = options;
  try {
    await ready(redis);
  } catch (thrown) {
    redis.disconnect();
    throw toStoreError(thrown);
  }
  const keys = keyspace(options.prefix);
  const context = createContext(redis, keys, options, connections.notice, options.oneServer);
  const replication =
    waitReplicas === 0
      ? undefined
      : await openReplication(connections, keys, waitReplicas).catch((thrown: unknown) => {
          redis.disconnect();
          throw thrown;
        });
  const confirmed =
    replication === undefined ? undefined : confirmedCalls(context, replication, options, connections.notice);
  const sessions = createSessionMemory(context);
  const facts = createRedisFacts(context);
  const beats = createBeats(context);
  const { sweep, ...stats } = createRedisStats(context);
  return {
    ...createRedisTurns(context),
    ...sessions,
    ...createPeopleMemory(context, sessions, facts),
    facts,
    ...confirmed,
    ...stats,
    ...createWorkIndex(context),
    beats: replication === undefined ? beats : confirmingBeats(beats, replication, keys),
    sweep: () => context.call('sweep', async () => void (await sweep())),
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

/** The calls that wait for replicas, over the connection on which these are asked. */
function confirmedCalls(
  context: RedisContext,
  replication: Replication,
  options: StoreOptions & { readonly oneServer?: boolean },
  notice: RedisConnections['notice'],
) {
  const { keys, inBackground, writeIndex, settled } = context;
  // What nobody waits for goes over the other connection, which never blocks, and in the same order as that of all other calls.
  const own: RedisContext = {
    ...createContext(replication.redis, keys, options, notice, options.oneServer),
    ...{ inBackground, writeIndex, settled },
  };
  const plain = createSessionMemory(own);
  const memory = confirmingMemory(plain, replication, keys);
  const facts = createRedisFacts(own);
  return {
    ...confirmingTurns(createRedisTurns(own), replication, keys),
    ...memory,
    facts: confirmingFacts(facts, replication, keys),
    erase: confirmingErase(
      (touch) => createPeopleMemory(own, { ...plain, ...memory }, facts, touch).erase,
      replication,
    ),
  };
}
