/** From Slack's event payloads to the vocabulary of the house. Pure: plain data in, plain data out. */
import { z } from 'zod';
import {
  encodeSession,
  isWellFormed,
  MAX_COMPONENT_LENGTH,
  type Place,
  type SessionId,
  type SessionScope,
} from '../../core/session.ts';
import { type IncomingMessage, type Locale, type Quote, turnIdOf } from '../../core/types.ts';
import { type BotIdentity, mentions, plainText } from './plain-text.ts';
import { SLACK, type SlackTarget } from './target.ts';

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
}

export type SlackInput =
  | SlackMessage
  | { readonly kind: 'edited'; readonly place: Place; readonly ts: string; readonly text: string }
  | { readonly kind: 'deleted'; readonly place: Place; readonly ts: string }
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

/** Others name no conversation. */
const id = z.string().min(1).max(MAX_COMPONENT_LENGTH).refine(isWellFormed, 'not well-formed');
const files = z.array(z.object({ name: z.string().nullish(), title: z.string().nullish() })).optional();
const messageShape = z.object({
  channel: id,
  channel_type: z.string().optional(),
  subtype: z.string().optional(),
  ts: id,
  thread_ts: z.union([z.literal(''), id]).optional(),
  user: id.optional(),
  text: z.string().nullish(),
  bot_id: z.string().nullish(),
  bot_profile: z.unknown().optional(),
  client_msg_id: id.optional(),
  edited: z.object({ ts: z.string().optional() }).optional(),
  files,
});
type RawMessage = z.infer<typeof messageShape>;

const nested = messageShape.partial().optional();
const changeShape = z.object({ channel: id, message: nested, previous_message: nested, deleted_ts: id.optional() });
const stopShape = z.object({ channel: id, thread_ts: id, user: id });
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
/** Slack's own helper, who is no person. */
const SLACKBOT = 'USLACKBOT';

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
      return parsed(messageShape, event, (message) => asMention(asMessage(message, { team, eventId, self })));
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
  return {
    ...{ kind: 'message', team, channel, ts, user, raw },
    ...(thread === undefined || thread === '' || thread === ts ? {} : { thread }),
    direct: message.channel_type === 'im' || channel.startsWith('D'),
    mention: mentions(raw, self.user),
    ...(eventId === undefined ? {} : { eventId }),
    ...(clientMsgId === undefined ? {} : { clientMsgId }),
    files: (message.files ?? []).map(({ name, title }) => name ?? title ?? '?'),
  };
}

/** Slack says that it is one, whatever the text looks like. */
function asMention(input: SlackInput): SlackInput {
  return input.kind === 'message' ? { ...input, mention: true } : input;
}

/** Only a person's own edit counts: link previews, pins and the bot's own edits come as changes too. */
function asChange(change: z.infer<typeof changeShape>, { team, self }: Around): SlackInput {
  const { channel, message, previous_message: before } = change;
  const ts = message?.ts;
  if (message === undefined || ts === undefined || isBot(message, self) || isBot(before ?? {}, self)) return IGNORED;
  // The root of a thread is not deleted but emptied.
  if (message.subtype === 'tombstone') return { kind: 'deleted', place: placeOf(team, channel), ts };
  if (message.edited === undefined || before?.text === message.text) return IGNORED;
  return { kind: 'edited', place: placeOf(team, channel), ts, text: plainText(message.text ?? '', self) };
}

function asDeletion(change: z.infer<typeof changeShape>, { team, self }: Around): SlackInput {
  const { channel, previous_message: before, deleted_ts: deleted } = change;
  const ts = deleted ?? before?.ts;
  if (ts === undefined || isBot(before ?? {}, self)) return IGNORED;
  return { kind: 'deleted', place: placeOf(team, channel), ts };
}

function isBot(message: Partial<RawMessage>, self: BotIdentity): boolean {
  const { bot_id: bot, bot_profile: profile, user } = message;
  return (bot ?? profile ?? undefined) !== undefined || user === self.user || user === SLACKBOT;
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

/** What of a person and of the surroundings goes with their message. */
export interface Surroundings {
  readonly name: string;
  readonly locale: Locale;
  readonly quotes: readonly Quote[];
}

export function toIncoming(
  message: SlackMessage,
  { name, locale, quotes }: Surroundings,
  self: BotIdentity,
  scopes: Scopes,
): IncomingMessage {
  const { ts, user, direct, eventId, clientMsgId } = message;
  const where = whereaboutsOf(message);
  const target: SlackTarget = {
    ...{ platform: SLACK, team: where.team, channel: where.channel, thread: where.root, trigger: ts, user, direct },
  };
  return {
    id: ts,
    turnId: turnIdOf(ts),
    // One message comes under several event ids and as a mention too; one gesture may come under several timestamps.
    dedupeIds: [
      ts,
      ...(eventId === undefined ? [] : [`event:${eventId}`]),
      ...(clientMsgId === undefined ? [] : [`client:${clientMsgId}`]),
    ],
    platform: SLACK,
    sessionId: sessionAt(where, scopes),
    author: { id: user, name },
    text: plainText(message.raw, self),
    sentAt: Math.round(Number(ts) * 1000) || 0,
    isDirect: direct,
    isMention: message.mention,
    locale,
    replyTo: target,
    ...(quotes.length === 0 ? {} : { quotes }),
    ...(message.files.length === 0 ? {} : { attachments: message.files }),
  };
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
