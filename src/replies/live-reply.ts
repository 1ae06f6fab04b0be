/**
 * A reply that grows while the model speaks, on any platform whose messages can be edited: posted once there is something
 * to show, then edited at the platform's pace with one write in flight, split where it is too long for one message, and
 * brought to its final text exactly once. It goes on with what a dead worker began, and what the platform may or may not
 * have taken is found out, never posted a second time (docs/turns.md).
 */

import type { Clock, Logger, Reply, ReplyContext } from '../core/ports.ts';
import type { ReplyEnd } from '../core/types.ts';
import { BotError, toBotError } from '../errors.ts';
import { beginsWith } from '../lib/begins-with.ts';
import { withTimeout } from '../lib/timeout.ts';
import type { Timers } from '../lib/timers.ts';
import { createSplitter, type MarkdownPart, type Measure, sizeOf, textOf, withClosedFence } from './markdown/split.ts';
import { createReplyParts, type View, type WantedPart } from './message-parts.ts';
import { createTypingIndicator } from './typing-indicator.ts';
import { createWriteThrottle } from './write-throttle.ts';
import type { ReplyWriter } from './writer.ts';

/** What a platform takes, and what surrounds the reply. All times in milliseconds. */
export interface LiveReplyOptions {
  /** Longest message, in units of `measure`. */
  readonly limit: number;
  /** Default: `utf16`. */
  readonly measure?: Measure;
  /** From the start of one write to the start of the next while the text grows: Discord and Slack take one a second. */
  readonly intervalMs: number;
  /** From the first text to the first post, so that short answers, and notifications, have more than their first word. */
  readonly firstPostDelayMs: number;
  /** How often the sign of thinking is shown again: less than the platform shows it for. */
  readonly thinkingRefreshMs: number;
  /** How long a repeated nonce surely gives back the earlier message; 0 where the platform has no nonces. */
  readonly nonceTrustMs: number;
  /** Stands at the end of a text that still grows; may be empty. */
  readonly mark: string;
  /** A live part looks different (it has a Stop button) even when its text is the same. Default: false. */
  readonly liveControls?: boolean;
  /** From a text that grows to as much of it as may be shown; runs once a write. Default: all of it as it is. */
  readonly prepare?: (text: string) => string;
  /** After this a write is given up; its outcome is then unknown. Default: 10 s. */
  readonly writeTimeoutMs?: number;
  /** Failures in a row after which `end` gives up. Default: 5. */
  readonly maxTries?: number;
  /** `end` waits no longer than this for a rate limit to pass. Default: 30 s. */
  readonly maxWaitMs?: number;
  /** The first wait after a failure, doubled with each further one up to `maxBackoffMs`. Defaults: 0.5 s and 8 s. */
  readonly backoffMs?: number;
  readonly maxBackoffMs?: number;
  readonly clock: Clock;
  readonly timers: Timers;
  readonly log: Logger;
  /** Counts a part of which nobody can find out whether it was posted. */
  readonly unreconciled: () => void;
  /** For the jitter; default: Math.random. */
  readonly random?: () => number;
}

