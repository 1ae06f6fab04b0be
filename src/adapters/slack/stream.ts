/**
 * A reply by Slack's native streaming: started, appended to, ended. What was sent is never sent again: as soon as it is not
 * certain what a message holds, the stream gives up, and whoever owns it goes on by edits of the same messages.
 */
import type { Clock, Logger, ReplyContext } from '../../core/ports.ts';
import type { Handle, Handles } from '../../core/types.ts';
import { BotError, toBotError } from '../../errors.ts';
import { createPacer, type Timers } from '../pacer.ts';
import type { SlackClients } from './clients.ts';
import { refusalOf } from './platform-error.ts';
import { metadataOf } from './render.ts';
import type { Abilities } from './reply-transport.ts';
import { cutStream } from './stream-cut.ts';
import type { SlackTarget } from './target.ts';

/** A stream dies after about five minutes (slackapi/python-slack-sdk#1859): the message ends before. Milliseconds. */
const MAX_AGE_MS = 240_000;
/** From one write to the next: chat.appendStream takes about 100 a minute, for all replies of a workspace. */
const INTERVAL_MS = 1_000;
/** From the first text to the first post: an answer that is whole by then is posted in one piece. */
const FIRST_POST_DELAY_MS = 700;
const BACKOFF_MS = 500;
const MAX_BACKOFF_MS = 8_000;
/** The end of a reply waits no longer than this for a rate limit to pass. */
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
  /** What the last message was started with, when the answer to that was lost. */
  lostText(): string | undefined;
}

export interface SlackStreamDeps {
  readonly clients: SlackClients;
  readonly abilities: Abilities;
  readonly clock: Clock;
  readonly timers: Timers;
  readonly logger: Logger;
  /** The stream has given up while the text still grows. Called once. */
  readonly gaveUp: () => void;
}

interface Open {
  readonly part: number;
  readonly ts: string;
  readonly since: number;
  /** What the message holds. */
  text: string;
  /** It is full and only has to be ended; the next message begins with this. */
  nextHead?: string;
}

