/**
 * The DrainScheduler on BullMQ: a job is a drain of one conversation, deduplicated by session id, so that replicas share
 * the work. BullMQ hands drains out; that no turn is done twice is the fence's business (docs/turns.md), because a lock
 * that was lost does not stop a processor.
 */
import { type Job, Queue, Worker } from 'bullmq';
import { z } from 'zod';
import type { Clock, Drain, DrainScheduler, Logger } from '../core/ports.ts';
import { type SessionId, toSessionId } from '../core/session.ts';
import { raceTimeout } from '../lib/timeout.ts';
import type { RedisClient, RedisConnections } from '../redis/connection.ts';
import { createOpenLeases } from './leases.ts';

/** Milliseconds that a lock lives without being renewed; it is renewed at half of that. */
const LOCK_MS = 4_000;
/** Milliseconds between looks for dead workers: a takeover begins at most LOCK_MS plus this after a death, 10 s are promised. */
const STALLED_MS = 1_000;
/** Milliseconds that drains get to hand over their turn once the grace time is over. */
const HANDOVER_MS = 5_000;
/**
 * Seconds that a command waits for work at most. Nothing comes over its connection meanwhile, so it has to be less than what
 * a connection may be silent for (redis.ts).
 */
const BLOCK_S = 1;
/** Milliseconds between tries to go on after Redis was away. */
const RETRY_MS = 500;
/** Milliseconds in which the same trouble is logged once: an outage has three connections complain every second. */
const QUIET_MS = 30_000;
const QUEUE = 'drains';

const drainJob = z.object({ s: z.string() });

export interface BullmqOptions {
  /** Prefix of BullMQ's keys. */
  readonly prefix: string;
  readonly clock: Clock;
  readonly logger: Logger;
}

/** Tells when the locks of jobs were last renewed: by the time the renewal was sent, since its answer may come late. */
class LeasedWorker extends Worker {
  onRenewal: (jobIds: readonly string[], sentAt: number) => void = () => {};
  monotonic: () => number = () => 0;

  override async extendJobLocks(jobIds: string[], tokens: string[], duration: number): Promise<string[]> {
    const sentAt = this.monotonic();
    const failed = await super.extendJobLocks(jobIds, tokens, duration);
    this.onRenewal(
      jobIds.filter((id) => !failed.includes(id)),
      sentAt,
    );
    return failed;
  }
}

/**
 * Opens a connection for the scheduler. What it had sent when it broke is sent again, as BullMQ counts on: otherwise such a
 * command would never be settled, a drain that had just ended would keep its lock, and its conversation would wait for ever.
 */
export function openQueueRedis(connections: RedisConnections): RedisClient {
  return connections.open('queue', { autoResendUnfulfilledCommands: true });
}

/** `redis` is a connection of the scheduler's own, see {@link openQueueRedis}; the worker duplicates it for its blocking calls. The scheduler closes it. */
export function createBullmqScheduler(redis: RedisClient, { prefix, clock, logger }: BullmqOptions): DrainScheduler {
  const reported = new Map<string, number>();
  const report = ({ message }: Error) => {
    const now = clock.monotonic();
    if (now - (reported.get(message) ?? Number.NEGATIVE_INFINITY) < QUIET_MS) return;
    reported.clear();
    reported.set(message, now);
    logger.warn({ err: message }, 'queue error');
  };
  const queue = new Queue(QUEUE, { connection: redis, prefix });
  queue.on('error', report);
  const leases = createOpenLeases(clock, LOCK_MS);
  let worker: LeasedWorker | undefined;
  let closing = false;

  const schedule = async (sessionId: SessionId): Promise<void> => {
    await queue.add(
      'drain',
      { s: sessionId },
      { deduplication: { id: sessionId, keepLastIfActive: true }, removeOnComplete: true, removeOnFail: true },
    );
  };

  return {
    schedule,

    async process(drain: Drain, concurrency: number) {
      const processor = async (job: Job) => {
        const sessionId = toSessionId(drainJob.parse(job.data).s);
        const { lease, end } = leases.begin(job.id ?? sessionId);
        try {
          await drain(sessionId, lease);
        } catch (thrown) {
          // The conversation is still noted as pending: the sweep brings it back.
          logger.warn({ session: sessionId, err: thrown }, 'drain failed');
          throw thrown;
        } finally {
          end();
        }
      };
      worker = new LeasedWorker(QUEUE, processor, {
        connection: redis,
        prefix,
        concurrency,
        lockDuration: LOCK_MS,
        lockRenewTime: LOCK_MS / 2,
        stalledInterval: STALLED_MS,
        // Takeovers are counted in the turn's record, where they end; here they must not.
        maxStalledCount: Number.MAX_SAFE_INTEGER,
        // By default a worker that saw its connection break rests for 15 s: longer than a takeover may take.
        runRetryDelay: RETRY_MS,
        drainDelay: BLOCK_S,
        autorun: false,
      });
      worker.monotonic = clock.monotonic;
      worker.onRenewal = leases.renewed;
      worker.on('error', report);
      worker.on('lockRenewalFailed', (jobIds: string[]) => leases.lost(jobIds));
      worker.run().catch(report);
      await worker.waitUntilReady();
    },

    async othersWait() {
      return closing || (await queue.getWaitingCount()) > 0;
    },

    async close(graceMs) {
      closing = true;
      if (worker !== undefined) {
        const closed = worker.close();
        await Promise.race([closed, leases.idle(graceMs)]);
        leases.abortAll();
        await raceTimeout(HANDOVER_MS, closed, () => undefined);
      }
      await queue.close();
      redis.disconnect();
    },
  };
}
