/**
 * A reply by Slack's native streaming. What was sent is never sent again: as soon as it is not certain what a message holds,
 * the stream gives up, and whoever owns it goes on by edits of the same messages.
 */
import type { Clock, Logger, ReplyContext } from '../../core/ports.ts';
import type { Handles } from '../../core/types.ts';
import { BotError, toBotError } from '../../errors.ts';
import { createPacer, type Timers } from '../pacer.ts';
import type { SlackClients } from './clients.ts';
import { refusalOf } from './platform-error.ts';
import type { Abilities } from './reply-transport.ts';
import type { StreamNotes } from './stream-notes.ts';
import { createStreamWriter } from './stream-writer.ts';
import type { SlackTarget } from './target.ts';

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
  /** The whole text so far. Never throws. */
  update(text: string): void;
  /** What the platform has confirmed. */
  shown(): string;
  /**
   * Brings the messages to this text and ends them. False: the stream can't, and somebody else has to bring the reply to its
   * end by edits. @throws BotError `turn_lost`, or retryable `platform_*`
   */
  end(text: string): Promise<boolean>;
  /** Writes no more; resolves when nothing is in flight. */
  close(): Promise<void>;
  /** The messages so far, for whoever goes on with them. */
  handles(): Handles;
}

export interface SlackStreamDeps {
  readonly clients: SlackClients;
  readonly abilities: Abilities;
  readonly streams: StreamNotes;
  readonly clock: Clock;
  readonly timers: Timers;
  readonly logger: Logger;
  /** The stream has given up while the text still grows. Called once. */
  readonly gaveUp: () => void;
}

export function createSlackStream(deps: SlackStreamDeps, target: SlackTarget, context: ReplyContext): SlackStream {
  const { abilities, clock, timers, logger } = deps;
  const { lease, turnId } = context;
  const writer = createStreamWriter(deps, target, context);
  const pacer = createPacer({
    ...{ clock, timers, intervalMs: INTERVAL_MS, backoffMs: BACKOFF_MS, maxBackoffMs: MAX_BACKOFF_MS },
    random: Math.random,
  });
  let latest = '';
  /** UTF-16 units of `latest` that were sent. */
  let sent = 0;
  let state: 'streaming' | 'gave_up' | 'lost' = 'streaming';
  let closed = false;
  /** The answer began anew: what was streamed is no part of it. */
  let anew = false;
  let lost: BotError | undefined;
  let running = false;
  let work = Promise.resolve();

  const count = (units: number) => {
    sent += units;
  };
  const pending = () => latest.slice(sent);
  const hasMore = () => writer.isFull() || (writer.isOpen() ? pending() !== '' : pending().trim() !== '');

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
    if (refusal !== undefined && NO_STREAMS.has(refusal)) abilities.streams = false;
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
    const over = () => closed || lease.signal.aborted || state !== 'streaming' || !hasMore();
    while (!over()) {
      await pacer.ready(true);
      if (over()) break;
      pacer.began();
      try {
        await writer.write(pending(), false, count);
        pacer.succeeded();
      } catch (thrown) {
        survives(thrown);
      }
    }
    // In the same step as the last look at `latest`: an update behind it has to start anew.
    running = false;
    if (state === 'gave_up' && !closed) deps.gaveUp();
  }

  async function finish(): Promise<boolean> {
    let tries = 0;
    while (state === 'streaming' && (hasMore() || writer.isOpen())) {
      if (pacer.heldMs() > MAX_WAIT_MS) throw tooMany(pacer.heldMs());
      if (!lease.signal.aborted) await pacer.ready(false);
      try {
        writer.check();
        if (hasMore()) await writer.write(pending(), true, count);
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
      if (!text.startsWith(latest.slice(0, sent))) {
        // What was streamed can only be replaced.
        state = 'gave_up';
        anew = true;
      } else if (latest.trim() === '') pacer.hold(FIRST_POST_DELAY_MS);
      latest = text;
      if (running) return;
      running = true;
      work = whileLeased(stream).catch((thrown: unknown) => void survives(thrown));
    },
    shown: () => (anew ? '' : latest.slice(0, sent)),
    async end(text) {
      await settle();
      if (lost !== undefined) throw lost;
      if (state !== 'streaming' || writer.handles().size === 0) return false;
      const before = latest.slice(0, sent);
      const solid = before.trimEnd();
      if (!text.startsWith(solid)) return false;
      // A blank end that was sent already does not count, and is not sent again.
      latest = text.startsWith(before) ? text : before + text.slice(solid.length);
      return await whileLeased(finish);
    },
    async close() {
      await settle();
      // The next worker then knows what was posted without having to look for it.
      await writer.saveIds().catch(() => undefined);
    },
    handles: writer.handles,
  };
}

function tooMany(retryAfterMs: number): BotError {
  return new BotError('platform_rate_limited', 'Slack asks for a longer wait than a turn can take.', {
    ...{ retryable: true, retryAfterMs },
  });
}
