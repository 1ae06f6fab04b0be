/** The store's connection: its scripts as commands, its faults as BotErrors. */
import type { Redis } from 'ioredis';
import { BotError } from '../../errors.ts';
import { delay } from '../../lib/delay.ts';
import { COMMAND_TIMEOUT_MS, primariesOf, type RedisClient, type RedisConnections } from '../../redis/connection.ts';
import { faultOf } from '../../redis/faults.ts';
import { SCRIPTS } from './scripts.ts';

/**
 * Opens the store's connection, with the scripts as its commands. While it is down a call fails at once and is not sent
 * later: who was told that their message is not stored must not be answered after all.
 */
export function connect(connections: RedisConnections): RedisClient {
  return connections.open('store', {
    commandTimeout: COMMAND_TIMEOUT_MS,
    enableOfflineQueue: false,
    // What was under way when the connection broke fails then, and not when its time is up.
    maxRetriesPerRequest: 0,
    scripts: SCRIPTS,
  });
}

/** Milliseconds between two looks whether a connection is made. */
const READY_LOOK_MS = 5;

/** With more than this waiting, Redis is given it to work on meanwhile: about ten turns. */
const TOGETHER_BYTES = 8_192;

/**
 * What is sent from now to the end of this turn of the event loop goes out in one system call, which is most of what a
 * command costs here. Nothing waits for it: it goes out before the loop looks for anything new.
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
 * Resolves when each connection of the client can be used.
 * @throws its first fault, or when it takes longer than {@link COMMAND_TIMEOUT_MS}
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
      await delay(READY_LOOK_MS);
    }
  } finally {
    client.off('error', onError);
  }
}

/** What a fault of the connection or the server means for the caller. */
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
