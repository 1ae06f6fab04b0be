/** How every connection to Redis of this product is opened, watched and given up. */
import { Redis, type RedisOptions } from 'ioredis';
import { StandaloneConnector } from 'ioredis/built/connectors/index.js';
import { z } from 'zod';
import type { Health } from '../core/ports.ts';
import { backoff } from '../lib/backoff.ts';
import { faultOf, type RedisFault, refusedCommand } from './faults.ts';

/** Milliseconds after which a command that got no answer fails; a reconnect is tried meanwhile. */
export const COMMAND_TIMEOUT_MS = 3_000;
/**
 * Milliseconds without a byte after which a connection that waits for an answer is given up: its other end may be gone without
 * a FIN or RST. ioredis' `socketTimeout` counts only while something was asked (`setSocketTimeout` in its Redis.js, 6.0.0), so
 * each connection is asked something once a second: together some 4 s of silence.
 */
const SILENCE_MS = 3_000;
/** Milliseconds between two PINGs: also less than what proxies and NATs grant an idle connection. */
const PING_MS = 1_000;
/** Milliseconds in which all connections are made anew at most once, however many commands are refused. */
const RECONNECT_MS = 1_000;
/** Longest wait in milliseconds between two looks whether Redis has loaded its data. */
const LOADING_MS = 1_000;

/** What ioredis hands to its connectors. */
const connectorOptions = z.custom<ConstructorParameters<typeof StandaloneConnector>[0]>(
  (options) => typeof options === 'object' && options !== null,
);

/** Of the INFO that ioredis asks for on each new connection; without the right to ask it is empty. */
const serverInfo = z.object({ role: z.string().optional(), run_id: z.string().optional() });

export interface RedisConnections {
  /**
   * Opens a connection that reconnects by itself for as long as the process lives (at most a second between tries) and sends
   * nothing twice behind our back: a command whose answer was lost fails, and its caller knows whether it may be repeated.
   * It is usable only while it leads to a primary.
   */
  open(name: string, extra?: RedisOptions): Redis;
  /** Tells of an error that came out of a script in another way than as the answer of a command. */
  notice(error: Error): void;
  /** The first connection that can't be used now, if any. */
  health(): Health;
  /** Stops watching. Each connection is closed by who opened it. */
  close(): void;
}

/** What is known of one connection. */
interface Tracked {
  readonly name: string;
  readonly redis: Redis;
  /** Why it was last lost, or not made. */
  fault: RedisFault | undefined;
  /** Of the server that it leads to. */
  runId: string | undefined;
  pinged: boolean;
}

/**
 * The connections of one process to one Redis. When one of them meets a server that is no primary (any more), all are made
 * anew, since behind the same address there may be another server by now, and what is subscribed to or blocked on the old one
 * would never say so by itself.
 * @param onError hears of each fault of a connection
 */
export function createRedisConnections(url: string, onError: (name: string, error: Error) => void): RedisConnections {
  const all = new Set<Tracked>();
  const servers = new Set<string>();
  let renewedAt = Number.NEGATIVE_INFINITY;

  const renew = (those: Iterable<Tracked>) => {
    for (const { redis } of those) if (redis.status === 'ready') redis.disconnect(true);
  };

  const notice = (error: Error) => {
    if (faultOf(error).kind !== 'elsewhere' || performance.now() - renewedAt < RECONNECT_MS) return;
    renewedAt = performance.now();
    renew(all);
  };

  /** Is this the server to use? ioredis tries again when it is not. */
  const accept = (own: Tracked, info: unknown): boolean => {
    const { role, run_id: runId } = serverInfo.catch({}).parse(info);
    if (role === 'slave') {
      own.fault = faultOf(new Error('READONLY'));
      return false;
    }
    own.runId = runId;
    if (runId !== undefined && !servers.has(runId)) {
      servers.add(runId);
      // The others may still be connected to the server that was there before, and hear nothing of it.
      renew([...all].filter((other) => other.runId !== undefined && other.runId !== runId));
    }
    return true;
  };

  const open = (name: string, extra: RedisOptions = {}): Redis => {
    class PrimaryConnector extends StandaloneConnector {
      constructor(options: unknown) {
        super(connectorOptions.parse(options));
      }
      override check(info: unknown): boolean {
        return accept(own, info);
      }
    }
    const redis: Redis = new Redis(url, {
      // Scores are read as strings, as the second protocol gives them.
      protocol: 2,
      connectTimeout: 2_000,
      socketTimeout: SILENCE_MS,
      maxLoadingRetryTime: LOADING_MS,
      retryStrategy: (attempt) => backoff(attempt, 1_000, 100),
      reconnectOnError(error) {
        notice(error);
        // The command was refused, and its caller is told: nothing is sent twice.
        return false;
      },
      autoResendUnfulfilledCommands: false,
      maxRetriesPerRequest: null,
      connectionName: name,
      Connector: PrimaryConnector,
      ...extra,
    });
    // BullMQ duplicates its connection for what blocks.
    redis.duplicate = (override) => open(`${name}, blocking`, { ...extra, ...override });
    const own: Tracked = { name, redis, fault: undefined, runId: undefined, pinged: false };
    all.add(own);
    redis.on('ready', () => {
      own.fault = undefined;
    });
    redis.on('error', (error: Error) => {
      own.fault = faultOf(error);
      // ioredis would go on in database 0, where other things are stored.
      if (refusedCommand(error) === 'select') redis.disconnect(true);
      onError(name, error);
    });
    return redis;
  };

  const ping = (own: Tracked) => {
    if (own.pinged || own.redis.status !== 'ready') return;
    own.pinged = true;
    own.redis
      .ping()
      // What it says matters to ioredis only: silence, or an error that makes it connect anew.
      .catch(() => undefined)
      .finally(() => {
        own.pinged = false;
      });
  };
  const pinging = setInterval(() => {
    for (const own of all) ping(own);
  }, PING_MS).unref();

  return {
    open,
    notice,
    health() {
      // One that was closed on purpose is at its end.
      const lost = [...all].find(({ redis }) => redis.status !== 'ready' && redis.status !== 'end');
      if (lost === undefined) return { ok: true };
      return { ok: false, reason: `connection "${lost.name}" to Redis is down: ${lost.fault?.reason ?? 'connecting'}` };
    },
    close: () => clearInterval(pinging),
  };
}
