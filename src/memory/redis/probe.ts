/** A connection for the checks at startup: opened once, without reconnecting. */
import { Redis } from 'ioredis';
import { BotError } from '../../errors.ts';
import { refusedCommand } from '../../redis/faults.ts';
import { connectFault } from './connect-fault.ts';
import type { Endpoint } from './endpoint.ts';

/**
 * Milliseconds for a response. At startup the process is still loading its code; on a slow machine a timer may fire before a response
 * that has already arrived is read.
 */
const RESPONSE_MS = 10_000;

/**
 * Connects to a server once, and disconnects after `use`.
 * @throws BotError like {@link connectFault}
 */
export async function probe<T>(endpoint: Endpoint, use: (redis: Redis, refused: () => void) => Promise<T>): Promise<T> {
  const faults: Error[] = [];
  const redis = new Redis({
    ...endpoint.options,
    protocol: 2,
    connectTimeout: 2_000,
    commandTimeout: RESPONSE_MS,
    retryStrategy: null,
    lazyConnect: true,
    // The checks wait for loading themselves.
    enableReadyCheck: false,
    // Otherwise an error that the server sends before it hangs up (too many clients) would be taken for the response and dropped.
    disableClientInfo: true,
  });
  redis.on('error', (error: Error) => faults.push(error));
  /** If the database is refused, ioredis only emits an error and continues in database 0. */
  const refused = () => {
    const select = faults.find((fault) => refusedCommand(fault) === 'select');
    if (select !== undefined) throw select;
  };
  try {
    await redis.connect();
    return await use(redis, refused);
  } catch (thrown) {
    throw await connectFault(thrown instanceof BotError ? thrown : (faults[0] ?? thrown), endpoint);
  } finally {
    redis.disconnect();
  }
}
