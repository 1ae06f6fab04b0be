/** How every connection to Redis of this product is opened. */
import { Redis, type RedisOptions } from 'ioredis';

/** Milliseconds after which a command that got no answer fails; a reconnect is tried meanwhile. */
export const COMMAND_TIMEOUT_MS = 3_000;

/**
 * Opens a connection that reconnects by itself for as long as the process lives (at most a second between tries) and sends
 * nothing twice behind our back: a command whose answer was lost fails, and its caller knows whether it may be repeated.
 */
export function openRedis(url: string, onError: (error: Error) => void, extra: RedisOptions = {}): Redis {
  const redis = new Redis(url, {
    // Scores are read as strings, as the second protocol gives them.
    protocol: 2,
    connectTimeout: 2_000,
    retryStrategy: (attempt) => Math.min(50 * 2 ** Math.min(attempt, 5), 1_000),
    autoResendUnfulfilledCommands: false,
    maxRetriesPerRequest: null,
    ...extra,
  });
  redis.on('error', onError);
  return redis;
}
