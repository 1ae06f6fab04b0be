/**
 * A reply by Slack's native streaming. What was sent is never sent again: as soon as it is not certain what a message holds, the
 * stream gives up, and its owner continues with edits of the same messages.
 */
import type { Clock, Logger, ReplyContext } from '../../../core/ports.ts';
import type { MessageRefs } from '../../../core/types.ts';
import { BotError, toBotError } from '../../../errors.ts';
import { beginsWith } from '../../../lib/begins-with.ts';
import type { Timers } from '../../../lib/timers.ts';
import { createWriteThrottle } from '../../../replies/write-throttle.ts';
import { refusalOf, type SlackClients } from '../api/clients.ts';
import type { SlackTarget } from '../ids.ts';
import type { StreamFlags } from './ownership.ts';
import { mayHoldLink } from './safe-text.ts';
import { createStreamWriter } from './stream-writer.ts';
import type { Capabilities } from './writer.ts';

/** From one write to the next: Slack allows about 100 chat.appendStream a minute, for all replies of a workspace. Milliseconds. */
const INTERVAL_MS = 1_000;
/** From the first text to the first write: an answer that is complete by then is posted in one piece. Milliseconds. */
const FIRST_POST_DELAY_MS = 700;
const BACKOFF_MS = 500;
const MAX_BACKOFF_MS = 8_000;
/** The end of a reply waits no longer than this for a rate limit. Milliseconds. */
const MAX_WAIT_MS = 30_000;
const MAX_TRIES = 5;

/** Slack's error codes for a workspace without streams. */
const NO_STREAMS: ReadonlySet<string> = new Set(['unknown_method', 'feature_not_enabled', 'method_deprecated']);

export interface SlackStream {
  /** The whole text so far, of this attempt or of a new one; an empty text takes back what was sent. Never throws. */
  update(text: string): void;
  /** The text that Slack has confirmed, of whichever attempt; empty if it was taken back. */
  shown(): string;
  /**
   * Brings the messages to this text and ends them. False: the stream can't; the owner has to finish the reply with edits.
   * @throws BotError `turn_lost`, or retryable `platform_*`
   */
  end(text: string): Promise<boolean>;
  /** Writes no more. Resolves when no write is in flight. */
  close(): Promise<void>;
  /** The messages so far, for the edits that continue them. */
  messageRefs(): MessageRefs;
}

export interface SlackStreamDeps {
  readonly clients: SlackClients;
  readonly capabilities: Capabilities;
  readonly streams: StreamFlags;
  readonly clock: Clock;
  readonly timers: Timers;
  readonly logger: Logger;
  /** From a growing text to the part of it that may be shown; called once per write. */
  readonly prepare: (text: string) => string;
  /** Called once, if the stream gives up before its end: the owner continues with edits. */
  readonly onGaveUp: () => void;
}

/**
 *     empty --first text--> writing <--> idle
 *     empty, writing, idle --end, close--> ending
 *     writing, idle --what a message holds is uncertain, other text, a link--> giving_up --> gave_up
 *     ending --the same--> gave_up
 *     writing, ending --another worker has the turn--> lost
 */
type State =
  /** There was nothing to show yet. */
  | { readonly kind: 'empty' }
  /** All of the text is written. */
  | { readonly kind: 'idle' }
  /** {@link SlackStream.update} brings text, and the loop writes it. */
  | { readonly kind: 'writing' }
  | { readonly kind: 'ending' }
  /** The loop ends, and then calls `onGaveUp`. */
  | { readonly kind: 'giving_up' }
  | { readonly kind: 'gave_up' }
  | { readonly kind: 'lost'; readonly error: BotError };

