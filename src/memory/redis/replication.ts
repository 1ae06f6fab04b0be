/** Waits until what was written is on replicas too, before anybody is told that it is stored (REDIS_WAIT_REPLICAS). */
import type { SessionId } from '../../core/session.ts';
import type { Beats, Turns } from '../../core/store.ts';
import { BotError } from '../../errors.ts';
import { pipelineOfOneNode } from '../../redis/cluster.ts';
import { COMMAND_TIMEOUT_MS, type RedisConnections } from '../../redis/connection.ts';
import { ready, replies, toStoreError } from './client.ts';
import type { Keyspace } from './keys.ts';
import type { SessionMemory } from './memory.ts';

/** Milliseconds that replicas get to confirm. */
const CONFIRM_MS = 100;

export interface Replication {
  /**
   * Resolves when enough replicas have everything that the primary of this conversation (none: of the indexes) had written.
   * @throws BotError `store_unavailable` when they do not confirm in time: it is stored on the primary, and may be lost with it
   */
  confirmed(id?: SessionId): Promise<void>;
  close(): void;
}

/**
 * WAIT blocks its connection and counts from that connection's own last write, so there is a connection for it alone, and each WAIT
 * follows a write of its own: replicas that have it have everything before it. Those who ask at the same time share one.
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
  });
  try {
    await ready(redis);
  } catch (thrown) {
    redis.disconnect();
    throw toStoreError(thrown);
  }
  const confirm = async (marker: string) => {
    const pipeline = pipelineOfOneNode(redis).set(marker, '1', 'PX', 1).wait(replicas, CONFIRM_MS);
    const [, reached] = await replies(pipeline);
    if (Number(reached) >= replicas) return;
    throw new BotError(
      'store_unavailable',
      `${Number(reached)} of ${replicas} replicas confirmed a write within ${CONFIRM_MS} ms (REDIS_WAIT_REPLICAS).`,
      { reason: 'too few replicas confirm what is written (REDIS_WAIT_REPLICAS)', retryable: true },
    );
  };
  const byMarker = new Map<string, () => Promise<void>>();
  return {
    async confirmed(id) {
      // All of one server has one order; on a Cluster each place has the order of its node.
      const marker = `${redis.isCluster && id !== undefined ? keys.session(id).list : keys.pending}:written`;
      const shared =
        byMarker.get(marker) ??
        oneAtATime(
          () => confirm(marker),
          () => byMarker.delete(marker),
        );
      byMarker.set(marker, shared);
      try {
        await shared();
      } catch (thrown) {
        throw toStoreError(thrown);
      }
    },
    close: () => redis.disconnect(),
  };
}

/** Who asks while one runs shares the next one, since the running one may have begun before what they wrote. */
function oneAtATime(run: () => Promise<void>, idle: () => void): () => Promise<void> {
  let running: Promise<void> | undefined;
  let next: Promise<void> | undefined;
  const start = async () => {
    next = undefined;
    running = run();
    try {
      await running;
    } finally {
      running = undefined;
      if (next === undefined) idle();
    }
  };
  return () => {
    next ??= (running ?? Promise.resolve()).catch(() => {}).then(start);
    return next;
  };
}

/** The turns with that behind each write that somebody relies on. */
export function confirmingTurns(turns: Turns, { confirmed }: Replication): Turns {
  return {
    ...turns,
    async enqueue(message, options) {
      const result = await turns.enqueue(message, options);
      if (result.kind !== 'full') await confirmed(message.sessionId);
      return result;
    },
    async saveMessageRef(lease, part, ref) {
      const saved = await turns.saveMessageRef(lease, part, ref);
      await confirmed(lease.sessionId);
      return saved;
    },
    async commit(lease, message, answer) {
      const result = await turns.commit(lease, message, answer);
      await confirmed(lease.sessionId);
      return result;
    },
  };
}

/** The sign of life with that behind it, so that /health tells; the turns go on. */
export function confirmingBeats(beats: Beats, { confirmed }: Replication): Beats {
  return {
    ...beats,
    async renew(incarnation, listing) {
      const outcome = await beats.renew(incarnation, listing);
      if (outcome !== 'renewed') return outcome;
      try {
        await confirmed();
        return outcome;
      } catch (thrown) {
        return { refused: toStoreError(thrown) };
      }
    },
  };
}

/** The same for what is erased: on a replica that is promoted it would be there again. */
export function confirmingMemory(memory: SessionMemory, { confirmed }: Replication): SessionMemory {
  return {
    ...memory,
    async forget(id) {
      const erased = await memory.forget(id);
      await confirmed(id);
      return erased;
    },
    async removeTurns(id, selector) {
      const erased = await memory.removeTurns(id, selector);
      await confirmed(id);
      return erased;
    },
  };
}
