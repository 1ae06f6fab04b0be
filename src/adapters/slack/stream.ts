/**
 * A reply by Slack's native streaming. What was sent is never sent again: as soon as it is not certain what a message holds,
 * the stream gives up, and whoever owns it goes on by edits of the same messages.
 */

import type { Clock, Logger, ReplyContext } from '../../core/ports.ts';
import type { MessageRefs } from '../../core/types.ts';
import { BotError, toBotError } from '../../errors.ts';
import { beginsWith } from '../../lib/begins-with.ts';
import type { Timers } from '../../lib/timers.ts';
import { createWriteThrottle } from '../../replies/write-throttle.ts';
import type { SlackClients } from './clients.ts';
import { mayHoldLink } from './links.ts';
import { refusalOf } from './platform-error.ts';
import type { StreamFlags } from './stream-flags.ts';
import { createStreamWriter } from './stream-writer.ts';
import type { SlackTarget } from './target.ts';
import type { Capabilities } from './writer.ts';

/** From one write to the next: chat.appendStream takes about 100 a minute, for all replies of a workspace. Milliseconds. */
const INTERVAL_MS = 1_000;
/** From the first text to the first post: an answer that is whole by then is posted in one piece. Milliseconds. */
const FIRST_POST_DELAY_MS = 700;
const BACKOFF_MS = 500;
const MAX_BACKOFF_MS = 8_000;
/** The end of a reply waits no longer than this for a rate limit to pass. Milliseconds. */
const MAX_WAIT_MS = 30_000;
const MAX_TRIES = 5;

/** Slack's names for "there are no streams here". */
const NO_STREAMS: ReadonlySet<string> = new Set(['unknown_method', 'feature_not_enabled', 'method_deprecated']);

export interface SlackStream {
  /** The whole text so far: of this attempt, or of one that begins anew; an empty one takes back what was sent. Never throws. */
  update(text: string): void;
  /** What the platform has confirmed, of whichever attempt it is. */
  shown(): string;
  /**
   * Brings the messages to this text and ends them. False: the stream can't, and somebody else has to bring the reply to its
   * end by edits. @throws BotError `turn_lost`, or retryable `platform_*`
   */
  end(text: string): Promise<boolean>;
  /** Writes no more; resolves when nothing is in flight. */
  close(): Promise<void>;
  /** The messages so far, for whoever goes on with them. */
  messageRefs(): MessageRefs;
}

export interface SlackStreamDeps {
  readonly clients: SlackClients;
  readonly capabilities: Capabilities;
  readonly streams: StreamFlags;
  readonly clock: Clock;
  readonly timers: Timers;
  readonly logger: Logger;
  /** From a text that grows to as much of it as may be shown; runs once a write. */
  readonly prepare: (text: string) => string;
  /** The stream has given up while the text still grows. Called once. */
  readonly gaveUp: () => void;
}

