/** The product from outside while its processes end, are killed, and take over from each other. */
import { describe, expect, test } from 'vitest';
import { z } from 'zod';
import { chatResponse, healthResponse, pendingResponse } from '../../src/adapters/http/schemas.ts';
import { readEvents, type ServerEvent } from '../adapters/http/support.ts';
import type { RunningBot } from '../support/bot-process.ts';
import { variants } from '../support/tier.ts';
import {
  ask,
  detailOf,
  EMBEDDED,
  history,
  historyUrl,
  makeRedisStore,
  ON_REDIS,
  said,
  say,
  useWorkshop,
  withModel,
} from './http-support.ts';

const { makeFolder, makeModel, makeRedis, start, startProcess, launch } = useWorkshop();
/** Only bounds what never happens. */
const PATIENTLY = { timeout: 60_000 };

describe.each(variants([ON_REDIS, EMBEDDED]))('on %s', (_, makeStore) => {
  test('a restart keeps the history, and the bot knows it', async () => {
    const folder = await makeFolder();
    const store = await makeStore();
    const first = await start(folder, store);
    await ask(first, 'grace', 'My name is Grace Hopper');
    await fetch(`${first.url}/ttl/grace?new_ttl=900`, { method: 'PUT' });
    const before = await history(first, 'grace');
    await first.release();

    const second = await start(folder, store);
    expect((await history(second, 'grace')).messages).toEqual(before.messages);
    expect(await ask(second, 'grace', 'What is my name?')).toContain('Grace Hopper');
    expect((await history(second, 'grace')).ttl_remaining).toBeLessThanOrEqual(900);
  });

  test('kill -9 loses no turn that was acknowledged, and doubles none', async () => {
    const folder = await makeFolder();
    const model = await makeModel();
    const store = { ...(await makeStore()), ...withModel(model), MAX_MESSAGES: '100000' };
    const acknowledged = new Map<string, string[]>();
    const users = Array.from({ length: 8 }, (_, index) => `user ${index}`);
    for (let round = 0; round < 2; round += 1) {
      const bot = await startProcess(folder, store);
      const talk = async (user: string) => {
        const own = acknowledged.get(user) ?? [];
        acknowledged.set(user, own);
        for (let count = 0; ; count += 1) {
          const text = `Round ${round}, message ${count}`;
          const response = await say(bot, user, text).catch(() => undefined);
          if (response?.status !== 200) return;
          const answer = await response.json().catch(() => undefined);
          if (answer === undefined) return;
          own.push(text, chatResponse.parse(answer).response);
        }
      };
      const talks = users.map(talk);
      const so_far = () => [...acknowledged.values()].reduce((sum, own) => sum + own.length, 0);
      const begun = so_far();
      await expect.poll(so_far, PATIENTLY).toBeGreaterThan(begun + 60);
      await bot.end('SIGKILL');
      await Promise.all(talks);
    }
    const bot = await start(folder, store);
    for (const user of users) {
      const own = acknowledged.get(user) ?? [];
      const kept = await said(bot, user);
      expect(kept.length % 2).toBe(0);
      const questions = kept.filter((_, index) => index % 2 === 0);
      expect(new Set(questions).size).toBe(questions.length);
      expect(kept).toEqual(expect.arrayContaining(own));
      // In the order in which they were acknowledged.
      expect(kept.filter((text) => own.includes(text))).toEqual(own);
    }
  });

  test('kill -9 in mid-answer: the next process answers, and a repeat with the same key gets that one answer', async () => {
    const folder = await makeFolder();
    const model = await makeModel({ hangOn: 'slow' });
    const store = { ...(await makeStore()), ...withModel(model) };
    const first = await startProcess(folder, store);
    const key = { 'Idempotency-Key': 'k' };
    const cut = say(first, 'grace', 'slow question', key).catch(() => 'cut');
    await model.called('slow');
    await first.end('SIGKILL');
    expect(await cut).toBe('cut');

    const second = await start(folder, store);
    // Within the 10 s in which a turn must be taken over.
    const callers = Promise.all([1, 2].map(() => say(second, 'grace', 'slow question', key)));
    await model.called('slow', 2);
    model.release();
    for (const response of await callers) {
      expect(chatResponse.parse(await response.json()).response).toBe('echo: slow question');
    }
    expect(await said(second, 'grace')).toEqual(['slow question', 'echo: slow question']);
    expect(model.refused()).toEqual([]);
  });

  test('SIGTERM in mid-answer: the caller gets the answer before the process ends, and nobody new is let in', async () => {
    const folder = await makeFolder();
    const model = await makeModel({ hangOn: 'slow' });
    const bot = await startProcess(folder, { ...(await makeStore()), ...withModel(model) });
    const asked = say(bot, 'grace', 'slow question');
    await model.called('slow');
    const ended = bot.end('SIGTERM');
    await expect.poll(() => bot.output(), PATIENTLY).toContain('SIGTERM');
    expect((await say(bot, 'ada', 'Hello')).status).toBe(503);
    model.release();
    expect(chatResponse.parse(await (await asked).json()).response).toBe('echo: slow question');
    expect(await ended).toBe(0);
  });

  test('a turn that does not fit the grace time is handed over: 202 now, the answer after the restart', async () => {
    const folder = await makeFolder();
    const model = await makeModel({ hangOn: 'slow' });
    const store = { ...(await makeStore()), ...withModel(model), SHUTDOWN_GRACE: '0' };
    const first = await start(folder, store);
    const asked = say(first, 'grace', 'slow question');
    await model.called('slow');
    await first.release();
    const response = await asked;
    expect(response.status).toBe(202);
    pendingResponse.strict().parse(await response.json());

    const second = await start(folder, store);
    await model.called('slow', 2);
    model.release();
    await expect.poll(async () => (await fetch(historyUrl(second, 'grace'))).status, PATIENTLY).toBe(200);
    expect(await said(second, 'grace')).toEqual(['slow question', 'echo: slow question']);
  });

  test('whoever sends too much is told when to go on, and nobody else; and only with the key', async () => {
    const folder = await makeFolder();
    const settings = { HOST: '0.0.0.0', API_KEY: 'a-long-random-word', RATE_LIMIT: '2/min' };
    const bot = await start(folder, { ...(await makeStore()), ...settings });
    const key = { Authorization: 'Bearer a-long-random-word' };
    expect((await say(bot, 'grace', 'Hello')).status).toBe(401);
    expect((await fetch(`${bot.url}/stats`)).status).toBe(401);
    expect((await fetch(`${bot.url}/health`)).status).toBe(200);
    for (const message of ['One', 'Two']) expect((await say(bot, 'grace', message, key)).status).toBe(200);
    const refused = await say(bot, 'grace', 'Three', key);
    expect(refused.status).toBe(429);
    expect(Number(refused.headers.get('retry-after'))).toBeGreaterThan(0);
    expect(Number(refused.headers.get('retry-after'))).toBeLessThanOrEqual(60);
    await detailOf(refused);
    expect((await say(bot, 'ada', 'One', key)).status).toBe(200);
    expect(bot.output()).not.toContain('a-long-random-word');
  });

  test('a slow answer: 202 after HTTP_TIMEOUT, 429 when too many wait, and in the end all that were taken in', async () => {
    const folder = await makeFolder();
    const model = await makeModel({ hangOn: 'slow' });
    const settings = { ...withModel(model), HTTP_TIMEOUT: '1', MAX_WAITING: '3' };
    const bot = await start(folder, { ...(await makeStore()), ...settings });
    const taken: string[] = [];
    for (let count = 0; ; count += 1) {
      const response = await say(bot, 'grace', `slow question ${count}`);
      if (response.status === 429) {
        expect(Number(response.headers.get('retry-after'))).toBeGreaterThan(0);
        break;
      }
      expect(response.status).toBe(202);
      expect(response.headers.get('location')).toBe('/history/grace');
      pendingResponse.strict().parse(await response.json());
      taken.push(`slow question ${count}`, `echo: slow question ${count}`);
    }
    expect(taken.length).toBeGreaterThanOrEqual(6);
    model.release();
    await expect.poll(async () => (await fetch(historyUrl(bot, 'grace'))).status, PATIENTLY).toBe(200);
    await expect.poll(() => said(bot, 'grace'), PATIENTLY).toEqual(taken);
  });
});

