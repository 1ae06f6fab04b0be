/** The DrainScheduler of a single process: the embedded store's. What waits is in the store, so a restart loses nothing. */
import type { Clock, Drain, DrainScheduler, Logger } from '../core/ports.ts';
import type { SessionId } from '../core/session.ts';
import { createOpenLeases } from './leases.ts';

/** Milliseconds that drains get to hand over their turn once the grace time is over. */
const HANDOVER_MS = 5_000;

export function createInProcessScheduler({ clock, logger }: { clock: Clock; logger: Logger }): DrainScheduler {
  const leases = createOpenLeases(clock, Number.POSITIVE_INFINITY);
  /** In the order they came; a session is in it at most once. */
  const waiting = new Set<SessionId>();
  /** Running sessions, and whether they were scheduled again meanwhile. */
  const running = new Map<SessionId, { again: boolean }>();
  let work: { drain: Drain; concurrency: number } | undefined;
  let closing = false;

  const pump = () => {
    if (work === undefined || closing) return;
    for (const sessionId of waiting) {
      if (running.size >= work.concurrency) return;
      waiting.delete(sessionId);
      running.set(sessionId, { again: false });
      void runOne(sessionId, work.drain);
    }
  };

  const runOne = async (sessionId: SessionId, drain: Drain) => {
    const { lease, end } = leases.begin(sessionId);
    try {
      await drain(sessionId, lease);
    } catch (thrown) {
      // The conversation is still noted as pending: the sweep brings it back.
      logger.warn({ session: sessionId, err: thrown }, 'drain failed');
    }
    end();
    if (running.get(sessionId)?.again) waiting.add(sessionId);
    running.delete(sessionId);
    pump();
  };

  return {
    async schedule(sessionId) {
      const own = running.get(sessionId);
      if (own === undefined) waiting.add(sessionId);
      else own.again = true;
      pump();
    },
    async process(drain, concurrency) {
      work = { drain, concurrency };
      pump();
    },
    async othersWait() {
      return closing || waiting.size > 0;
    },
    async close(graceMs) {
      closing = true;
      await leases.idle(graceMs);
      leases.abortAll();
      await leases.idle(HANDOVER_MS);
    },
  };
}
