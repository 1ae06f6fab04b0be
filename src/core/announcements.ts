/**
 * Sends the events of a turn to its followers, and wakes running turns so that they check their record. Within this process, that
 * is a function call. Another process gets a signal only if it follows the turn, so nothing is published without a listener.
 */
import { toBotError } from '../errors.ts';
import type { Logger, Signals } from './ports.ts';
import { type SessionId, toSessionId } from './session.ts';
import type { RunningTurns } from './turn-watch.ts';
import { isJsonValue, type JsonValue, type TurnId } from './types.ts';

type Listener = (event: JsonValue) => void;

export interface Announcements {
  /** Starts to receive from other processes. */
  start(): Promise<void>;
  /** Calls `listener` with each event of the turn. The returned function unsubscribes. */
  follow(sessionId: SessionId, turnId: TurnId, listener: Listener): () => void;
  /** Whether the turn has a follower in this process. */
  isFollowed(sessionId: SessionId, turnId: TurnId): boolean;
  /** Whether the turn runs in this process. */
  runsHere(sessionId: SessionId, turnId: TurnId): boolean;
  /**
   * Sends an event to the followers of a turn, in all processes. If the turn does not run here, all processes get it; such events are
   * rare.
   * @throws BotError `store_unavailable` if another process could not be reached
   */
  announce(sessionId: SessionId, turnId: TurnId, event: JsonValue): Promise<void>;
  /** Makes the running turns of a conversation, or of all, check their record now instead of within a second. Never rejects. */
  wake(sessionId?: SessionId, turnId?: TurnId): Promise<void>;
}

export interface AnnouncementsDeps {
  readonly signals: Signals;
  readonly running: RunningTurns;
  readonly logger: Logger;
}

export function createAnnouncements({ signals, running, logger }: AnnouncementsDeps): Announcements {
  const listeners = new Map<string, Set<Listener>>();
  const keyOf = (sessionId: SessionId, turnId: TurnId) => `${sessionId} ${turnId}`;

  const tell = (sessionId: SessionId, turnId: TurnId, event: JsonValue) => {
    for (const listener of listeners.get(keyOf(sessionId, turnId)) ?? []) listener(event);
  };

  const hear = (payload: JsonValue) => {
    const signal = readSignal(payload);
    switch (signal?.kind) {
      case undefined:
        logger.warn({}, 'unreadable signal');
        return;
      case 'wake':
        running.wake(signal.sessionId, signal.turnId);
        return;
      case 'event':
        tell(signal.sessionId, signal.turnId, signal.event);
    }
  };

  return {
    start: () => signals.listen(hear),
    follow(sessionId, turnId, listener) {
      const key = keyOf(sessionId, turnId);
      const those = listeners.get(key) ?? new Set();
      listeners.set(key, those.add(listener));
      // A follower that joins in the middle of an answer needs all of it.
      running.repeat(sessionId, turnId);
      return () => {
        those.delete(listener);
        if (those.size === 0 && listeners.get(key) === those) listeners.delete(key);
      };
    },
    runsHere: (sessionId, turnId) => running.followers(sessionId, turnId) !== undefined,
    isFollowed: (sessionId, turnId) => listeners.has(keyOf(sessionId, turnId)),
    async announce(sessionId, turnId, event) {
      tell(sessionId, turnId, event);
      const signal = { kind: 'event', sessionId, turnId, event };
      const followers = running.followers(sessionId, turnId);
      if (followers === undefined) return await signals.broadcast(signal);
      await Promise.all([...followers].map((follower) => signals.send(follower, signal)));
    },
    async wake(sessionId, turnId) {
      running.wake(sessionId, turnId);
      const of = { ...(sessionId === undefined ? {} : { sessionId }), ...(turnId === undefined ? {} : { turnId }) };
      await signals.broadcast({ kind: 'wake', ...of }).catch((thrown: unknown) => {
        const err = toBotError(thrown).message;
        logger.warn(
          { session: sessionId, turn: turnId, err },
          'could not signal the running turn; it checks its record within a second',
        );
      });
    },
  };
}

type Signal =
  | { readonly kind: 'wake'; readonly sessionId: SessionId | undefined; readonly turnId: TurnId | undefined }
  | { readonly kind: 'event'; readonly sessionId: SessionId; readonly turnId: TurnId; readonly event: JsonValue };

/** Undefined for anything that no version of this module sent. */
function readSignal(payload: JsonValue): Signal | undefined {
  if (typeof payload !== 'object' || payload === null || !('kind' in payload)) return undefined;
  const turnId = 'turnId' in payload && typeof payload.turnId === 'string' ? payload.turnId : undefined;
  let sessionId: SessionId | undefined;
  try {
    if ('sessionId' in payload && typeof payload.sessionId === 'string') sessionId = toSessionId(payload.sessionId);
  } catch {
    return undefined;
  }
  if (payload.kind === 'wake') return { kind: 'wake', sessionId, turnId };
  const event = 'event' in payload ? payload.event : undefined;
  if (payload.kind !== 'event' || sessionId === undefined || turnId === undefined || !isJsonValue(event)) {
    return undefined;
  }
  return { kind: 'event', sessionId, turnId, event };
}
