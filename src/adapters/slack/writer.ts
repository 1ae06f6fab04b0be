/** How a reply's messages are posted, edited and found again: the fallback of the native stream, and its successor. */
import { z } from 'zod';
import type { Clock } from '../../core/ports.ts';
import type { TurnId } from '../../core/types.ts';
import { BotError } from '../../errors.ts';
import type { Timers } from '../../lib/timers.ts';
import type { FindOptions, ReplyWriter } from '../../replies/writer.ts';
import type { SlackClients } from './clients.ts';
import { NO_PREVIEWS } from './links.ts';
import type { BotIdentity } from './plain-text.ts';
import { refusalOf, refusesBlocks } from './platform-error.ts';
import { FORMS, type Form, messageOf, metadataOf, REPLY_EVENT, rememberingConvert, type SlackText } from './render.ts';
import { STREAM_NOTES_MS, type StreamFlags } from './stream-flags.ts';
import type { SlackTarget } from './target.ts';

/** What is not to be had in this workspace, once it was refused. */
export interface Capabilities {
  streams: boolean;
  sessions: boolean;
}

export interface SlackTransportDeps {
  readonly clients: SlackClients;
  readonly self: BotIdentity;
  readonly capabilities: Capabilities;
  readonly streams: StreamFlags;
  readonly clock: Clock;
  readonly timers: Timers;
}

const repliesShape = z.object({
  messages: z
    .array(
      z.object({
        ts: z.string(),
        user: z.string().optional(),
        bot_id: z.string().optional(),
        files: z.array(z.unknown()).optional(),
        metadata: z
          .object({ event_type: z.string().optional(), event_payload: z.unknown().optional() })
          .nullish()
          .catch(undefined),
      }),
    )
    .default([]),
  response_metadata: z.object({ next_cursor: z.string().optional() }).optional(),
});
const markShape = z.object({ turn: z.string(), part: z.number() });

/** Messages a page, and pages: a thread that is longer since the intent is not looked through. */
const PAGE = 100;
const MAX_PAGES = 3;
/** How far Slack's clock and ours may differ, in milliseconds. */
const CLOCK_SKEW_MS = 10_000;

