/** Slack's messages as events and conversations.replies bring them: the fields that are read here, and the text in them. Pure. */
import { z } from 'zod';
import { isWellFormed, MAX_COMPONENT_LENGTH } from '../../../core/session.ts';
import type { FileRef } from '../../../core/types.ts';
import { fileShape, filesOf } from '../files/file-ref.ts';
import type { BotIdentity } from '../ids.ts';

/** An id that can be part of a session id. */
export const id = z.string().min(1).max(MAX_COMPONENT_LENGTH).refine(isWellFormed, 'not well-formed');

/** For everything around a message: a field that cannot be read is no reason to refuse the message. */
const loose = <Schema extends z.ZodType>(schema: Schema) => schema.nullish().catch(undefined);

const files = loose(z.array(fileShape));

/**
 * An attachment: a message that was shared or forwarded (`is_share`), the preview of a link (`from_url` without `is_share`),
 * or a part of an app's post. Payloads: slackapi/java-slack-sdk#1179 and slackapi/slack-skills-plugin#149; fields of apps:
 * docs.slack.dev/legacy/legacy-messaging/legacy-secondary-message-attachments.
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

/** Slack's own helper, not a person; also the author of tombstones. */
const SLACKBOT = 'USLACKBOT';
/** Subtypes of what replaces a message that was deleted, or redacted by the workspace's administrators. */
const TOMBSTONES: ReadonlySet<string | undefined> = new Set(['tombstone', 'ekm_access_denied']);

/**
 * The message is gone and this is in its place: a deleted root of a thread (matrix-org/matrix-appservice-slack#262,
 * 42wim/matterbridge#600, slack-edge/slack-edge#10), or a message that the workspace's administrators redacted
 * (docs.slack.dev/reference/events/message/ekm_access_denied).
 */
export function isTombstone({ subtype, user, hidden }: Partial<RawMessage>): boolean {
  return TOMBSTONES.has(subtype) || (user === SLACKBOT && hidden === true);
}

/** Written by an app or by Slack itself. */
export function isBot({ bot_id: bot, bot_profile: profile, user }: Partial<RawMessage>, self: BotIdentity): boolean {
  return (bot ?? profile ?? undefined) !== undefined || user === self.user || user === SLACKBOT;
}

/** A shared or forwarded message. `raw`: in Slack's markup. */
export interface Share {
  /** `name`: as Slack gives it; without one it is looked up by the id. */
  readonly author: { readonly name?: string; readonly id?: string };
  readonly raw: string;
  readonly files: readonly FileRef[];
}

/** Shares of one message that are read, and the longest text of blocks, in UTF-16 units of Slack's markup. */
const MAX_SHARES = 10;
const MAX_TEXT = 20_000;
/** How much of the blocks is read: rich text nests lists in lists, tables nest cells in rows. */
const MAX_DEPTH = 10;
const MAX_NODES = 5_000;

/** The messages that are shared in this one. The preview of a link is not a share, even of a link to a message. */
export function sharesOf({ attachments }: Pick<RawMessage, 'attachments'>): readonly Share[] {
  return (attachments ?? [])
    .filter(({ is_share: isShare }) => isShare === true)
    .slice(0, MAX_SHARES)
    .map((attachment) => ({
      author: authorOf(attachment),
      raw: attachment.text || blocksText(messageBlocks(attachment)) || attachment.fallback || '',
      files: filesOf(attachment.files),
    }));
}

function authorOf({ author_name: name, author_subname: sub, author_id: id }: RawAttachment): Share['author'] {
  const shown = sub || name;
  return { ...(shown ? { name: shown } : {}), ...(id ? { id } : {}) };
}

const messageBlocksShape = z.array(z.object({ message: z.object({ blocks: z.unknown() }) }));

/** `message_blocks: [{team, channel, ts, message: {blocks}}]` (slackapi/java-slack-sdk#1179). */
function messageBlocks({ message_blocks: list, blocks }: RawAttachment): unknown {
  const parsed = messageBlocksShape.safeParse(list);
  return parsed.success ? parsed.data.map(({ message }) => message.blocks) : blocks;
}

