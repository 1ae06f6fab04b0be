/** Memory commands as data: what a person asked for, in which place, and the answer. Run by src/commands, rendered by adapters. */
import type { Person, Place, SessionId } from './session.ts';
import type { Locale } from './types.ts';

/** One text in every language the bot speaks. */
export type Localised = Readonly<Record<Locale, string>>;

/** Everybody, or only admins and people with the platform's right to manage messages. */
export type Who = 'everybody' | 'managers';

/** The value of one option. */
export type OptionValue = string | number | boolean;

/** One command with its arguments. Which arguments a command takes is defined in its own file, src/commands/<name>.ts. */
export interface MemoryCommand {
  readonly name: string;
  readonly [argument: string]: OptionValue | undefined;
}

/** Something that is nearly a command: answered with the nearest correct form. The answer contains nothing private. */
export type Hint = {
  readonly name: 'hint';
  /** The command that was probably meant. */
  readonly near: string;
  readonly reason: 'unknown' | 'option' | 'duration';
  /** What was not understood, as the person wrote it. */
  readonly given: string;
  /** It was given through the umbrella command: the correct form is named that way too. */
  readonly umbrella?: true;
};

export type Command = MemoryCommand | Hint;

export function isHint(command: Command): command is Hint {
  return command.name === 'hint';
}

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
  /** Of a pressed button: for whom and for which conversation it was made ({@link PressedAction}). */
  readonly targetHash?: string;
}

/** What the id of a pressed button says. `run` refuses a `targetHash` from anybody but the person it was made for. */
export interface PressedAction {
  readonly command: MemoryCommand;
  readonly targetHash: string;
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

/** The private answer to a command, in Markdown; adapters only render it. */
export interface CommandResult {
  readonly kind: 'done' | 'refused' | 'confirm' | 'pick';
  readonly text: string;
  readonly actions: readonly CommandAction[];
  readonly files: readonly CommandFile[];
  /**
   * It was not run: this person has run too many commands lately and may run the next one after `retryAfterMs`. `tell` is set
   * for the first refusal only; the others are not answered where the answer would be a message.
   */
  readonly limited?: { readonly retryAfterMs: number; readonly tell: boolean };
}

interface OptionBase {
  readonly name: string;
  /** At most 100 characters (Discord). */
  readonly description: Localised;
  /** Only in the text form; platforms with buttons ask otherwise. */
  readonly textOnly?: true;
  /** A platform with forms asks for it. Without it the command explains itself. */
  readonly required?: true;
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
  | (OptionBase & { readonly kind: 'duration'; readonly examples: readonly string[] })
  /** One word; it is read in lower case and has to match `form` whole. */
  | (OptionBase & { readonly kind: 'word'; readonly form: RegExp })
  /**
   * All that is typed after the command, with its line breaks, so it is the command's only option. `maxLength` in UTF-16 units; of a
   * longer text the command is given one unit more than that.
   */
  | (OptionBase & { readonly kind: 'text'; readonly maxLength: number });

/** A message from whose menu a command was chosen. */
export interface ChosenMessage {
  /** As people see it. */
  readonly text: string;
  /** The platform's id of who wrote it; undefined: no person did. */
  readonly author: string | undefined;
}

/** One command, from which every platform's registration, the help and the completion are made. */
export interface CommandDefinition {
  /** Lower-case letters only, at most 32 (Discord). */
  readonly name: string;
  /** At most 100 characters (Discord). */
  readonly description: Localised;
  readonly options: readonly CommandOption[];
  /** It is offered in the menu of a message too, under this name: at most 24 characters (Slack's shortcuts; Discord takes 32). */
  readonly onMessage?: Localised;
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
  /** A command that was chosen from the menu of a message: of some it is the text, to others it only says which thread is meant. */
  readMessage(name: string, message: ChosenMessage): Command;
  /** The id of a pressed button. Undefined: it is none of ours. */
  readAction(id: string): PressedAction | undefined;
  /**
   * The button to post where the answer itself would be public: it opens the private answer for this person alone. Text that no
   * button can carry is kept in the store for it. @throws BotError as the store does.
   */
  openPrivately(command: MemoryCommand, context: CommandContext): Promise<CommandAction>;
  /**
   * Counts a command that is not run through `run` (`run` counts its own) against the person's limit. Undefined: it may run;
   * else the refusal.
   */
  limit(command: MemoryCommand, context: Pick<CommandContext, 'person' | 'locale'>): Promise<CommandResult | undefined>;
  /** @throws BotError as the store does. */
  run(call: CommandCall): Promise<CommandResult>;
}
