/** From the vocabulary of the house to Slack's messages. Pure: the texts given here are neutral already (neutral.ts). */
import slackifyMarkdown from 'slackify-markdown';
import type { CommandAction, CommandResult } from '../../core/commands.ts';
import type { TurnId } from '../../core/types.ts';
import { splitMarkdown, textOf } from '../split.ts';
import { ACTION_PREFIX } from './callback-ids.ts';

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
  /** For notifications. */
  readonly text: string;
  readonly blocks: SlackBlock[];
}

/** A message of Markdown. `plain`: for workspaces that don't know the markdown block. */
export function messageOf(markdown: string, plain: boolean): SlackText {
  const blocks: SlackBlock[] = plain ? sectionsOf(markdown) : [{ type: 'markdown', text: markdown }];
  return { text: noticeOf(markdown), blocks };
}

function sectionsOf(markdown: string): SlackBlock[] {
  return splitMarkdown(markdown, { limit: SECTION_SPLIT }).map((part) => ({
    type: 'section',
    text: { type: 'mrkdwn', text: cut(slackifyMarkdown(textOf(part)).trimEnd(), SECTION_LIMIT) },
  }));
}

function noticeOf(markdown: string): string {
  return cut(slackifyMarkdown(cut(markdown, NOTICE_LIMIT)).trim(), NOTICE_LIMIT) || '…';
}

/** At most `limit` UTF-16 units, whole characters. */
function cut(text: string, limit: number): string {
  if (text.length <= limit) return text;
  const end = limit - 1;
  return `${text.slice(0, /[\uD800-\uDBFF]/.test(text[end - 1] ?? '') ? end - 1 : end)}…`;
}

/** The answer to a command, with its buttons. */
export function answerOf({ text, actions }: Pick<CommandResult, 'text' | 'actions'>, plain: boolean): SlackText {
  const message = messageOf(text, plain);
  const rows: SlackBlock[] = [];
  for (let from = 0; from < actions.length; from += MAX_BUTTONS) {
    rows.push({
      type: 'actions',
      elements: actions.slice(from, from + MAX_BUTTONS).map((action, index) => buttonOf(action, from + index)),
    });
  }
  return { text: message.text, blocks: [...message.blocks, ...rows] };
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
