import { describe, expect, test } from 'vitest';
import { streamEvents } from '../../../src/adapters/http/schemas.ts';
import { BotError } from '../../../src/errors.ts';
import type { EndEvent, TextEvent } from '../../../src/replies/live-text.ts';
import { allEvents, createTestApp, postChat, readEvents, type ServerEvent, type TestAppOptions } from './support.ts';

const STREAM = { Accept: 'text/event-stream' };

/** A stream whose turn is stored and waits for the test. */
async function openStream(options: TestAppOptions = {}) {
  const made = createTestApp(options);
  const { app, bot } = made;
  const response = await app.request('/chat', postChat({ user_id: 'grace', message: 'Hello' }, STREAM));
  const [message] = bot.taken;
  if (message === undefined) throw new Error('Nothing was taken in.');
  const { sessionId, turnId } = message;
  const events = readEvents(response);
  const tell = (event: TextEvent | EndEvent) => bot.announce(sessionId, turnId, event);
  return {
    ...made,
    response,
    turnId,
    tell,
    write: (stream: string, from: number, text: string) => tell({ kind: 'live.text', stream, from, text }),
    async next(): Promise<ServerEvent> {
      const { value } = await events.next();
      if (value === undefined) throw new Error('The stream has ended.');
      return value;
    },
    leave: () => events.return(undefined),
    async rest(): Promise<ServerEvent[]> {
      const all = [];
      for await (const event of events) all.push(event);
      return all;
    },
  };
}

