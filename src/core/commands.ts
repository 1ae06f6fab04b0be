/** Memory commands as data: what a person asked for, in which place, and what came of it. Run by src/commands, rendered by adapters. */
import type { Person, Place, SessionId } from './session.ts';
import type { Locale } from './types.ts';

/** What a person can ask of their memory. */
export type Command =
  | { readonly name: 'history'; readonly limit?: number; readonly offset?: number; readonly export?: boolean }
  | { readonly name: 'forget'; readonly scope: 'here' | 'everywhere'; readonly confirmed: boolean }
  | { readonly name: 'ttl'; readonly value?: string }
  | { readonly name: 'memstats' }
  | { readonly name: 'help' };

/** Who asks, and where. */
export interface CommandContext {
  readonly place: Place;
  /** The conversation meant; absent where the platform does not tell the thread (Slack's slash commands). */
  readonly sessionId?: SessionId;
  readonly person: Person;
  readonly locale: Locale;
  readonly isDirect: boolean;
  /** The platform's own right to manage messages here. */
  readonly canManage: boolean;
}

export interface CommandCall {
  readonly command: Command;
  readonly context: CommandContext;
}

/** A button or a picker's entry: pressing it runs `command` (for `sessionId`, if it names one) for whoever it was shown to. */
export interface CommandAction {
  readonly label: string;
  readonly style: 'primary' | 'danger' | 'plain';
  readonly command: Command;
  readonly sessionId?: SessionId;
}

export interface CommandFile {
  readonly name: string;
  readonly mediaType: string;
  readonly content: string;
}

/** The private answer to a command, in Markdown that both platforms read; adapters only render it. */
export interface CommandResult {
  readonly kind: 'done' | 'refused' | 'confirm' | 'pick';
  readonly text: string;
  readonly actions: readonly CommandAction[];
  readonly files: readonly CommandFile[];
}
