/** From the bot's answers to Discord's message bodies. Pure. */
import type { CommandAction, CommandResult } from '../../../core/commands.ts';
import type { Locale, TurnId } from '../../../core/types.ts';
import { phrases } from '../../../i18n/messages.ts';

/** `content` of a message (Discord's message reference). */
export const MESSAGE_LIMIT = 2_000;
/** Buttons in a row, and rows in a message (Discord's component reference). */
const ROW = 5;
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
 * SUPPRESS_EMBEDS (Discord's message flags): no link is followed. A preview is a request to whatever host the text names, and the
 * text may be made to carry what somebody said here. Set again with each edit, for it can be unset, too.
 */
const SUPPRESS_EMBEDS = 1 << 2;

export interface MessageBody {
  readonly content: string;
  readonly components: readonly RowBody[];
  readonly flags: number;
  /** Nobody is ever pinged by what the bot writes, not even the one it answers. */
  readonly allowed_mentions: { readonly parse: readonly string[]; readonly replied_user: boolean };
}

export function messageBody(content: string, components: readonly RowBody[] = []): MessageBody {
  return { content, components, flags: SUPPRESS_EMBEDS, allowed_mentions: { parse: [], replied_user: false } };
}

/** The answer to a command, its files aside. */
export function answerBody({ text, actions }: Pick<CommandResult, 'text' | 'actions'>): MessageBody {
  return messageBody(text.slice(0, MESSAGE_LIMIT), rowsOf(actions));
}

export function rowsOf(actions: readonly CommandAction[]): readonly RowBody[] {
  const buttons = actions
    .slice(0, ROW * MAX_ROWS)
    .map(({ style, label, id }): ButtonBody => ({ type: 2, style: STYLES[style], label, custom_id: id }));
  const starts = Array.from({ length: Math.ceil(buttons.length / ROW) }, (_, row) => row * ROW);
  return starts.map((start) => ({ type: 1, components: buttons.slice(start, start + ROW) }));
}

export interface StopAction {
  readonly turnId: TurnId;
  /** The one who asked, and the only one who may press it. */
  readonly asker: string;
}

/** The Stop button under a reply that is being written. */
export function stopRows({ turnId, asker }: StopAction, locale: Locale): readonly RowBody[] {
  const { stop } = phrases(locale).buttons;
  return rowsOf([{ label: stop, style: 'plain', id: `stop:${turnId}:${asker}` }]);
}

/** Undefined for the id of any other button. */
export function readStop(customId: string): StopAction | undefined {
  const [, turnId, asker] = /^stop:([A-Za-z0-9._-]{1,20}):(\d{1,20})$/.exec(customId) ?? [];
  return turnId === undefined || asker === undefined ? undefined : { turnId, asker };
}
