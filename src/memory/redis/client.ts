/** The store's connection, with its scripts as commands and its errors as BotErrors. */
import type { Redis } from 'ioredis';
import { BotError } from '../../errors.ts';
import { delay } from '../../lib/delay.ts';
import { COMMAND_TIMEOUT_MS, primariesOf, type RedisClient, type RedisConnections } from '../../redis/connection.ts';
import { faultOf } from '../../redis/faults.ts';
import { SCRIPTS } from './scripts.ts';

/**
 * Opens the store's connection, with the scripts as commands. While it is down, calls fail at once and are not sent later: a person who
 * was told that a message is not stored must not get an answer after all.
 */
export function connect(connections: RedisConnections): RedisClient {
  return connections.open('store', {
    commandTimeout: COMMAND_TIMEOUT_MS,
    enableOfflineQueue: false,
    // Pending commands fail when the connection breaks, not at their timeout.
    maxRetriesPerRequest: 0,
    scripts: SCRIPTS,
  });
}

/** Interval for checking whether a connection is established, in milliseconds. */
const READY_CHECK_MS = 5;

/** From this size on (about ten turns), queued data is sent at once, so that Redis can start to work. */
const TOGETHER_BYTES = 8_192;

/**
 * Sends all commands of this turn of the event loop in one system call, which is most of the client's cost of a command. This causes no
 * delay: they are sent before the loop polls for new events.
 */
export function sendTogether(client: RedisClient): void {
  for (const redis of primariesOf(client)) corkOnce(redis);
}

function corkOnce({ status, stream }: Redis): void {
  if (status !== 'ready') return;
  if (stream.writableCorked > 0) {
    if (stream.writableLength < TOGETHER_BYTES) return;
    stream.uncork();
    stream.cork();
    return;
  }
  stream.cork();
  process.nextTick(() => stream.uncork());
}

/**
 * Resolves when all connections of the client are usable.
 * @throws the first connection error, or an error after {@link COMMAND_TIMEOUT_MS}
 */
export async function ready(client: RedisClient): Promise<void> {
  let fault: Error | undefined;
  const onError = (error: Error) => {
    fault ??= error;
  };
  client.on('error', onError);
  const deadline = performance.now() + COMMAND_TIMEOUT_MS;
  try {
    while (client.status !== 'ready' || primariesOf(client).some(({ status }) => status !== 'ready')) {
      if (fault !== undefined) throw fault;
      if (performance.now() > deadline) throw new Error('Connecting timed out.');
      await delay(READY_CHECK_MS);
    }
  } finally {
    client.off('error', onError);
  }
}

/** Translates an error of the connection or the server. */
export function toStoreError(thrown: unknown): BotError {
  if (thrown instanceof BotError) return thrown;
  const message = thrown instanceof Error ? thrown.message : String(thrown);
  const { kind, reason } = faultOf(thrown);
  switch (kind) {
    case 'full':
      return new BotError('store_full', 'Redis is at its maxmemory: nothing new can be stored. Give it more memory.', {
        cause: thrown,
        reason,
      });
    case 'away':
    case 'elsewhere':
    case 'refusing':
      return new BotError('store_unavailable', `Redis does not answer (${message}). It is tried again by itself.`, {
        cause: thrown,
        reason,
        retryable: true,
      });
    case 'settings':
    case 'other':
      return new BotError('store_unavailable', `Redis refused: ${message}`, { cause: thrown, reason });
  }
}

/** The replies of a pipeline, in order. @throws the first error among them. */
export async function replies(pipeline: { exec(): Promise<[Error | null, unknown][] | null> }): Promise<unknown[]> {
  const results = await pipeline.exec();
  if (results === null) throw new Error('Connection is closed.');
  return results.map(([error, reply]) => {
    if (error !== null) throw error;
    return reply;
  });
}
