/** Tells a running turn what happens to it from outside: its lease, a stop, a forget, the end of the process. */
import { BotError } from '../errors.ts';
import { CHECK_MS } from './limits.ts';
import type { Lease } from './ports.ts';
import type { SessionId } from './session.ts';
import type { LeaseState } from './store.ts';
import type { TurnId, TurnLease } from './types.ts';

/** Why a turn must not go on as it is. `lost` covers the end of the process too: either way another worker has it. */
export type Interruption = Exclude<LeaseState, 'held'>;

export interface TurnWatch {
  /** Aborts at the first interruption. */
  readonly signal: AbortSignal;
  interruption(): Interruption | undefined;
  /** Looks now, as a signal from another replica asks for. */
  look(): Promise<void>;
  end(): void;
}

/** The turns that run in this process, by conversation. */
export interface RunningTurns {
  watch(lease: TurnLease, held: Lease, check: () => Promise<LeaseState>): TurnWatch;
  /** Something happened to this conversation, or to many: its turn, or every one, looks at its record at once. */
  wake(sessionId?: SessionId, turnId?: TurnId): void;
}

export function createRunningTurns(): RunningTurns {
  const running = new Map<SessionId, Set<TurnWatch & { readonly turnId: TurnId }>>();

  return {
    watch(lease, held, check) {
      const controller = new AbortController();
      let why: Interruption | undefined;
      const interrupt = (reason: Interruption) => {
        why ??= reason;
        controller.abort(new BotError(reason === 'stopped' ? 'turn_stopped' : 'turn_lost', `The turn is ${why}.`));
      };
      const onLeaseEnd = () => interrupt('lost');
      const look = async () => {
        // A store that does not answer decides nothing: the lease runs out by itself.
        const state = await check().catch((): LeaseState => 'held');
        if (state !== 'held') interrupt(state);
        else if (!held.alive()) interrupt('lost');
      };
      const timer = setInterval(() => void look(), CHECK_MS);
      held.signal.addEventListener('abort', onLeaseEnd, { once: true });
      if (held.signal.aborted) onLeaseEnd();
      const siblings = running.get(lease.sessionId) ?? new Set();
      const watch = {
        turnId: lease.turnId,
        signal: controller.signal,
        interruption: () => why,
        look,
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
        if (turnId === undefined || watch.turnId === turnId) void watch.look();
      }
    },
  };
}
