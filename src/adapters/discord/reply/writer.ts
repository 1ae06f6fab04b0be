/** Writes a live reply to Discord: as messages in the channel, or by the token of an interaction. */

import { z } from 'zod';
import type { Locale, TurnId } from '../../../core/types.ts';
import { BotError } from '../../../errors.ts';
import type { FindOptions, PostOptions, ReplyWriter, WriteOptions } from '../../../replies/writer.ts';
import { createdPayload, type MessagePayload, messagePayload } from '../payloads.ts';
import type { ChannelTarget, InteractionTarget } from '../places.ts';
import { codeOf, type DiscordRest } from '../rest.ts';
import { firstAt, newest, timeOf } from '../snowflake.ts';
import { messageBody, readStop, stopRows } from './render.ts';

/** https://docs.discord.com/developers/topics/opcodes-and-status-codes#json */
const UNKNOWN_MESSAGE = 10_008;
const NO_HISTORY = 160_002;

export interface WriterDeps {
  readonly rest: DiscordRest;
  /** @throws BotError `platform_unavailable` before the first session */
  readonly botId: () => string;
  readonly turnId: TurnId;
  readonly locale: Locale;
  /** Unix milliseconds. */
  readonly now: () => number;
}

type Write = Pick<WriteOptions, 'signal' | 'check'>;

/** The bot's own messages in a channel. Both writers use them. */
function createChannelMessages({ rest, ...deps }: WriterDeps, channel: string, asker: string) {
  const route = `/channels/${channel}/messages` as const;
  const bodyOf = (text: string, live: boolean) =>
    messageBody(text, live ? stopRows({ turnId: deps.turnId, asker }, deps.locale) : []);

  async function send(text: string, { nonce, live, signal, check }: PostOptions, trigger?: string): Promise<string> {
    // The message may have been deleted in the meantime.
    const reference = { message_reference: { message_id: trigger, fail_if_not_exists: false } };
    const body = { ...bodyOf(text, live), nonce, enforce_nonce: true, ...(trigger === undefined ? {} : reference) };
    return createdPayload.parse(await rest.request('POST', route, { body, signal, check })).id;
  }

  return {
    bodyOf,
    async post(text: string, options: PostOptions, trigger?: string): Promise<string> {
      try {
        return await send(text, options, trigger);
      } catch (thrown) {
        // A bot without the permission to read the history may not reply to a message in it.
        if (trigger === undefined || codeOf(thrown) !== NO_HISTORY) throw thrown;
        return await send(text, options);
      }
    },
    async edit(id: string, text: string, { live, signal, check }: WriteOptions): Promise<'edited' | 'gone'> {
      return await unlessGone(rest.request('PATCH', `${route}/${id}`, { body: bodyOf(text, live), signal, check }));
    },
    async remove(id: string, { signal, check }: Write): Promise<void> {
      await unlessGone(rest.request('DELETE', `${route}/${id}`, { signal, check }));
    },
    find: async (part: number, trigger: string, options: FindOptions) =>
      findPart({ rest, ...deps, botId: deps.botId(), route, part, trigger, ...options }),
    async showTyping(signal: AbortSignal): Promise<void> {
      await rest.request('POST', `/channels/${channel}/typing`, { signal });
    },
  };
}

/** Replies to a message. Further parts are plain messages. */
export function createChannelWriter(deps: WriterDeps, { channel, trigger, asker }: ChannelTarget): ReplyWriter {
  const { post, edit, remove, find, showTyping } = createChannelMessages(deps, channel, asker);
  return {
    post: (part, text, options) => post(text, options, part === 1 ? trigger : undefined),
    edit,
    remove,
    find: (part, options) => find(part, trigger, options),
    showTyping,
  };
}

/** The token is not used just before it expires: a write that arrives too late is lost. */
const TOKEN_MARGIN_MS = 20_000;

/**
 * Answers /chat. The first part is the message that shows "thinking…", which only the token can fill in. If the bot may write to
 * the channel, further parts are messages there, which need no token; otherwise they are follow-up messages.
 */
