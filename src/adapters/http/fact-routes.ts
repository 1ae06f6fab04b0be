/** What the bot was told to keep of a user, over HTTP: GET, POST and DELETE /facts. */
import type { Hono } from 'hono';
import { factText } from '../../core/fact-text.ts';
import { MAX_FACT_LENGTH, newFactId } from '../../core/facts.ts';
import { personOf } from '../../core/session.ts';
import { bodyLimit, readJson } from '../../lib/json-body.ts';
import type { HttpDeps } from './deps.ts';
import { createLimit } from './limit.ts';
import { parseFactText, parsePathUser, sessionOf } from './normalize.ts';
import { refuse } from './refuse.ts';
import { renderFact, renderFacts } from './render.ts';

const MAX_BYTES = bodyLimit(MAX_FACT_LENGTH);

export function addFactRoutes(app: Hono, { bot, clock }: HttpDeps): void {
  const limit = createLimit(bot.commands);

  app.get('/facts/:user_id', async (c) => {
    const user = parsePathUser(c.req.url);
    await limit(c, user, { name: 'facts' });
    return c.json(renderFacts(user, await bot.facts.list(sessionOf(user))));
  });

  app.post('/facts/:user_id', async (c) => {
    const user = parsePathUser(c.req.url);
    const checked = factText(parseFactText(await readJson(c.req.raw, MAX_BYTES)));
    if (checked.kind !== 'text') throw refuse(422, 'text must not be empty.');
    await limit(c, user, { name: 'remember' });
    const fact = { id: newFactId(), text: checked.text, saidAt: clock.now() };
    const session = sessionOf(user);
    const result = await bot.facts.keep(session, personOf(session, user), fact);
    switch (result.kind) {
      case 'kept':
        return c.json(renderFact(result.fact), 201);
      case 'known':
        return c.json(renderFact(result.fact));
      case 'full':
        throw refuse(409, `There are ${result.max} facts, which is the most. Remove one first.`);
    }
  });

  app.delete('/facts/:user_id', async (c) => {
    const user = parsePathUser(c.req.url);
    await limit(c, user, { name: 'facts', remove: 'all' });
    const removed = await bot.facts.removeAll(sessionOf(user));
    if (removed === 0) throw refuse(404, 'No facts are kept of this user');
    return c.json({ message: 'Facts removed', user_id: user, removed });
  });

  app.delete('/facts/:user_id/:fact_id', async (c) => {
    const user = parsePathUser(c.req.url);
    await limit(c, user, { name: 'facts' });
    const removed = await bot.facts.remove(sessionOf(user), c.req.param('fact_id'));
    if (!removed) throw refuse(404, 'There is no such fact');
    return c.json({ message: 'Facts removed', user_id: user, removed: 1 });
  });
}
