/** Turns Slack's events into plain inputs, and a Slack message into the bot's message. Pure: plain data in, plain data out. */
import { z } from 'zod';
import { type FileRef, type IncomingMessage, type Locale, type Quote, turnIdOf } from '../../../core/types.ts';
import { ownFilesOf, unreadOf } from '../files/file-ref.ts';
import { type BotIdentity, type Origin, placeOf, type Scopes, SLACK, type SlackTarget, sessionAt } from '../ids.ts';
import type { SlackInput, SlackMessage } from './inputs.ts';
import { mentions, plainText } from './plain-text.ts';
import { changeShape, id, isBot, isTombstone, messageShape, type RawMessage, sharesOf } from './raw-message.ts';

const stopShape = z.object({ channel: id, thread_ts: id, user: id });
const channelShape = z.object({ channel: id });
const openedShape = z.object({ channel: id, user: id, tab: z.string().optional() });
const revokedShape = z.object({ tokens: z.object({ bot: z.array(z.string()).nullish() }) });
const rateLimitShape = z.object({ type: z.literal('app_rate_limited') });
const envelopeShape = z.object({
  team_id: id.optional(),
  event_id: id.optional(),
  authorizations: z.array(z.object({ team_id: id.nullish() })).optional(),
  event: z.looseObject({ type: z.string() }),
});

/** Subtypes of people's messages; all others report changes of the channel, or are posts of apps. */
const SUBTYPES: ReadonlySet<string | undefined> = new Set([undefined, 'file_share', 'thread_broadcast', 'me_message']);
/**
 * A message that an edit makes mention the bot counts as a new message up to this age, in seconds. Idempotency keys live longer
 * (24 h); an older message might have been answered before.
 */
const MAX_NEW_MENTION_AGE_S = 23 * 3_600;

const IGNORED: SlackInput = { kind: 'ignored' };

