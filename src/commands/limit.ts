/** How many commands a person may run. Counted apart from their messages, so that /forget works even after a burst of those. */
import { type Command, type CommandContext, type CommandResult, isHint } from '../core/commands.ts';
import { encodePerson } from '../core/session.ts';
import { messagesIn } from '../i18n/messages.ts';
import { answer, type CommandDeps, type RegisteredCommand } from './command.ts';

/** Points in a minute: 60 pages of history, 30 of /memstats, 10 exports. */
export const COMMAND_LIMIT = { messages: 120, perMs: 60_000 };

/** Takes the points that the command costs. Undefined: it may run; else the refusal. */
export async function limitCommand(
  command: Command,
  { person, locale }: Pick<CommandContext, 'person' | 'locale'>,
  { limiter }: Pick<CommandDeps, 'limiter'>,
  commands: readonly RegisteredCommand[],
): Promise<CommandResult | undefined> {
  const registered = isHint(command) ? undefined : commands.find(({ definition }) => definition.name === command.name);
  const whose = encodePerson(person);
  const key = registered?.ownLimit === true ? `${command.name}:${whose}` : whose;
  const taken = await limiter.take(key, registered?.points(command) ?? 1);
  if (taken.ok) return undefined;
  const { retryAfterMs, first } = taken;
  const limited = { retryAfterMs, tell: first };
  return { ...answer('refused', messagesIn(locale).rateLimited(retryAfterMs)), limited };
}
