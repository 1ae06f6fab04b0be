/**
 * A reply that grows while the model generates it, on any platform whose messages can be edited. It is posted once there is
 * text, edited at the platform's pace with one write at a time, split if it is too long for one message, and ended exactly once.
 * It continues the reply of a worker that died. If the response to a post is lost, it finds out whether the message was posted,
 * and never posts it twice (docs/turns.md).
 */

import type { Clock, Logger, Reply, ReplyContext } from '../core/ports.ts';
import type { ReplyEnd } from '../core/types.ts';
import { BotError, toBotError } from '../errors.ts';
import { beginsWith } from '../lib/begins-with.ts';
import { withTimeout } from '../lib/timeout.ts';
import type { Timers } from '../lib/timers.ts';
import { type Measure, sizeOf, withClosedFence } from './markdown/code-fences.ts';
import { createSplitter, type MarkdownPart, textOf } from './markdown/split.ts';
import { createMessageParts, type View, type WantedPart } from './message-parts.ts';
import { createTypingIndicator } from './typing-indicator.ts';
import { createWriteThrottle } from './write-throttle.ts';
import type { ReplyWriter } from './writer.ts';

/** The platform's limits, and dependencies. All times are in milliseconds. */
export interface LiveReplyOptions {
  /** Longest message, in units of `measure`. */
  readonly limit: number;
  /** Default: `utf16`. */
  readonly measure?: Measure;
  /** From the start of one write to the start of the next while the text grows. Discord and Slack accept one a second. */
  readonly intervalMs: number;
  /** From the first text to the first post, so that notifications show more than the first word. */
  readonly firstPostDelayMs: number;
  /** How often the typing indicator is renewed; shorter than the platform shows it. */
  readonly typingRefreshMs: number;
  /** How long a repeated nonce reliably returns the earlier message; 0 for a platform without nonces. */
  readonly nonceTrustMs: number;
  /** Shown at the end of a text that is still growing. May be empty. */
  readonly cursor: string;
  /** A growing part has a Stop button, so it must be edited at its end even if its text is final already. Default: false. */
  readonly liveControls?: boolean;
  /** Returns the part of the text that may be shown yet. Called once per write. Default: all of it. */
  readonly prepare?: (text: string) => string;
  /** Time limit of a write. Its outcome is unknown afterwards. Default: 10 s. */
  readonly writeTimeoutMs?: number;
  /** Consecutive failures after which `end` gives up. Default: 5. */
  readonly maxTries?: number;
  /** Longest rate limit that `end` waits for. Default: 30 s. */
  readonly maxWaitMs?: number;
  /** The first delay after a failure, doubled with each further one up to `maxBackoffMs`. Defaults: 0.5 s and 8 s. */
  readonly backoffMs?: number;
  readonly maxBackoffMs?: number;
  readonly clock: Clock;
  readonly timers: Timers;
  readonly log: Logger;
  /** Counts a part for which it cannot be determined whether it was posted. */
  readonly unreconciled: () => void;
  /** For the jitter. Default: Math.random. */
  readonly random?: () => number;
}

/**
 *     empty ─ first text ─▶ streaming ─ refused for good ─▶ refused
 *       └────────────┬──────────┴───────────────────────────┘
 *                    ├─ end ────▶ ending
 *                    └─ detach ─▶ detached (also from ending)
 *
 * Only `empty` and `streaming` accept text. At its end, a refused reply is tried once more.
 */
type Phase = 'empty' | 'streaming' | 'refused' | 'ending' | 'detached';

