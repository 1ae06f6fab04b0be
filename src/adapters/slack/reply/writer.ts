/** Posts, edits, deletes and finds the messages of a reply that is not streamed, or no longer. */
import { z } from 'zod';
import type { Clock } from '../../../core/ports.ts';
import type { TurnId } from '../../../core/types.ts';
import { BotError } from '../../../errors.ts';
import { delay } from '../../../lib/delay.ts';
import type { Timers } from '../../../lib/timers.ts';
import type { FindOptions, ReplyWriter } from '../../../replies/writer.ts';
import { refusalOf, refusesBlocks, type SlackClients } from '../api/clients.ts';
import type { BotIdentity, SlackTarget } from '../ids.ts';
import { metadataOf, REPLY_EVENT, STREAM_FLAGS_MS, type StreamFlags } from './ownership.ts';
import { cachedConverter, FORMS, type Form, messageOf, type SlackText } from './render.ts';
import { NO_PREVIEWS } from './safe-text.ts';

/** What the workspace supports; false once Slack has refused it. */
export interface Capabilities {
  streams: boolean;
  sessions: boolean;
}

export interface SlackWriterDeps {
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
const payloadShape = z.object({ turn: z.string(), part: z.number() });

/** Messages per page, and pages: a thread with more messages since the intent is not searched. */
const PAGE = 100;
const MAX_PAGES = 3;
/** How far Slack's clock and ours may differ, in milliseconds. */
const CLOCK_SKEW_MS = 10_000;
/** Milliseconds until Slack returns a message that it has accepted; its documentation only promises "eventually". */
const READ_BACK_MS = 300;

export function createSlackWriter(deps: SlackWriterDeps, target: SlackTarget, turnId: TurnId): ReplyWriter {
  const { clients, self, streams, clock, timers } = deps;
  const { channel, thread } = target;
  /** Messages of this reply whose ids are known: none of them is the part that is searched for. */
  const known = new Set<string>();
  /** The forms that Slack has not refused for this reply. */
  let forms: readonly [Form, ...Form[]] = FORMS;
  const convert = cachedConverter();
  /** A stream that was found again. Its flags stay until its id is saved, so that the next worker would find it too. */
  let recovered: string | undefined;

  /** Tries the forms in order. A form that Slack refuses is not used again for this reply; the next reply tries it again. */
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

  /** Among the messages since the intent: the part itself, and the bot's messages without metadata. */
  async function search(part: number, oldest: string) {
    const unlabelled: string[] = [];
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
        if ((metadata?.event_type ?? '') === '' && files.length === 0) unlabelled.push(ts);
        if (metadata?.event_type !== REPLY_EVENT) continue;
        const payload = payloadShape.safeParse(metadata?.event_payload);
        if (payload.success && payload.data.turn === turnId && payload.data.part === part)
          return { found: ts, unlabelled };
      }
      cursor = more?.next_cursor;
      if (cursor === undefined || cursor === '') return { found: undefined, unlabelled };
    }
    throw new BotError('platform_refused', 'The thread is too long to search.');
  }

  /** The part's id, if the thread shows it now. @throws BotError `platform_refused` if it can't be determined */
  async function lookUp(part: number, intentAt: number, oldest: string): Promise<string | undefined> {
    const { found, unlabelled } = await search(part, oldest).catch((thrown: unknown) => {
      if (refusalOf(thrown) === 'thread_not_found') return { found: undefined, unlabelled: [] };
      throw thrown;
    });
    if (found !== undefined || unlabelled.length === 0) return found;
    const flagsHold = clock.now() - intentAt < STREAM_FLAGS_MS;
    if (flagsHold && !(await streams.isReserved())) return undefined;
    const confirmed = await Promise.all(unlabelled.map((ts) => streams.isConfirmed(ts)));
    const [first, ...others] = unlabelled.filter((_, index) => confirmed[index] === false);
    if (first === undefined) return undefined;
    if (flagsHold && others.length === 0) return first;
    throw new BotError('platform_refused', 'It is unknown which turn a message in the thread belongs to.');
  }

  async function find(part: number, { intentAt, after }: Omit<FindOptions, 'signal'>): Promise<string | undefined> {
    if (after !== undefined) known.add(after);
    const since = `${Math.floor((intentAt - CLOCK_SKEW_MS) / 1000)}.000000`;
    const oldest = [since, target.trigger, after ?? ''].sort().at(-1) ?? since;
    let id = await lookUp(part, intentAt, oldest);
    if (id === undefined) {
      // A message that was accepted a moment ago may not be readable yet.
      await delay(READ_BACK_MS, undefined, timers);
      id = await lookUp(part, intentAt, oldest);
    }
    if (id === undefined) {
      await streams.cancel();
      return undefined;
    }
    known.add(id);
    recovered = id;
    return id;
  }

  /** Called before a write to a message: by then its id is saved. */
  async function useId(id: string): Promise<void> {
    known.add(id);
    if (id !== recovered) return;
    recovered = undefined;
    // A flag that stays only prevents streams in the thread for a while.
    await streams.confirm(id).catch(() => undefined);
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
      if (ts === undefined) throw new BotError('platform_unavailable', 'Slack returned no ts.', { retryable: true });
      known.add(ts);
      return ts;
    },

    async edit(id, text, { check }) {
      await useId(id);
      try {
        await update(check, id, text);
      } catch (thrown) {
        const refusal = refusalOf(thrown);
        if (refusal === 'message_not_found') return 'gone';
        if (refusal !== 'streaming_state_conflict') throw thrown;
        // A stream that a dead worker left open.
        await endStream(check, id);
        await update(check, id, text);
      }
      return 'edited';
    },

    async remove(id, { check }) {
      await useId(id);
      const remove = () => clients.write(check, (client) => client.chat.delete({ channel, ts: id }));
      try {
        await remove();
      } catch (thrown) {
        const refusal = refusalOf(thrown);
        if (refusal === 'message_not_found') return;
        // Slack's answer for a message that is still streaming. For any other reason the second attempt fails too.
        if (refusal !== 'cant_delete_message') throw thrown;
        await endStream(check, id);
        await remove();
      }
    },

    /**
     * A posted part is found by its metadata. A stream has none before its end: it is the bot's only message without metadata since
     * the intent that no other turn has confirmed, provided that this turn has reserved the thread (ownership.ts).
     */
    find,
  };
}
