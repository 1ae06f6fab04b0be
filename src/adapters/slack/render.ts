/** From the vocabulary of the house to Slack's messages. Pure. Whatever text is given, nothing in them calls anybody. */
import slackifyMarkdown from 'slackify-markdown';
import type { CommandAction, CommandResult } from '../../core/commands.ts';
import type { TurnId } from '../../core/types.ts';
import { splitMarkdown, textOf } from '../split.ts';
import { ACTION_PREFIX } from './callback-ids.ts';
import { neutralise } from './neutral.ts';

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

/** A message of Markdown. */
export function messageOf(markdown: string, form: Form): SlackText {
  switch (form) {
    case 'markdown':
      // Slack reads its own tokens in this block, but none that were entities (measured: PostHog/posthog#95054).
      return { text: noticeOf(markdown), blocks: [{ type: 'markdown', text: neutralise(markdown) }] };
    case 'sections':
      return { text: noticeOf(markdown), blocks: sectionsOf(markdown) };
    case 'text':
      return { text: escapeAll(markdown) };
  }
}

function sectionsOf(markdown: string): SlackBlock[] {
  return splitMarkdown(markdown, { limit: SECTION_SPLIT }).map((part) => ({
    type: 'section',
    text: { type: 'mrkdwn', text: cut(slackMarkup(textOf(part)).trimEnd(), SECTION_LIMIT) },
  }));
}

function noticeOf(markdown: string): string {
  return cut(slackMarkup(cut(markdown, NOTICE_LIMIT)).trim(), NOTICE_LIMIT) || '…';
}

/** Links of people; all other tokens of Slack's do something (docs.slack.dev/messaging/formatting-message-text). */
const LINK = /<(?!(?:https?:\/\/|mailto:|tel:)[^<>\n]*>)/gi;

/**
 * Slack's own markup. The converter makes `<` of what was an entity or escaped, and leaves tokens alone that look like mentions,
 * so what it gives is escaped and not what it is given.
 */
function slackMarkup(markdown: string): string {
  return slackifyMarkdown(markdown).replace(LINK, '&lt;');
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
