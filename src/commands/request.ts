/** What every command is handed, and the small things that all of them say. */
import type {
  CommandAction,
  CommandContext,
  CommandDefinition,
  CommandFile,
  CommandResult,
  MemoryCommand,
} from '../core/commands.ts';
import type { Clock, RateLimiter } from '../core/ports.ts';
import type { SessionId, SessionScope } from '../core/session.ts';
import type { Memory, Stats } from '../core/store.ts';
import type { ChatMessage } from '../core/types.ts';
import type { Texts } from '../i18n/messages.ts';
import { encodeAction, markOf } from './action-id.ts';
import { cut } from './markdown.ts';

/** What the commands work with. Times in seconds. */
export interface CommandDeps {
  /** Its `forget` and `removeTurns` also tell running turns to stop. */
  readonly memory: Memory;
  readonly stats: Stats;
  readonly clock: Pick<Clock, 'now'>;
  readonly limiter: Pick<RateLimiter, 'take'>;
  readonly scope: SessionScope;
  /** `discord:<id>`, `slack:<team>:<id>`. */
  readonly admins: ReadonlySet<string>;
  readonly minTtl: number;
  readonly maxTtl: number;
  /** Messages given to the model at most. */
  readonly memoryWindow: number;
  /** Messages kept of a conversation at most. */
  readonly maxMessages: number;
  /** What of the newest messages the model is shown; tokens are estimated. */
  readonly visible: (
    messages: readonly ChatMessage[],
  ) => Promise<{ readonly messages: readonly ChatMessage[]; readonly tokens: number }>;
}

/** One command being run for one person. */
export interface CommandRequest {
  readonly deps: CommandDeps;
  readonly catalogue: readonly CommandDefinition[];
  readonly context: CommandContext;
  readonly texts: Texts;
  /** The conversation meant, checked to be within this person's reach; undefined where the place does not tell. */
  readonly sessionId: SessionId | undefined;
}

/**
 * Discord's messages hold 2000 characters (its message reference); the rest is room for what an adapter puts between
 * the characters of mentions so that they ping nobody.
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
  { context }: Pick<CommandRequest, 'context'>,
  look: { readonly label: string; readonly style?: CommandAction['style'] },
  command: MemoryCommand,
  sessionId?: SessionId,
): CommandAction {
  const mark = markOf(context.person, sessionId);
  return { label: cut(look.label, MAX_LABEL), style: look.style ?? 'plain', id: encodeAction({ command, mark }) };
}
