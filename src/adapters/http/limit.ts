/** What is asked of a memory by a route costs the store what the command would. */
import type { Context } from 'hono';
import type { Commands, MemoryCommand } from '../../core/commands.ts';
import { personOf } from '../../core/session.ts';
import { preferredLocale, sessionOf } from './normalize.ts';
import { refuse } from './refuse.ts';
import { retryAfter } from './render.ts';

/** Counts a request against the limit of its user. @throws HTTPException 429 */
export type Limit = (c: Context, user: string, command: MemoryCommand) => Promise<void>;

export function createLimit(commands: Pick<Commands, 'limit'>): Limit {
  return async (c, user, command) => {
    const asking = {
      person: personOf(sessionOf(user), user),
      locale: preferredLocale(c.req.header('accept-language')),
    };
    const result = await commands.limit(command, asking);
    if (result !== undefined) throw refuse(429, result.text, retryAfter(result.limited?.retryAfterMs ?? 0));
  };
}
