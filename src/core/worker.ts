/**
 * Runs turns in a number of slots. A message that comes in is run here at once when a slot is free. What nobody runs waits in the
 * order of `ready`, from which a free slot takes it; and what was lost on the way is found by a look at the notes, every second.
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

/** Milliseconds that turns get to give themselves back once the grace time is over. */
const HANDOVER_MS = 5_000;
/** Milliseconds for which it is remembered what was stored here, so that it can be noted again. */
const STORED_MS = 60_000;

export interface Worker {
  start(): Promise<void>;
  /** Stores a message, and runs its turn here if a slot is free and nothing else waits in its conversation. */
  enqueue(message: IncomingMessage, follower?: string): Promise<EnqueueResult>;
  /** Begins no more turns; those that fit into `graceMs` end, the others are given back. */
  stop(graceMs: number): Promise<void>;
}

export interface WorkerDeps extends Omit<TurnDeps, 'hold'> {
  /** The name of this process. */
  readonly process: string;
  /** Turns at the same time in this process. */
  readonly concurrency: number;
  readonly onPending: (conversations: number) => void;
  readonly heartbeat: Heartbeat;
}

export function createWorker(deps: WorkerDeps): Worker {
  const { store, concurrency, clock, logger, heartbeat } = deps;
  let running = 0;
  /** Something waited in `ready` when it was last looked at: it goes before what comes in. */
  let othersWait = false;
  let closing = false;
  let timers: NodeJS.Timeout[] = [];
  let looking = false;
  /** Nothing waited at the last look. What is noted from then on is due four seconds later, so the next look but one finds it in time. */
  let nothingWaited = false;
  /** The store was away, or this process' incarnation ended: notes from this monotonic time on may be lost, and are made again. */
  let noteFrom: number | undefined;
  let idle = () => {};
  const stored: { readonly sessionId: SessionId; readonly at: number }[] = [];
  const pulse = createPulse({
    ...{ beats: store.beats, process: deps.process, clock, heartbeat, logger },
    onRenewed: () => oweNotes(),
  });

  /** Makes a call that nobody waits for: whatever is lost with it, the next look finds. */
  const behind = (what: string, action: () => Promise<unknown>) => {
    action().catch((thrown: unknown) => {
      logger.warn({ err: toBotError(thrown).message }, `${what} failed, the next look repairs it`);
    });
  };

  const oweNotes = () => {
    noteFrom ??= clock.monotonic() - STORED_MS;
  };

  /** Until it has succeeded it stays owed. */
  const noteAgain = async (from: number) => {
    await store.note([...new Set(stored.filter(({ at }) => at >= from).map(({ sessionId }) => sessionId))]);
    if (noteFrom === from) noteFrom = undefined;
  };

  const rememberStored = (sessionId: SessionId) => {
    const now = clock.monotonic();
    stored.push({ sessionId, at: now });
    const since = Math.min(now - STORED_MS, noteFrom ?? now);
    while ((stored[0]?.at ?? now) < since) stored.shift();
  };

  /** A slot and a token for it, if there is one free. */
  const takeSlot = (): Held | undefined => {
    if (closing || running >= concurrency) return undefined;
    const held = pulse.hold();
    if (held !== undefined) running += 1;
    return held;
  };

  const freeSlot = () => {
    running -= 1;
    if (running === 0) idle();
    if (othersWait) behind('taking what waits', fillSlots);
  };

  const giveBack = (held: Held) => {
    held.release();
    freeSlot();
  };

  /** Tells free workers, here and elsewhere, of a conversation that nobody runs. */
  const offer = async (sessionId: SessionId, first = false) => {
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
        giveBackQuietly(held);
        throw thrown;
      }
      if (sessionId === undefined) {
        othersWait = false;
        giveBack(held);
        return;
      }
      behind('claiming', () => claim(held, sessionId, undefined));
    }
  };

  /** Without looking for more: the store does not answer. */
  const giveBackQuietly = (held: Held) => {
    held.release();
    running -= 1;
    if (running === 0) idle();
  };

  /** Claims a conversation for a slot, and runs it; one whose owner has died is taken over. */
  const claim = async (held: Held, sessionId: SessionId, expected: Token | undefined) => {
    try {
      let claimed = await store.claim(sessionId, held.token, expected);
      if (claimed.kind === 'owned' && claimed.owner !== undefined) {
        const { owner } = claimed;
        if ((await pulse.orphans([owner])).has(owner)) claimed = await store.claim(sessionId, held.token, owner);
      }
      if (claimed.kind === 'claimed') return await run(held, claimed.turn);
    } catch (thrown) {
      giveBackQuietly(held);
      throw thrown;
    }
    giveBack(held);
  };

  /** Runs a turn in its slot, and the next ones of its conversation as long as it is given tokens for them. */
  const run = async (first: Held, turn: ClaimedTurn) => {
    let current: { readonly held: Held; readonly turn: ClaimedTurn } | undefined = { held: first, turn };
    const { sessionId } = turn.lease;
    try {
      while (current !== undefined) {
        const { held, turn: claimed }: { readonly held: Held; readonly turn: ClaimedTurn } = current;
        current = undefined;
        // Claimed too late, or by a call whose answer took too long: it is an orphan, and somebody's.
        if (!held.lease.alive()) {
          held.release();
          return;
        }
        const end = await settled(held, claimed);
        if (end.kind === 'finished') current = end.next;
        if (end.kind === 'unowned' || (end.kind === 'finished' && end.next === undefined && end.waiting > 0)) {
          behind('offering', () => store.ready(sessionId));
          othersWait = true;
        }
      }
    } catch (thrown) {
      logger.warn({ session: sessionId, err: thrown }, 'turn broken off');
    } finally {
      freeSlot();
    }
  };

  /** Runs one turn; whatever comes of it, its token is let go of then. One that never ends is left to others. */
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

  /** What waits: whatever was lost on the way (a crash, an answer, the order of `ready`) is found here. */
  const look = async () => {
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
      if (head === 'empty') await store.clear(conversation);
      else if (head.owner === undefined) await store.ready(sessionId);
      else if (orphans.has(head.owner)) {
        const { owner } = head;
        const held = takeSlot();
        if (held === undefined) await store.ready(sessionId, true);
        else behind('taking over', () => claim(held, sessionId, owner));
      }
    }
    othersWait = (await store.countReady()) > 0;
    if (othersWait) await fillSlots();
  };

  const tick = async () => {
    if (!heartbeat.health().ok) oweNotes();
    await pulse.beat();
    if (!heartbeat.health().ok) oweNotes();
    if (closing || looking) return;
    looking = true;
    try {
      if (noteFrom !== undefined && heartbeat.health().ok) await noteAgain(noteFrom);
      if (nothingWaited) nothingWaited = false;
      else await look();
    } catch (thrown) {
      logger.warn({ err: toBotError(thrown).message }, 'looking for what waits failed');
    } finally {
      looking = false;
    }
  };

  return {
    async start() {
      await tick();
      timers = [
        setInterval(() => void tick(), BEAT_MS),
        setInterval(() => behind('sweep', () => store.sweep()), SWEEP_MS),
      ];
    },

    async enqueue(message, follower) {
      const held = othersWait ? undefined : takeSlot();
      let result: EnqueueResult;
      try {
        result = await store.enqueue(message, { token: held?.token, follower });
      } catch (thrown) {
        // Stored or not: its turn is an orphan, and the platform delivers the message again.
        if (held !== undefined) giveBackQuietly(held);
        throw thrown;
      }
      const { sessionId } = message;
      if (result.kind === 'claimed') {
        rememberStored(sessionId);
        if (held !== undefined) void run(held, result.turn);
        return result;
      }
      if (held !== undefined) giveBack(held);
      if (result.kind === 'queued') {
        rememberStored(sessionId);
        if (result.owner === undefined) behind('offering', () => offer(sessionId));
      } else if (result.kind === 'duplicate' && result.unowned) {
        const known = result.sessionId;
        behind('offering', () => offer(known));
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
        logger.warn({ err: toBotError(thrown).message }, 'could not remove the sign of life; it expires');
      });
    },
  };
}