test('a start that would open memories to the network without a key is refused, naming the fix', async () => {
  const bot = await launch({ HOST: '0.0.0.0' });
  expect(await bot.exited).toBe(78);
  expect(bot.output()).toContain('API_KEY');
});

test('a port in use is named, with the fix', async () => {
  const first = await start(await makeFolder(), { DATA_DIR: 'data' });
  const second = await launch({ DATA_DIR: 'data', PORT: String(first.port) });
  expect(await second.exited).toBe(78);
  expect(second.output()).toContain('set PORT');
});

describe('several replicas on one Redis', () => {
  test('every caller gets its own answer and stream, whichever replica ran the turn', async () => {
    const folder = await makeFolder();
    const model = await makeModel({ reply: { pieces: 8, betweenMs: 20 } });
    const settings = { ...(await makeRedisStore()), ...withModel(model), WORKER_CONCURRENCY: '2' };
    const [one, other] = await Promise.all([start(folder, settings), start(folder, settings)]);
    const users = Array.from({ length: 24 }, (_, index) => `user ${index}`);
    // No answer goes on before three are being written: more than one replica writes at a time.
    const bothAtWork = model.called('Question', 3);
    const asked = users.map(async (user, index) => {
      const replica = index % 3 === 0 ? other : one;
      const question = `Question of ${user}, with a few more words`;
      const goOn = new AbortController();
      model.script(question, { sent: 4, end: 'hang', goOn: goOn.signal });
      if (index % 2 === 0) {
        void bothAtWork.then(() => goOn.abort());
        return await ask(replica, user, question);
      }
      const response = await say(replica, user, question, { Accept: 'text/event-stream' });
      const events: ServerEvent[] = [];
      for await (const event of readEvents(response)) {
        events.push(event);
        // Nor does a streamed one end before its first words were seen.
        if (event.event === 'delta') void bothAtWork.then(() => goOn.abort());
      }
      const pieces = events
        .filter(({ event }) => event === 'delta')
        .map(({ data }) => z.object({ text: z.string() }).parse(data).text);
      const done = chatResponse.parse(events.find(({ event }) => event === 'done')?.data);
      expect(events.filter(({ event }) => event === 'reset')).toEqual([]);
      expect(pieces.length).toBeGreaterThan(1);
      expect(pieces.join('')).toBe(done.response);
      return done.response;
    });
    expect(await Promise.all(asked)).toEqual(users.map((user) => `echo: Question of ${user}, with a few more words`));
    const turnsOf = async ({ url }: RunningBot) => {
      const page = await (await fetch(`${url}/metrics`)).text();
      return Number(/^bot_turns_total\{outcome="answered"\} (\d+)/m.exec(page)?.[1] ?? 0);
    };
    // A turn is counted behind its answer.
    await expect.poll(async () => (await turnsOf(one)) + (await turnsOf(other)), PATIENTLY).toBe(users.length);
    for (const replica of [one, other]) expect(await turnsOf(replica)).toBeGreaterThan(0);
    for (const user of users) expect(await said(one, user)).toEqual(await said(other, user));
  });

  test('a replica that is killed in mid-answer is replaced, and a caller of another one gets the answer', async () => {
    const folder = await makeFolder();
    const model = await makeModel({ hangOn: 'slow' });
    const settings = { ...(await makeRedisStore()), ...withModel(model) };
    const key = { 'Idempotency-Key': 'k' };
    const one = await startProcess(folder, settings);
    const cut = say(one, 'grace', 'slow question', key).catch(() => 'cut');
    await model.called('slow');
    const other = await start(folder, settings);
    const asked = say(other, 'grace', 'slow question', key);
    await one.end('SIGKILL');
    expect(await cut).toBe('cut');
    await model.called('slow', 2);
    model.release();
    expect(chatResponse.parse(await (await asked).json()).response).toBe('echo: slow question');
    expect(await said(other, 'grace')).toEqual(['slow question', 'echo: slow question']);
  });
});

test('Redis going away: a clear error in bounded time, and everything again when it is back', async () => {
  const own = await makeRedis();
  const bot = await start(await makeFolder(), { REDIS_URL: own.url, RATE_LIMIT: '4/h' });
  await ask(bot, 'grace', 'My name is Grace Hopper');
  await own.kill9();
  // More often than a person may send: what is not stored does not count.
  for (let times = 0; times < 6; times += 1) {
    const refused = await say(bot, 'grace', 'What is my name?');
    expect(refused.status).toBe(503);
    expect(refused.headers.get('retry-after')).not.toBeNull();
    await detailOf(refused);
  }
  expect((await fetch(historyUrl(bot, 'grace'))).status).toBe(503);
  const health = await fetch(`${bot.url}/health`);
  expect(health.status).toBe(503);
  expect(healthResponse.strict().parse(await health.json())).toMatchObject({
    status: 'unhealthy',
    redis: 'disconnected',
  });
  await own.restart();
  await expect.poll(async () => (await fetch(`${bot.url}/health`)).status, PATIENTLY).toBe(200);
  await expect
    .poll(async () => (await say(bot, 'grace', 'What is my name?')).text(), PATIENTLY)
    .toContain('Grace Hopper');
});
