/** What the parts of the Redis driver share: the connection, the key names, one way to make a call. */
import type { StoreOptions } from '../../core/store.ts';
import type { RedisClient, RedisConnections } from '../../redis/connection.ts';
import { sendTogether, toStoreError } from './client.ts';
import { createIndexWriter, type WriteIndex } from './index-writer.ts';
import type { Keyspace } from './keys.ts';

export interface RedisContext {
  readonly redis: RedisClient;
  readonly keys: Keyspace;
  readonly options: StoreOptions;
  /** All keys are on one server, so that what belongs to several slots can be changed and sent together. */
  readonly oneServer: boolean;
  /** Makes a call; whatever it throws becomes a BotError that the observer hears of too. */
  call<T>(operation: string, action: () => Promise<T>): Promise<T>;
  /** Sends something right behind, which nobody waits for; its failure is observed and repaired by the sweep. */
  inBackground(operation: string, action: () => Promise<unknown>): void;
  /** Writes the index entry of a conversation behind the script that changed it. */
  readonly writeIndex: WriteIndex;
  /** Resolves when everything sent behind has been answered. */
  settled(): Promise<void>;
}

export function createContext(
  redis: RedisClient,
  keys: Keyspace,
  options: StoreOptions,
  notice: RedisConnections['notice'],
  oneServer = !redis.isCluster,
): RedisContext {
  const background = new Set<Promise<unknown>>();
  const report = (operation: string, thrown: unknown) => {
    const error = toStoreError(thrown);
    // Also of a turn whose script answered with what Redis had refused it.
    if (thrown instanceof Error) notice(thrown);
    if (redis.status !== 'end') options.observer.error(operation, error);
    return error;
  };
  const inBackground: RedisContext['inBackground'] = (operation, action) => {
    sendTogether(redis);
    const sent = action()
      .catch((thrown: unknown) => report(operation, thrown))
      .finally(() => background.delete(sent));
    background.add(sent);
  };
  return {
    redis,
    keys,
    options,
    oneServer,
    inBackground,
    writeIndex: createIndexWriter(redis, keys, inBackground),
    async call(operation, action) {
      sendTogether(redis);
      try {
        return await action();
      } catch (thrown) {
        throw report(operation, thrown);
      }
    },
    async settled() {
      await Promise.allSettled(background);
    },
  };
}
