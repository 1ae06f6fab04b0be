/** From Slack's event payloads to the vocabulary of the house. Pure: plain data in, plain data out. */
import { z } from 'zod';
import { encodeSession, type Place, type SessionId, type SessionScope } from '../../core/session.ts';
import { type Share, sharesOf } from './content.ts';
import { type BotIdentity, mentions } from './plain-text.ts';
import { changeShape, id, isBot, isTombstone, messageShape, namesOf, type RawMessage } from './raw-message.ts';
import { SLACK } from './target.ts';

/** A message of a person. */
export interface SlackMessage {
  readonly kind: 'message';
  readonly team: string;
  readonly channel: string;
  /** Slack's id of the message, and its time. */
  readonly ts: string;
  /** The ts of the thread's root; absent for a message outside of threads. */
  readonly thread?: string;
  readonly user: string;
  /** As Slack sends it, with its tokens and escapes. */
  readonly raw: string;
  readonly direct: boolean;
  readonly mention: boolean;
  readonly eventId?: string;
  readonly clientMsgId?: string;
  readonly files: readonly string[];
  /** Messages that are shared or forwarded in it. */
  readonly shares: readonly Share[];
}

export type SlackInput =
  | SlackMessage
  | {
      readonly kind: 'edited';
      readonly place: Place;
      readonly ts: string;
      /** As Slack sends it. */
      readonly raw: string;
      /** The message, where only this edit has called the bot. */
      readonly called?: SlackMessage;
    }
  /** `awaited`: it may have been for the bot, which may not have got it yet. */
  | { readonly kind: 'deleted'; readonly place: Place; readonly ts: string; readonly awaited: boolean }
  /** With all that was said in it. */
  | { readonly kind: 'channel_deleted'; readonly place: Place }
  /** The person pressed Slack's own Stop button. */
  | {
      readonly kind: 'stop';
      readonly team: string;
      readonly channel: string;
      readonly thread: string;
      readonly user: string;
    }
  /** The person opened the DM with the bot. */
  | { readonly kind: 'opened'; readonly channel: string; readonly user: string }
  | { readonly kind: 'uninstalled'; readonly team: string }
  | { readonly kind: 'revoked' }
  /** Slack holds events back: there were too many. */
  | { readonly kind: 'overloaded' }
  /** Nothing is started by it. */
  | { readonly kind: 'ignored' }
  | { readonly kind: 'malformed'; readonly why: string };

const stopShape = z.object({ channel: id, thread_ts: id, user: id });
const channelShape = z.object({ channel: id });
const openedShape = z.object({ channel: id, user: id, tab: z.string().optional() });
const revokedShape = z.object({ tokens: z.object({ bot: z.array(z.string()).nullish() }) });
const overloadShape = z.object({ type: z.literal('app_rate_limited') });
const envelopeShape = z.object({
  team_id: id.optional(),
  event_id: id.optional(),
  authorizations: z.array(z.object({ team_id: id.nullish() })).optional(),
  event: z.looseObject({ type: z.string() }),
});

/** Messages of people; all other subtypes are news about the channel, or another app's. */
const SUBTYPES: ReadonlySet<string | undefined> = new Set([undefined, 'file_share', 'thread_broadcast', 'me_message']);
/**
 * A message that is edited so that it calls the bot is taken as a new one, up to this age. For longer (24 h) it is known of
 * each message whether it was taken before: an older one may have been answered already. Seconds.
 */
const MAX_CALL_AGE_S = 23 * 3_600;

const IGNORED: SlackInput = { kind: 'ignored' };

/** Reads the body of an Events API delivery. */
export function readEvent(body: unknown, self: BotIdentity): SlackInput {
  if (overloadShape.safeParse(body).success) return { kind: 'overloaded' };
  const envelope = envelopeShape.safeParse(body);
  if (!envelope.success) return malformed(envelope.error);
  const { event, event_id: eventId, team_id: outer, authorizations } = envelope.data;
  // In a shared channel the outer team may be another one; the authorization is the installation that is spoken to.
  const team = authorizations?.[0]?.team_id ?? outer ?? self.team;
  switch (event.type) {
    case 'message':
      return readMessageEvent(event, { team, eventId, self });
    case 'app_mention':
      // Slack sends it again for each edit of a message that mentions the bot, under a new id, also days later
      // (slackapi/bolt-js#960, PostHog/posthog#59517). What an edit changes is told by the `message_changed` beside it.
      return parsed(messageShape, event, (message) =>
        message.edited == null ? asMention(asMessage(message, { team, eventId, self })) : IGNORED,
      );
    // Where no more can be read, nothing is kept (docs.slack.dev/reference/events/channel_deleted, …/group_deleted).
    case 'channel_deleted':
    case 'group_deleted':
      return parsed(channelShape, event, ({ channel }) => ({ kind: 'channel_deleted', place: placeOf(team, channel) }));
    case 'agent_session_stopped':
      return parsed(stopShape, event, ({ channel, thread_ts: thread, user }) => ({
        ...{ kind: 'stop', team, channel, thread, user },
      }));
    case 'app_home_opened':
      return parsed(openedShape, event, ({ channel, user, tab }) =>
        tab === undefined || tab === 'messages' ? { kind: 'opened', channel, user } : IGNORED,
      );
    case 'app_uninstalled':
      return { kind: 'uninstalled', team };
    case 'tokens_revoked':
      return parsed(revokedShape, event, ({ tokens }) => {
        const ours = (tokens.bot ?? []).some((bot) => bot === self.user || bot === self.bot);
        return ours ? { kind: 'revoked' } : IGNORED;
      });
    default:
      return IGNORED;
  }
}

