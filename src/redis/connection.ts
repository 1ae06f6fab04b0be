/** Opens, monitors and replaces the connections to Redis. */
import { Cluster, Redis, type RedisOptions } from 'ioredis';
import { z } from 'zod';
import type { Health } from '../core/ports.ts';
import { backoff } from '../lib/backoff.ts';
import { openCluster, watchCluster } from './cluster.ts';
import { connectTo } from './connectors.ts';
import { faultOf, type RedisFault, refusedCommand } from './faults.ts';
import type { RedisTarget } from './target.ts';

/** Milliseconds after which a command without a response fails. The client tries to reconnect meanwhile. */
export const COMMAND_TIMEOUT_MS = 3_000;
/**
 * Milliseconds without data after which a connection with pending commands is replaced: the other end may be gone without a FIN or
 * RST. ioredis' `socketTimeout` only applies while a command is pending (`setSocketTimeout` in its Redis.js, 6.0.0). The heartbeat uses
 * the store's connection every second, so a dead one is detected after about 4 s; other connections after about 6 s.
 */
const SILENCE_MS = 3_000;
/**
 * Milliseconds between two checks for idle connections. A connection that was idle in between gets a PING, at every other check at
 * most. That is more often than the idle timeouts of proxies and NATs.
 */
const LOOK_MS = 1_500;
/** Minimum interval of reconnecting all connections, in milliseconds, however many commands are refused. */
const RECONNECT_MS = 1_000;
/** Longest interval for checking whether Redis has loaded its data, in milliseconds. */
const LOADING_MS = 1_000;

/** From the INFO that ioredis requests on each new connection; empty without that permission. */
const serverInfo = z.object({ role: z.string().optional(), run_id: z.string().optional() });

/** A client of one server (directly or through Sentinels), or of a Cluster, which routes commands by their keys. */
export type RedisClient = Redis | Cluster;

export interface RedisConnections {
  /**
   * Opens a connection that reconnects by itself (at most a second between attempts) and never resends commands: if the response is
   * lost, the command fails, and the caller decides whether to repeat it. It is usable only while it leads to a primary. On a Cluster, it
   * consists of one connection to each primary.
   */
  open(name: string, extra?: RedisOptions): RedisClient;
  /**
   * Opens a connection for subscriptions, which end when it breaks: subscribe on each `ready`. On a Cluster, it leads to any node, because
   * messages reach all nodes.
   */
  openSubscriber(name: string): Redis;
  /** Reports an error that a script caught and returned in its result. */
  notice(error: Error): void;
  /** Reports the first unusable connection, if any. */
  health(): Health;
  /** Stops monitoring. Callers close the connections that they opened. */
  close(): void;
}

/** The state of one connection. */
interface Tracked {
  readonly name: string;
  readonly client: RedisClient;
  /** Why it was last lost or could not be established. */
  fault: RedisFault | undefined;
  /** Run id of the server; undefined on a Cluster. */
  runId: string | undefined;
  /** Whether it is usable now. */
  usable(): boolean;
}

/** The connections to primaries that a client consists of. */
export function primariesOf(client: RedisClient): Redis[] {
  return client instanceof Cluster ? client.nodes('master') : [client];
}

/**
 * The connections of one process to one Redis. If one of them finds that its server is not a primary (any more), all reconnect: the
 * address may lead to another server by now, and subscribed or blocked connections would not notice.
 * @param onError called with each connection error
 */