export function createSlackStream(deps: SlackStreamDeps, target: SlackTarget, context: ReplyContext): SlackStream {
  const { capabilities, clock, timers, logger } = deps;
  const { lease, turnId } = context;
  const writer = createStreamWriter(deps, target, context);
  const throttle = createWriteThrottle({
    ...{ clock, timers, intervalMs: INTERVAL_MS, backoffMs: BACKOFF_MS, maxBackoffMs: MAX_BACKOFF_MS },
    random: Math.random,
  });
  let state: State = { kind: 'empty' };
  let latest = '';
  /** The last text of which nothing was left to write. */
  let written = '';
  /** What Slack has confirmed. Kept as text, because `latest` may belong to a later attempt. */
  let sent = '';
  /** What people see of it: nothing once it was taken back. */
  let shown = '';
  let loop = Promise.resolve();

  // Functions, because the state changes while the caller awaits something.
  const is = (...kinds: readonly State['kind'][]) => kinds.includes(state.kind);
  const lostError = () => (state.kind === 'lost' ? state.error : undefined);

  function giveUp(): void {
    if (is('gave_up', 'lost')) return;
    state = { kind: is('ending') ? 'gave_up' : 'giving_up' };
  }

  /** `text` begins with what was sent. */
  function hasMore(text: string): boolean {
    const fresh = text.slice(sent.length);
    switch (writer.state()) {
      case 'full':
        return true;
      case 'open':
        return fresh !== '';
      case 'none':
        return fresh.trim() !== '';
    }
  }

  /** Makes one write towards `text`. */
  async function write(text: string, last: boolean): Promise<void> {
    const fresh = text.slice(sent.length);
    await writer.write(fresh, last, (units) => {
      sent += fresh.slice(0, units);
      if (!is('giving_up', 'gave_up')) shown = sent;
    });
    throttle.succeeded();
  }

  /** Decides what a failed write means. True: it may be repeated later. */
  function mayRetry(thrown: unknown): boolean {
    const error = toBotError(thrown);
    const refusal = refusalOf(thrown);
    logger.warn({ turn: turnId, code: error.code, refusal }, 'stream write failed');
    if (error.code === 'turn_lost' && !error.retryable) {
      state = { kind: 'lost', error };
      return false;
    }
    if (refusal !== undefined && NO_STREAMS.has(refusal)) capabilities.streams = false;
    const retry =
      error.code === 'turn_lost' ||
      error.code === 'store_unavailable' ||
      // The write had no effect. A stream that can't be started now is not waited for: edits have a rate limit of their own.
      (error.code === 'platform_rate_limited' && writer.state() !== 'none');
    if (retry) throttle.failed(error);
    else giveUp();
    return retry;
  }

  async function writeLoop(): Promise<void> {
    const isOver = () => !is('writing') || lease.signal.aborted;
    while (!isOver() && latest !== written) {
      await throttle.ready(true);
      if (isOver()) break;
      // The text is prepared once per write, however many pieces it came in.
      throttle.began();
      const current = latest;
      const text = deps.prepare(current);
      if (!beginsWith(text, sent) || mayHoldLink(text)) {
        // Another attempt's text can only replace what was streamed. Links are not streamed (safe-text.ts).
        giveUp();
      } else if (!hasMore(text)) {
        written = current;
      } else {
        try {
          await write(text, false);
          if (!hasMore(text)) written = current;
        } catch (thrown) {
          mayRetry(thrown);
        }
      }
    }
    // In the same step as the last comparison with `latest`: a later update has to start the loop again.
    if (is('writing')) state = { kind: 'idle' };
    if (!is('giving_up')) return;
    state = { kind: 'gave_up' };
    deps.onGaveUp();
  }

  async function finish(text: string): Promise<boolean> {
    let tries = 0;
    while (is('ending') && (hasMore(text) || writer.state() !== 'none')) {
      if (throttle.heldMs() > MAX_WAIT_MS) throw waitTooLong(throttle.heldMs());
      if (!lease.signal.aborted) await throttle.ready(false);
      try {
        writer.check();
        if (hasMore(text)) await write(text, true);
        else await writer.end();
        throttle.succeeded();
        tries = 0;
      } catch (thrown) {
        tries += 1;
        if (mayRetry(thrown) && tries >= MAX_TRIES) throw thrown;
      }
    }
    const error = lostError();
    if (error !== undefined) throw error;
    return is('ending');
  }

  /** Runs `task`; its waits end with the lease. */
  async function whileLeased<T>(task: () => Promise<T>): Promise<T> {
    lease.signal.addEventListener('abort', throttle.wake);
    try {
      return await task();
    } finally {
      lease.signal.removeEventListener('abort', throttle.wake);
    }
  }

  async function stopWriting(): Promise<void> {
    if (is('empty', 'idle', 'writing')) state = { kind: 'ending' };
    // The owner calls this, and needs no call of `onGaveUp`.
    if (is('giving_up')) state = { kind: 'gave_up' };
    throttle.wake();
    await loop;
  }

  return {
    update(text) {
      if (!is('empty', 'idle', 'writing')) return;
      latest = text;
      if (is('empty')) {
        if (text.trim() === '') return;
        throttle.hold(FIRST_POST_DELAY_MS);
      }
      const isRunning = is('writing');
      if (text === '') {
        shown = '';
        giveUp();
      } else {
        state = { kind: 'writing' };
      }
      if (!isRunning) loop = whileLeased(writeLoop).catch((thrown: unknown) => void mayRetry(thrown));
    },
    shown: () => shown,
    async end(text) {
      await stopWriting();
      const error = lostError();
      if (error !== undefined) throw error;
      if (!is('ending') || writer.messageRefs().size === 0 || mayHoldLink(text)) return false;
      const solid = sent.trimEnd();
      if (!text.startsWith(solid)) return false;
      // White space that was already sent at the end is not sent again.
      const whole = beginsWith(text, sent) ? text : sent + text.slice(solid.length);
      return await whileLeased(() => finish(whole));
    },
    async close() {
      await stopWriting();
      // The next worker then knows what was posted without looking for it.
      await writer.saveIds().catch(() => undefined);
    },
    messageRefs: writer.messageRefs,
  };
}

function waitTooLong(retryAfterMs: number): BotError {
  return new BotError('platform_rate_limited', 'Slack asks for a longer wait than a turn can take.', {
    ...{ retryable: true, retryAfterMs },
  });
}
