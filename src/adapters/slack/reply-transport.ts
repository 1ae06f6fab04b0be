/** How a reply's messages are posted, edited and found again: the fallback of the native stream, and its successor. */
import { setTimeout as sleep } from 'node:timers/promises';
import { z } from 'zod';
import type { TurnId } from '../../core/types.ts';
import { BotError } from '../../errors.ts';
import type { ReplyTransport } from '../reply-transport.ts';
import type { SlackClients } from './clients.ts';
import type { BotIdentity } from './plain-text.ts';
import { refusalOf } from './platform-error.ts';
import { messageOf, metadataOf, REPLY_EVENT, type SlackText } from './render.ts';
import type { SlackTarget } from './target.ts';

/** What is not to be had in this workspace, once it was refused. */
export interface Abilities {
  streams: boolean;
  markdownBlocks: boolean;
  sessions: boolean;
}

export interface SlackTransportDeps {
  readonly clients: SlackClients;
  readonly self: BotIdentity;
  readonly abilities: Abilities;
}

const repliesShape = z.object({
  messages: z
    .array(
      z.object({
        ts: z.string(),
        user: z.string().optional(),
        bot_id: z.string().optional(),
        files: z.array(z.unknown()).optional(),
        text: z.string().optional(),
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

/** @param lostText what a stream was started with whose answer was lost */
export function createSlackTransport(
  deps: SlackTransportDeps,
  target: SlackTarget,
  turnId: TurnId,
  lostText?: string,
): ReplyTransport {
  const { clients, self, abilities } = deps;
  const { channel, thread } = target;
  /** The messages of this reply that are known: none of them is a part that is looked for. */
  const known = new Set<string>();

  /** With the markdown block, or without it from the first time that a workspace refuses it. */
  async function rendered<T>(markdown: string, send: (message: SlackText) => Promise<T>): Promise<T> {
    try {
      return await send(messageOf(markdown, !abilities.markdownBlocks));
    } catch (thrown) {
      if (refusalOf(thrown) !== 'invalid_blocks' || !abilities.markdownBlocks) throw thrown;
      const result = await send(messageOf(markdown, true));
      abilities.markdownBlocks = false;
      return result;
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

  /** It can only be this reply's: nobody else's stands in the thread, or it holds what ours was started with. */
  const isOurs = (text: string) => target.exclusive || (lostText !== undefined && letters(text) === letters(lostText));

  /** Of all messages since the intent: the part itself, and the bot's messages that are marked as nothing. */
  async function search(part: number, oldest: string) {
    const unmarked: { readonly ts: string; readonly text: string }[] = [];
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
      for (const { ts, user, bot_id: bot, metadata, text = '', files = [] } of messages) {
        const own = user === self.user || (bot !== undefined && bot === self.bot);
        if (!own || ts <= oldest || known.has(ts)) continue;
        if ((metadata?.event_type ?? '') === '' && files.length === 0) unmarked.push({ ts, text });
        if (metadata?.event_type !== REPLY_EVENT) continue;
        const mark = markShape.safeParse(metadata?.event_payload);
        if (mark.success && mark.data.turn === turnId && mark.data.part === part) return { found: ts, unmarked };
      }
      cursor = more?.next_cursor;
      if (cursor === undefined || cursor === '') break;
    }
    return { found: undefined, unmarked };
  }

  return {
    async post(part, text, { check }) {
      const { ts } = await rendered(text, (message) =>
        clients.write(check, (client) =>
          client.chat.postMessage({
            ...{ channel, thread_ts: thread, ...message, metadata: metadataOf(turnId, part) },
            ...{ unfurl_links: false, unfurl_media: false },
          }),
        ),
      );
      if (ts === undefined) throw new BotError('platform_unavailable', 'Slack gave no ts.', { retryable: true });
      known.add(ts);
      return ts;
    },

    async edit(id, text, { check }) {
      known.add(id);
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
      known.add(id);
      const remove = () => clients.write(check, (client) => client.chat.delete({ channel, ts: id }));
      try {
        await remove();
      } catch (thrown) {
        const refusal = refusalOf(thrown);
        if (refusal === 'message_not_found') return;
        if (refusal !== 'streaming_state_conflict') throw thrown;
        await endStream(check, id);
        await remove();
      }
    },

    /**
     * A posted part is found by its metadata. A stream has none before its end: it is the bot's only unmarked message since
     * the intent, and surely so only where nobody else's reply can stand in the same thread, or its text is known.
     */
    async find(part, { intentAt, after }) {
      if (after !== undefined) known.add(after);
      const since = `${Math.floor((intentAt - CLOCK_SKEW_MS) / 1000)}.000000`;
      const oldest = [since, target.trigger, after ?? ''].sort().at(-1) ?? since;
      const look = async () => {
        try {
          return await search(part, oldest);
        } catch (thrown) {
          if (refusalOf(thrown) === 'thread_not_found') return { found: undefined, unmarked: [] };
          throw thrown;
        }
      };
      let { found, unmarked } = await look();
      if (found === undefined && unmarked.length === 0) {
        // What was accepted a moment ago need not be readable yet.
        await sleep(READ_BACK_MS);
        ({ found, unmarked } = await look());
      }
      const [ours, ...rivals] = unmarked.filter(({ text }) => isOurs(text));
      const id = found ?? (rivals.length === 0 ? ours?.ts : undefined);
      if (id === undefined && unmarked.length > 0) {
        throw new BotError('platform_refused', 'Nobody can tell whose message in the thread this is.');
      }
      if (id !== undefined) known.add(id);
      return id;
    },
  };
}

/** What of a text every rendering keeps: Slack gives its own back, not the Markdown that it was given. */
function letters(text: string): string {
  return text.replace(/[^\p{L}\p{N}]/gu, '');
}

/** Milliseconds after which Slack surely gives back what it has taken; "eventually" is all that it promises. */
const READ_BACK_MS = 300;
