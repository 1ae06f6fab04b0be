/** From the bot's answers to the bodies of Discord's messages. Pure. */
import type { CommandAction, CommandResult } from '../../../core/commands.ts';
import type { Locale, TurnId } from '../../../core/types.ts';
import { messagesIn } from '../../../i18n/messages.ts';
import { fenceLimits } from '../../../replies/markdown/code-fences.ts';
import { renderTables } from '../../../replies/markdown/tables.ts';

/** Longest `content` of a message, in UTF-16 units. https://docs.discord.com/developers/resources/message#create-message */
export const MESSAGE_LIMIT = 2_000;
export const FENCE_LIMITS = fenceLimits(MESSAGE_LIMIT);
/** Buttons in a row, and rows in a message. https://docs.discord.com/developers/components/reference#action-row */
const ROW_LENGTH = 5;
const MAX_ROWS = 5;

const STYLES = { primary: 1, plain: 2, danger: 4 } as const;

export interface ButtonBody {
  readonly type: 2;
  readonly style: 1 | 2 | 4;
  readonly label: string;
  readonly custom_id: string;
}

export interface RowBody {
  readonly type: 1;
  readonly components: readonly ButtonBody[];
}

/**
 * The message flag SUPPRESS_EMBEDS: Discord makes no link previews. A preview is a request to any host that the text names, by
 * which a manipulated answer could leak what was said here. An edit without the flag would unset it.
 * https://docs.discord.com/developers/resources/message#message-object-message-flags
 */
const SUPPRESS_EMBEDS = 1 << 2;

export interface MessageBody {
  readonly content: string;
  readonly components: readonly RowBody[];
  readonly flags: number;
  /** The bot's messages notify nobody, not even the author of the message it replies to. */
  readonly allowed_mentions: { readonly parse: readonly string[]; readonly replied_user: boolean };
}

export function messageBody(content: string, components: readonly RowBody[] = []): MessageBody {
  return { content, components, flags: SUPPRESS_EMBEDS, allowed_mentions: { parse: [], replied_user: false } };
}

/** The answer to a command, without its files. */
export function answerBody({ text, actions }: Pick<CommandResult, 'text' | 'actions'>): MessageBody {
  const shown = renderTables(text, true, FENCE_LIMITS);
  return messageBody((shown.length > MESSAGE_LIMIT ? text : shown).slice(0, MESSAGE_LIMIT), rowsOf(actions));
}

export function rowsOf(actions: readonly CommandAction[]): readonly RowBody[] {
  const buttons = actions
    .slice(0, ROW_LENGTH * MAX_ROWS)
    .map(({ style, label, id }): ButtonBody => ({ type: 2, style: STYLES[style], label, custom_id: id }));
  const starts = Array.from({ length: Math.ceil(buttons.length / ROW_LENGTH) }, (_, row) => row * ROW_LENGTH);
  return starts.map((start) => ({ type: 1, components: buttons.slice(start, start + ROW_LENGTH) }));
}

export interface StopAction {
  readonly turnId: TurnId;
  /** User id of the person who asked. Only they may stop the answer. */
  readonly asker: string;
}

/** The Stop button of a reply that is being written. */
export function stopRows({ turnId, asker }: StopAction, locale: Locale): readonly RowBody[] {
  const { stop } = messagesIn(locale).buttons;
  return rowsOf([{ label: stop, style: 'plain', id: `stop:${turnId}:${asker}` }]);
}

/** Undefined for the id of any other button. */
export function readStop(customId: string): StopAction | undefined {
  const [, turnId, asker] = /^stop:([A-Za-z0-9._-]{1,20}):(\d{1,20})$/.exec(customId) ?? [];
  return turnId === undefined || asker === undefined ? undefined : { turnId, asker };
}
