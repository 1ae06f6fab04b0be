/**
 * Runs turns in a number of slots. The turn of an incoming message runs here at once if a slot is free. Otherwise its conversation waits
 * in the ready queue until a slot is free. A scan of the pending conversations, every second, finds everything that was missed.
 */
import { toBotError } from '../errors.ts';
import { raceTimeout } from '../lib/timeout.ts';
import type { Heartbeat } from './heartbeat.ts';
import { BEAT_MS, SWEEP_MS } from './limits.ts';
import { createPulse, type Held } from './pulse.ts';
import { runTurn, type TurnDeps } from './run-turn.ts';
import type { SessionId } from './session.ts';
import type { ClaimedTurn, EnqueueResult } from './store.ts';
import type { IncomingMessage, Token } from './types.ts';

/** Milliseconds in which turns must requeue themselves after the grace period. */
const HANDOVER_MS = 5_000;
/** How long stored messages are remembered in order to mark them as pending again. Milliseconds. */
const STORED_MS = 60_000;

export interface Worker {
  start(): Promise<void>;
  /** Stores a message, and runs its turn here if a slot is free and nothing else waits in its conversation. */
  enqueue(message: IncomingMessage, follower?: string): Promise<EnqueueResult>;
  /** Starts no more turns. Running turns may end within `graceMs`; then they are requeued. */
  stop(graceMs: number): Promise<void>;
}

export interface WorkerDeps extends Omit<TurnDeps, 'hold'> {
  /** The name of this process. */
  readonly process: string;
  /** Concurrent turns in this process. */
  readonly concurrency: number;
  readonly onPending: (conversations: number) => void;
  readonly heartbeat: Heartbeat;
}

