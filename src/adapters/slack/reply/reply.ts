/** A reply in Slack: streamed where possible, otherwise posted and edited; with its status, and with escaped mentions. */
import type { Flags } from '../../../core/flags.ts';
import type { Logger, Reply, ReplyContext } from '../../../core/ports.ts';
import type { ReplyEnd } from '../../../core/types.ts';
import { messagesIn } from '../../../i18n/messages.ts';
import { withTimeout } from '../../../lib/timeout.ts';
import { appendNote } from '../../../replies/answer-note.ts';
import { createLiveReply } from '../../../replies/live-reply.ts';
import { withClosedFence } from '../../../replies/markdown/code-fences.ts';
import { createTypingIndicator } from '../../../replies/typing-indicator.ts';
import type { SlackTarget } from '../ids.ts';
import { createStreamFlags } from './ownership.ts';
import { PART_LIMIT } from './render.ts';
import { escapeMentions, stablePart, unescapeMentions } from './safe-text.ts';
import { createSlackStatus, STATUS_REFRESH_MS } from './status.ts';
import { createSlackStream, type SlackStream } from './stream.ts';
import { createSlackWriter, type SlackWriterDeps } from './writer.ts';

export interface SlackReplyDeps extends Omit<SlackWriterDeps, 'streams'> {
  readonly flags: Flags;
  readonly logger: Logger;
  /** Counts a part that may or may not have been posted. */
  readonly unreconciled: () => void;
}

/** From one edit to the next: Slack allows about 50 chat.update a minute. Milliseconds. */
const EDIT_INTERVAL_MS = 1_200;
const FIRST_POST_DELAY_MS = 700;
/** Longer than a request may take (clients.ts). Milliseconds. */
const WRITE_TIMEOUT_MS = 10_000;
/** At the end of a growing text. */
const CURSOR = ' …';

/**
 * How the reply is written:
 *
 *     streaming --the stream gave up, or the reply ends otherwise than it was streamed--> editing
 *
 * A reply that another worker began starts with `editing`: nobody knows what its stream was given last.
 */
type Mode =
  | { readonly kind: 'streaming'; readonly stream: SlackStream }
  /** `streamed`: what the stream left on the screen, until the first edit replaces it or the text is taken back. */
  | { readonly kind: 'editing'; readonly live: Reply; streamed: string };

export function createSlackReply(deps: SlackReplyDeps, target: SlackTarget, context: ReplyContext): Reply {
  const { capabilities, clients, clock, timers, logger, unreconciled } = deps;
  const { lease, locale, turnId } = context;
  const texts = messagesIn(locale);
  const alive = () => lease.alive() && !lease.signal.aborted;
  const streams = createStreamFlags(deps.flags, target, turnId);
  const leftShown = context.resumed;
  const status = createSlackStatus(
    { clients, capabilities, timers, text: texts.slack.status, alive, leftShown },
    target,
  );
  const typing = createTypingIndicator({
    show: () => withTimeout(WRITE_TIMEOUT_MS, timers, () => status.show()),
    clear: () => withTimeout(WRITE_TIMEOUT_MS, timers, () => status.clear()),
    ...{ refreshMs: STATUS_REFRESH_MS, timers, leftShown, alive },
  });
  const prepare = (text: string) => stablePart(escapeMentions(text));
  let latest = '';
  /** What people could read when the reply was ended first. */
  let partial: string | undefined;
  const canStream = context.messageRefs.size === 0 && capabilities.streams;
  const onGaveUp = () => edit().update(latest);
  const stream = canStream ? createSlackStream({ ...deps, streams, prepare, onGaveUp }, target, context) : undefined;
  let mode: Mode =
    stream === undefined
      ? { kind: 'editing', live: newLiveReply(context), streamed: '' }
      : { kind: 'streaming', stream };

  function newLiveReply(from: ReplyContext): Reply {
    return createLiveReply(createSlackWriter({ ...deps, streams }, target, turnId), from, {
      ...{ limit: PART_LIMIT, measure: 'utf8', cursor: CURSOR, nonceTrustMs: 0 },
      ...{ intervalMs: EDIT_INTERVAL_MS, firstPostDelayMs: FIRST_POST_DELAY_MS, writeTimeoutMs: WRITE_TIMEOUT_MS },
      ...{ typingRefreshMs: STATUS_REFRESH_MS, clock, timers, log: logger, prepare, unreconciled },
    });
  }

  /** Continues with edits of the messages so far. */
  function edit(): Reply {
    if (mode.kind === 'streaming') {
      const live = newLiveReply({ ...context, messageRefs: mode.stream.messageRefs() });
      mode = { kind: 'editing', live, streamed: mode.stream.shown() };
    }
    return mode.live;
  }

  function shown(): string {
    return mode.kind === 'streaming' ? mode.stream.shown() : mode.live.shown() || mode.streamed;
  }

  /** The text of the end. It begins with what people can read already, if it continues that. */
  function finalText(end: ReplyEnd, before: string): string {
    // The note as well: it has names of files.
    if (end.kind === 'answered') return escapeMentions(appendNote(end.text, end, texts));
    const text = escapeMentions(end.text);
    return end.kind === 'failed' && before !== '' ? `${withClosedFence(before)}\n\n${text}` : text;
  }

  return {
    showTyping: () => typing.start(),
    update(text) {
      // Readable text replaces "is thinking".
      if (latest === '') void typing.stop();
      latest = text;
      if (mode.kind === 'streaming') return mode.stream.update(text);
      if (text === '') mode.streamed = '';
      mode.live.update(text);
    },
    shown: () => unescapeMentions(shown()),
    async end(end) {
      try {
        await typing.stop();
        partial ??= shown().trimEnd();
        const text = finalText(end, partial);
        if (mode.kind === 'streaming' && end.kind !== 'forgotten' && (await mode.stream.end(text))) return;
        // Also a stream that gave up before: it saves the ids that it could not save yet.
        await stream?.close();
        await edit().end(end.kind === 'forgotten' ? end : { kind: 'answered', text, stopped: false });
      } finally {
        await typing.clear();
        status.close();
      }
    },
    async detach() {
      await stream?.close();
      if (mode.kind === 'editing') await mode.live.detach();
      await typing.clear();
      status.close();
    },
  };
}
