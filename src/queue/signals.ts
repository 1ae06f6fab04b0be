/** Signals between processes over Redis pub/sub. They may be lost: they only wake a process, which then reads the store. */
import { randomBytes } from 'node:crypto';
import type { Redis } from 'ioredis';
import type { Logger, Signals } from '../core/ports.ts';
import { isJsonValue, type JsonValue } from '../core/types.ts';
import { BotError } from '../errors.ts';
import type { RedisClient } from '../redis/connection.ts';

export interface ClosableSignals extends Signals {
  close(): Promise<void>;
}

/** For a single process: there is nobody to signal. */
export function createLocalSignals(): ClosableSignals {
  return {
    process: newProcessName(),
    async send() {},
    async broadcast() {},
    async listen() {},
    async close() {},
  };
}

export interface RedisSignalsOptions {
  readonly prefix: string;
  readonly logger: Logger;
}

/** `subscriber` is used for signals only and closed with them; `publisher` is shared. */
export function createRedisSignals(
  publisher: RedisClient,
  subscriber: Redis,
  { prefix, logger }: RedisSignalsOptions,
): ClosableSignals {
  const process = newProcessName();
  const publish = (channel: string, payload: JsonValue) =>
    guarded(
      async () => void (await publisher.publish(`${prefix}:${channel}`, JSON.stringify({ from: process, payload }))),
    );
  return {
    process,
    send: publish,
    broadcast: (payload) => publish(EVERYBODY, payload),
    async listen(listener) {
      subscriber.on('message', (channel: string, text: string) => {
        const message = parse(text);
        if (message === undefined) logger.warn({ channel }, 'unreadable signal');
        else if (message.from !== process) listener(message.payload);
      });
      const subscribe = () => subscriber.subscribe(`${prefix}:${process}`, `${prefix}:${EVERYBODY}`);
      subscriber.on('ready', () => void subscribe().catch(() => subscriber.disconnect(true)));
      await guarded(subscribe);
    },
    async close() {
      subscriber.disconnect();
    },
  };
}

/** The channel that every process subscribes to. No process has this name. */
const EVERYBODY = 'all';

/** Random, so that no two processes have the same name. */
function newProcessName(): string {
  return randomBytes(9).toString('base64url');
}

/** @throws BotError `store_unavailable` if Redis does not answer */
async function guarded<T>(action: () => Promise<T>): Promise<T> {
  try {
    return await action();
  } catch (cause) {
    const message = cause instanceof Error ? cause.message : String(cause);
    throw new BotError('store_unavailable', `Redis does not answer (${message}).`, { cause, retryable: true });
  }
}

function parse(text: string): { readonly from: JsonValue; readonly payload: JsonValue } | undefined {
  try {
    const value: unknown = JSON.parse(text);
    if (!isJsonValue(value) || typeof value !== 'object' || value === null) return undefined;
    return 'from' in value && 'payload' in value && value.payload !== undefined && value.from !== undefined
      ? { from: value.from, payload: value.payload }
      : undefined;
  } catch {
    return undefined;
  }
}
