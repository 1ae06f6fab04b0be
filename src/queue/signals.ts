/** Signals between replicas by Redis pub/sub, or within one process. Both only wake: the record in the store is the truth. */
import { EventEmitter } from 'node:events';
import type { Redis } from 'ioredis';
import type { Logger, Signals } from '../core/ports.ts';
import { isJsonValue, type JsonValue } from '../core/types.ts';
import { BotError } from '../errors.ts';

export interface ClosableSignals extends Signals {
  close(): Promise<void>;
}

export function createLocalSignals(): ClosableSignals {
  const emitter = new EventEmitter().setMaxListeners(0);
  return {
    async publish(topic, payload) {
      emitter.emit(topic, payload);
    },
    async subscribe(topic, listener) {
      emitter.on(topic, listener);
      return async () => void emitter.off(topic, listener);
    },
    async close() {
      emitter.removeAllListeners();
    },
  };
}

/** `publisher` and `subscriber` are connections of the signals' own, closed with them. */
export function createRedisSignals(
  publisher: Redis,
  subscriber: Redis,
  { prefix, logger }: { prefix: string; logger: Logger },
): ClosableSignals {
  const channels = new Map<
    string,
    { readonly listeners: Set<(payload: JsonValue) => void>; ready: Promise<unknown> }
  >();
  subscriber.on('message', (channel: string, text: string) => {
    const payload = parse(text);
    if (payload === undefined) logger.warn({ channel }, 'unreadable signal');
    else for (const listener of channels.get(channel)?.listeners ?? []) listener(payload);
  });
  return {
    async publish(topic, payload) {
      await guarded(() => publisher.publish(`${prefix}:${topic}`, JSON.stringify(payload)));
    },
    async subscribe(topic, listener) {
      const channel = `${prefix}:${topic}`;
      const own = channels.get(channel) ?? {
        listeners: new Set(),
        ready: guarded(() => subscriber.subscribe(channel)),
      };
      channels.set(channel, own);
      own.listeners.add(listener);
      const leave = async () => {
        own.listeners.delete(listener);
        if (own.listeners.size > 0 || channels.get(channel) !== own) return;
        channels.delete(channel);
        await guarded(() => subscriber.unsubscribe(channel));
      };
      try {
        await own.ready;
      } catch (thrown) {
        if (channels.get(channel) === own) channels.delete(channel);
        throw thrown;
      }
      return leave;
    },
    async close() {
      publisher.disconnect();
      subscriber.disconnect();
    },
  };
}

/** @throws BotError `store_unavailable` when Redis does not answer. */
async function guarded<T>(action: () => Promise<T>): Promise<T> {
  try {
    return await action();
  } catch (cause) {
    const message = cause instanceof Error ? cause.message : String(cause);
    throw new BotError('store_unavailable', `Redis does not answer (${message}).`, { cause, retryable: true });
  }
}

function parse(text: string): JsonValue | undefined {
  try {
    const value: unknown = JSON.parse(text);
    return isJsonValue(value) ? value : undefined;
  } catch {
    return undefined;
  }
}
