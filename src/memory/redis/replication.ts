/** Waits until what was written is on replicas too, before anybody is told that it is stored (REDIS_WAIT_REPLICAS). */
import type { Redis } from 'ioredis';
import { BotError } from '../../errors.ts';
import { nodeOf } from '../../redis/cluster.ts';
import { COMMAND_TIMEOUT_MS, primariesOf, type RedisClient, type RedisConnections } from '../../redis/connection.ts';
import { ready, toStoreError } from './client.ts';
import { type Departures, watchDepartures } from './departures.ts';
import type { Keyspace } from './keys.ts';
import { SCRIPTS } from './scripts.ts';

/** Milliseconds that replicas get to confirm. */
const CONFIRM_MS = 100;

export interface Replication {
  /** The connection for calls that are confirmed. */
  readonly redis: RedisClient;
  /**
   * Makes a call over {@link redis} and waits until replicas have everything that it wrote.
   * @param call names a key in each slot whose writes count; where it names none, nothing is waited for
   * @throws BotError `store_unavailable` when they do not confirm: it is stored on the primary, and may be lost with it
   */
  confirmed<T>(call: (touch: (key: string) => void) => Promise<T>): Promise<T>;
  close(): void;
}

/** The replies of one confirmation. */
interface Confirmation {
  readonly stream: Redis['stream'];
  /** Markers that were refused: their slot is, or has been, moved to another node. */
  readonly moved: ReadonlySet<string>;
}

/**
 * WAIT counts the writes of its own connection (`woff` of processCommand and waitCommand, Redis' src/server.c and
 * src/replication.c), on the server that this connection leads to. So a call and its WAIT go over one connection, and where that
 * was made anew in between nothing is confirmed: another primary's replicas would confirm what only the old one had.
 *
 * WAIT blocks its connection, so this one is used for confirmed calls alone, and those that ask at the same time share a WAIT. Each
 * WAIT follows a write in each slot that it is about: a call that found its work done has written nothing itself, and while a
 * slot moves the calls may have been made on another node.
 */
export async function openReplication(
  connections: RedisConnections,
  keys: Keyspace,
  replicas: number,
): Promise<Replication> {
  const redis = connections.open('replication', {
    commandTimeout: COMMAND_TIMEOUT_MS,
    enableOfflineQueue: false,
    maxRetriesPerRequest: 0,
    scripts: SCRIPTS,
  });
  try {
    await ready(redis);
  } catch (thrown) {
    redis.disconnect();
    throw toStoreError(thrown);
  }
  const departures = watchDepartures();
  const shared = new WeakMap<Redis, (marker: string) => Promise<Confirmation>>();

  const confirm = async (node: Redis, stream: Redis['stream'], key: string) => {
    const marker = redis.isCluster ? `${slotTag(key)}:written` : `${keys.pending}:written`;
    const ask = shared.get(node) ?? together((markers) => confirmOn(node, markers, replicas, departures));
    shared.set(node, ask);
    const confirmation = await ask(marker);
    if (confirmation.stream !== stream || confirmation.moved.has(marker)) throw unconfirmed(CHANGED);
  };

  return {
    redis,
    async confirmed(call) {
      const before = new Map(primariesOf(redis).map((node) => [node, node.stream]));
      const touched = new Set<string>();
      const result = await call((key) => touched.add(key));
      try {
        await Promise.all(
          [...touched].map(async (key) => {
            const node = nodeOf(redis, key);
            const stream = node && before.get(node);
            if (node === undefined || stream === undefined) throw unconfirmed(CHANGED);
            await confirm(node, stream, key);
          }),
        );
      } catch (thrown) {
        throw toStoreError(thrown);
      }
      return result;
    },
    close: () => redis.disconnect(),
  };
}

const CHANGED = 'the connection to Redis changed before replicas confirmed a write';
const LEFT = 'a replica has just left, and may be the primary now';

function unconfirmed(reason: string): BotError {
  return new BotError('store_unavailable', `Not confirmed: ${reason} (REDIS_WAIT_REPLICAS).`, {
    reason: `${reason} (REDIS_WAIT_REPLICAS)`,
    retryable: true,
  });
}

/** A key up to its hash tag, which all keys of its slot share. */
function slotTag(key: string): string {
  return key.slice(0, key.indexOf('}') + 1);
}

/** @throws what the server answers instead, or BotError `store_unavailable` */
async function confirmOn(
  node: Redis,
  markers: readonly string[],
  replicas: number,
  departures: Departures,
): Promise<Confirmation> {
  const { stream } = node;
  const pipeline = node.pipeline();
  for (const marker of markers) pipeline.set(marker, '1', 'PX', 1);
  const results = (await pipeline.wait(replicas, CONFIRM_MS).info('replication').exec()) ?? [];
  if (node.stream !== stream) throw unconfirmed(CHANGED);
  const moved = new Set<string>();
  for (const [index, marker] of markers.entries()) {
    const error = results[index]?.[0];
    if (error instanceof Error && /^(?:MOVED|ASK) /.test(error.message)) moved.add(marker);
    else if (error instanceof Error) throw error;
  }
  const [waited, told] = results.slice(markers.length);
  if (waited === undefined || told === undefined) throw unconfirmed(CHANGED);
  if (waited[0] !== null) throw waited[0];
  const reached = Number(waited[1]);
  if (reached < replicas) throw unconfirmed('too few replicas confirm what is written');
  // Without the right to ask INFO nothing is known of them.
  if (told[0] === null && departures.justLeft(String(told[1]))) throw unconfirmed(LEFT);
  return { stream, moved };
}

/** Those who ask while one runs share the next one, since the running one may have begun before what they wrote. */
function together(
  run: (markers: readonly string[]) => Promise<Confirmation>,
): (marker: string) => Promise<Confirmation> {
  let running: Promise<unknown> = Promise.resolve();
  let next: { readonly markers: Set<string>; readonly done: Promise<Confirmation> } | undefined;
  return (marker) => {
    if (next === undefined) {
      const markers = new Set<string>();
      const done = running
        .catch(() => {})
        .then(() => {
          next = undefined;
          return run([...markers]);
        });
      running = done;
      next = { markers, done };
    }
    next.markers.add(marker);
    return next.done;
  };
}
