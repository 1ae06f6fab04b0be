/** The least that can answer over HTTP: the same server library, the chain, one JSON body or one stream of events. */
import { serve } from '@hono/node-server';
import { Hono } from 'hono';
import { streamSSE } from 'hono/streaming';
import { z } from 'zod';
import { createAnswering } from './answering.ts';
import { readSettings, tellReady } from './settings.ts';

const { stream, answer } = await createAnswering(readSettings().MODEL_URL);
const chatRequest = z.object({ user_id: z.string(), message: z.string() });
const app = new Hono();

app.post('/chat', async (c) => {
  const { user_id: user, message } = chatRequest.parse(await c.req.json());
  if (c.req.header('accept') !== 'text/event-stream') return c.json({ response: await answer(message, user) });
  return streamSSE(c, async (events) => {
    let whole = '';
    for await (const text of stream(message, user)) {
      whole += text;
      await events.writeSSE({ event: 'delta', data: JSON.stringify({ text }) });
    }
    await events.writeSSE({ event: 'done', data: JSON.stringify({ response: whole }) });
  });
});
serve({ fetch: app.fetch, port: 0, hostname: '127.0.0.1' }, tellReady);
