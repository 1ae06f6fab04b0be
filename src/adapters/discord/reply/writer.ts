/** How a live reply is written to Discord: as messages of the channel, or by the token of an interaction. */

import { z } from 'zod';
import type { Locale, TurnId } from '../../../core/types.ts';
import { BotError } from '../../../errors.ts';
import type { FindOptions, PostOptions, ReplyWriter, WriteOptions } from '../../../replies/writer.ts';
import { createdPayload, type MessagePayload, messagePayload } from '../payloads.ts';
import type { ChannelTarget, InteractionTarget } from '../places.ts';
import { codeOf, type DiscordRest } from '../rest.ts';
import { firstAt, newest, timeOf } from '../snowflake.ts';
import { messageBody, readStop, stopRows } from './render.ts';

/** Discord's error codes. */
const UNKNOWN_MESSAGE = 10_008;
const NO_HISTORY = 160_002;

export interface WriterDeps {
  readonly rest: DiscordRest;
  /** @throws BotError `platform_unavailable` while that is not known yet */
  readonly botId: () => string;
  readonly turnId: TurnId;
  readonly locale: Locale;
  /** Unix milliseconds. */
  readonly now: () => number;
}

type Write = Pick<WriteOptions, 'signal' | 'check'>;

/** What both ways have in common: messages of the bot in the channel. */
function createChannelMessages({ rest, ...deps }: WriterDeps, channel: string, asker: string) {
  const route = `/channels/${channel}/messages` as const;
  const bodyOf = (text: string, live: boolean) =>
    messageBody(text, live ? stopRows({ turnId: deps.turnId, asker }, deps.locale) : []);

  async function send(text: string, { nonce, live, signal, check }: PostOptions, trigger?: string): Promise<string> {
    // The message that is answered may be gone by now.
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
        // Where the bot may not read the history it may not refer to it either.
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

/** In answer to a message: a reply to it, further parts behind it. */
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

/** The token is not used in its last moments: a write that comes too late is lost. */
const TOKEN_MARGIN_MS = 20_000;

/**
 * In answer to /chat: the first part is the message that shows "thinking…", which only the token can fill. Further parts are
 * messages of the channel where the bot may write there, for they need no token; else follow-ups.
 */
export function createInteractionWriter(deps: WriterDeps, target: InteractionTarget): ReplyWriter {
  const { rest, now } = deps;
  const { channel, original, token, application, until, present, asker } = target;
  const messages = createChannelMessages(deps, channel, asker);
  const webhook = `/webhooks/${application}/${token}` as const;
  const tokenLives = () => now() < until - TOKEN_MARGIN_MS;
  /** Of a message that was posted by the token. */
  const byToken = (id: string) => `${webhook}/messages/${id === original ? '@original' : id}` as const;

  function ensureToken(): void {
    if (!tokenLives())
      throw new BotError('platform_refused', 'The 15 minutes in which a /chat can be answered are over.');
  }

  /** By the token while it lives; behind that, where the bot may write to the channel, as its own message. */
  const usesToken = (id: string) => tokenLives() && (!present || id === original);

  return {
    async post(part, text, options) {
      if (part === 1 && tokenLives()) {
        const { live, signal, check } = options;
        // Filling it twice is filling it once: this needs no nonce.
        await rest.request('PATCH', byToken(original), {
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
      return await unlessGone(rest.request('PATCH', byToken(id), { body, auth: false, signal, check }));
    },
    async remove(id, options) {
      if (!usesToken(id) && present) return await messages.remove(id, options);
      ensureToken();
      const { signal, check } = options;
      await unlessGone(rest.request('DELETE', byToken(id), { auth: false, signal, check }));
    },
    async find(part, options) {
      if (part === 1 && tokenLives()) return undefined;
      if (present) return await messages.find(part, original, options);
      throw new BotError('platform_refused', 'What was posted by the token of an interaction can’t be looked for.');
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
  /** Of the channel's messages. */
  readonly route: `/${string}`;
  readonly part: number;
  /** The id of the message that is answered. */
  readonly trigger: string;
}

/** A post that was given up leaves at the latest after this; the clocks of two machines differ by less. Milliseconds. */
const LONGEST_POST_MS = 30_000;
const CLOCK_SKEW_MS = 5_000;
/** Messages that Discord gives at once, at most. */
const PAGE = 100;

/**
 * The first part refers to the message that it answers. A further one is known by its Stop button; without it, by being the
 * only message of the bot of that time that refers to nothing.
 * @throws BotError `platform_refused` when it can't be told which of several it is
 */
async function findPart(search: FindPart): Promise<string | undefined> {
  const { rest, botId, turnId, route, part, trigger, intentAt, after = trigger, signal } = search;
  const query = { after: newest(after, firstAt(intentAt - CLOCK_SKEW_MS)), limit: String(PAGE) };
  const found = z.array(messagePayload).parse(await rest.request('GET', route, { query, signal }));
  const own = found.filter(({ author }) => author.id === botId);
  const sure = own.find((message) => (part === 1 ? refersTo(message, trigger) : isStoppable(message, turnId)));
  if (sure !== undefined || part === 1) return sure?.id;
  const likely = own.filter((message) => {
    const delay = timeOf(message.id) - intentAt;
    return (
      message.message_reference == null && delay > -CLOCK_SKEW_MS && delay < LONGEST_POST_MS && !hasButtons(message)
    );
  });
  if (likely.length > 1) throw new BotError('platform_refused', 'Several messages may be the one that is looked for.');
  return likely[0]?.id;
}

function refersTo({ message_reference: reference }: MessagePayload, trigger: string): boolean {
  return reference?.message_id === trigger;
}

function buttonsOf({ components }: MessagePayload): readonly string[] {
  return components.flatMap((row) => row.components.flatMap(({ custom_id: id }) => id ?? []));
}

function isStoppable(message: MessagePayload, turnId: TurnId): boolean {
  return buttonsOf(message).some((id) => readStop(id)?.turnId === turnId);
}

function hasButtons(message: MessagePayload): boolean {
  return buttonsOf(message).length > 0;
}
