/** What a command is, what it is given when it runs, and the parts of an answer that all commands share. */
import type { z } from 'zod';
import type {
  ChosenMessage,
  CommandAction,
  CommandContext,
  CommandDefinition,
  CommandFile,
  CommandResult,
  MemoryCommand,
  OptionValue,
} from '../core/commands.ts';
import type { Facts } from '../core/facts.ts';
import type { PlatformDescriptor } from '../core/platform.ts';
import type { Clock, ContextPreview, RateLimiter } from '../core/ports.ts';
import type { SessionId, SessionScope } from '../core/session.ts';
import type { Memory, Stats } from '../core/store.ts';
import type { ChatMessage } from '../core/types.ts';
import { BotError } from '../errors.ts';
import type { Texts } from '../i18n/messages.ts';
import { encodeAction, targetHashOf } from './action-id.ts';
import { cut } from './markdown.ts';

/** What the commands work with. Times in seconds. */
export interface CommandDeps {
  /** Its `forget` and `removeTurns` also tell running turns to stop. */
  readonly memory: Memory;
  readonly stats: Stats;
  readonly facts: Facts;
  readonly clock: Pick<Clock, 'now'>;
  readonly limiter: Pick<RateLimiter, 'take'>;
  readonly scope: SessionScope;
  /** What is known of a platform by its id; undefined for one that is not known. */
  readonly platform: (id: string) => PlatformDescriptor | undefined;
  /** Encoded persons (`encodePerson`): `discord:<id>`, `slack:<team>:<id>`. */
  readonly admins: ReadonlySet<string>;
  readonly minTtl: number;
  readonly maxTtl: number;
  /** Messages given to the model at most. */
  readonly memoryWindow: number;
  /** Messages kept of a conversation at most. */
  readonly maxMessages: number;
  /** The language model and its server, for people to read; undefined: the demo model, which is part of this process. */
  readonly model: string | undefined;
  /** What of the conversation the model would be shown now. */
  readonly context: (sessionId: SessionId) => Promise<ContextPreview<ChatMessage>>;
}

/** One command being run for one person. */
export interface CommandRequest {
  readonly deps: CommandDeps;
  /** All commands, for /help and for the buttons of an answer. */
  readonly commands: readonly RegisteredCommand[];
  readonly context: CommandContext;
  readonly texts: Texts;
  /** The conversation meant, checked to be within this person's reach; undefined where the platform does not tell the thread. */
  readonly sessionId: SessionId | undefined;
}

/** The option values that a person gave, by the names of the options, each read and checked by its definition. */
export type OptionValues = ReadonlyMap<string, OptionValue>;

/** One command as its file defines it, with the arguments it takes. */
export interface CommandSpec<Args> {
  readonly definition: CommandDefinition;
  /** Checks the arguments of a command that comes as plain data. */
  readonly args: z.ZodType<Args>;
  /** The arguments that the given options mean. */
  fromOptions(values: OptionValues): Args;
  /** The arguments that a message means from whose menu the command was chosen. Default: none. */
  fromMessage?(message: ChosenMessage): Args;
  /** Makes arguments that a button can carry out of those that none can. Default: a button can carry all. */
  carry?(request: CommandRequest, args: Args): Promise<Args>;
  /** How a button carries the arguments, in at most 60 characters of `[a-z0-9]`. */
  readonly button: {
    /** Stands for the command; one letter that no other command has. */
    readonly letter: string;
    encode(args: Args): string;
    /** Undefined for any text that `encode` did not make. */
    decode(text: string): Args | undefined;
  };
  /** Points of the person's {@link COMMAND_LIMIT} that it costs, by its load on the store; reading one key costs 1. */
  points(args: Args): number;
  /** It has a limit of its own, so that it works even for a person who used up the common one. */
  readonly ownLimit?: true;
  /** @throws BotError as the store does */
  run(request: CommandRequest, args: Args): Promise<CommandResult>;
}

/** A command of the registry: like its spec, on commands as plain data. */
export interface RegisteredCommand {
  readonly definition: CommandDefinition;
  readonly ownLimit: boolean;
  readonly letter: string;
  fromOptions(values: OptionValues): MemoryCommand;
  fromMessage(message: ChosenMessage): MemoryCommand;
  carry(request: CommandRequest, command: MemoryCommand): Promise<MemoryCommand>;
  /** Undefined for arguments that no button can carry. */
  encode(command: MemoryCommand): string | undefined;
  decode(text: string): MemoryCommand | undefined;
  points(command: MemoryCommand): number;
  run(request: CommandRequest, command: MemoryCommand): Promise<CommandResult>;
}

/** Makes a spec fit for the registry: it checks the arguments before each use. */
export function defineCommand<Args extends Readonly<Record<string, OptionValue | undefined>>>(
  spec: CommandSpec<Args>,
): RegisteredCommand {
  const { definition, button, ownLimit = false } = spec;
  const { name } = definition;
  const read = (command: MemoryCommand): Args => {
    const parsed = spec.args.safeParse(command);
    if (parsed.success) return parsed.data;
    throw new BotError('bad_input', `These are no arguments of /${name}.`, { cause: parsed.error });
  };
  return {
    ...{ definition, ownLimit, letter: button.letter },
    fromOptions: (values) => ({ name, ...spec.fromOptions(values) }),
    fromMessage: (message) => ({ name, ...(spec.fromMessage?.(message) ?? spec.fromOptions(new Map())) }),
    carry: async (request, command) =>
      spec.carry === undefined ? command : { name, ...(await spec.carry(request, read(command))) },
    encode(command) {
      const parsed = spec.args.safeParse(command);
      return parsed.success ? button.letter + button.encode(parsed.data) : undefined;
    },
    decode(text) {
      const args = text.startsWith(button.letter) ? button.decode(text.slice(button.letter.length)) : undefined;
      return args === undefined ? undefined : { name, ...args };
    },
    points: (command) => spec.points(read(command)),
    run: (request, command) => spec.run(request, read(command)),
  };
}

/** For commands without arguments: what their button carries beside the letter. */
export const NO_ARGUMENTS = {
  encode: () => '',
  decode: (text: string) => (text === '' ? {} : undefined),
};

/**
 * Discord's messages hold 2000 characters (its message reference); the rest is space for the characters that an adapter
 * inserts into mentions so that they ping nobody.
 */
const MAX_LENGTH = 1900;

/** The longest answer in UTF-16 units that this surface shows. */
export function maxLengthOf(context: CommandContext): number {
  return context.maxLength ?? MAX_LENGTH;
}

export function answer(
  kind: CommandResult['kind'],
  text: string,
  more: { readonly actions?: readonly CommandAction[]; readonly files?: readonly CommandFile[] } = {},
): CommandResult {
  return { kind, text, actions: more.actions ?? [], files: more.files ?? [] };
}

/** Slack's button texts hold 75 characters, Discord's labels 80. */
export const MAX_LABEL = 75;

/** A button for the asking person; with a conversation, for that one alone. */
export function button(
  { context, commands }: Pick<CommandRequest, 'context' | 'commands'>,
  look: { readonly label: string; readonly style?: CommandAction['style'] },
  command: MemoryCommand,
  sessionId?: SessionId,
): CommandAction {
  const targetHash = targetHashOf(context.person, sessionId);
  const id = encodeAction({ command, targetHash }, commands);
  return { label: cut(look.label, MAX_LABEL), style: look.style ?? 'plain', id };
}
