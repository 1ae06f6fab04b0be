/** Where a reply in Slack goes: plain JSON, so that any replica can give it. */
import { z } from 'zod';
import type { ReplyTarget } from '../../core/types.ts';
import { BotError } from '../../errors.ts';

/** As in session ids. */
export const SLACK = 'slack';

const schema = z.object({
  platform: z.literal(SLACK),
  team: z.string().min(1),
  channel: z.string().min(1),
  /** The ts of the thread's root: replies always go into a thread. */
  thread: z.string().min(1),
  /** The ts of the person's message. */
  trigger: z.string().min(1),
  user: z.string().min(1),
  direct: z.boolean(),
});

export type SlackTarget = Readonly<z.infer<typeof schema>>;

/** @throws BotError `platform_refused` for a target that is none of this adapter's */
export function readTarget(target: ReplyTarget): SlackTarget {
  const parsed = schema.safeParse(target);
  if (parsed.success) return parsed.data;
  throw new BotError('platform_refused', 'A reply target that is not of Slack.', { cause: parsed.error });
}