/** The reply to one turn, written by `writer`. See {@link Reply} for its methods. */
export function createLiveReply(writer: ReplyWriter, context: ReplyContext, options: LiveReplyOptions): Reply {
  const { lease, turnId } = context;
  const { clock, timers, cursor, measure = 'utf16' } = options;
  const log = options.log.child({ session: context.sessionId, turn: turnId });
  const { writeTimeoutMs = 10_000, maxTries = 5, maxWaitMs = 30_000, liveControls = false } = options;
  const { backoffMs = 500, maxBackoffMs = 8_000, random = Math.random, prepare = (text) => text } = options;
  const { intervalMs, nonceTrustMs, unreconciled } = options;
  const throttle = createWriteThrottle({ clock, timers, intervalMs, backoffMs, maxBackoffMs, random });
  const parts = createMessageParts(writer, context, {
    ...{ nonceTrustMs, liveControls, writeTimeoutMs, clock, timers, unreconciled },
  });
  const typing = createTypingIndicator({
    show: () => withTimeout(writeTimeoutMs, timers, async (signal) => writer.showTyping?.(signal)),
    clear: () => withTimeout(writeTimeoutMs, timers, async (signal) => writer.stopTyping?.(signal)),
    refreshMs: options.typingRefreshMs,
    timers,
    leftShown: context.resumed,
    alive: () => lease.alive() && !lease.signal.aborted,
  });

  let phase: Phase = 'empty';
  let latest = '';
  /** The text that was written completely. */
  let settled = '';
  /** The text as of the last write. */
  let written = '';
  /** The model's current attempt (each begins with an empty text), and the attempt of the last successful write. */
  let attempt = 0;
  let shownAttempt = 0;
  let lost: BotError | undefined;
  let streamRuns = false;
  let streaming = Promise.resolve();
  let ending: Promise<void> = Promise.resolve();
  /** What the person could read when the reply was ended for the first time. */
  let partial: string | undefined;

  // The final text leaves room for the cursor as well; otherwise it would be split elsewhere than the streamed text.
  const room = cursor === '' ? 0 : sizeOf(`\n${cursor}`, measure);
  const split = createSplitter({ limit: options.limit - room, measure });
  /** Cache: a part that no longer grows is rendered once, however much the text after it grows. */
  const finished = new WeakMap<MarkdownPart, WantedPart>();

  function wantedOf(part: MarkdownPart, live: boolean): WantedPart {
    if (live) return { text: textOf(part, cursor), source: part.lead + part.body, live };
    const wanted = finished.get(part) ?? { text: textOf(part), source: part.lead + part.body, live };
    finished.set(part, wanted);
    return wanted;
  }

  function viewOf(text: string, live: boolean): View {
    const all = split(text);
    const wanted = all.map((part, index) => wantedOf(part, live && index === all.length - 1));
    return { parts: wanted, isComplete: !live, onlyIfPosted: false };
  }

  async function write(view: View): Promise<void> {
    const kind = parts.next(view);
    await typing.stop();
    if (kind !== 'post') await typing.clear();
    throttle.began();
    await parts.step(view);
    if (kind === 'post') typing.replaced();
    throttle.succeeded();
  }

  /** Runs `task`. Its delays end with the lease. */
  async function whileLeased(task: () => Promise<void>): Promise<void> {
    lease.signal.addEventListener('abort', throttle.wake);
    try {
      await task();
    } finally {
      lease.signal.removeEventListener('abort', throttle.wake);
    }
  }

  async function stream(): Promise<void> {
    const over = () => phase !== 'streaming' || lease.signal.aborted;
    while (!over() && latest !== settled) {
      await throttle.ready(true);
      if (over()) break;
      const seen = latest;
      const seenAttempt = attempt;
      const text = prepare(seen);
      // A new attempt: the text shown so far must be replaced.
      if (!beginsWith(text, written)) parts.restart();
      written = text;
      // A new attempt has nothing to show yet.
      if (seen === '') {
        settled = seen;
        continue;
      }
      const view = viewOf(text, true);
      if (parts.next(view) === undefined) {
        settled = seen;
        // The text is processed once per write, however many pieces it comes in.
        throttle.began();
        continue;
      }
      try {
        await write(view);
        shownAttempt = seenAttempt;
        if (parts.next(view) === undefined) settled = seen;
      } catch (thrown) {
        // Not retried with each further word. `end` retries once and reports the error.
        if (!failed(thrown).retryable) refuse();
      }
    }
    // Synchronously after the last read of `latest`, so that the next update restarts the loop.
    streamRuns = false;
  }

  function refuse(): void {
    if (phase === 'streaming') phase = 'refused';
  }

  function failed(thrown: unknown): BotError {
    const error = toBotError(thrown);
    if (error.code === 'turn_lost' && !error.retryable) lost = error;
    throttle.failed(error);
    log.warn({ code: error.code, failures: throttle.failures() }, 'write to the platform failed');
    return error;
  }

  function finalView(end: ReplyEnd): View {
    partial ??= shown().trimEnd();
    if (end.kind === 'forgotten') return { ...viewOf(end.text, false), onlyIfPosted: true };
    if (end.kind === 'answered' || partial === '') return viewOf(end.text, false);
    return viewOf(`${withClosedFence(partial)}\n\n${end.text}`, false);
  }

  async function finish(end: ReplyEnd): Promise<void> {
    const view = finalView(end);
    let tries = 0;
    while (parts.next(view) !== undefined) {
      const heldMs = throttle.heldMs();
      if (heldMs > maxWaitMs) throw rateLimited(heldMs);
      if (!lease.signal.aborted) await throttle.ready(false);
      if (lost !== undefined) throw lost;
      if (phase === 'detached') throw new BotError('turn_lost', 'The reply was detached.');
      try {
        await write(view);
        tries = 0;
      } catch (thrown) {
        const error = failed(thrown);
        tries += 1;
        if (!error.retryable || tries >= maxTries) throw error;
      }
    }
  }

  function shown(): string {
    return attempt === shownAttempt ? parts.shown() : '';
  }

  return {
    showTyping() {
      if ((phase === 'empty' || phase === 'streaming') && writer.showTyping !== undefined) typing.start();
    },
    update(text) {
      if (phase !== 'empty' && phase !== 'streaming') return;
      latest = text;
      if (text === '' && phase === 'streaming') attempt += 1;
      if (phase === 'empty') {
        if (text.trim() === '') return;
        phase = 'streaming';
        throttle.hold(options.firstPostDelayMs);
      }
      if (streamRuns) return;
      streamRuns = true;
      streaming = whileLeased(stream).catch((thrown: unknown) => {
        // A bug of ours, not an error of the platform. It will occur again in `end`, which reports it.
        refuse();
        failed(thrown);
      });
    },
    shown,
    end(end) {
      if (phase !== 'detached') phase = 'ending';
      throttle.wake();
      const before = [streaming, ending];
      ending = (async () => {
        await Promise.allSettled(before);
        try {
          await whileLeased(() => finish(end));
        } finally {
          await typing.clear();
        }
      })();
      return ending;
    },
    async detach() {
      phase = 'detached';
      throttle.wake();
      await Promise.allSettled([streaming, ending]);
      // With the ids, the next worker does not have to search for the posted messages.
      await parts.saveIds().catch(() => undefined);
      await typing.clear();
    },
  };
}

function rateLimited(retryAfterMs: number): BotError {
  return new BotError('platform_rate_limited', 'The rate limit of the platform lasts longer than a turn may wait.', {
    retryable: true,
    retryAfterMs,
  });
}
