/** The messages of one streamed reply and the single writes that make them: start, append, stop. One write at a time. */
import type { Clock, ReplyContext } from '../../../core/ports.ts';
import type { MessageRef, MessageRefs } from '../../../core/types.ts';
import { BotError, toBotError } from '../../../errors.ts';
import { refusalOf, type SlackClients } from '../api/clients.ts';
import type { SlackTarget } from '../ids.ts';
import { metadataOf, type StreamFlags } from './ownership.ts';
import { cutStream } from './stream-cut.ts';

/** Slack ends a stream after about five minutes (slackapi/python-slack-sdk#1859): the message ends before. Milliseconds. */
const MAX_AGE_MS = 240_000;

export interface StreamWriter {
  /**
   * Makes one write towards the text that continues what was sent with `fresh`. `last`: it also ends the message, if all of
   * `fresh` fits. `onSent` gets the number of UTF-16 units of `fresh` that Slack has confirmed, before anything else happens.
   * @throws BotError `platform_*`, `turn_lost`, or what saveMessageRef throws
   */
  write(fresh: string, last: boolean, onSent: (units: number) => void): Promise<void>;
  /** Ends the open message as it is. @throws as `write` */
  end(): Promise<void>;
  state(): MessageState['kind'];
  /** @throws BotError `turn_lost`; retryable if the lease was only renewed late */
  check(): void;
  /** The messages so far. */
  messageRefs(): MessageRefs;
  /** Saves the ids again that could not be saved. @throws BotError `turn_lost` */
  saveIds(): Promise<void>;
}

/**
 * The message that is being written:
 *
 *     none --startStream--> open --appendStream--> open
 *     open --stopStream--> none
 *     none --startStream with all that a message can hold--> full --stopStream--> none
 */
export type MessageState =
  /** `head`: the beginning of the next message, which reopens a code fence; else empty. */
  | { readonly kind: 'none'; readonly head: string }
  /** `text`: what the message holds; `since`: when it was started, monotonic milliseconds. */
  | { readonly kind: 'open'; readonly part: number; readonly ts: string; readonly since: number; readonly text: string }
  /** Only has to be stopped. */
  | { readonly kind: 'full'; readonly part: number; readonly ts: string; readonly nextHead: string };

export interface StreamWriterDeps {
  readonly clients: SlackClients;
  readonly clock: Clock;
  readonly streams: StreamFlags;
}

export function createStreamWriter(
  { clients, clock, streams }: StreamWriterDeps,
  target: SlackTarget,
  context: ReplyContext,
): StreamWriter {
  const { lease, turnId } = context;
  const { channel, thread } = target;
  const messageRefs = new Map<number, MessageRef>();
  /** Parts whose id is not saved yet. */
  const unsaved = new Set<number>();
  let message: MessageState = { kind: 'none', head: '' };

  function check(): void {
    if (lease.signal.aborted) throw new BotError('turn_lost', 'This worker may no longer write to the reply.');
    if (lease.alive()) return;
    throw new BotError('turn_lost', 'The lease was not renewed in time.', { retryable: true });
  }

  async function start(head: string, fresh: string, onSent: (units: number) => void): Promise<void> {
    const part = messageRefs.size + 1;
    // Slack doesn't show blank lines at the beginning of a message; within code it does.
    const skipped = head === '' ? (/^(?:[^\S\n]*\n)*/.exec(fresh)?.[0].length ?? 0) : 0;
    const cut = cutStream(head, fresh.slice(skipped), false);
    const text = head + cut.text;
    if (!(await streams.reserve())) {
      throw new BotError('platform_refused', 'Another stream in this thread is being started.');
    }
    const intentAt = clock.now();
    await context.saveMessageRef(part, { intentAt });
    messageRefs.set(part, { intentAt });
    const ts = await startStream(part, text);
    messageRefs.set(part, { intentAt, id: ts });
    unsaved.add(part);
    message = cut.ends
      ? { kind: 'full', part, ts, nextHead: cut.head }
      : { kind: 'open', part, ts, since: clock.monotonic(), text };
    onSent(skipped + cut.used);
    await saveIds();
  }

  async function startStream(part: number, text: string): Promise<string> {
    try {
      const { ts } = await clients.write(check, (client) =>
        client.chat.startStream({
          ...{ channel, thread_ts: thread, markdown_text: text },
          ...(target.direct ? {} : { recipient_team_id: target.team, recipient_user_id: target.user }),
        }),
      );
      if (ts === undefined) throw new BotError('platform_unavailable', 'Slack returned no ts.', { retryable: true });
      return ts;
    } catch (thrown) {
      const { code } = toBotError(thrown);
      // The call had no effect: there is no message to look for.
      if (code !== 'platform_unavailable') messageRefs.delete(part);
      // If another worker has the turn, the flags are its own. A flag that stays only prevents streams in the thread for a while.
      if (code !== 'platform_unavailable' && code !== 'turn_lost') await streams.cancel().catch(() => undefined);
      throw thrown;
    }
  }

  async function saveIds(): Promise<void> {
    for (const part of unsaved) {
      const id = messageRefs.get(part)?.id;
      try {
        if (id !== undefined) {
          await context.saveMessageRef(part, { id });
          await streams.confirm(id);
        }
        unsaved.delete(part);
      } catch (thrown) {
        // Not fatal, as the intent is saved; unless another worker has the turn, which ends all writing.
        if (toBotError(thrown).code === 'turn_lost') throw thrown;
      }
    }
  }

  async function append(open: Extract<MessageState, { kind: 'open' }>, text: string): Promise<void> {
    await clients.write(check, (client) => client.chat.appendStream({ channel, ts: open.ts, markdown_text: text }));
    message = { ...open, text: open.text + text };
  }

  async function stop(part: number, ts: string, text: string, nextHead: string): Promise<void> {
    try {
      await clients.write(check, (client) =>
        client.chat.stopStream({
          ...{ channel, ts, metadata: metadataOf(turnId, part) },
          ...(text === '' ? {} : { markdown_text: text }),
        }),
      );
    } catch (thrown) {
      // Slack has stopped it already (after five minutes, or by its Stop button), and the message holds all of its text.
      if (text !== '' || refusalOf(thrown) !== 'message_not_in_streaming_state') throw thrown;
    }
    message = { kind: 'none', head: nextHead };
  }

  return {
    async write(fresh, last, onSent) {
      await saveIds();
      switch (message.kind) {
        case 'none':
          return await start(message.head, fresh, onSent);
        case 'full':
          return await stop(message.part, message.ts, '', message.nextHead);
        case 'open': {
          const cut = cutStream(message.text, fresh, clock.monotonic() - message.since >= MAX_AGE_MS);
          if (cut.ends || last) await stop(message.part, message.ts, cut.text, cut.head);
          else await append(message, cut.text);
          return onSent(cut.used);
        }
      }
    },
    async end() {
      if (message.kind === 'none') return;
      await stop(message.part, message.ts, '', message.kind === 'full' ? message.nextHead : '');
    },
    state: () => message.kind,
    check,
    messageRefs: () => new Map(messageRefs),
    saveIds,
  };
}
