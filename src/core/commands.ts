/** Memory commands as data: what a person asked for, in which place, and what came of it. Run by src/commands, rendered by adapters. */
import type { Person, Place, SessionId } from './session.ts';
import type { Locale } from './types.ts';

/** One text in every language the bot speaks. */
export type Localised = Readonly<Record<Locale, string>>;

export const COMMAND_NAMES = ['history', 'forget', 'ttl', 'memstats', 'help'] as const;
export type CommandName = (typeof COMMAND_NAMES)[number];

/** `here`: this conversation (in a shared one: the person's own part); `everywhere`: all of the person's; `whole`: a shared one for all. */
export const FORGET_SCOPES = ['here', 'everywhere', 'whole'] as const;
export type ForgetScope = (typeof FORGET_SCOPES)[number];

/** Everybody, or only admins and people with the platform's right to manage messages. */
export type Who = 'everybody' | 'managers';

/** What a person can ask of their memory. */
export type MemoryCommand =
  | {
      readonly name: 'history';
      /** Messages a page, at most. */
      readonly limit?: number;
      /** The page begins (at its new end) after skipping this many of the newest messages. */
      readonly offset?: number;
      /** The page ends (at its old end) just before the message with this index from the newest; goes before `offset`. */
      readonly newerThan?: number;
      readonly export?: boolean;
    }
  | { readonly name: 'forget'; readonly scope: ForgetScope; readonly confirmed: boolean }
  /** `value` in whole seconds, not checked against the bounds yet. */
  | { readonly name: 'ttl'; readonly value?: number | 'default' }
  | { readonly name: 'memstats' }
  | { readonly name: 'help' };

/** Something near a command that is none: answered with the nearest right form. Its answer holds nothing private. */
export interface Hint {
  readonly name: 'hint';
  readonly near: CommandName;
  readonly reason: 'unknown' | 'option' | 'duration';
  /** What was not understood, as the person wrote it. */
  readonly given: string;
  /** It was said through the umbrella command: the right form is named that way too. */
  readonly umbrella?: true;
}

export type Command = MemoryCommand | Hint;

/** Who asks, where, and what the surface can show. */
export interface CommandContext {
  readonly place: Place;
  /** The conversation meant; absent where the platform does not tell the thread (Slack's slash commands). */
  readonly sessionId?: SessionId;
  readonly person: Person;
  readonly locale: Locale;
  /** IANA name, where the platform tells it; times are shown in it. Default: UTC. */
  readonly timeZone?: string;
  readonly isDirect: boolean;
  /** The platform's own right to manage messages here. */
  readonly canManage: boolean;
  /** How it was asked: a typed message, the platform's own command, or a button of an earlier answer. */
  readonly surface: 'slash' | 'text' | 'action';
  readonly hasButtons: boolean;
  /** Longest answer the surface shows, in UTF-16 units. Default: what fits Discord. */
  readonly maxLength?: number;
}

export interface CommandCall {
  readonly command: Command;
  readonly context: CommandContext;
  /** Of a pressed button: whose it is and which conversation it means ({@link PressedAction}). */
  readonly mark?: string;
}

/** What the id of a pressed button says. `mark` is passed on to `run`, which refuses it for anybody but its owner. */
export interface PressedAction {
  readonly command: MemoryCommand;
  readonly mark: string;
}

/** A button, or an entry of a picker. */
export interface CommandAction {
  /** At most 75 characters (Slack's buttons; Discord takes 80). */
  readonly label: string;
  readonly style: 'primary' | 'danger' | 'plain';
  /** What the platform hands back when it is pressed: at most 100 characters of printable ASCII; read by `readAction`. */
  readonly id: string;
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
  /**
   * It was not run: this person asked for too much lately, and may go on after so long. `tell` is set once in a wave; after that
   * nobody is answered who typed, where an answer would be a message.
   */
  readonly limited?: { readonly retryAfterMs: number; readonly tell: boolean };
}

interface OptionBase {
  readonly name: string;
  /** At most 100 characters (Discord). */
  readonly description: Localised;
  /** Only in the text form; platforms with buttons ask otherwise. */
  readonly textOnly?: true;
}

export interface CommandChoice {
  readonly value: string;
  readonly label: Localised;
  readonly who: Who;
}

export type CommandOption =
  | (OptionBase & { readonly kind: 'integer'; readonly min: number; readonly max: number })
  | (OptionBase & { readonly kind: 'choice'; readonly choices: readonly CommandChoice[] })
  /** Present or not: a boolean where the platform has them, the bare name of the option in text. */
  | (OptionBase & { readonly kind: 'flag' })
  /** `600`, `90s`, `10m`, `2h`, `7d` or `default`. */
  | (OptionBase & { readonly kind: 'duration'; readonly examples: readonly string[] });

/** One command, from which every platform's registration, the help and the completion are made. */
export interface CommandDefinition {
  readonly name: CommandName;
  /** At most 100 characters (Discord). */
  readonly description: Localised;
  readonly options: readonly CommandOption[];
  readonly who: Who;
  /** Other words that people try; they get a hint and run nothing. */
  readonly alsoTried: readonly string[];
}

/** The commands as adapters are handed them. */
export interface Commands {
  readonly catalogue: readonly CommandDefinition[];
  /** A whole message, its mention of the bot removed. Undefined: no command, it goes to the model. */
  readText(text: string): Command | undefined;
  /** A platform's command whose options come as one text (Slack); `memory` is the umbrella over all of them. */
  readArguments(name: string, text: string): Command;
  /** A platform's command whose options come by name (Discord). */
  readOptions(name: string, options: Readonly<Record<string, unknown>>): Command;
  /** The id of a pressed button. Undefined: it is none of ours. */
  readAction(id: string): PressedAction | undefined;
  /** The button to post where the answer itself would be public: it opens the private answer for this person alone. */
  openPrivately(command: MemoryCommand, context: CommandContext): CommandAction;
  /**
   * Counts something like this command against what the person may ask for: for what is done without `run`, which does it
   * itself. Undefined: go on.
   */
  limit(command: MemoryCommand, context: Pick<CommandContext, 'person' | 'locale'>): Promise<CommandResult | undefined>;
  /** @throws BotError as the store does. */
  run(call: CommandCall): Promise<CommandResult>;
}