export function createWorker(deps: WorkerDeps): Worker {
  const { store, concurrency, clock, logger, heartbeat } = deps;
  let running = 0;
  /** The ready queue was not empty when it was last checked: it takes precedence over incoming messages. */
  let othersWait = false;
  let closing = false;
  let timers: NodeJS.Timeout[] = [];
  let scanning = false;
  /** The last scan found nothing, so the next one is skipped: new marks are due after four seconds, and the scan after that finds them in time. */
  let nothingWaited = false;
  /** After an outage of the store or a new incarnation: pending marks from this monotonic time on may be lost, and are set again. */
  let marksLostSince: number | undefined;
  let idle = () => {};
  const stored: { readonly sessionId: SessionId; readonly at: number }[] = [];
  const pulse = createPulse({
    ...{ beats: store.beats, process: deps.process, clock, heartbeat, logger },
    onRenewed: () => marksMayBeLost(),
  });

  /** Runs a call in the background. If it fails, the next scan repairs the state. */
  const inBackground = (what: string, action: () => Promise<unknown>) => {
    action().catch((thrown: unknown) => {
      logger.warn({ err: toBotError(thrown).message }, `${what} failed; the next scan repairs it`);
    });
  };

  const marksMayBeLost = () => {
    marksLostSince ??= clock.monotonic() - STORED_MS;
  };

  /** Retried with each tick until it succeeds. */
  const restoreMarks = async (from: number) => {
    await store.markPending([...new Set(stored.filter(({ at }) => at >= from).map(({ sessionId }) => sessionId))]);
    if (marksLostSince === from) marksLostSince = undefined;
  };

  const recordStored = (sessionId: SessionId) => {
    const now = clock.monotonic();
    stored.push({ sessionId, at: now });
    const since = Math.min(now - STORED_MS, marksLostSince ?? now);
    while ((stored[0]?.at ?? now) < since) stored.shift();
  };

  /** A free slot, with a token for it; undefined if there is none. */
  const takeSlot = (): Held | undefined => {
    if (closing || running >= concurrency) return undefined;
    const held = pulse.hold();
    if (held !== undefined) running += 1;
    return held;
  };

  const freeSlot = () => {
    running -= 1;
    if (running === 0) idle();
    if (othersWait) inBackground('filling free slots', fillSlots);
  };

  const releaseSlot = (held: Held) => {
    held.release();
    freeSlot();
  };

  /** Puts a conversation that nobody runs into the ready queue and signals free workers in all processes. */
  const makeReady = async (sessionId: SessionId, first = false) => {
    await store.ready(sessionId, first);
    othersWait = true;
    if (running < concurrency) await fillSlots();
  };

  const fillSlots = async () => {
    for (;;) {
      const held = takeSlot();
      if (held === undefined) return;
      let sessionId: SessionId | undefined;
      try {
        [sessionId] = await store.pop(1);
      } catch (thrown) {
        dropSlot(held);
        throw thrown;
      }
      if (sessionId === undefined) {
        othersWait = false;
        releaseSlot(held);
        return;
      }
      inBackground('claiming', () => claim(held, sessionId, undefined));
    }
  };

  /** Frees the slot without checking the ready queue, because the store does not answer. */
  const dropSlot = (held: Held) => {
    held.release();
    running -= 1;
    if (running === 0) idle();
  };

  /** Claims a conversation and runs its turn in the slot. Takes over from an owner that has died. */
  const claim = async (held: Held, sessionId: SessionId, expected: Token | undefined) => {
    try {
      let claimed = await store.claim(sessionId, held.token, expected);
      if (claimed.kind === 'owned' && claimed.owner !== undefined) {
        const { owner } = claimed;
        if ((await pulse.orphans([owner])).has(owner)) claimed = await store.claim(sessionId, held.token, owner);
      }
      if (claimed.kind === 'claimed') return await run(held, claimed.turn);
    } catch (thrown) {
      dropSlot(held);
      throw thrown;
    }
    releaseSlot(held);
  };

  /** Runs a turn in its slot, then the next turns of its conversation for as long as there are tokens for them. */
  const run = async (first: Held, turn: ClaimedTurn) => {
    let current: { readonly held: Held; readonly turn: ClaimedTurn } | undefined = { held: first, turn };
    const { sessionId } = turn.lease;
    try {
      while (current !== undefined) {
        const { held, turn: claimed }: { readonly held: Held; readonly turn: ClaimedTurn } = current;
        current = undefined;
        // Claimed too late, or by a call that took too long: the token is orphaned, and another worker has the turn.
        if (!held.lease.alive()) {
          held.release();
          return;
        }
        const end = await settled(held, claimed);
        if (end.kind === 'finished') current = end.next;
        if (end.kind === 'unowned' || (end.kind === 'finished' && end.next === undefined && end.waiting > 0)) {
          inBackground('queueing', () => store.ready(sessionId));
          othersWait = true;
        }
      }
    } catch (thrown) {
      logger.warn({ session: sessionId, err: thrown }, 'turn aborted by an error');
    } finally {
      freeSlot();
    }
  };

  /** Runs one turn and then releases its token, however the turn ends. A turn that never ends is left to other workers. */
  const settled = async (held: Held, turn: ClaimedTurn) => {
    const overdue = setTimeout(held.revoke, 2 * deps.bounds.answerMs);
    try {
      return await runTurn(turn, held.lease, {
        ...deps,
        hold: () => (closing || othersWait ? undefined : pulse.hold()),
      });
    } finally {
      clearTimeout(overdue);
      held.release();
    }
  };

  /** Scans the pending conversations. Finds everything that was missed: after a crash, a lost response, or a lost ready queue. */
  const scan = async () => {
    const pending = await store.countPending();
    deps.onPending(pending);
    nothingWaited = pending === 0;
    if (nothingWaited) return;
    const due = await store.takeDue();
    const heads = await store.heads(due.map(({ sessionId }) => sessionId));
    const owners = heads.flatMap((head) => (head === 'empty' ? [] : (head.owner ?? [])));
    const orphans = await pulse.orphans(owners);
    for (const [index, conversation] of due.entries()) {
      const head = heads[index];
      const { sessionId } = conversation;
      if (head === undefined) continue;
      if (head === 'empty') await store.clearPending(conversation);
      else if (head.owner === undefined) await store.ready(sessionId);
      else if (orphans.has(head.owner)) {
        const { owner } = head;
        const held = takeSlot();
        if (held === undefined) await store.ready(sessionId, true);
        else inBackground('taking over', () => claim(held, sessionId, owner));
      }
    }
    othersWait = (await store.countReady()) > 0;
    if (othersWait) await fillSlots();
  };

  const tick = async () => {
    if (!heartbeat.health().ok) marksMayBeLost();
    await pulse.beat();
    if (!heartbeat.health().ok) marksMayBeLost();
    if (closing || scanning) return;
    scanning = true;
    try {
      if (marksLostSince !== undefined && heartbeat.health().ok) await restoreMarks(marksLostSince);
      if (nothingWaited) nothingWaited = false;
      else await scan();
    } catch (thrown) {
      logger.warn({ err: toBotError(thrown).message }, 'scan for waiting conversations failed');
    } finally {
      scanning = false;
    }
  };

  return {
    async start() {
      await tick();
      timers = [
        setInterval(() => void tick(), BEAT_MS),
        setInterval(() => inBackground('sweep', () => store.sweep()), SWEEP_MS),
      ];
    },

    async enqueue(message, follower) {
      const held = othersWait ? undefined : takeSlot();
      let result: EnqueueResult;
      try {
        result = await store.enqueue(message, { token: held?.token, follower });
      } catch (thrown) {
        // Stored or not, its token is orphaned, and the platform delivers the message again.
        if (held !== undefined) dropSlot(held);
        throw thrown;
      }
      const { sessionId } = message;
      if (result.kind === 'claimed') {
        recordStored(sessionId);
        if (held !== undefined) void run(held, result.turn);
        return result;
      }
      if (held !== undefined) releaseSlot(held);
      if (result.kind === 'queued') {
        recordStored(sessionId);
        if (result.owner === undefined) inBackground('queueing', () => makeReady(sessionId));
      } else if (result.kind === 'duplicate' && result.unowned) {
        const known = result.sessionId;
        inBackground('queueing', () => makeReady(known));
      }
      return result;
    },

    async stop(graceMs) {
      closing = true;
      const empty = new Promise<void>((resolve) => {
        idle = resolve;
      });
      const untilIdle = async (ms: number) => {
        if (running > 0) await raceTimeout(ms, empty, () => undefined);
      };
      await untilIdle(graceMs);
      pulse.abortAll();
      await untilIdle(HANDOVER_MS);
      for (const timer of timers) clearInterval(timer);
      await pulse.end().catch((thrown: unknown) => {
        logger.warn({ err: toBotError(thrown).message }, 'could not remove the heartbeat; it expires');
      });
    },
  };
}