describe('POST /chat as an event stream', () => {
  test('tells the turn, the pieces as they come, and the whole answer', async () => {
    const { response, next, write, bot, turnId, rest } = await openStream();
    expect(response.status).toBe(200);
    expect(response.headers.get('content-type')).toMatch(/^text\/event-stream/);
    expect(response.headers.get('cache-control')).toMatch(/no-cache|no-store/);
    expect(response.headers.get('x-accel-buffering')).toBe('no');
    expect(await next()).toEqual({ event: 'turn', data: { turn_id: turnId, user_id: 'grace' } });
    await write('a', 0, 'Hello');
    expect(await next()).toEqual({ event: 'delta', data: { text: 'Hello' } });
    await write('a', 5, ', Grace\n\nHow');
    expect(await next()).toEqual({ event: 'delta', data: { text: ', Grace\n\nHow' } });
    bot.commit(turnId, 'Hello, Grace\n\nHow are you?');
    expect(await rest()).toEqual([
      { event: 'delta', data: { text: ' are you?' } },
      {
        event: 'done',
        data: {
          response: 'Hello, Grace\n\nHow are you?',
          user_id: 'grace',
          timestamp: '2026-01-02T03:04:06.678Z',
          ttl_remaining: 1800,
        },
      },
    ]);
    expect(bot.followers()).toBe(0);
  });

  test('says when another worker writes the answer anew', async () => {
    const { next, write, bot, turnId, rest } = await openStream();
    await next();
    await write('a', 0, 'Hello, Gr');
    await next();
    await write('b', 0, 'Hi');
    expect([await next(), await next()]).toEqual([
      { event: 'reset', data: {} },
      { event: 'delta', data: { text: 'Hi' } },
    ]);
    await write('a', 9, 'ace');
    bot.commit(turnId, 'Hi, Grace');
    expect((await rest())[0]).toEqual({ event: 'delta', data: { text: ', Grace' } });
  });

  test('ends with the stored answer, whatever was told before', async () => {
    const { next, write, bot, turnId, rest } = await openStream();
    await next();
    await write('a', 0, 'Hello, Gr');
    await next();
    bot.commit(turnId, 'Hell');
    const end = await rest();
    expect(end.map(({ event }) => event)).toEqual(['reset', 'delta', 'done']);
    expect(end[1]?.data).toEqual({ text: 'Hell' });
  });

  test('ends with an error that says what a plain POST would have got', async () => {
    const { bot, turnId, rest, deps } = await openStream();
    bot.fail(turnId, 'model_timeout');
    expect((await rest()).at(-1)).toEqual({
      event: 'error',
      data: { status: 504, detail: deps.coreMessages.failed('model_timeout', 'en') },
    });
  });

  test('that is forgotten while it waits ends with an error', async () => {
    const { app, rest } = await openStream();
    await app.request('/history/grace', { method: 'DELETE' });
    expect((await rest()).at(-1)).toMatchObject({ event: 'error', data: { status: 410 } });
  });

  test('that breaks inside ends with an error that tells nothing of the inside', async () => {
    const { bot, tell, rest, log } = await openStream();
    bot.record = async () => {
      throw new TypeError('x is undefined');
    };
    await tell({ kind: 'live.end', outcome: 'answered', text: 'x' });
    expect((await rest()).at(-1)).toEqual({
      event: 'error',
      data: { status: 500, detail: 'Something went wrong inside the bot. It has been logged.' },
    });
    expect(log).toMatchObject([{ level: 'error' }]);
  });

  test('says where the answer will be when the server stops', async () => {
    const { deps, turnId, rest, bot } = await openStream();
    deps.callers.dismiss();
    expect((await rest()).at(-1)).toMatchObject({ event: 'pending', data: { status: 'pending', turn_id: turnId } });
    expect(bot.followers()).toBe(0);
  });

  test('is kept open by comments while nothing is said', async () => {
    const { next, bot, turnId, rest } = await openStream({ timings: { heartbeatMs: 5 } });
    await next();
    expect(await next()).toEqual({ event: ':', data: 'keep-alive' });
    expect(await next()).toEqual({ event: ':', data: 'keep-alive' });
    bot.commit(turnId, 'Hello');
    expect((await rest()).filter(({ event }) => event !== ':').map(({ event }) => event)).toEqual(['delta', 'done']);
  });

  test('is not bounded by the time that a plain POST waits', async () => {
    const { next, bot, turnId, rest } = await openStream({ timings: { answerMs: 1, heartbeatMs: 5 } });
    await next();
    await next();
    bot.commit(turnId, 'Hello');
    expect((await rest()).at(-1)).toMatchObject({ event: 'done' });
  });

  test('is left without harm: the turn goes on', async () => {
    const { app, bot, next, leave, turnId } = await openStream();
    await next();
    await leave();
    await expect.poll(() => bot.followers()).toBe(0);
    bot.commit(turnId, 'Hello, Grace');
    expect(await (await app.request('/history/grace')).json()).toMatchObject({ total_messages: 2 });
  });

  test('of a message that is not taken in is an ordinary refusal', async () => {
    const { app, bot } = createTestApp();
    bot.next(new BotError('store_unavailable', 'away'));
    const response = await app.request('/chat', postChat({ user_id: 'a', message: 'b' }, STREAM));
    expect(response.status).toBe(503);
    expect(await response.json()).toEqual({ detail: expect.any(String) });
    expect((await app.request('/chat', postChat({ user_id: 'a' }, STREAM))).status).toBe(422);
  });

  test('repeated with its Idempotency-Key in the middle joins in with the whole answer', async () => {
    const { app, bot, write, turnId } = await openStream();
    const keyed = { ...STREAM, 'Idempotency-Key': 'k' };
    await app.request('/chat', postChat({ user_id: 'ada', message: 'Hi' }, keyed));
    const again = await app.request('/chat', postChat({ user_id: 'ada', message: 'Hi' }, keyed));
    const ada = bot.taken[1];
    if (ada === undefined) throw new Error('Nothing was taken in.');
    // The beginning was told before the second caller came.
    await bot.announce(ada.sessionId, ada.turnId, { kind: 'live.text', stream: 'a', from: 6, text: 'Ada' });
    bot.commit(ada.turnId, 'Hello Ada!');
    const events = await allEvents(again);
    expect(events.map(({ event }) => event)).toEqual(['turn', 'delta', 'done']);
    expect(events[0]?.data).toEqual({ turn_id: ada.turnId, user_id: 'ada' });
    expect(events[1]?.data).toEqual({ text: 'Hello Ada!' });
    await write('a', 0, 'x');
    bot.commit(turnId, 'x');
  });

  test('has events of the documented shape only', async () => {
    const { next, write, bot, turnId, rest } = await openStream();
    const events = [await next()];
    await write('a', 0, 'One');
    events.push(await next());
    await write('b', 0, 'Two');
    bot.commit(turnId, 'Three');
    events.push(...(await rest()));
    const schemas = new Map(Object.entries(streamEvents));
    for (const { event, data } of events) expect(() => schemas.get(event)?.strict().parse(data), event).not.toThrow();
    expect(events.every(({ event }) => schemas.has(event))).toBe(true);
  });
});
