/** Interrupts a running turn: at the end of its lease, by a stop or /forget, at shutdown. */
import { BotError } from '../errors.ts';
import { CHECK_MS } from './limits.ts';
import type { Lease } from './ports.ts';
import type { SessionId } from './session.ts';
import type { LeaseState, TurnCheck } from './store.ts';
import type { TurnId, TurnLease } from './types.ts';

/** Why a turn is interrupted. `lost` includes shutdown: either way, another worker continues the turn. */
export type Interruption = Exclude<LeaseState, 'held'>;

export interface TurnWatch {
  /** Aborts at the first interruption. */
  readonly signal: AbortSignal;
  interruption(): Interruption | undefined;
  /** Checks the record now, as requested by a signal. */
  checkNow(): Promise<void>;
  end(): void;
}

export interface Watched {
  /** Reads the record. */
  readonly check: () => Promise<TurnCheck>;
  /** Processes that follow the turn already, by the names of their signals. */
  readonly followers: readonly string[];
  /** Called for a new follower, who has nothing of the answer yet. */
  readonly repeat: () => void;
}

/** The turns that run in this process. */
export interface RunningTurns {
  watch(lease: TurnLease, held: Lease, watched: Watched): TurnWatch;
  /** The turn of this conversation, or every turn, checks its record at once. */
  wake(sessionId?: SessionId, turnId?: TurnId): void;
  /** Other processes that follow this turn; undefined when it does not run here. */
  followers(sessionId: SessionId, turnId: TurnId): ReadonlySet<string> | undefined;
  /** Announces the whole answer so far again, if the turn runs here. */
  repeat(sessionId: SessionId, turnId: TurnId): void;
}

interface Running extends TurnWatch {
  readonly turnId: TurnId;
  readonly followers: Set<string>;
  readonly repeat: () => void;
}

/** @param process the name of this process. Its own followers need no signal */
export function createRunningTurns(process: string): RunningTurns {
  const running = new Map<SessionId, Set<Running>>();
  const find = (sessionId: SessionId, turnId: TurnId) =>
    [...(running.get(sessionId) ?? [])].filter((turn) => turn.turnId === turnId);

  return {
    watch(lease, held, { check, followers: known, repeat }) {
      const controller = new AbortController();
      const followers = new Set(known);
      followers.delete(process);
      let why: Interruption | undefined;
      const interrupt = (reason: Interruption) => {
        why ??= reason;
        controller.abort(new BotError(reason === 'stopped' ? 'turn_stopped' : 'turn_lost', `The turn is ${why}.`));
      };
      const onLeaseEnd = () => interrupt('lost');
      const checkNow = async () => {
        // If the store does not answer, nothing is decided; the lease expires by itself.
        const found = await check().catch((): TurnCheck => ({ state: 'held', followers: [] }));
        const before = followers.size;
        for (const follower of found.followers) if (follower !== process) followers.add(follower);
        if (followers.size > before) repeat();
        if (found.state !== 'held') interrupt(found.state);
        else if (!held.alive()) interrupt('lost');
      };
      const timer = setInterval(() => void checkNow(), CHECK_MS);
      held.signal.addEventListener('abort', onLeaseEnd, { once: true });
      if (held.signal.aborted) onLeaseEnd();
      const siblings = running.get(lease.sessionId) ?? new Set();
      const watch: Running = {
        turnId: lease.turnId,
        followers,
        repeat,
        signal: controller.signal,
        interruption: () => why,
        checkNow,
        end() {
          clearInterval(timer);
          held.signal.removeEventListener('abort', onLeaseEnd);
          siblings.delete(watch);
          if (siblings.size === 0) running.delete(lease.sessionId);
        },
      };
      running.set(lease.sessionId, siblings.add(watch));
      return watch;
    },
    wake(sessionId, turnId) {
      const woken = sessionId === undefined ? [...running.values()].flatMap((it) => [...it]) : running.get(sessionId);
      for (const watch of woken ?? []) {
        if (turnId === undefined || watch.turnId === turnId) void watch.checkNow();
      }
    },
    followers(sessionId, turnId) {
      const found = find(sessionId, turnId);
      return found.length === 0 ? undefined : new Set(found.flatMap((turn) => [...turn.followers]));
    },
    repeat(sessionId, turnId) {
      for (const turn of find(sessionId, turnId)) turn.repeat();
    },
  };
}