export function createInteractionWriter(deps: WriterDeps, target: InteractionTarget): ReplyWriter {
  const { rest, now } = deps;
  const { channel, original, token, application, until, present, asker } = target;
  const messages = createChannelMessages(deps, channel, asker);
  const webhook = `/webhooks/${application}/${token}` as const;
  const isTokenValid = () => now() < until - TOKEN_MARGIN_MS;
  /** The route of a message that was posted by the token. */
  const tokenRoute = (id: string) => `${webhook}/messages/${id === original ? '@original' : id}` as const;

  function ensureToken(): void {
    if (!isTokenValid())
      throw new BotError('platform_refused', 'A /chat can be answered for 15 minutes only; they are over.');
  }

  /** Whether a message is written by the token. After that has expired, the bot edits it as its own if it may write there. */
  const usesToken = (id: string) => isTokenValid() && (!present || id === original);

  return {
    async post(part, text, options) {
      if (part === 1 && isTokenValid()) {
        const { live, signal, check } = options;
        // Needs no nonce: it can be filled in twice.
        await rest.request('PATCH', tokenRoute(original), {
          body: messages.bodyOf(text, live),
          auth: false,
          signal,
          check,
        });
        return original;
      }
      if (present) return await messages.post(text, options);
      ensureToken();
      const { live, signal, check } = options;
      const body = messages.bodyOf(text, live);
      const query = { wait: 'true' };
      return createdPayload.parse(await rest.request('POST', webhook, { body, query, auth: false, signal, check })).id;
    },
    async edit(id, text, options) {
      if (!usesToken(id) && present) return await messages.edit(id, text, options);
      ensureToken();
      const { live, signal, check } = options;
      const body = messages.bodyOf(text, live);
      return await unlessGone(rest.request('PATCH', tokenRoute(id), { body, auth: false, signal, check }));
    },
    async remove(id, options) {
      if (!usesToken(id) && present) return await messages.remove(id, options);
      ensureToken();
      const { signal, check } = options;
      await unlessGone(rest.request('DELETE', tokenRoute(id), { auth: false, signal, check }));
    },
    async find(part, options) {
      if (part === 1 && isTokenValid()) return undefined;
      if (present) return await messages.find(part, original, options);
      throw new BotError('platform_refused', 'Messages posted by the token of an interaction cannot be searched for.');
    },
  };
}

async function unlessGone(request: Promise<unknown>): Promise<'edited' | 'gone'> {
  try {
    await request;
    return 'edited';
  } catch (thrown) {
    if (codeOf(thrown) === UNKNOWN_MESSAGE) return 'gone';
    throw thrown;
  }
}

interface FindPart extends FindOptions {
  readonly rest: DiscordRest;
  readonly botId: string;
  readonly turnId: TurnId;
  /** The channel's messages. */
  readonly route: `/${string}`;
  readonly part: number;
  /** The id of the message that is answered. */
  readonly trigger: string;
}

/** In milliseconds: a post that timed out may still arrive this much later; two machines' clocks differ by at most this. */
const LONGEST_POST_MS = 30_000;
const CLOCK_SKEW_MS = 5_000;
/** The most messages that Discord gives at once. */
const PAGE = 100;

/**
 * Looks for a part that may have been posted: the response was lost, and its nonce is too old to prevent a duplicate. The first
 * part is the reply to the message. Another part has the Stop button of this turn; without buttons, it is found if it is the
 * bot's only message of that time that is no reply.
 * @throws BotError `platform_refused` if several messages come into question
 */
async function findPart(search: FindPart): Promise<string | undefined> {
  const { rest, botId, turnId, route, part, trigger, intentAt, after = trigger, signal } = search;
  const query = { after: newest(after, firstAt(intentAt - CLOCK_SKEW_MS)), limit: String(PAGE) };
  const found = z.array(messagePayload).parse(await rest.request('GET', route, { query, signal }));
  const own = found.filter(({ author }) => author.id === botId);
  const certain = own.find((message) => (part === 1 ? isReplyTo(message, trigger) : hasStopButton(message, turnId)));
  if (certain !== undefined || part === 1) return certain?.id;
  const likely = own.filter((message) => {
    const delay = timeOf(message.id) - intentAt;
    return (
      message.message_reference == null && delay > -CLOCK_SKEW_MS && delay < LONGEST_POST_MS && !hasButtons(message)
    );
  });
  if (likely.length > 1) throw new BotError('platform_refused', 'Several messages may be the lost one.');
  return likely[0]?.id;
}

function isReplyTo({ message_reference: reference }: MessagePayload, trigger: string): boolean {
  return reference?.message_id === trigger;
}

function buttonsOf({ components }: MessagePayload): readonly string[] {
  return components.flatMap((row) => row.components.flatMap(({ custom_id: id }) => id ?? []));
}

function hasStopButton(message: MessagePayload, turnId: TurnId): boolean {
  return buttonsOf(message).some((id) => readStop(id)?.turnId === turnId);
}

function hasButtons(message: MessagePayload): boolean {
  return buttonsOf(message).length > 0;
}