interface Around {
  readonly team: string;
  readonly eventId: string | undefined;
  readonly self: BotIdentity;
}

function readMessageEvent(event: unknown, around: Around): SlackInput {
  const subtype = z.object({ subtype: z.string().optional() }).safeParse(event).data?.subtype;
  if (subtype === 'message_changed') return parsed(changeShape, event, (change) => asChange(change, around));
  if (subtype === 'message_deleted') return parsed(changeShape, event, (change) => asDeletion(change, around));
  return parsed(messageShape, event, (message) => asMessage(message, around));
}

function asMessage(message: RawMessage, { team, eventId, self }: Around): SlackInput {
  const { channel, ts, user, thread_ts: thread, client_msg_id: clientMsgId } = message;
  if (!SUBTYPES.has(message.subtype) || user === undefined || isBot(message, self)) return IGNORED;
  const raw = message.text ?? '';
  const shares = sharesOf(message);
  return {
    ...{ kind: 'message', team, channel, ts, user, raw, shares },
    ...(thread === undefined || thread === '' || thread === ts ? {} : { thread }),
    direct: isDirect(message.channel_type, channel),
    mention: mentions(raw, self.user),
    ...(eventId === undefined ? {} : { eventId }),
    ...(clientMsgId === undefined ? {} : { clientMsgId }),
    files: [...namesOf(message.files), ...shares.flatMap(({ files }) => files)],
  };
}

function isDirect(type: string | undefined, channel: string): boolean {
  return type === 'im' || channel.startsWith('D');
}

/** Slack says that it is one, whatever the text looks like. */
function asMention(input: SlackInput): SlackInput {
  return input.kind === 'message' ? { ...input, mention: true } : input;
}

/** Only a person's own edit counts: link previews, pins and the bot's own edits come as changes too. */
function asChange(change: z.infer<typeof changeShape>, around: Around): SlackInput {
  const { channel, message, previous_message: before } = change;
  const { team, self } = around;
  if (message?.ts === undefined || isBot(before ?? {}, self)) return IGNORED;
  const { ts } = message;
  // Before it is asked who writes: what stands there now is Slackbot's.
  if (isTombstone(message)) return asDeletion(change, around);
  if (isBot(message, self) || message.edited == null || before?.text === message.text) return IGNORED;
  const raw = message.text ?? '';
  const called = callOf(change, around);
  return { kind: 'edited', place: placeOf(team, channel), ts, raw, ...(called === undefined ? {} : { called }) };
}

/** The edited message, where it calls the bot as it did not before. */
function callOf(change: z.infer<typeof changeShape>, around: Around): SlackMessage | undefined {
  const { channel, channel_type: type, message, previous_message: before } = change;
  if (before?.text == null || isDirect(type, channel) || mentions(before.text, around.self.user)) return undefined;
  const whole = messageShape.safeParse({ ...message, channel, channel_type: type });
  if (!whole.success || !(Number(whole.data.edited?.ts) - Number(whole.data.ts) <= MAX_CALL_AGE_S)) return undefined;
  const input = asMessage(whole.data, around);
  return input.kind === 'message' && input.mention ? input : undefined;
}

/** Whoever deleted it: its author, an administrator, or a rule of the workspace. */
function asDeletion(change: z.infer<typeof changeShape>, { team, self }: Around): SlackInput {
  const { channel, channel_type: type, message, previous_message: before, deleted_ts: deleted } = change;
  const ts = deleted ?? message?.ts ?? before?.ts;
  if (ts === undefined) return IGNORED;
  // When the last reply of a deleted root goes, the tombstone is deleted as well.
  const known = before == null || isTombstone(before) ? undefined : before;
  if (known !== undefined && isBot(known, self)) return IGNORED;
  const awaited =
    isDirect(type, channel) ||
    known === undefined ||
    (known.thread_ts ?? ts) !== ts ||
    mentions(known.text ?? '', self.user);
  return { kind: 'deleted', place: placeOf(team, channel), ts, awaited };
}

/** The place of a channel, as in session ids. */
export function placeOf(team: string, channel: string): Place {
  return { platform: SLACK, workspace: team, channel };
}

export interface Scopes {
  readonly scope: SessionScope;
  readonly dmScope: 'thread' | 'channel';
}

/** Where a message, a button or a command belongs. `root` is the thread's root, or the message that a thread would begin with. */
export interface Whereabouts {
  readonly team: string;
  readonly channel: string;
  readonly root: string;
  readonly user: string;
  readonly direct: boolean;
}

/** The conversation: in a channel always that of the thread; a DM is one person's own. */
export function sessionAt({ team, channel, root, user, direct }: Whereabouts, { scope, dmScope }: Scopes): SessionId {
  const place = placeOf(team, channel);
  if (direct) return encodeSession(dmScope === 'thread' ? { place, thread: root } : { place });
  return encodeSession(scope === 'user' ? { place, thread: root, user } : { place, thread: root });
}

export function whereaboutsOf(message: SlackMessage): Whereabouts {
  const { team, channel, ts, thread, user, direct } = message;
  return { team, channel, root: thread ?? ts, user, direct };
}

function parsed<Schema extends z.ZodType>(
  schema: Schema,
  value: unknown,
  read: (data: z.output<Schema>) => SlackInput,
): SlackInput {
  const result = schema.safeParse(value);
  return result.success ? read(result.data) : malformed(result.error);
}

function malformed(error: z.ZodError): SlackInput {
  const [issue] = error.issues;
  return { kind: 'malformed', why: `${issue?.path.join('.') ?? ''}: ${issue?.message ?? ''}` };
}