/** Reads the body of an Events API delivery. */
export function readEvent(body: unknown, self: BotIdentity): SlackInput {
  if (rateLimitShape.safeParse(body).success) return { kind: 'rate_limited' };
  const envelope = envelopeShape.safeParse(body);
  if (!envelope.success) return malformed(envelope.error);
  const { event, event_id: eventId, team_id: outer, authorizations } = envelope.data;
  // In a shared channel the outer team may be another workspace; the authorization names the one that installed the app.
  const team = authorizations?.[0]?.team_id ?? outer ?? self.team;
  switch (event.type) {
    case 'message':
      return readMessageEvent(event, { team, eventId, self });
    case 'app_mention':
      // Slack sends it again for each edit of a message that mentions the bot, under a new event id, also days later
      // (slackapi/bolt-js#960, PostHog/posthog#59517). The `message_changed` that comes with it tells what changed.
      return parsed(messageShape, event, (message) =>
        message.edited == null ? asMention(asMessage(message, { team, eventId, self })) : IGNORED,
      );
    // What was said in a deleted channel is erased (docs.slack.dev/reference/events/channel_deleted, …/group_deleted).
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

interface EventContext {
  readonly team: string;
  readonly eventId: string | undefined;
  readonly self: BotIdentity;
}

function readMessageEvent(event: unknown, context: EventContext): SlackInput {
  const subtype = z.object({ subtype: z.string().optional() }).safeParse(event).data?.subtype;
  if (subtype === 'message_changed') return parsed(changeShape, event, (change) => asChange(change, context));
  if (subtype === 'message_deleted') return parsed(changeShape, event, (change) => asDeletion(change, context));
  return parsed(messageShape, event, (message) => asMessage(message, context));
}

function asMessage(message: RawMessage, { team, eventId, self }: EventContext): SlackInput {
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
    files: filesIn(message, self),
    ...editedAtOf(message),
  };
}

function filesIn({ files, text, attachments }: Partial<RawMessage>, self: BotIdentity): readonly FileRef[] {
  return ownFilesOf(files, plainText(text ?? '', self) === '' && sharesOf({ attachments }).length === 0);
}

/** `edited.ts` has the form of a message's ts: seconds (docs.slack.dev/reference/events/message/message_changed). */
function editedAtOf({ edited }: Partial<RawMessage>): { readonly editedAt?: number } {
  const editedAt = Math.round(Number(edited?.ts) * 1_000);
  return Number.isFinite(editedAt) && editedAt > 0 ? { editedAt } : {};
}

function isDirect(type: string | undefined, channel: string): boolean {
  return type === 'im' || channel.startsWith('D');
}

/** Slack says that the message mentions the bot, whatever its text looks like. */
function asMention(input: SlackInput): SlackInput {
  return input.kind === 'message' ? { ...input, mention: true } : input;
}

/**
 * Only an edit by a person counts: link previews, pins and the bot's own edits are `message_changed` too. A deleted file is replaced by a
 * tombstone in its message, which need not be marked as edited.
 */
function asChange(change: z.infer<typeof changeShape>, context: EventContext): SlackInput {
  const { channel, message, previous_message: before } = change;
  const { team, self } = context;
  if (message?.ts === undefined || isBot(before ?? {}, self)) return IGNORED;
  const { ts } = message;
  // Checked before the author: a tombstone is Slackbot's.
  if (isTombstone(message)) return asDeletion(change, context);
  const isEdit = message.edited != null && before?.text !== message.text;
  if (isBot(message, self) || (!isEdit && !hasOtherFiles(message, before))) return IGNORED;
  const raw = message.text ?? '';
  const newMention = newMentionOf(change, context);
  const place = placeOf(team, channel);
  const editedAt = editedAtOf(message);
  const files = filesIn(message, self);
  return { kind: 'edited', place, ts, raw, files, ...editedAt, ...(newMention === undefined ? {} : { newMention }) };
}

function hasOtherFiles({ files: now }: Partial<RawMessage>, before: Partial<RawMessage> | null | undefined): boolean {
  if (before == null) return false;
  const listed = (files: RawMessage['files']) => (files ?? []).map((file) => `${file.id} ${unreadOf(file)}`).join();
  return listed(now) !== listed(before.files);
}

/** The edited message, if it mentions the bot and did not before. */
function newMentionOf(change: z.infer<typeof changeShape>, context: EventContext): SlackMessage | undefined {
  const { channel, channel_type: type, message, previous_message: before } = change;
  if (before?.text == null || isDirect(type, channel) || mentions(before.text, context.self.user)) return undefined;
  const whole = messageShape.safeParse({ ...message, channel, channel_type: type });
  if (!whole.success || !(Number(whole.data.edited?.ts) - Number(whole.data.ts) <= MAX_NEW_MENTION_AGE_S))
    return undefined;
  const input = asMessage(whole.data, context);
  return input.kind === 'message' && input.mention ? input : undefined;
}

/** It does not matter who deleted the message: its author, an administrator, or a rule of the workspace. */
function asDeletion(change: z.infer<typeof changeShape>, { team, self }: EventContext): SlackInput {
  const { channel, channel_type: type, message, previous_message: before, deleted_ts: deleted } = change;
  const ts = deleted ?? message?.ts ?? before?.ts;
  if (ts === undefined) return IGNORED;
  // When the last reply to a deleted root is deleted, Slack deletes the tombstone as well.
  const known = before == null || isTombstone(before) ? undefined : before;
  if (known !== undefined && isBot(known, self)) return IGNORED;
  const forBot =
    isDirect(type, channel) ||
    known === undefined ||
    (known.thread_ts ?? ts) !== ts ||
    mentions(known.text ?? '', self.user);
  return { kind: 'deleted', place: placeOf(team, channel), ts, forBot };
}

/** Unix milliseconds: a message's ts is its time, in seconds. */
export function sentAtOf(ts: string): number {
  return Math.round(Number(ts) * 1_000) || 0;
}

export function originOf(message: SlackMessage): Origin {
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

/** What was looked up for a message. */
export interface MessageContext {
  /** The message as the model reads it. */
  readonly text: string;
  readonly name: string;
  readonly locale: Locale;
  readonly quotes: readonly Quote[];
}

export function toIncoming(
  message: SlackMessage,
  { text, name, locale, quotes }: MessageContext,
  scopes: Scopes,
): IncomingMessage {
  const { ts, user, direct, eventId, clientMsgId } = message;
  const origin = originOf(message);
  const target: SlackTarget = {
    ...{ platform: SLACK, team: origin.team, channel: origin.channel, thread: origin.root, trigger: ts, user, direct },
  };
  return {
    id: ts,
    turnId: turnIdOf(ts),
    // One message arrives under several event ids, and as a mention too; sending once may give several timestamps.
    idempotencyKeys: [
      ts,
      ...(eventId === undefined ? [] : [`event:${eventId}`]),
      ...(clientMsgId === undefined ? [] : [`client:${clientMsgId}`]),
    ],
    platform: SLACK,
    sessionId: sessionAt(origin, scopes),
    author: { id: user, name },
    text,
    sentAt: sentAtOf(ts),
    isDirect: direct,
    isMention: message.mention,
    locale,
    replyTo: target,
    ...(quotes.length === 0 ? {} : { quotes }),
    ...(message.files.length === 0 ? {} : { attachments: message.files }),
    ...(message.editedAt === undefined ? {} : { editedAt: message.editedAt }),
  };
}
