/** A reply to a reader who is connected to this or another replica (HTTP, the playground). */
import type { Lease, Reply } from '../core/ports.ts';
import { delay } from '../lib/delay.ts';
import { systemTimers, type Timers } from '../lib/timers.ts';
import { type EndEvent, type TextEvent, textEventOf } from './live-text.ts';

export interface AnnouncedReplyDeps {
  /** Sends the event to the turn's followers on all replicas. */
  readonly announce: (event: TextEvent | EndEvent) => Promise<void>;
  readonly lease: Pick<Lease, 'alive'>;
  /** Tells this worker's text of the answer from that of other workers. */
  readonly stream: string;
  /** Called with the error of an announcement that failed. */
  readonly onLost: (error: unknown) => void;
  /** Milliseconds between announcements while the answer grows. Default: 150. */
  readonly paceMs?: number;
  readonly timers?: Timers;
}

/** Often enough to look fluent. Each announcement compares the whole text. */
const PACE_MS = 150;

export interface AnnouncedReply extends Reply {
  /** Announces the whole text again, for a follower who joined later. */
  repeat(): void;
}

/**
 * Announces the answer as it grows, at intervals and one announcement at a time. So the cost is linear in the length of the
 * answer, however small its pieces are, and a slow store gets fewer and longer announcements. Nothing here rejects: an
 * announcement may be lost, because the caller reads the answer from the store.
 */
export function createAnnouncedReply(deps: AnnouncedReplyDeps): AnnouncedReply {
  const { announce, lease, stream, onLost, paceMs = PACE_MS, timers = systemTimers } = deps;
  let latest = '';
  /** The announced text, which the reader may have seen. */
  let announced = '';
  /** Counts the model's attempts. Each begins with an empty text. */
  let attempt = 0;
  /** The text of this stream that every follower has. */
  let known = '';
  const ended = new AbortController();
  let running = false;
  let inFlight = Promise.resolve();

  async function announceAll(): Promise<void> {
    running = true;
    try {
      while (!ended.signal.aborted && latest !== known && lease.alive()) {
        const text = latest;
        const textAttempt = attempt;
        const event = textEventOf(stream, known, text);
        // Before the announcement: a follower who asks for the whole text meanwhile may not get this piece.
        known = text;
        await announce(event);
        if (textAttempt === attempt) announced = text;
        // Also after the last one: the next piece may come at once.
        if (paceMs > 0) await delay(paceMs, ended.signal, timers);
      }
    } catch (error) {
      // The next update announces what is missing. Retrying at once would only add load to a store that is failing.
      known = '';
      onLost(error);
    } finally {
      running = false;
    }
  }

  function start(): void {
    if (!running) inFlight = announceAll();
  }

  async function settle(): Promise<void> {
    ended.abort();
    await inFlight;
  }

  return {
    showTyping() {},
    update(text) {
      latest = text;
      if (text === '') {
        attempt += 1;
        announced = '';
      }
      start();
    },
    repeat() {
      known = '';
      start();
    },
    shown: () => announced,
    async end(end) {
      await settle();
      if (!lease.alive()) return;
      const { kind, text } = end;
      const { cut = undefined, unread = [] } = end.kind === 'answered' ? end : {};
      const about = {
        ...(cut === undefined ? {} : { cut }),
        ...(unread.length === 0 ? {} : { unread: unread.map(({ name, why }) => ({ name, why })) }),
      };
      await announce({ kind: 'live.end', outcome: kind, text, ...about }).catch(onLost);
    },
    detach: settle,
  };
}