export function createRedisConnections(
  target: RedisTarget,
  onError: (name: string, error: Error) => void,
): RedisConnections {
  const all = new Set<Tracked>();
  const servers = new Set<string>();
  let renewedAt = Number.NEGATIVE_INFINITY;

  const renew = (those: Iterable<Tracked>) => {
    for (const { client } of those) if (client.status === 'ready') client.disconnect(true);
  };

  const notice = (error: Error) => {
    if (faultOf(error).kind !== 'elsewhere' || performance.now() - renewedAt < RECONNECT_MS) return;
    renewedAt = performance.now();
    // A Cluster's client learns the new location of a slot from MOVED.
    renew([...all].filter(({ client }) => client instanceof Redis && target.kind !== 'cluster'));
  };

  /** Whether to use this server. Otherwise ioredis connects again. */
  const accept = (own: Tracked, info: unknown): boolean => {
    const { role, run_id: runId } = serverInfo.catch({}).parse(info);
    if (role === 'slave') {
      own.fault = faultOf(new Error('READONLY'));
      return false;
    }
    own.runId = runId;
    if (runId !== undefined && !servers.has(runId)) {
      servers.add(runId);
      // The other connections may still lead to the previous server without noticing.
      renew([...all].filter((other) => other.runId !== undefined && other.runId !== runId));
    }
    return true;
  };

  const common = (name: string): RedisOptions => ({
    // RESP2 returns scores as strings, which the code expects.
    protocol: 2,
    connectTimeout: 2_000,
    socketTimeout: SILENCE_MS,
    maxLoadingRetryTime: LOADING_MS,
    reconnectOnError(error) {
      notice(error);
      // The command was refused, and its caller gets the error. It is not resent.
      return false;
    },
    autoResendUnfulfilledCommands: false,
    connectionName: name,
  });

  const failed = (own: Tracked, error: Error) => {
    own.fault = faultOf(error);
    onError(own.name, error);
  };

  const openServer = (name: string, extra: RedisOptions): Redis => {
    // The first connection subscribes to failovers at the Sentinels; the others reconnect when it finds the new primary.
    const watching = all.size === 0;
    const redis: Redis = new Redis({
      ...common(name),
      retryStrategy: reconnectDelay,
      maxRetriesPerRequest: null,
      ...connectTo(target, { watching, accept: (info) => target.kind === 'cluster' || accept(own, info) }),
      ...extra,
    });
    const usable = () => redis.status === 'ready' || redis.status === 'end';
    const own: Tracked = { name, client: redis, fault: undefined, runId: undefined, usable };
    all.add(own);
    redis.on('ready', () => {
      own.fault = undefined;
    });
    redis.on('error', (error: Error) => {
      failed(own, error);
      // ioredis would continue in database 0, which has other data.
      if (refusedCommand(error) === 'select') redis.disconnect(true);
    });
    return redis;
  };

  const openClusterClient = (name: string, extra: RedisOptions): Cluster => {
    if (target.kind !== 'cluster') throw new Error('Not a Cluster.');
    const cluster = openCluster(target, { ...common(name), ...extra }, reconnectDelay);
    const own: Tracked = { name, client: cluster, fault: undefined, runId: undefined, usable: watchCluster(cluster) };
    all.add(own);
    for (const event of ['error', 'node error'] as const) cluster.on(event, (error: Error) => failed(own, error));
    return cluster;
  };

  const pinged = new WeakSet<Redis>();
  const sent = new WeakMap<Redis, number>();
  const keepAsked = (redis: Redis) => {
    if (redis.status !== 'ready') return;
    const { bytesWritten } = redis.stream;
    const wasAsked = sent.get(redis) !== bytesWritten;
    sent.set(redis, bytesWritten);
    if (wasAsked || pinged.has(redis)) return;
    pinged.add(redis);
    redis
      .ping()
      // The result does not matter: on silence or an error, ioredis reconnects.
      .catch(() => undefined)
      .finally(() => pinged.delete(redis));
  };
  const looking = setInterval(() => {
    for (const { client } of all) primariesOf(client).forEach(keepAsked);
  }, LOOK_MS).unref();

  return {
    open: (name, extra = {}) => (target.kind === 'cluster' ? openClusterClient(name, extra) : openServer(name, extra)),
    // ioredis 6.0.0 resubscribes without handling a rejection (redis/event_handler.js, readyHandler), which would end the process when the
    // new connection breaks or stays silent.
    openSubscriber: (name) => openServer(name, { commandTimeout: COMMAND_TIMEOUT_MS, autoResubscribe: false }),
    notice,
    health() {
      const lost = [...all].find(({ usable }) => !usable());
      if (lost === undefined) return { ok: true };
      return { ok: false, reason: `connection "${lost.name}" to Redis is down: ${lost.fault?.reason ?? 'connecting'}` };
    },
    close: () => clearInterval(looking),
  };
}

/** Milliseconds until the next attempt to connect. */
const reconnectDelay = (attempt: number) => backoff(attempt, 1_000, 100);
