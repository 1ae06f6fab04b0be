/** Slack's messages as its events and conversations.replies bring them: as much of them as is read here. */
import { z } from 'zod';
import { isWellFormed, MAX_COMPONENT_LENGTH } from '../../core/session.ts';
import type { BotIdentity } from './plain-text.ts';

/** Others name no conversation. */
export const id = z.string().min(1).max(MAX_COMPONENT_LENGTH).refine(isWellFormed, 'not well-formed');

/** What stands around a message is read as far as it can be: none of it is a reason to refuse the message. */
const loose = <Schema extends z.ZodType>(schema: Schema) => schema.nullish().catch(undefined);

const file = z.object({ name: z.string().nullish(), title: z.string().nullish() });
const files = loose(z.array(file));

/**
 * An attachment: a message that was shared or forwarded (`is_share`), the preview of a link (`from_url` without `is_share`),
 * or a part of another app's post. Payloads: slackapi/java-slack-sdk#1179 and slackapi/slack-skills-plugin#149; fields of
 * apps: docs.slack.dev/legacy/legacy-messaging/legacy-secondary-message-attachments.
 */
const attachment = z.object({
  is_share: loose(z.boolean()),
  from_url: loose(z.string()),
  is_msg_unfurl: loose(z.boolean()),
  author_id: loose(z.string()),
  author_name: loose(z.string()),
  author_subname: loose(z.string()),
  text: loose(z.string()),
  fallback: loose(z.string()),
  pretext: loose(z.string()),
  title: loose(z.string()),
  footer: loose(z.string()),
  fields: loose(z.array(z.object({ title: loose(z.string()), value: loose(z.string()) }))),
  blocks: z.unknown().optional(),
  message_blocks: z.unknown().optional(),
  files,
});
export type RawAttachment = z.infer<typeof attachment>;

const content = {
  text: z.string().nullish(),
  attachments: loose(z.array(attachment)),
  blocks: z.unknown().optional(),
  files,
};

/** A message within its thread, as conversations.replies gives it. */
export const threadMessageShape = z.object({
  ...{ ts: z.string(), user: loose(z.string()), username: loose(z.string()), bot_id: loose(z.string()) },
  ...{ subtype: loose(z.string()), bot_profile: loose(z.object({ name: loose(z.string()) })) },
  ...{ ...content, text: loose(z.string()) },
});
export type ThreadMessage = z.infer<typeof threadMessageShape>;

/** A message of an event. */
export const messageShape = z.object({
  channel: id,
  channel_type: z.string().optional(),
  subtype: z.string().optional(),
  ts: id,
  thread_ts: z.union([z.literal(''), id]).optional(),
  user: id.optional(),
  ...content,
  bot_id: z.string().nullish(),
  bot_profile: z.unknown().optional(),
  client_msg_id: id.optional(),
  edited: z.object({ ts: z.string().optional() }).nullish(),
  hidden: loose(z.boolean()),
});
export type RawMessage = z.infer<typeof messageShape>;

const nested = messageShape.partial().nullish();
/** An edit or a deletion. */
export const changeShape = z.object({
  channel: id,
  channel_type: z.string().optional(),
  message: nested,
  previous_message: nested,
  deleted_ts: id.optional(),
});

/** Slack's own helper, who is no person; what is left of a deleted message is its. */
const SLACKBOT = 'USLACKBOT';
/** What stands in the place of a message that was deleted, or that the administrators of a workspace have taken back. */
const TOMBSTONES: ReadonlySet<string | undefined> = new Set(['tombstone', 'ekm_access_denied']);

/**
 * The message is gone, and this stands where it was: for the root of a thread (matrix-org/matrix-appservice-slack#262,
 * 42wim/matterbridge#600, slack-edge/slack-edge#10), or where a workspace's administrators redacted it
 * (docs.slack.dev/reference/events/message/ekm_access_denied).
 */
export function isTombstone({ subtype, user, hidden }: Partial<RawMessage>): boolean {
  return TOMBSTONES.has(subtype) || (user === SLACKBOT && hidden === true);
}

/** Written by an app or by Slack itself. */
export function isBot({ bot_id: bot, bot_profile: profile, user }: Partial<RawMessage>, self: BotIdentity): boolean {
  return (bot ?? profile ?? undefined) !== undefined || user === self.user || user === SLACKBOT;
}

/** Most files that are named, and longest name in UTF-16 units. */
const MAX_FILES = 20;
const MAX_NAME = 200;

export function namesOf(list: z.infer<typeof files>): readonly string[] {
  return (list ?? []).slice(0, MAX_FILES).map(({ name, title }) => (name ?? title ?? '?').slice(0, MAX_NAME));
}
