/** A conversation's memory over HTTP: GET and DELETE /history, PUT /ttl. */
import type { Hono } from 'hono';
import type { HttpDeps } from './deps.ts';
import { createLimit } from './limit.ts';
import { parseFlag, parseNewTtl, parsePathUser, sessionOf } from './normalize.ts';
import { refuse } from './refuse.ts';
import { renderHistory, secondsLeft } from './render.ts';

export function addMemoryRoutes(app: Hono, { bot, limits }: HttpDeps): void {
  const limit = createLimit(bot.commands);

  app.get('/history/:user_id', async (c) => {
    const user = parsePathUser(c.req.url);
    await limit(c, user, { name: 'history' });
    const history = await bot.memory.history(sessionOf(user));
    if (history === undefined) throw refuse(404, 'User not found or expired');
    return c.json(renderHistory(user, history));
  });

  app.delete('/history/:user_id', async (c) => {
    const user = parsePathUser(c.req.url);
    const keepFacts = parseFlag('keep_facts', c.req.query('keep_facts'));
    await limit(c, user, { name: 'forget', scope: 'here', confirmed: true });
    const session = sessionOf(user);
    const { messages, waiting } = await bot.memory.forget(session);
    const facts = keepFacts ? 0 : await bot.facts.removeAll(session);
    if (messages + waiting + facts === 0) throw refuse(404, 'User not found');
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
}
