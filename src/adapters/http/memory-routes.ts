/** A conversation's memory over HTTP: GET and DELETE /history, PUT /ttl. */
import type { Context, Hono } from 'hono';
import type { MemoryCommand } from '../../core/commands.ts';
import { personOf } from '../../core/session.ts';
import type { HttpDeps } from './deps.ts';
import { parseNewTtl, parsePathUser, preferredLocale, sessionOf } from './normalize.ts';
import { refuse } from './refuse.ts';
import { renderHistory, retryAfter, secondsLeft } from './render.ts';

export function addMemoryRoutes(app: Hono, { bot, limits }: HttpDeps): void {
  app.get('/history/:user_id', async (c) => {
    const user = parsePathUser(c.req.url);
    await limit(c, user, { name: 'history' });
    const history = await bot.memory.history(sessionOf(user));
    if (history === undefined) throw refuse(404, 'User not found or expired');
    return c.json(renderHistory(user, history));
  });

  app.delete('/history/:user_id', async (c) => {
    const user = parsePathUser(c.req.url);
    await limit(c, user, { name: 'forget', scope: 'here', confirmed: true });
    const { messages, waiting } = await bot.memory.forget(sessionOf(user));
    if (messages + waiting === 0) throw refuse(404, 'User not found');
    return c.json({ message: 'History cleared', user_id: user });
  });

  app.put('/ttl/:user_id', async (c) => {
    const user = parsePathUser(c.req.url);
    const seconds = parseNewTtl(c.req.query('new_ttl'), limits);
    const session = sessionOf(user);
    await limit(c, user, { name: 'ttl', value: seconds });
    // Looked at first: a choice must not be kept for a conversation that was never there.
    const { expiresInMs } = await bot.memory.ttl(session);
    const set = expiresInMs === undefined ? undefined : await bot.memory.setTtl(session, seconds);
    if (set?.expiresInMs === undefined) throw refuse(404, 'User not found');
    return c.json({
      message: 'TTL updated',
      user_id: user,
      new_ttl: seconds,
      ttl_remaining: secondsLeft(set.expiresInMs),
    });
  });

  /** What is asked for here costs the store what the command would. @throws HTTPException 429 */
  async function limit(c: Context, user: string, command: MemoryCommand): Promise<void> {
    const asking = {
      person: personOf(sessionOf(user), user),
      locale: preferredLocale(c.req.header('accept-language')),
    };
    const result = await bot.commands.limit(command, asking);
    if (result !== undefined) throw refuse(429, result.text, retryAfter(result.limited?.retryAfterMs ?? 0));
  }
}
