/** Shared by the parts of the Redis driver: the connection, the key names, and a wrapper for calls. */
import type { StoreOptions } from '../../core/store.ts';
import type { RedisClient, RedisConnections } from '../../redis/connection.ts';
import { sendTogether, toStoreError } from './client.ts';
import { createIndexWriter, type WriteIndex } from './index-writer.ts';
import type { Keyspace } from './keys.ts';

export interface RedisContext {
  readonly redis: RedisClient;
  readonly keys: Keyspace;
  readonly options: StoreOptions;
  /** All keys are on one server, so that keys of several slots can be changed and sent together. */
  readonly oneServer: boolean;
  /** Makes a call. Errors become BotErrors and are reported to the observer. */
  call<T>(operation: string, action: () => Promise<T>): Promise<T>;
  /** Makes a call in the background. A failure is reported to the observer and repaired by the sweep. */
  inBackground(operation: string, action: () => Promise<unknown>): void;
  /** Writes the index entry of a conversation after the script that changed it. */
  readonly writeIndex: WriteIndex;
  /** Resolves when all background calls have ended. */
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
    // Includes errors that a script has returned in its result.
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
