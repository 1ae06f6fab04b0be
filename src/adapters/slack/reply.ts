/** A reply in Slack: streamed where that can be had, else posted and edited; with its status, and calling nobody. */
import type { Flags } from '../../core/flags.ts';
import type { Logger, Reply, ReplyContext } from '../../core/ports.ts';
import type { ReplyEnd } from '../../core/types.ts';
import { messagesIn } from '../../i18n/messages.ts';
import { withTimeout } from '../../lib/timeout.ts';
import { withNote } from '../../replies/answer-note.ts';
import { createLiveReply } from '../../replies/live-reply.ts';
import { withClosedFence } from '../../replies/markdown/split.ts';
import { createTypingIndicator } from '../../replies/typing-indicator.ts';
import { denature, escapeMentions, settledPart } from './escape-mentions.ts';
import { PART_LIMIT } from './render.ts';
import { createSlackStatus, STATUS_REFRESH_MS } from './status.ts';
import { createSlackStream } from './stream.ts';
import { createStreamFlags } from './stream-flags.ts';
import type { SlackTarget } from './target.ts';
import { createSlackTransport, type SlackTransportDeps } from './writer.ts';

export interface SlackReplyDeps extends Omit<SlackTransportDeps, 'streams'> {
  readonly notes: Flags;
  readonly logger: Logger;
  /** Counts a part of which nobody can find out whether it was posted. */
  readonly unreconciled: () => void;
}

/** From one edit to the next: chat.update takes about 50 a minute. */
const EDIT_INTERVAL_MS = 1_200;
const FIRST_POST_DELAY_MS = 700;
/** A request gives up by itself before that (clients.ts). */
const WRITE_TIMEOUT_MS = 10_000;
/** Stands behind a text that still grows. */
const MARK = ' …';

export function createSlackReply(deps: SlackReplyDeps, target: SlackTarget, context: ReplyContext): Reply {
  const { capabilities, clients, clock, timers, logger, unreconciled } = deps;
  const { lease, locale, turnId } = context;
  const texts = messagesIn(locale);
  const alive = () => lease.alive() && !lease.signal.aborted;
  const streams = createStreamFlags(deps.notes, target, turnId);
  const leftShown = context.resumed;
  const status = createSlackStatus(
    { clients, capabilities, timers, text: texts.slack.status, alive, leftShown },
    target,
  );
  const sign = createTypingIndicator({
    show: () => withTimeout(WRITE_TIMEOUT_MS, timers, () => status.show()),
    clear: () => withTimeout(WRITE_TIMEOUT_MS, timers, () => status.clear()),
    ...{ refreshMs: STATUS_REFRESH_MS, timers, leftShown, alive },
  });
  const prepare = (text: string) => settledPart(escapeMentions(text));
  let latest = '';
  /** What was streamed is no part of the answer, and can only be replaced. */
  let takenBack = false;
  let live: Reply | undefined;
  /** What could be read when the reply was ended first. */
  let partial: string | undefined;

  // What another worker began is only ever edited: nobody knows what its stream was given last.
  const stream =
    context.messageRefs.size === 0 && capabilities.streams
      ? createSlackStream(
          { clients, capabilities, streams, clock, timers, logger, prepare, gaveUp: () => edit() },
          target,
          context,
        )
      : undefined;

  /** Goes on by posts and edits, with the messages that are there. */
  function edit(): Reply {
    if (live !== undefined) return live;
    const messageRefs = stream?.messageRefs() ?? context.messageRefs;
    live = createLiveReply(
      createSlackTransport({ ...deps, streams }, target, turnId),
      { ...context, messageRefs },
      {
        ...{ limit: PART_LIMIT, measure: 'utf8', mark: MARK, nonceTrustMs: 0 },
        ...{ intervalMs: EDIT_INTERVAL_MS, firstPostDelayMs: FIRST_POST_DELAY_MS, writeTimeoutMs: WRITE_TIMEOUT_MS },
        ...{ thinkingRefreshMs: STATUS_REFRESH_MS, clock, timers, log: logger, prepare, unreconciled },
      },
    );
    if (latest !== '') live.update(latest);
    return live;
  }

  function seen(): string {
    const edited = live?.shown() ?? '';
    return edited === '' && !takenBack ? (stream?.shown() ?? '') : edited;
  }

  /** The end as a text that begins with what is read already, wherever it does. */
  function finalText(end: ReplyEnd, before: string): string {
    const text = escapeMentions(end.text);
    if (end.kind === 'answered') return withNote(text, end, texts);
    return end.kind === 'failed' && before !== '' ? `${withClosedFence(before)}\n\n${text}` : text;
  }

  return {
    showTyping: () => sign.start(),
    update(text) {
      // Behind text that can be read, "is thinking" is no news any more.
      if (latest === '') void sign.stop();
      if (text === '' && live === undefined) takenBack ||= latest !== '';
      latest = text;
      if (live !== undefined) live.update(latest);
      else if (stream !== undefined) stream.update(latest);
      else edit();
    },
    shown: () => denature(seen()),
    async end(end) {
      try {
        await sign.stop();
        partial ??= seen().trimEnd();
        const text = finalText(end, partial);
        const canStream = live === undefined && stream !== undefined && end.kind !== 'forgotten';
        if (canStream && (await stream.end(text))) return;
        await stream?.close();
        const whole: ReplyEnd = end.kind === 'forgotten' ? end : { kind: 'answered', text, stopped: false };
        latest = '';
        await edit().end(whole);
      } finally {
        await sign.clear();
        status.close();
      }
    },
    async detach() {
      await stream?.close();
      await live?.detach();
      await sign.clear();
      status.close();
    },
  };
}