export function createSlackStream(deps: SlackStreamDeps, target: SlackTarget, context: ReplyContext): SlackStream {
  const { clients, abilities, clock, timers, logger } = deps;
  const { lease, turnId } = context;
  const { channel, thread } = target;
  const pacer = createPacer({
    ...{ clock, timers, intervalMs: INTERVAL_MS, backoffMs: BACKOFF_MS, maxBackoffMs: MAX_BACKOFF_MS },
    random: Math.random,
  });
  const handles = new Map<number, Handle>();
  let latest = '';
  /** UTF-16 units of `latest` that were sent. */
  let sent = 0;
  let open: Open | undefined;
  /** What the next message begins with. */
  let head = '';
  let closed = false;
  let anew = false;
  let state: 'streaming' | 'gave_up' | 'lost' = 'streaming';
  let lost: BotError | undefined;
  let lostText: string | undefined;
  let running = false;
  let work = Promise.resolve();

  function check(): void {
    if (lease.signal.aborted) throw new BotError('turn_lost', 'This worker may not write to the reply any more.');
    if (lease.alive()) return;
    throw new BotError('turn_lost', 'The lease was not renewed in time.', { retryable: true });
  }

  async function start(): Promise<void> {
    const part = handles.size + 1;
    // Blank lines before a message are not shown; within code they are.
    const lead = head === '' ? (/^(?:[^\S\n]*\n)*/.exec(pending())?.[0].length ?? 0) : 0;
    const fresh = pending().slice(lead);
    const intentAt = clock.now();
    await context.saveHandle(part, { intentAt });
    handles.set(part, { intentAt });
    const cut = cutStream(head, fresh, false);
    try {
      const { ts } = await clients.write(check, (client) =>
        client.chat.startStream({
          ...{ channel, thread_ts: thread, markdown_text: head + cut.text },
          ...(target.direct ? {} : { recipient_team_id: target.team, recipient_user_id: target.user }),
        }),
      );
      if (ts === undefined) throw new BotError('platform_unavailable', 'Slack gave no ts.', { retryable: true });
      handles.set(part, { intentAt, id: ts });
      open = { part, ts, since: clock.monotonic(), text: head + cut.text };
      if (cut.ends) open.nextHead = cut.head;
    } catch (thrown) {
      // Refused: there is no such message, and nobody has to look for it.
      if (toBotError(thrown).code !== 'platform_unavailable') handles.delete(part);
      else lostText = head + cut.text;
      throw thrown;
    }
    sent += lead + cut.taken;
    await saveId(part);
  }

  async function saveId(part: number): Promise<void> {
    const id = handles.get(part)?.id;
    if (id === undefined) return;
    await context.saveHandle(part, { id }).catch((thrown: unknown) => {
      // Not fatal: the intent is saved. But nobody writes whose turn is another's.
      if (toBotError(thrown).code === 'turn_lost') throw thrown;
    });
  }

  async function append(message: Open): Promise<void> {
    const old = clock.monotonic() - message.since >= MAX_AGE_MS;
    const cut = cutStream(message.text, pending(), old);
    if (cut.ends) {
      await stop(cut.text, cut.head);
      sent += cut.taken;
      return;
    }
    await clients.write(check, (client) =>
      client.chat.appendStream({ channel, ts: message.ts, markdown_text: cut.text }),
    );
    message.text += cut.text;
    sent += cut.taken;
  }

  async function stop(text: string, nextHead: string): Promise<void> {
    if (open === undefined) return;
    const { part, ts } = open;
    try {
      await clients.write(check, (client) =>
        client.chat.stopStream({
          ...{ channel, ts, metadata: metadataOf(turnId, part) },
          ...(text === '' ? {} : { markdown_text: text }),
        }),
      );
    } catch (thrown) {
      // Slack has ended it before (after five minutes, or by its Stop button), and it holds all that it should.
      if (text !== '' || refusalOf(thrown) !== 'message_not_in_streaming_state') throw thrown;
    }
    open = undefined;
    head = nextHead;
  }

  const pending = () => latest.slice(sent);
  const isFull = () => open?.nextHead !== undefined;
  const hasMore = () => isFull() || (open === undefined ? pending().trim() !== '' : pending() !== '');

  async function write(): Promise<void> {
    pacer.began();
    if (open === undefined) await start();
    else if (open.nextHead !== undefined) await stop('', open.nextHead);
    else await append(open);
    pacer.succeeded();
  }

  /** What a fault means. True: the same may be tried again later. */
  function survives(thrown: unknown): boolean {
    const error = toBotError(thrown);
    logger.warn({ turn: turnId, code: error.code, refusal: refusalOf(thrown) }, 'a write to a stream failed');
    if (error.code === 'turn_lost' && !error.retryable) {
      state = 'lost';
      lost = error;
      return false;
    }
    const refusal = refusalOf(thrown);
    if (refusal !== undefined && NO_STREAMS.has(refusal)) abilities.streams = false;
    const again =
      error.code === 'turn_lost' ||
      error.code === 'store_unavailable' ||
      // Nothing was done. But a stream that can't be started now is not waited for: edits have a limit of their own.
      (error.code === 'platform_rate_limited' && open !== undefined);
    if (again) pacer.failed(error);
    else state = 'gave_up';
    return again;
  }

  async function stream(): Promise<void> {
    const over = () => closed || lease.signal.aborted || state !== 'streaming' || !hasMore();
    while (!over()) {
      await pacer.ready(true);
      if (over()) break;
      try {
        await write();
      } catch (thrown) {
        survives(thrown);
      }
    }
    running = false;
    if (state === 'gave_up' && !closed) deps.gaveUp();
  }

  async function finish(): Promise<boolean> {
    let tries = 0;
    while (state === 'streaming' && (hasMore() || open !== undefined)) {
      if (pacer.heldMs() > MAX_WAIT_MS) throw tooMany(pacer.heldMs());
      if (!lease.signal.aborted) await pacer.ready(false);
      try {
        check();
        if (hasMore()) await lastWrite();
        else await stop('', '');
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

  /** The rest of the text goes with the call that ends the message. */
  async function lastWrite(): Promise<void> {
    if (open === undefined) return await start();
    if (open.nextHead !== undefined) return await stop('', open.nextHead);
    const cut = cutStream(open.text, pending(), false);
    await stop(cut.text, cut.head);
    sent += cut.taken;
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
        // The answer begins anew: what was streamed can only be replaced.
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
      if (state !== 'streaming' || handles.size === 0) return false;
      const before = latest.slice(0, sent);
      if (!text.startsWith(before.trimEnd())) return false;
      // A blank end that was sent already does not count.
      latest =
        text.length < before.length
          ? before
          : text.startsWith(before)
            ? text
            : before + text.slice(before.trimEnd().length);
      return await whileLeased(finish);
    },
    close: settle,
    handles: () => new Map(handles),
    lostText: () => lostText,
  };
}

function tooMany(retryAfterMs: number): BotError {
  return new BotError('platform_rate_limited', 'Slack asks for a longer wait than a turn can take.', {
    ...{ retryable: true, retryAfterMs },
  });
}
