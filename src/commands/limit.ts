/** How much a person may ask of their memory: apart from their messages, so that after a burst of those /forget is there. */
import type { Command, CommandContext, CommandResult } from '../core/commands.ts';
import { encodePerson } from '../core/session.ts';
import { phrases } from '../i18n/messages.ts';
import { answer, type CommandDeps } from './request.ts';

/** Points in a minute: 60 pages of history, 30 of /memstats, 10 exports. */
export const COMMAND_LIMIT = { messages: 120, perMs: 60_000 };

/** What a command costs the store, against one that reads a key. */
function pointsOf(command: Command): number {
  switch (command.name) {
    case 'history':
      // All messages there are, and the files made of them.
      return command.export === true ? 12 : 2;
    case 'memstats':
      // INFO, MEMORY USAGE, the indexes.
      return 4;
    case 'forget':
    case 'ttl':
    case 'help':
    case 'hint':
      return 1;
  }
}

/**
 * Takes what the command costs. Undefined: it may run; else the refusal. Forgetting is counted by itself: nobody who looked at
 * their memory too often has to wait before they may erase it.
 */
export async function limitCommand(
  command: Command,
  { person, locale }: Pick<CommandContext, 'person' | 'locale'>,
  { limiter }: Pick<CommandDeps, 'limiter'>,
): Promise<CommandResult | undefined> {
  const whose = encodePerson(person);
  const taken = await limiter.take(command.name === 'forget' ? `forget:${whose}` : whose, pointsOf(command));
  if (taken.ok) return undefined;
  const { retryAfterMs, first } = taken;
  const limited = { retryAfterMs, tell: first };
  return { ...answer('refused', phrases(locale).rateLimited(retryAfterMs)), limited };
}