/** The text of a message in a thread, in Slack's markup. Apps write in blocks and attachments; their `text` is for notifications. */
export function messageText(message: ThreadMessage): string {
  const isApp = (message.bot_id ?? '') !== '' || message.subtype === 'bot_message';
  const text = message.text ?? '';
  const own = isApp ? blocksText(message.blocks) || text : text || blocksText(message.blocks);
  const shares = sharesOf(message).map(({ raw }) => raw);
  const parts = isApp
    ? (message.attachments ?? []).filter(({ is_share: isShare }) => !isShare).map(attachmentText)
    : [];
  return [own, ...shares, ...parts]
    .filter((part) => part.trim() !== '')
    .join('\n')
    .slice(0, MAX_TEXT);
}

/** The files of a message in a thread, with those of the messages that are shared in it. */
export function messageFiles(message: ThreadMessage): readonly FileRef[] {
  return [...filesOf(message.files), ...sharesOf(message).flatMap(({ files }) => files)];
}

function attachmentText(attachment: RawAttachment): string {
  const { pretext, title, text, fields, footer, fallback, blocks } = attachment;
  const rows = (fields ?? []).map(({ title: name, value }) => [name, value].filter(Boolean).join(': '));
  const parts = [pretext, title, text, ...rows, blocksText(blocks)].filter((part) => (part ?? '') !== '');
  return parts.length === 0 ? (fallback ?? '') : [...parts, footer].filter((part) => (part ?? '') !== '').join('\n');
}

const nodeShape = z.looseObject({ type: z.string() });

/** Blocks and elements that have lines of their own; all others continue the line. */
const LINES: ReadonlySet<string> = new Set(
  'section header context markdown rich_text rich_text_section rich_text_list rich_text_quote rich_text_preformatted table'.split(
    ' ',
  ),
);

/** The text that blocks show, in Slack's markup, one line for each (docs.slack.dev/reference/block-kit). */
export function blocksText(blocks: unknown): string {
  let text = '';
  let nodes = 0;
  const line = () => {
    if (text !== '' && !text.endsWith('\n')) text += '\n';
  };

  function walk(value: unknown, depth: number): void {
    nodes += 1;
    if (depth > MAX_DEPTH || nodes > MAX_NODES || text.length > MAX_TEXT) return;
    if (Array.isArray(value)) {
      for (const each of value) walk(each, depth + 1);
      return;
    }
    const parsed = nodeShape.safeParse(value);
    if (!parsed.success) return;
    const node = parsed.data;
    const shown = elementText(node);
    if (shown !== undefined) {
      text += shown;
      return;
    }
    const ownLine = LINES.has(node.type);
    if (ownLine) line();
    for (const key of ['title', 'text', 'fields', 'elements', 'rows', 'accessory']) {
      const inner = node[key];
      if (typeof inner === 'string') text += inner;
      else walk(inner, depth + 1);
      if (key === 'fields') line();
    }
    if (ownLine) line();
  }

  walk(blocks, 0);
  return text.slice(0, MAX_TEXT).trim();
}

/** What one element shows, in Slack's markup; undefined for an element that only contains others. */
function elementText(node: z.infer<typeof nodeShape>): string | undefined {
  const field = (name: string): string => {
    const value = node[name];
    return typeof value === 'string' ? value : '';
  };
  switch (node.type) {
    case 'mrkdwn':
    case 'plain_text':
      return `${field('text')}\n`;
    case 'text':
    case 'raw_text':
      return escaped(field('text'));
    case 'link':
      return field('text') === '' ? `<${field('url')}>` : `<${field('url')}|${escaped(field('text'))}>`;
    case 'user':
      return `<@${field('user_id')}>`;
    case 'usergroup':
      return `<!subteam^${field('usergroup_id')}>`;
    case 'channel':
      return `<#${field('channel_id')}>`;
    case 'broadcast':
      return `<!${field('range')}>`;
    case 'emoji':
      return `:${field('name')}:`;
    case 'date':
      return escaped(field('fallback'));
    case 'image':
      return field('alt_text') === '' ? '' : `[${escaped(field('alt_text'))}]\n`;
    case 'button':
    case 'actions':
      return '';
    default:
      return undefined;
  }
}

function escaped(text: string): string {
  return text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;');
}
