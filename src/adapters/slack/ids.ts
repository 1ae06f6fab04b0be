/** Slack's ids: the bot's own, places, session ids, reply targets. Pure. */
import { z } from 'zod';
import { encodeSession, type Place, type SessionId, type SessionScope } from '../../core/session.ts';
import type { ReplyTarget } from '../../core/types.ts';
import { BotError } from '../../errors.ts';

/** The platform's name in session ids. */
export const SLACK = 'slack';

/** Who the bot is in its workspace. */
export interface BotIdentity {
  readonly team: string;
  readonly user: string;
  readonly name: string;
  /** Absent for tokens of apps without a bot profile. */
  readonly bot?: string;
}

/** The place of a channel, as in session ids. */
export function placeOf(team: string, channel: string): Place {
  return { platform: SLACK, workspace: team, channel };
}

/** How conversations are divided (SESSION_SCOPE, SLACK_DM_SCOPE). */
export interface Scopes {
  readonly scope: SessionScope;
  readonly dmScope: 'thread' | 'channel';
}

/** Where a message, a button or a command comes from. `root`: the ts of the thread's root, or of the message that starts a thread. */
export interface Origin {
  readonly team: string;
  readonly channel: string;
  readonly root: string;
  readonly user: string;
  readonly direct: boolean;
}

/** The conversation: in a channel always the thread's; in a DM one person's own. */
export function sessionAt({ team, channel, root, user, direct }: Origin, { scope, dmScope }: Scopes): SessionId {
  const place = placeOf(team, channel);
  if (direct) return encodeSession(dmScope === 'thread' ? { place, thread: root } : { place });
  return encodeSession(scope === 'user' ? { place, thread: root, user } : { place, thread: root });
}

const targetShape = z.object({
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

/** Where a reply goes: plain JSON, so that any replica can write the reply. */
export type SlackTarget = Readonly<z.infer<typeof targetShape>>;

/** @throws BotError `platform_refused` for the target of another adapter */
export function readTarget(target: ReplyTarget): SlackTarget {
  const parsed = targetShape.safeParse(target);
  if (parsed.success) return parsed.data;
  throw new BotError('platform_refused', 'The reply target is not a Slack target.', { cause: parsed.error });
}
