/** Drains conversations: take, run, next; and sweeps over what waits, so that nothing is left behind. */
import { toBotError } from '../errors.ts';
import type { Heartbeat } from './heartbeat.ts';
import { SWEEP_MS } from './limits.ts';
import type { Drain, DrainScheduler } from './ports.ts';
import { runTurn, type TurnDeps } from './run-turn.ts';

/** Pending conversations that a sweep looks at in one page. */
const SWEEP_PAGE = 500;

export interface Worker {
  start(): Promise<void>;
  /** Stops taking conversations; turns that fit into `graceMs` end, the others are handed over. */
  stop(graceMs: number): Promise<void>;
}

export interface WorkerDeps extends TurnDeps {
  readonly scheduler: DrainScheduler;
  /** Conversations at the same time in this process. */
  readonly concurrency: number;
  readonly onPending: (conversations: number) => void;
  readonly heartbeat: Heartbeat;
}

export function createWorker(deps: WorkerDeps): Worker {
  const { store, scheduler, clock, logger, heartbeat } = deps;
  let beating: NodeJS.Timeout | undefined;
  let sweeping = false;

  const drain: Drain = async (sessionId, lease) => {
    for (;;) {
      const taken = await store.claim(sessionId);
      if (taken === undefined) return;
      const end = await runTurn(taken, lease, deps);
      if (end === 'later') return;
      if (end === 'lost' || !lease.alive() || (await scheduler.othersWait())) {
        // The next drain of this conversation goes behind the others that wait; with none left it finds nothing.
        await scheduler.schedule(sessionId);
        return;
      }
    }
  };

  /** Asks for the sweep, which is a write to the store whoever gets it, and makes it. */
  const beat = async () => {
    let claimed = false;
    try {
      claimed = await store.claimSweep(SWEEP_MS - 100);
      heartbeat.wrote();
    } catch (thrown) {
      const error = toBotError(thrown);
      heartbeat.failed(error);
      logger.warn({ code: error.code, err: error.message }, 'sweep failed');
    }
    // One that takes long (many wait, the queue is away) must not keep the next beat from being made.
    if (sweeping) return;
    sweeping = true;
    await sweep(claimed)
      .catch((thrown: unknown) => logger.warn({ err: toBotError(thrown).message }, 'sweep failed'))
      .finally(() => {
        sweeping = false;
      });
  };

  /** Whatever was lost on the way (a crash between offer and schedule, the queue's own keys): pending is the truth. */
  const sweep = async (claimed: boolean) => {
    // Every replica: the gauge of one that never wins the sweep would tell of long ago.
    deps.onPending(await store.countPending());
    if (claimed) await scheduleBefore(clock.now() - SWEEP_MS);
  };

  /** Schedules what has been pending since before this instant. */
  const scheduleBefore = async (before: number) => {
    let after: number | undefined;
    for (;;) {
      const page = await store.pending(SWEEP_PAGE, after);
      const due = page.filter(({ since }) => since < before);
      for (const { sessionId } of due) await scheduler.schedule(sessionId);
      after = due.at(-1)?.since;
      if (due.length < SWEEP_PAGE) return;
    }
  };

  return {
    async start() {
      await scheduler.process(drain, deps.concurrency);
      // What an earlier process left behind does not wait for the first sweep.
      await scheduleBefore(Number.POSITIVE_INFINITY);
      void beat();
      beating = setInterval(() => void beat(), SWEEP_MS);
    },
    async stop(graceMs) {
      clearInterval(beating);
      await scheduler.close(graceMs);
    },
  };
}