export function createSlackStream(deps: SlackStreamDeps, target: SlackTarget, context: ReplyContext): SlackStream {
  const { capabilities, clock, timers, logger } = deps;
  const { lease, turnId } = context;
  const writer = createStreamWriter(deps, target, context);
  const pacer = createWriteThrottle({
    ...{ clock, timers, intervalMs: INTERVAL_MS, backoffMs: BACKOFF_MS, maxBackoffMs: MAX_BACKOFF_MS },
    random: Math.random,
  });
  let latest = '';
  /** The text behind which nothing was left to write. */
  let settled = '';
  /** There was something to show. */
  let begun = false;
  /** What Slack has confirmed. Kept as text: what was given to it may be of an attempt that has ended since. */
  let sent = '';
  let state: 'streaming' | 'gave_up' | 'lost' = 'streaming';
  let closed = false;
  let lost: BotError | undefined;
  let running = false;
  let work = Promise.resolve();

  /** Of a text that begins with what was sent. */
  function hasMore(text: string): boolean {
    const fresh = text.slice(sent.length);
    return writer.isFull() || (writer.isOpen() ? fresh !== '' : fresh.trim() !== '');
  }

  /** Makes one write that brings the reader nearer to this text. */
  async function write(text: string, last: boolean): Promise<void> {
    const fresh = text.slice(sent.length);
    await writer.write(fresh, last, (units) => {
      sent += fresh.slice(0, units);
    });
    pacer.succeeded();
  }

  /** What a fault means. True: the same may be tried again later. */
  function survives(thrown: unknown): boolean {
    const error = toBotError(thrown);
    const refusal = refusalOf(thrown);
    logger.warn({ turn: turnId, code: error.code, refusal }, 'a write to a stream failed');
    if (error.code === 'turn_lost' && !error.retryable) {
      state = 'lost';
      lost = error;
      return false;
    }
    if (refusal !== undefined && NO_STREAMS.has(refusal)) capabilities.streams = false;
    const again =
      error.code === 'turn_lost' ||
      error.code === 'store_unavailable' ||
      // Nothing was done. But a stream that can't be begun now is not waited for: edits have a limit of their own.
      (error.code === 'platform_rate_limited' && writer.isOpen());
    if (again) pacer.failed(error);
    else state = 'gave_up';
    return again;
  }

  async function stream(): Promise<void> {
    const over = () => closed || lease.signal.aborted || state !== 'streaming';
    while (!over() && latest !== settled) {
      await pacer.ready(true);
      if (over()) break;
      // One look at the text for each write, however many pieces it came in.
      pacer.began();
      const looked = latest;
      const text = deps.prepare(looked);
      if (!beginsWith(text, sent) || mayHoldLink(text)) {
        // The answer began anew: what was streamed can only be replaced. And links are not streamed (links.ts).
        state = 'gave_up';
      } else if (!hasMore(text)) {
        settled = looked;
      } else {
        try {
          await write(text, false);
          if (!hasMore(text)) settled = looked;
        } catch (thrown) {
          survives(thrown);
        }
      }
    }
    // In the same step as the last look at `latest`: an update behind it has to start anew.
    running = false;
    if (state === 'gave_up' && !closed) deps.gaveUp();
  }

  async function finish(text: string): Promise<boolean> {
    let tries = 0;
    while (state === 'streaming' && (hasMore(text) || writer.isOpen())) {
      if (pacer.heldMs() > MAX_WAIT_MS) throw tooMany(pacer.heldMs());
      if (!lease.signal.aborted) await pacer.ready(false);
      try {
        writer.check();
        if (hasMore(text)) await write(text, true);
        else await writer.end();
        pacer.succeeded();
        tries = 0;
      } catch (thrown) {
        tries += 1;
        if (survives(thrown) && tries >= MAX_TRIES) throw thrown;
      }
    }
    if (lost !== undefined) throw lost;
    return state === 'streaming';
  }

  /** Runs `task`, whose waits end when the lease does. */
  async function whileLeased<T>(task: () => Promise<T>): Promise<T> {
    lease.signal.addEventListener('abort', pacer.wake);
    try {
      return await task();
    } finally {
      lease.signal.removeEventListener('abort', pacer.wake);
    }
  }

  async function settle(): Promise<void> {
    closed = true;
    pacer.wake();
    await work;
  }

  return {
    update(text) {
      if (closed || state !== 'streaming') return;
      latest = text;
      if (!begun) {
        if (text.trim() === '') return;
        begun = true;
        pacer.hold(FIRST_POST_DELAY_MS);
      }
      if (text === '') state = 'gave_up';
      if (running) return;
      running = true;
      work = whileLeased(stream).catch((thrown: unknown) => void survives(thrown));
    },
    shown: () => sent,
    async end(text) {
      await settle();
      if (lost !== undefined) throw lost;
      if (state !== 'streaming' || writer.messageRefs().size === 0 || mayHoldLink(text)) return false;
      const solid = sent.trimEnd();
      if (!text.startsWith(solid)) return false;
      // A blank end that was sent already does not count, and is not sent again.
      const whole = beginsWith(text, sent) ? text : sent + text.slice(solid.length);
      return await whileLeased(() => finish(whole));
    },
    async close() {
      await settle();
      // The next worker then knows what was posted without having to look for it.
      await writer.saveIds().catch(() => undefined);
    },
    messageRefs: writer.messageRefs,
  };
}

function tooMany(retryAfterMs: number): BotError {
  return new BotError('platform_rate_limited', 'Slack asks for a longer wait than a turn can take.', {
    ...{ retryable: true, retryAfterMs },
  });
}
