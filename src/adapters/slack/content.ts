/** What a message says besides its text: messages that are shared in it, and the posts of other apps. Pure. */
import { z } from 'zod';
import { namesOf, type RawAttachment, type RawMessage, type ThreadMessage } from './raw-message.ts';

/** A message that somebody has shared or forwarded, in Slack's own markup. */
export interface Share {
  /** As Slack names them; else they are looked up by their id. */
  readonly author: { readonly name?: string; readonly id?: string };
  readonly raw: string;
  readonly files: readonly string[];
}

/** Most shares of one message, and longest text of blocks, in UTF-16 units of Slack's markup. */
const MAX_SHARES = 10;
const MAX_TEXT = 20_000;
/** How far blocks are looked into: rich text nests lists within lists, tables cells within rows. */
const MAX_DEPTH = 10;
const MAX_NODES = 5_000;

/** The messages that are shared in this one. The preview of a link is none, also where it is that of a message. */
export function sharesOf({ attachments }: Pick<RawMessage, 'attachments'>): readonly Share[] {
  return (attachments ?? [])
    .filter(({ is_share: isShare }) => isShare === true)
    .slice(0, MAX_SHARES)
    .map((attachment) => ({
      author: authorOf(attachment),
      raw: attachment.text || blocksText(messageBlocks(attachment)) || attachment.fallback || '',
      files: namesOf(attachment.files),
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

/** What a message in a thread says, in Slack's markup: apps write in blocks and attachments, with a text for notifications. */
export function saidIn(message: ThreadMessage): string {
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

function attachmentText(attachment: RawAttachment): string {
  const { pretext, title, text, fields, footer, fallback, blocks } = attachment;
  const rows = (fields ?? []).map(({ title: name, value }) => [name, value].filter(Boolean).join(': '));
  const parts = [pretext, title, text, ...rows, blocksText(blocks)].filter((part) => (part ?? '') !== '');
  return parts.length === 0 ? (fallback ?? '') : [...parts, footer].filter((part) => (part ?? '') !== '').join('\n');
}

const nodeShape = z.looseObject({ type: z.string() });

/** Kinds of blocks and elements that stand on lines of their own; all others go on in the same line. */
const LINES: ReadonlySet<string> = new Set(
  'section header context markdown rich_text rich_text_section rich_text_list rich_text_quote rich_text_preformatted table'.split(
    ' ',
  ),
);

/**
 * The text of blocks, in Slack's markup, a line each. Whatever a block holds is looked through for what Slack shows as text;
 * blocks and elements as docs.slack.dev/reference/block-kit has them.
 */
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

/** What one element shows, in Slack's markup; undefined for what only holds others. */
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
