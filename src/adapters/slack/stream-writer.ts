/** The messages of one streamed reply, and the single writes that make them: begin, append, end. One at a time. */
import type { Clock, ReplyContext } from '../../core/ports.ts';
import type { MessageRef, MessageRefs } from '../../core/types.ts';
import { BotError, toBotError } from '../../errors.ts';
import type { SlackClients } from './clients.ts';
import { refusalOf } from './platform-error.ts';
import { metadataOf } from './render.ts';
import { cutStream } from './stream-cut.ts';
import type { StreamFlags } from './stream-flags.ts';
import type { SlackTarget } from './target.ts';

/** A stream dies after about five minutes (slackapi/python-slack-sdk#1859): the message ends before. Milliseconds. */
const MAX_AGE_MS = 240_000;

export interface StreamWriter {
  /**
   * Makes one write that brings new text nearer to its reader. `last`: it ends the message if all of it goes in.
   * `sent` is told how many UTF-16 units of it went in, as soon as Slack has said so: from then on people see them.
   * @throws BotError `platform_*`, `turn_lost`, or what saveMessageRef throws
   */
  write(fresh: string, last: boolean, sent: (units: number) => void): Promise<void>;
  /** Ends the open message as it is. @throws likewise */
  end(): Promise<void>;
  /** A message is open: it can be appended to, or has to be ended. */
  isOpen(): boolean;
  /** The open message is full and only has to be ended. */
  isFull(): boolean;
  /** @throws BotError `turn_lost`; retryable while the lease was only renewed late */
  check(): void;
  /** The messages so far. */
  messageRefs(): MessageRefs;
  /** Tries once more to save ids that could not be saved. @throws BotError `turn_lost` */
  saveIds(): Promise<void>;
}

interface Open {
  readonly part: number;
  readonly ts: string;
  readonly since: number;
  /** What the message holds. */
  text: string;
  /** It is full; the next message begins with this. */
  nextHead?: string;
}

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
  const unsaved = new Set<number>();
  let open: Open | undefined;
  /** What the next message begins with: a code fence that goes on. */
  let head = '';

  function check(): void {
    if (lease.signal.aborted) throw new BotError('turn_lost', 'This worker may not write to the reply any more.');
    if (lease.alive()) return;
    throw new BotError('turn_lost', 'The lease was not renewed in time.', { retryable: true });
  }

  async function begin(fresh: string, sent: (units: number) => void): Promise<void> {
    const part = messageRefs.size + 1;
    // Blank lines before a message are not shown; within code they are.
    const lead = head === '' ? (/^(?:[^\S\n]*\n)*/.exec(fresh)?.[0].length ?? 0) : 0;
    const cut = cutStream(head, fresh.slice(lead), false);
    const text = head + cut.text;
    if (!(await streams.announce())) {
      throw new BotError('platform_refused', 'Another stream in this thread is on its way.');
    }
    const intentAt = clock.now();
    await context.saveMessageRef(part, { intentAt });
    messageRefs.set(part, { intentAt });
    let ts: string | undefined;
    try {
      ({ ts } = await clients.write(check, (client) =>
        client.chat.startStream({
          ...{ channel, thread_ts: thread, markdown_text: text },
          ...(target.direct ? {} : { recipient_team_id: target.team, recipient_user_id: target.user }),
        }),
      ));
      if (ts === undefined) throw new BotError('platform_unavailable', 'Slack gave no ts.', { retryable: true });
    } catch (thrown) {
      const { code } = toBotError(thrown);
      // Refused: there is no such message, and nobody has to look for it.
      if (code !== 'platform_unavailable') messageRefs.delete(part);
      // Whose turn is another's leaves the notes to them. A note that stays only costs the thread its streams for a while.
      if (code !== 'platform_unavailable' && code !== 'turn_lost') await streams.withdraw().catch(() => undefined);
      throw thrown;
    }
    messageRefs.set(part, { intentAt, id: ts });
    unsaved.add(part);
    open = { part, ts, since: clock.monotonic(), text, ...(cut.ends ? { nextHead: cut.head } : {}) };
    sent(lead + cut.taken);
    await saveIds();
  }

  async function saveIds(): Promise<void> {
    for (const part of unsaved) {
      const id = messageRefs.get(part)?.id;
      try {
        if (id !== undefined) {
          await context.saveMessageRef(part, { id });
          await streams.claim(id);
        }
        unsaved.delete(part);
      } catch (thrown) {
        // Not fatal: the intent is saved. But nobody writes whose turn is another's.
        if (toBotError(thrown).code === 'turn_lost') throw thrown;
      }
    }
  }

  async function append(message: Open, text: string): Promise<void> {
    await clients.write(check, (client) => client.chat.appendStream({ channel, ts: message.ts, markdown_text: text }));
    message.text += text;
  }

  async function stop({ part, ts }: Open, text: string, nextHead: string): Promise<void> {
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

  return {
    async write(fresh, last, sent) {
      await saveIds();
      if (open === undefined) return await begin(fresh, sent);
      if (open.nextHead !== undefined) {
        await stop(open, '', open.nextHead);
        return;
      }
      const cut = cutStream(open.text, fresh, clock.monotonic() - open.since >= MAX_AGE_MS);
      if (cut.ends || last) await stop(open, cut.text, cut.head);
      else await append(open, cut.text);
      sent(cut.taken);
    },
    async end() {
      if (open !== undefined) await stop(open, '', open.nextHead ?? '');
    },
    isOpen: () => open !== undefined,
    isFull: () => open?.nextHead !== undefined,
    check,
    messageRefs: () => new Map(messageRefs),
    saveIds,
  };
}
