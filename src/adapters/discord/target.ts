/** Where a reply goes, as it waits in the inbox: any replica can read it and go on. */
import { z } from 'zod';
import type { ReplyTarget } from '../../core/types.ts';
import { BotError } from '../../errors.ts';
import { DISCORD } from './places.ts';

const common = { platform: z.literal(DISCORD), channel: z.string(), /** Who asked. */ asker: z.string() };

const schema = z.discriminatedUnion('via', [
  /** In answer to a message. */
  z.object({ ...common, via: z.literal('channel'), trigger: z.string() }),
  /** In answer to /chat, by the token of its interaction. */
  z.object({
    ...common,
    via: z.literal('interaction'),
    application: z.string(),
    token: z.string(),
    /** The message that shows "thinking…". */
    original: z.string(),
    /** Unix milliseconds when the token ends. */
    until: z.number(),
    /** The bot may write to the channel by itself too. */
    present: z.boolean(),
  }),
]);

export type DiscordTarget = z.infer<typeof schema>;
export type InteractionTarget = Extract<DiscordTarget, { via: 'interaction' }>;
export type ChannelTarget = Extract<DiscordTarget, { via: 'channel' }>;

/** @throws BotError `platform_refused`: no reply can be written to a target that can't be read. */
export function readTarget(target: ReplyTarget): DiscordTarget {
  const parsed = schema.safeParse(target);
  if (!parsed.success) throw new BotError('platform_refused', 'A reply target that is not one of Discord.');
  return parsed.data;
}
