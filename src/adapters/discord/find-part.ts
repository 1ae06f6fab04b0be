/** Looks for a part of a reply that may have been posted: its answer was lost, and its nonce is too old to be trusted. */
import { z } from 'zod';
import type { TurnId } from '../../core/types.ts';
import { BotError } from '../../errors.ts';
import type { FindOptions } from '../../replies/writer.ts';
import { type MessagePayload, messagePayload } from './payloads.ts';
import { readStop } from './render.ts';
import type { DiscordRest } from './rest.ts';
import { firstAt, newest, timeOf } from './snowflake.ts';

export interface FindPart extends FindOptions {
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
export async function findPart(search: FindPart): Promise<string | undefined> {
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