export function createSlackTransport(deps: SlackTransportDeps, target: SlackTarget, turnId: TurnId): ReplyWriter {
  const { clients, self, streams, clock, timers } = deps;
  const { channel, thread } = target;
  /** The messages of this reply that are known: none of them is a part that is looked for. */
  const known = new Set<string>();
  /** How this reply can be written. */
  let forms: readonly [Form, ...Form[]] = FORMS;
  const convert = rememberingConvert();
  /** A stream that was found again. Its notes stay until its id is saved: who came between would not find it. */
  let recovered: string | undefined;

  /** With the markdown block, or without it from the first time that this reply is refused with it: the next one need not be. */
  async function rendered<T>(markdown: string, send: (message: SlackText) => Promise<T>): Promise<T> {
    for (;;) {
      const [form, ...others] = forms;
      try {
        return await send(messageOf(markdown, form, convert));
      } catch (thrown) {
        const [next, ...rest] = others;
        if (next === undefined || !refusesBlocks(thrown)) throw thrown;
        forms = [next, ...rest];
      }
    }
  }

  async function update(check: () => void, ts: string, markdown: string): Promise<void> {
    await rendered(markdown, (message) =>
      clients.write(check, (client) => client.chat.update({ channel, ts, ...message })),
    );
  }

  async function endStream(check: () => void, ts: string): Promise<void> {
    try {
      await clients.write(check, (client) => client.chat.stopStream({ channel, ts }));
    } catch (thrown) {
      if (refusalOf(thrown) !== 'message_not_in_streaming_state') throw thrown;
    }
  }

  /** Of all messages since the intent: the part itself, and the bot's messages that are marked as nothing. */
  async function search(part: number, oldest: string) {
    const unmarked: string[] = [];
    let cursor: string | undefined;
    for (let page = 0; page < MAX_PAGES; page += 1) {
      const answer = await clients.write(
        () => {},
        (client) =>
          client.conversations.replies({
            ...{ channel, ts: thread, oldest, limit: PAGE, include_all_metadata: true },
            ...(cursor === undefined ? {} : { cursor }),
          }),
      );
      const { messages, response_metadata: more } = repliesShape.parse(answer);
      for (const { ts, user, bot_id: bot, metadata, files = [] } of messages) {
        const own = user === self.user || (bot !== undefined && bot === self.bot);
        if (!own || ts <= oldest || known.has(ts)) continue;
        if ((metadata?.event_type ?? '') === '' && files.length === 0) unmarked.push(ts);
        if (metadata?.event_type !== REPLY_EVENT) continue;
        const mark = markShape.safeParse(metadata?.event_payload);
        if (mark.success && mark.data.turn === turnId && mark.data.part === part) return { found: ts, unmarked };
      }
      cursor = more?.next_cursor;
      if (cursor === undefined || cursor === '') return { found: undefined, unmarked };
    }
    throw new BotError('platform_refused', 'The thread has become too long to be looked through.');
  }

  /** The part as the thread shows it now. @throws BotError `platform_refused` when nobody can tell */
  async function look(part: number, intentAt: number, oldest: string): Promise<string | undefined> {
    const { found, unmarked } = await search(part, oldest).catch((thrown: unknown) => {
      if (refusalOf(thrown) === 'thread_not_found') return { found: undefined, unmarked: [] };
      throw thrown;
    });
    if (found !== undefined || unmarked.length === 0) return found;
    const notesHold = clock.now() - intentAt < STREAM_NOTES_MS;
    if (notesHold && !(await streams.isAnnounced())) return undefined;
    const claims = await Promise.all(unmarked.map((ts) => streams.isClaimed(ts)));
    const [ours, ...rivals] = unmarked.filter((_, index) => claims[index] === false);
    if (ours === undefined) return undefined;
    if (notesHold && rivals.length === 0) return ours;
    throw new BotError('platform_refused', 'Nobody can tell whose message in the thread this is.');
  }

  async function find(part: number, { intentAt, after }: Omit<FindOptions, 'signal'>): Promise<string | undefined> {
    if (after !== undefined) known.add(after);
    const since = `${Math.floor((intentAt - CLOCK_SKEW_MS) / 1000)}.000000`;
    const oldest = [since, target.trigger, after ?? ''].sort().at(-1) ?? since;
    let id = await look(part, intentAt, oldest);
    if (id === undefined) {
      // What was accepted a moment ago need not be readable yet.
      await new Promise<void>((resolve) => void timers.after(READ_BACK_MS, resolve));
      id = await look(part, intentAt, oldest);
    }
    if (id === undefined) {
      await streams.withdraw();
      return undefined;
    }
    known.add(id);
    recovered = id;
    return id;
  }

  /** An id that is written to has been saved. */
  async function addressed(id: string): Promise<void> {
    known.add(id);
    if (id !== recovered) return;
    recovered = undefined;
    // A note that stays only costs the thread its streams for a while.
    await streams.claim(id).catch(() => undefined);
  }

  return {
    async post(part, text, { check }) {
      const { ts } = await rendered(text, (message) =>
        clients.write(check, (client) =>
          client.chat.postMessage({
            ...{ channel, thread_ts: thread, ...message, metadata: metadataOf(turnId, part) },
            ...NO_PREVIEWS,
          }),
        ),
      );
      if (ts === undefined) throw new BotError('platform_unavailable', 'Slack gave no ts.', { retryable: true });
      known.add(ts);
      return ts;
    },

    async edit(id, text, { check }) {
      await addressed(id);
      try {
        await update(check, id, text);
      } catch (thrown) {
        const refusal = refusalOf(thrown);
        if (refusal === 'message_not_found') return 'gone';
        if (refusal !== 'streaming_state_conflict') throw thrown;
        // A stream that its worker did not come to end.
        await endStream(check, id);
        await update(check, id, text);
      }
      return 'edited';
    },

    async remove(id, { check }) {
      await addressed(id);
      const remove = () => clients.write(check, (client) => client.chat.delete({ channel, ts: id }));
      try {
        await remove();
      } catch (thrown) {
        const refusal = refusalOf(thrown);
        if (refusal === 'message_not_found') return;
        // Said of a message that still streams; of any other it is said again, and then holds.
        if (refusal !== 'cant_delete_message') throw thrown;
        await endStream(check, id);
        await remove();
      }
    },

    /**
     * A posted part is found by its metadata. A stream has none before its end: it is the bot's one unmarked message since
     * the intent that no other turn has noted as its own, if this turn has noted that it was about to begin one.
     */
    find,
  };
}

/** Milliseconds after which Slack surely gives back what it has taken; "eventually" is all that it promises. */
const READ_BACK_MS = 300;
