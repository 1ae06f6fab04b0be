/** How every connection to Redis of this product is opened, watched and given up. */
import { Cluster, Redis, type RedisOptions } from 'ioredis';
import { z } from 'zod';
import type { Health } from '../core/ports.ts';
import { backoff } from '../lib/backoff.ts';
import { openCluster, watchCluster } from './cluster.ts';
import { connectTo } from './connectors.ts';
import { faultOf, type RedisFault, refusedCommand } from './faults.ts';
import type { RedisTarget } from './target.ts';

/** Milliseconds after which a command that got no answer fails; a reconnect is tried meanwhile. */
export const COMMAND_TIMEOUT_MS = 3_000;
/**
 * Milliseconds without a byte after which a connection that waits for an answer is given up: its other end may be gone without
 * a FIN or RST. ioredis' `socketTimeout` counts only while something was asked (`setSocketTimeout` in its Redis.js, 6.0.0). The
 * sign of life goes over the store's connection each second: together some 4 s of silence. On the others it is some 6 s.
 */
const SILENCE_MS = 3_000;
/**
 * Milliseconds between two looks at what was sent: what was asked nothing from one to the next is asked a PING, every other look
 * at most. That is less than proxies and NATs grant an idle connection.
 */
const LOOK_MS = 1_500;
/** Milliseconds in which all connections are made anew at most once, however many commands are refused. */
const RECONNECT_MS = 1_000;
/** Longest wait in milliseconds between two looks whether Redis has loaded its data. */
const LOADING_MS = 1_000;

/** Of the INFO that ioredis asks for on each new connection; without the right to ask it is empty. */
const serverInfo = z.object({ role: z.string().optional(), run_id: z.string().optional() });

/** A client of one server (directly or by Sentinels), or of a Cluster, which routes each command by its keys. */
export type RedisClient = Redis | Cluster;

export interface RedisConnections {
  /**
   * Opens a connection that reconnects by itself for as long as the process lives (at most a second between tries) and sends
   * nothing twice behind our back: a command whose answer was lost fails, and its caller knows whether it may be repeated.
   * It is usable only while it leads to a primary; on a Cluster it is one connection to each primary.
   */
  open(name: string, extra?: RedisOptions): RedisClient;
  /** Opens a connection for subscriptions alone; on a Cluster it leads to any node, since each one hears what is published. */
  openSubscriber(name: string): Redis;
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
  readonly client: RedisClient;
  /** Why it was last lost, or not made. */
  fault: RedisFault | undefined;
  /** Of the server that it leads to; undefined on a Cluster. */
  runId: string | undefined;
  /** Whether it can be used now. */
  usable(): boolean;
}

/** The servers that a client has a connection of its own to and writes on. */
export function primariesOf(client: RedisClient): Redis[] {
  return client instanceof Cluster ? client.nodes('master') : [client];
}

/**
 * The connections of one process to one Redis. When one of them meets a server that is no primary (any more), all are made
 * anew, since behind the same address there may be another server by now, and what is subscribed to or blocked on the old one
 * would never say so by itself.
 * @param onError hears of each fault of a connection
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
    // A Cluster's client learns by MOVED where a slot is now.
    renew([...all].filter(({ client }) => client instanceof Redis && target.kind !== 'cluster'));
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

  const common = (name: string): RedisOptions => ({
    // Scores are read as strings, as the second protocol gives them.
    protocol: 2,
    connectTimeout: 2_000,
    socketTimeout: SILENCE_MS,
    maxLoadingRetryTime: LOADING_MS,
    reconnectOnError(error) {
      notice(error);
      // The command was refused, and its caller is told: nothing is sent twice.
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
    // The first one asks the Sentinels to tell of a failover; the others are made anew when it meets the new primary.
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
      // ioredis would go on in database 0, where other things are stored.
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
      // What it says matters to ioredis only: silence, or an error that makes it connect anew.
      .catch(() => undefined)
      .finally(() => pinged.delete(redis));
  };
  const looking = setInterval(() => {
    for (const { client } of all) primariesOf(client).forEach(keepAsked);
  }, LOOK_MS).unref();

  return {
    open: (name, extra = {}) => (target.kind === 'cluster' ? openClusterClient(name, extra) : openServer(name, extra)),
    openSubscriber: (name) => openServer(name, { commandTimeout: COMMAND_TIMEOUT_MS }),
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