/** A reply by `transport` for one turn. See {@link Reply} for what each method promises. */
export function createLiveReply(transport: ReplyWriter, context: ReplyContext, options: LiveReplyOptions): Reply {
  const { lease, turnId } = context;
  const { clock, timers, mark, measure = 'utf16' } = options;
  const log = options.log.child({ session: context.sessionId, turn: turnId });
  const { writeTimeoutMs = 10_000, maxTries = 5, maxWaitMs = 30_000, liveControls = false } = options;
  const { backoffMs = 500, maxBackoffMs = 8_000, random = Math.random, prepare = (text) => text } = options;
  const pacer = createWriteThrottle({ clock, timers, intervalMs: options.intervalMs, backoffMs, maxBackoffMs, random });
  const parts = createReplyParts(transport, context, {
    nonceTrustMs: options.nonceTrustMs,
    liveControls,
    writeTimeoutMs,
    clock,
    timers,
    unreconciled: options.unreconciled,
  });
  const sign = createTypingIndicator({
    show: () => withTimeout(writeTimeoutMs, timers, async (signal) => transport.showTyping?.(signal)),
    clear: () => withTimeout(writeTimeoutMs, timers, async (signal) => transport.stopTyping?.(signal)),
    refreshMs: options.thinkingRefreshMs,
    timers,
    leftShown: context.resumed,
    alive: () => lease.alive() && !lease.signal.aborted,
  });

  let latest = '';
  /** The text behind which nothing was left to write. */
  let settled = '';
  /** The text that was written from last. */
  let written = '';
  /** How often the text was taken back; and as often it was when the write was begun that succeeded last. */
  let takenBack = 0;
  let takenBackAtWrite = 0;
  /** There was something to show. */
  let begun = false;
  /** Nothing more is streamed: the reply ends, was abandoned, or cannot be written to. */
  let closed = false;
  let abandoned = false;
  let lost: BotError | undefined;
  let running = false;
  let streaming = Promise.resolve();
  let ending: Promise<void> = Promise.resolve();
  /** What the person could read when the reply was ended first. */
  let partial: string | undefined;

  // The mark's room is kept free in the final text too: else its parts would be cut elsewhere than the streamed ones.
  const split = createSplitter({ limit: options.limit - (mark === '' ? 0 : sizeOf(`\n${mark}`, measure)), measure });
  /** Of parts that grow no more: they are made once, however often the text behind them grows. */
  const whole = new WeakMap<MarkdownPart, WantedPart>();

  function wantedOf(part: MarkdownPart, live: boolean): WantedPart {
    if (live) return { text: textOf(part, mark), source: part.lead + part.body, live };
    const made = whole.get(part) ?? { text: textOf(part), source: part.lead + part.body, live };
    whole.set(part, made);
    return made;
  }

  function viewOf(text: string, live: boolean): View {
    const all = split(text);
    const parts = all.map((part, index) => wantedOf(part, live && index === all.length - 1));
    return { parts, whole: !live, onlyIfPosted: false };
  }

  async function write(view: View): Promise<void> {
    const kind = parts.next(view);
    await sign.stop();
    if (kind !== 'post') await sign.clear();
    pacer.began();
    await parts.step(view);
    if (kind === 'post') sign.replaced();
    pacer.succeeded();
  }

  /** Runs `task`, whose waits end when the lease does. */
  async function whileLeased(task: () => Promise<void>): Promise<void> {
    lease.signal.addEventListener('abort', pacer.wake);
    try {
      await task();
    } finally {
      lease.signal.removeEventListener('abort', pacer.wake);
    }
  }

  async function stream(): Promise<void> {
    const over = () => closed || lease.signal.aborted;
    while (!over() && latest !== settled) {
      await pacer.ready(true);
      if (over()) break;
      const looked = latest;
      const before = takenBack;
      const text = prepare(looked);
      // Another attempt: what is shown of the one before is to be replaced.
      if (!beginsWith(text, written)) parts.restart();
      written = text;
      // Taken back, and there is nothing to put in its place yet.
      if (looked === '') {
        settled = looked;
        continue;
      }
      const view = viewOf(text, true);
      if (parts.next(view) === undefined) {
        settled = looked;
        // One look at the text for each write, however many pieces it comes in.
        pacer.began();
        continue;
      }
      try {
        await write(view);
        takenBackAtWrite = before;
        if (parts.next(view) === undefined) settled = looked;
      } catch (thrown) {
        // What was refused for good is not tried again at each new word; `end` tries once more, and tells.
        if (!failed(thrown).retryable) closed = true;
      }
    }
    // In the same step as the last look at `latest`: an update behind it has to start anew.
    running = false;
  }

  function failed(thrown: unknown): BotError {
    const error = toBotError(thrown);
    if (error.code === 'turn_lost' && !error.retryable) lost = error;
    pacer.failed(error);
    log.warn({ code: error.code, failures: pacer.failures() }, 'a write to the platform failed');
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
      const heldMs = pacer.heldMs();
      if (heldMs > maxWaitMs) throw tooMany(heldMs);
      if (!lease.signal.aborted) await pacer.ready(false);
      if (lost !== undefined) throw lost;
      if (abandoned) throw new BotError('turn_lost', 'The reply was abandoned.');
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
    return takenBack === takenBackAtWrite ? parts.shown() : '';
  }

  /** Stops streaming; what is in flight goes on. */
  function close(): void {
    closed = true;
    pacer.wake();
  }

  return {
    showTyping() {
      if (!closed && transport.showTyping !== undefined) sign.start();
    },
    update(text) {
      if (closed) return;
      latest = text;
      if (text === '' && begun) takenBack += 1;
      if (!begun) {
        if (text.trim() === '') return;
        begun = true;
        pacer.hold(options.firstPostDelayMs);
      }
      if (running) return;
      running = true;
      streaming = whileLeased(stream).catch((thrown: unknown) => {
        // Not the platform's doing but a fault of ours: `end` will meet it too, and tell.
        closed = true;
        failed(thrown);
      });
    },
    shown,
    end(end) {
      close();
      const before = [streaming, ending];
      ending = (async () => {
        await Promise.allSettled(before);
        try {
          await whileLeased(() => finish(end));
        } finally {
          await sign.clear();
        }
      })();
      return ending;
    },
    async detach() {
      abandoned = true;
      close();
      await Promise.allSettled([streaming, ending]);
      // The next worker then knows what was posted without having to look for it.
      await parts.saveIds().catch(() => undefined);
      await sign.clear();
    },
  };
}

function tooMany(retryAfterMs: number): BotError {
  return new BotError('platform_rate_limited', 'The platform asks for a longer wait than a turn can take.', {
    retryable: true,
    retryAfterMs,
  });
}
