/**
 * Tells the followers of a turn what happens to it, and running turns that they should look at their record. Within this
 * process it is a function call. Another process is sent a signal only when it has asked to follow, so nothing is published
 * while nobody there listens.
 */
import { toBotError } from '../errors.ts';
import type { Logger, Signals } from './ports.ts';
import { type SessionId, toSessionId } from './session.ts';
import type { RunningTurns } from './turn-watch.ts';
import { isJsonValue, type JsonValue, type TurnId } from './types.ts';

type Listener = (event: JsonValue) => void;

export interface Announcements {
  /** Begins to hear the other processes. */
  start(): Promise<void>;
  /** Hears what is announced of a turn. The returned function ends it. */
  follow(sessionId: SessionId, turnId: TurnId, listener: Listener): () => void;
  /** Whether somebody in this process follows the turn. */
  isFollowed(sessionId: SessionId, turnId: TurnId): boolean;
  /** Whether the turn runs in this process. */
  runsHere(sessionId: SessionId, turnId: TurnId): boolean;
  /**
   * Tells the followers of a turn that runs here, in whichever process they are. What does not run here is told to all
   * processes: few things are, and none of them often.
   * @throws BotError `store_unavailable` when another process could not be told
   */
  announce(sessionId: SessionId, turnId: TurnId, event: JsonValue): Promise<void>;
  /** Has the running turns of a conversation, or of all, look at their record now rather than within a second. Never rejects. */
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
      // A follower that joins in the middle of an answer is told all of it.
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

/** Undefined for what no version of this file sent. */
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
