/** From the vocabulary of the house to Slack's messages. Pure. Whatever text is given, nothing in them calls anybody. */
import slackifyMarkdown from 'slackify-markdown';
import type { CommandAction, CommandResult } from '../../core/commands.ts';
import type { TurnId } from '../../core/types.ts';
import { isWithin, type MarkupBounds } from '../../replies/markdown/limits.ts';
import { splitMarkdown, textOf } from '../../replies/markdown/split.ts';
import { ACTION_PREFIX } from './callback-ids.ts';
import { escapeMentions } from './escape-mentions.ts';

/**
 * Longest part of a reply in UTF-8 bytes. Markdown blocks take 12,000 characters, but streams were refused from 10,600
 * bytes on.
 */
export const PART_LIMIT = 9_000;

/** Longest private answer in UTF-16 units: with its buttons well under what a markdown block takes. */
export const ANSWER_LIMIT = 9_000;

/** Of the text that notifications and screen readers show, in UTF-16 units; chat.update refuses more than 4,000. */
const NOTICE_LIMIT = 1_000;
/** Of a section's text (docs.slack.dev, section block), in UTF-16 units; and what is split to, since escapes take room. */
const SECTION_LIMIT = 3_000;
const SECTION_SPLIT = 2_000;
/** For texts that escaping makes longer than that: an ampersand takes five units. */
const ESCAPED_SPLIT = 500;
/** Of a piece of {@link SECTION_SPLIT}: at most some ten times as slow as prose. */
const CONVERTED: MarkupBounds = { depth: 16, delimiters: 400, marks: 400 };
/** Pieces of a reply that are not converted anew: a part of {@link PART_LIMIT} has about five, and a notice. */
const REMEMBERED = 16;
/** Elements of an actions block. */
const MAX_BUTTONS = 25;

/** What the bot's messages are marked with, so that one whose answer was lost is found again. */
export const REPLY_EVENT = 'recollect_reply';

interface Button {
  readonly type: 'button';
  readonly text: { readonly type: 'plain_text'; readonly text: string; readonly emoji: false };
  readonly action_id: string;
  readonly value: string;
  readonly style?: 'primary' | 'danger';
}

/** The blocks that the bot sends, as Slack's types have them. */
type SlackBlock =
  | { readonly type: 'markdown'; readonly text: string }
  | { readonly type: 'section'; readonly text: { readonly type: 'mrkdwn'; readonly text: string } }
  | { readonly type: 'actions'; readonly elements: Button[] };

export interface SlackText {
  /** For notifications; all that is shown where there are no blocks. */
  readonly text: string;
  readonly blocks?: SlackBlock[];
}

/** How a message is written, the best first; which of them Slack takes depends on the workspace and on the text. */
export const FORMS = ['markdown', 'sections', 'text'] as const;
export type Form = (typeof FORMS)[number];

/** Slack's own markup for a piece of Markdown of at most {@link SECTION_SPLIT} units. Never throws. */
export type Convert = (markdown: string) => string;

/** A message of Markdown. Give `convert` where a text is written again and again as it grows ({@link rememberingConvert}). */
export function messageOf(markdown: string, form: Form, convert: Convert = slackMarkup): SlackText {
  switch (form) {
    case 'markdown':
      // Slack reads its own tokens in this block, but none that were entities (measured: PostHog/posthog#95054).
      return { text: noticeOf(markdown, convert), blocks: [{ type: 'markdown', text: escapeMentions(markdown) }] };
    case 'sections':
      return { text: noticeOf(markdown, convert), blocks: sectionsOf(markdown, convert) };
    case 'text':
      return { text: escapeAll(markdown) };
  }
}

function sectionsOf(markdown: string, convert: Convert): SlackBlock[] {
  return splitMarkdown(markdown, { limit: SECTION_SPLIT })
    .flatMap((part) => sectionTexts(textOf(part), convert))
    .map((text) => ({ type: 'section', text: { type: 'mrkdwn', text } }));
}

/** One text, or several where escapes take so much room that the end would be lost. */
function sectionTexts(markdown: string, convert: Convert): readonly string[] {
  const whole = convert(markdown).trimEnd();
  if (whole.length <= SECTION_LIMIT) return [whole];
  return splitMarkdown(markdown, { limit: ESCAPED_SPLIT }).map((part) =>
    cut(convert(textOf(part)).trimEnd(), SECTION_LIMIT),
  );
}

function noticeOf(markdown: string, convert: Convert): string {
  return cut(convert(cut(markdown, NOTICE_LIMIT)).trim(), NOTICE_LIMIT) || '…';
}

/**
 * Converts each piece once as long as it is among the last ones: of a reply that grows, only the end is converted again. For
 * one reply, so that nothing of it stays behind.
 */
export function rememberingConvert(convert: Convert = slackMarkup): Convert {
  const known = new Map<string, string>();
  return (markdown) => {
    const found = known.get(markdown);
    const converted = found ?? convert(markdown);
    known.delete(markdown);
    known.set(markdown, converted);
    for (const oldest of known.keys()) {
      if (known.size <= REMEMBERED) break;
      known.delete(oldest);
    }
    return converted;
  };
}

/** Links of people; all other tokens of Slack's do something (docs.slack.dev/messaging/formatting-message-text). */
const LINK = /<(?!(?:https?:\/\/|mailto:|tel:)[^<>\n]*>)/gi;

/**
 * Slack's own markup. The converter makes `<` of what was an entity or escaped, and leaves tokens alone that look like mentions,
 * so what it gives is escaped and not what it is given.
 */
function slackMarkup(markdown: string): string {
  if (!isWithin(markdown, CONVERTED)) return escapeAll(markdown);
  try {
    return slackifyMarkdown(markdown).replace(LINK, '&lt;');
  } catch {
    // It encodes addresses, which throws at half a surrogate pair; whatever it is, people get to read the text.
    return escapeAll(markdown);
  }
}

function escapeAll(text: string): string {
  return text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;');
}

/** At most `limit` UTF-16 units, whole characters. */
function cut(text: string, limit: number): string {
  if (text.length <= limit) return text;
  const end = limit - 1;
  return `${text.slice(0, /[\uD800-\uDBFF]/.test(text[end - 1] ?? '') ? end - 1 : end)}…`;
}

/** The answer to a command, with its buttons. */
export function answerOf({ text, actions }: Pick<CommandResult, 'text' | 'actions'>, form: Form): SlackText {
  const message = messageOf(text, form);
  const rows: SlackBlock[] = [];
  for (let from = 0; from < actions.length; from += MAX_BUTTONS) {
    rows.push({
      type: 'actions',
      elements: actions.slice(from, from + MAX_BUTTONS).map((action, index) => buttonOf(action, from + index)),
    });
  }
  return message.blocks === undefined ? message : { text: message.text, blocks: [...message.blocks, ...rows] };
}

function buttonOf({ label, style, id }: CommandAction, index: number): Button {
  return {
    type: 'button',
    text: { type: 'plain_text', text: label, emoji: false },
    action_id: `${ACTION_PREFIX}${index}`,
    value: id,
    ...(style === 'plain' ? {} : { style }),
  };
}

/** Marks the bot's other messages: none of them is a reply that was lost. */
export const ANSWER_METADATA = { event_type: 'recollect_answer', event_payload: {} };

/** Names the part of a turn's reply that a message is. */
export function metadataOf(turnId: TurnId, part: number) {
  return { event_type: REPLY_EVENT, event_payload: { turn: turnId, part } };
}
