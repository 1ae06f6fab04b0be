/** The reply of a turn whose reader is connected to us: it is told to whichever replica holds the connection. */
import type { Lease, Reply } from '../core/ports.ts';
import { systemTimers, type Timers } from '../lib/timers.ts';
import { type EndEvent, type TextEvent, textEventOf } from './live-text.ts';

export interface AnnouncedReplyDeps {
  /** Tells the followers of the turn, wherever they are. */
  readonly announce: (event: TextEvent | EndEvent) => Promise<void>;
  readonly lease: Pick<Lease, 'alive'>;
  /** Names this writing of the answer; unique among the workers that write it. */
  readonly stream: string;
  readonly onLost: (error: unknown) => void;
  /** Milliseconds from one announcement to the next, while the answer grows. Default: 150. */
  readonly paceMs?: number;
  readonly timers?: Timers;
}

/** So often an answer is seen to flow; more often only costs: each time all of it is looked at. */
const PACE_MS = 150;

export interface AnnouncedReply extends Reply {
  repeat(): void;
}

/**
 * Announces the answer as it grows, at a pace and one announcement in flight: however small its pieces are, what it costs is
 * linear in its length, and a slow store gets fewer and longer ones. A lost
 * announcement harms nobody (the caller reads the answer from the store), so nothing here rejects.
 */
export function createAnnouncedReply(deps: AnnouncedReplyDeps): AnnouncedReply {
  const { announce, lease, stream, onLost, paceMs = PACE_MS, timers = systemTimers } = deps;
  let latest = '';
  /** What has gone out: what the reader can have seen. */
  let told = '';
  /** How often the text was taken back. */
  let takenBack = 0;
  /** What every follower is known to have of this stream. */
  let known = '';
  let open = true;
  let telling = false;
  let inFlight = Promise.resolve();
  let endPause = () => {};

  async function pause(): Promise<void> {
    await new Promise<void>((resolve) => {
      const cancel = timers.after(paceMs, resolve);
      endPause = () => {
        cancel();
        resolve();
      };
    });
  }

  async function tell(): Promise<void> {
    telling = true;
    try {
      while (open && latest !== known && lease.alive()) {
        const text = latest;
        const before = takenBack;
        const event = textEventOf(stream, known, text);
        // Set before: who asks for the whole text meanwhile may not have heard this piece.
        known = text;
        await announce(event);
        if (before === takenBack) told = text;
        // Also behind the last one: the next piece may come at once.
        if (open && paceMs > 0) await pause();
      }
    } catch (error) {
      known = '';
      // The next update tells what is missing: trying again at once would only hammer a store that is away.
      onLost(error);
    } finally {
      telling = false;
    }
  }

  async function settle(): Promise<void> {
    open = false;
    endPause();
    await inFlight;
  }

  return {
    showTyping() {},
    update(text) {
      latest = text;
      if (text === '') {
        takenBack += 1;
        told = '';
      }
      if (!telling) inFlight = tell();
    },
    repeat() {
      known = '';
      if (!telling) inFlight = tell();
    },
    shown: () => told,
    async end(end) {
      await settle();
      if (!lease.alive()) return;
      const { kind, text } = end;
      const cut = end.kind === 'answered' && end.cut !== undefined ? { cut: end.cut } : {};
      await announce({ kind: 'live.end', outcome: kind, text, ...cut }).catch(onLost);
    },
    detach: settle,
  };
}
