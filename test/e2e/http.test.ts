/** The product from outside: the real process, a real store, and nothing but HTTP. */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import { z } from 'zod';
import {
  chatResponse,
  errorResponse,
  healthResponse,
  historyResponse,
  pendingResponse,
  statsResponse,
} from '../../src/adapters/http/schemas.ts';
import { allEvents, postChat } from '../adapters/http/support.ts';
import { type BotProcess, type BotSettings, launchBot, startBot } from '../support/bot-process.ts';
import { type FakeModel, type ModelOptions, startModel } from '../support/model.ts';
import { type RedisServer, startRedis } from '../support/redis-server.ts';

/** What a test starts; ended behind it, whatever it comes to. */
const disposals: (() => Promise<void>)[] = [];

async function disposeAll(): Promise<void> {
  for (const dispose of disposals.splice(0).reverse()) await dispose();
}

afterEach(disposeAll);

async function makeFolder(): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'recollect-e2e-'));
  disposals.push(() => rm(folder, { recursive: true, force: true }));
  return folder;
}

async function makeModel(options: ModelOptions = {}): Promise<FakeModel> {
  const model = await startModel(options);
  disposals.push(async () => {
    model.release();
    await model.close();
  });
  return model;
}

function withModel({ url }: FakeModel): BotSettings {
  return { OPENAI_BASE_URL: url, OPENAI_MODEL: 'fake' };
}

/** Enough for any test; the one about the limit sets its own. */
const ROOMY: BotSettings = { RATE_LIMIT: '100000/s', MAX_WAITING: '1000', SHUTDOWN_GRACE: '10' };

async function start(folder: string, settings: BotSettings): Promise<BotProcess> {
  const bot = await startBot(folder, { ...ROOMY, ...settings });
  disposals.push(() => bot.release());
  return bot;
}

function say(bot: BotProcess, user_id: string, message: string, headers: Readonly<Record<string, string>> = {}) {
  return fetch(`${bot.url}/chat`, postChat({ user_id, message }, headers));
}

async function ask(bot: BotProcess, user: string, message: string): Promise<string> {
  const response = await say(bot, user, message);
  expect(response.status).toBe(200);
  return chatResponse.strict().parse(await response.json()).response;
}

function historyUrl(bot: BotProcess, user: string): string {
  return `${bot.url}/history/${encodeURIComponent(user)}`;
}

async function history(bot: BotProcess, user: string) {
  const response = await fetch(historyUrl(bot, user));
  expect(response.status).toBe(200);
  return historyResponse.strict().parse(await response.json());
}

/** What was said in the conversation, oldest first. */
async function said(bot: BotProcess, user: string): Promise<string[]> {
  return (await history(bot, user)).messages.map(({ content }) => content);
}

async function detailOf(response: Response): Promise<string> {
  return errorResponse.strict().parse(await response.json()).detail;
}

let redis: RedisServer;
let prefixes = 0;

beforeAll(async () => {
  redis = await startRedis();
});
afterAll(() => redis.stop());

/** Settings for a store of the test's own. */
const STORES = {
  Redis: async (): Promise<BotSettings> => {
    prefixes += 1;
    return { REDIS_URL: redis.url, KEY_PREFIX: `e2e${prefixes}` };
  },
  'the embedded store': async (): Promise<BotSettings> => ({ DATA_DIR: 'data' }),
} as const;

describe.each(Object.entries(STORES))('on %s, with no model set up', (name, makeStore) => {
  let folder: string;
  let bot: BotProcess;

  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'recollect-e2e-'));
    bot = await startBot(folder, { ...ROOMY, ...(await makeStore()) });
  });
  afterAll(async () => {
    await bot.release();
    await rm(folder, { recursive: true, force: true });
  });

  test('it remembers a name', async () => {
    await ask(bot, 'grace', 'My name is Grace Hopper');
    expect(await ask(bot, 'grace', 'What is my name?')).toContain('Grace Hopper');
    expect(await ask(bot, 'somebody else', 'What is my name?')).not.toContain('Grace');
  });

  test('it remembers a Chinese name', async () => {
    await ask(bot, '张三的用户', '我叫张三');
    expect(await ask(bot, '张三的用户', '我叫什么名字？')).toContain('张三');
  });

  test('the history has both sides, with their times', async () => {
    const before = Date.now();
    const answer = await ask(bot, 'history', 'Hello');
    const { messages, total_messages, ttl_remaining } = await history(bot, 'history');
    expect(messages.map(({ role, content }) => [role, content])).toEqual([
      ['user', 'Hello'],
      ['assistant', answer],
    ]);
    for (const { timestamp } of messages) expect(Date.parse(timestamp)).toBeGreaterThanOrEqual(before);
    expect(total_messages).toBe(2);
    expect(ttl_remaining).toBeGreaterThan(1700);
    expect(ttl_remaining).toBeLessThanOrEqual(1800);
  });

  test('a conversation with a TTL of 5 seconds is gone after 6', async () => {
    const response = await fetch(`${bot.url}/chat`, postChat({ user_id: 'brief', message: 'My name is Ada', ttl: 5 }));
    const said = performance.now();
    expect(chatResponse.parse(await response.json()).ttl_remaining).toBeLessThanOrEqual(5);
    expect((await history(bot, 'brief')).total_messages).toBe(2);
    await expect.poll(async () => (await fetch(historyUrl(bot, 'brief'))).status, { timeout: 20_000 }).toBe(404);
    expect(performance.now() - said).toBeLessThan(6000);
    expect(await detailOf(await fetch(historyUrl(bot, 'brief')))).toBe('User not found or expired');
    expect(await ask(bot, 'brief', 'What is my name?')).not.toContain('Ada');
  });

  test('a TTL of 5 seconds is not remembered: the next turn has the default again', async () => {
    await fetch(`${bot.url}/chat`, postChat({ user_id: 'once', message: 'Hello', ttl: 5 }));
    await ask(bot, 'once', 'Hello again');
    expect((await history(bot, 'once')).ttl_remaining).toBeGreaterThan(1700);
  });

  test('a TTL may be chosen, and holds for the turns that follow', async () => {
    await ask(bot, 'chooser', 'Hello');
    const response = await fetch(`${bot.url}/ttl/chooser?new_ttl=300`, { method: 'PUT' });
    expect(response.status).toBe(200);
    expect(await response.json()).toEqual({
      message: 'TTL updated',
      user_id: 'chooser',
      new_ttl: 300,
      ttl_remaining: 300,
    });
    await ask(bot, 'chooser', 'Hello again');
    const left = (await history(bot, 'chooser')).ttl_remaining;
    expect(left).toBeGreaterThan(200);
    expect(left).toBeLessThanOrEqual(300);
    const chosen = await fetch(`${bot.url}/chat`, postChat({ user_id: 'chooser', message: 'Longer', ttl: 1000 }));
    expect(chatResponse.parse(await chosen.json()).ttl_remaining).toBeGreaterThan(900);
    await ask(bot, 'chooser', 'Still longer?');
    expect((await history(bot, 'chooser')).ttl_remaining).toBeGreaterThan(900);
  });

  test('59 seconds are refused, and a TTL of nobody', async () => {
    await ask(bot, 'bounds', 'Hello');
    const refused = await fetch(`${bot.url}/ttl/bounds?new_ttl=59`, { method: 'PUT' });
    expect(refused.status).toBe(400);
    expect(await refused.json()).toEqual({ detail: 'TTL must be at least 60 seconds' });
    expect((await history(bot, 'bounds')).ttl_remaining).toBeGreaterThan(1700);
    const nobody = await fetch(`${bot.url}/ttl/nobody?new_ttl=300`, { method: 'PUT' });
    expect(nobody.status).toBe(404);
    expect(await nobody.json()).toEqual({ detail: 'User not found' });
  });

  test('a history can be cleared, once', async () => {
    await ask(bot, 'leaver', 'My name is Ada');
    const response = await fetch(historyUrl(bot, 'leaver'), { method: 'DELETE' });
    expect(await response.json()).toEqual({ message: 'History cleared', user_id: 'leaver' });
    expect((await fetch(historyUrl(bot, 'leaver'))).status).toBe(404);
    const again = await fetch(historyUrl(bot, 'leaver'), { method: 'DELETE' });
    expect(again.status).toBe(404);
    expect(await again.json()).toEqual({ detail: 'User not found' });
    expect(await ask(bot, 'leaver', 'What is my name?')).not.toContain('Ada');
  });

  test('a stream brings the answer in pieces, and then whole', async () => {
    const response = await say(bot, 'streamer', 'My name is Grace Hopper', { Accept: 'text/event-stream' });
    const events = (await allEvents(response)).filter(({ event }) => event !== ':');
    expect(events[0]?.event).toBe('turn');
    const deltas = events
      .filter(({ event }) => event === 'delta')
      .map(({ data }) => z.object({ text: z.string() }).parse(data));
    const last = events.at(-1);
    expect(last?.event).toBe('done');
    expect(deltas.map(({ text }) => text).join('')).toBe(chatResponse.parse(last?.data).response);
  });

  test('messages sent at once are answered in the order in which they were stored, never interleaved', async () => {
    await Promise.all(Array.from({ length: 12 }, (_, index) => ask(bot, 'crowd', `Message ${index}`)));
    const { messages } = await history(bot, 'crowd');
    expect(messages.map(({ role }) => role)).toEqual(Array.from({ length: 12 }, () => ['user', 'assistant']).flat());
    expect(new Set(messages.filter(({ role }) => role === 'user').map(({ content }) => content)).size).toBe(12);
  });

  test('an Idempotency-Key gives the first answer again, and refuses another body', async () => {
    const key = { 'Idempotency-Key': 'key-1' };
    const all = await Promise.all([1, 2, 3, 4].map(() => say(bot, 'idem', 'Hello', key)));
    const bodies = await Promise.all(all.map(async (response) => chatResponse.parse(await response.json())));
    expect(new Set(bodies.map(({ response, timestamp }) => `${timestamp} ${response}`)).size).toBe(1);
    expect((await history(bot, 'idem')).total_messages).toBe(2);
    expect((await say(bot, 'idem', 'Something else', key)).status).toBe(422);
    expect((await say(bot, 'idem two', 'Something else', key)).status).toBe(200);
    expect((await history(bot, 'idem')).total_messages).toBe(2);
  });

  test.each([
    'a:b',
    '*',
    '?',
    '[a-z]*',
    '{http:grace}',
    'a/b',
    'a%2Fb',
    '👩‍🚀',
    ' ',
    'a\\b',
    'x\u0000y',
    "'; DROP TABLE",
    'é',
    'e\u0301',
  ])('the user_id %j is one conversation of its own', async (id) => {
    expect((await fetch(historyUrl(bot, id))).status).toBe(404);
    await ask(bot, 'bystander', 'Hello');
    await ask(bot, id, `I am ${JSON.stringify(id)}`);
    expect(await said(bot, id)).toHaveLength(2);
    expect((await fetch(historyUrl(bot, id), { method: 'DELETE' })).status).toBe(200);
    expect((await fetch(historyUrl(bot, id))).status).toBe(404);
    expect((await fetch(historyUrl(bot, 'bystander'))).status).toBe(200);
  });

  describe('bad input gets a clear error and loses nothing', () => {
    const big = JSON.stringify({ user_id: 'victim', message: 'x'.repeat(10 * 1024 * 1024) });
    const chat = (body: string) => ['/chat', postChat(body)] as const;
    test.each<readonly [string, number, readonly [string, RequestInit]]>([
      ['a body of 10 MB', 413, chat(big)],
      ['invalid JSON', 400, chat('{"user_id": "victim", "message": ')],
      ['an empty body', 400, chat('')],
      ['a list', 422, chat('[]')],
      ['no message', 422, chat('{"user_id":"victim"}')],
      ['no user_id', 422, chat('{"message":"x"}')],
      ['a number as user_id', 422, chat('{"user_id":7,"message":"x"}')],
      ['an object as message', 422, chat('{"user_id":"victim","message":{}}')],
      ['an empty message', 422, chat('{"user_id":"victim","message":"  "}')],
      ['an empty user_id', 422, chat('{"user_id":"","message":"x"}')],
      ['an overlong user_id', 422, chat(JSON.stringify({ user_id: 'x'.repeat(129), message: 'x' }))],
      ['an overlong message', 422, chat(JSON.stringify({ user_id: 'victim', message: 'x'.repeat(8001) }))],
      ['a lone surrogate as user_id', 422, chat('{"user_id":"\\ud800","message":"x"}')],
      ['a lone surrogate in the message', 422, chat('{"user_id":"victim","message":"\\udfff"}')],
      ['a TTL of 0', 400, chat('{"user_id":"victim","message":"x","ttl":0}')],
      ['a negative TTL', 400, chat('{"user_id":"victim","message":"x","ttl":-60}')],
      ['a huge TTL', 400, chat('{"user_id":"victim","message":"x","ttl":1e15}')],
      ['a fractional TTL', 400, chat('{"user_id":"victim","message":"x","ttl":60.5}')],
      ['a TTL in words', 400, chat('{"user_id":"victim","message":"x","ttl":"60"}')],
      ['another content type', 415, ['/chat', { method: 'POST', body: '{"user_id":"victim","message":"x"}' }]],
      ['a new_ttl of 0', 400, ['/ttl/victim?new_ttl=0', { method: 'PUT' }]],
      ['a negative new_ttl', 400, ['/ttl/victim?new_ttl=-1', { method: 'PUT' }]],
      ['a huge new_ttl', 400, ['/ttl/victim?new_ttl=99999999999999999999', { method: 'PUT' }]],
      ['a fractional new_ttl', 400, ['/ttl/victim?new_ttl=60.5', { method: 'PUT' }]],
      ['no new_ttl', 400, ['/ttl/victim', { method: 'PUT' }]],
      ['a path that is not UTF-8', 422, ['/history/%ED%A0%80', {}]],
      ['an unknown route', 404, ['/histories/victim', {}]],
      ['a wrong method', 405, ['/chat', { method: 'PUT' }]],
      [
        'a page of another origin',
        403,
        ['/history/victim', { method: 'DELETE', headers: { Origin: 'https://evil.example' } }],
      ],
    ])('%s: %i', async (_, status, [path, init]) => {
      await fetch(historyUrl(bot, 'victim'), { method: 'DELETE' });
      await ask(bot, 'victim', 'Hello');
      const before = await history(bot, 'victim');
      const response = await fetch(bot.url + path, init);
      expect(response.status).toBe(status);
      expect(await detailOf(response)).toMatch(/\w{3,}/);
      const after = await history(bot, 'victim');
      expect(after.messages).toEqual(before.messages);
      expect(after.ttl_remaining).toBeGreaterThan(1700);
    });
  });

  test('the service tells how it is doing', async () => {
    await ask(bot, 'counted', 'Hello');
    const onRedis = name === 'Redis';
    const stats = statsResponse.strict().parse(await (await fetch(`${bot.url}/stats`)).json());
    expect(stats.total_users).toBeGreaterThan(0);
    expect(stats.total_messages).toBeGreaterThanOrEqual(2);
    if (onRedis) expect(stats.redis_version).toMatch(/^\d+\.\d+/);
    else expect(stats).toMatchObject({ redis_version: null, connected_clients: null, store: 'sqlite' });
    const health = healthResponse.strict().parse(await (await fetch(`${bot.url}/health`)).json());
    expect(health).toMatchObject({ status: 'healthy', redis: onRedis ? 'connected' : 'not configured' });
    expect(await (await fetch(`${bot.url}/metrics`)).text()).toMatch(/^# HELP /m);
    expect((await fetch(`${bot.url}/openapi.json`)).status).toBe(200);
    expect((await fetch(`${bot.url}/docs`)).status).toBe(200);
  });
});

describe.each(Object.entries(STORES))('on %s', (name, makeStore) => {
  test('a restart keeps the history, and the bot knows it', async () => {
    const folder = await makeFolder();
    const store = await makeStore();
    const first = await start(folder, store);
    await ask(first, 'grace', 'My name is Grace Hopper');
    await fetch(`${first.url}/ttl/grace?new_ttl=900`, { method: 'PUT' });
    const before = await history(first, 'grace');
    expect(await first.end('SIGTERM')).toBe(0);

    const second = await start(folder, store);
    expect((await history(second, 'grace')).messages).toEqual(before.messages);
    expect(await ask(second, 'grace', 'What is my name?')).toContain('Grace Hopper');
    expect((await history(second, 'grace')).ttl_remaining).toBeLessThanOrEqual(900);
  });

  test('kill -9 loses no turn that was acknowledged, and doubles none', async () => {
    const folder = await makeFolder();
    const store = await makeStore();
    const acknowledged = new Map<string, string[]>();
    const users = Array.from({ length: 8 }, (_, index) => `user ${index}`);
    for (let round = 0; round < 3; round += 1) {
      const bot = await start(folder, store);
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
      await expect.poll(so_far, { timeout: 20_000 }).toBeGreaterThan(begun + 60);
      await bot.end('SIGKILL');
      await Promise.all(talks);
    }
    const bot = await start(folder, { ...store, MAX_MESSAGES: '100000' });
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
    const first = await start(folder, store);
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
    const bot = await start(folder, { ...(await makeStore()), ...withModel(model) });
    const asked = say(bot, 'grace', 'slow question');
    await model.called('slow');
    const ended = bot.end('SIGTERM');
    await expect.poll(async () => (await say(bot, 'ada', 'Hello')).status).toBe(503);
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
    expect(await first.end('SIGTERM')).toBe(0);
    const response = await asked;
    expect(response.status).toBe(202);
    pendingResponse.strict().parse(await response.json());

    const second = await start(folder, store);
    await model.called('slow', 2);
    model.release();
    await expect.poll(async () => (await fetch(historyUrl(second, 'grace'))).status, { timeout: 10_000 }).toBe(200);
    expect(await said(second, 'grace')).toEqual(['slow question', 'echo: slow question']);
  });

  test('an answer that takes longer than HTTP_TIMEOUT: 202, and it is in the history when it is there', async () => {
    const folder = await makeFolder();
    const model = await makeModel({ hangOn: 'slow' });
    const bot = await start(folder, { ...(await makeStore()), ...withModel(model), HTTP_TIMEOUT: '1' });
    const response = await say(bot, 'grace', 'slow question');
    expect(response.status).toBe(202);
    expect(response.headers.get('location')).toBe('/history/grace');
    model.release();
    await expect.poll(async () => (await fetch(historyUrl(bot, 'grace'))).status, { timeout: 10_000 }).toBe(200);
    expect(await said(bot, 'grace')).toEqual(['slow question', 'echo: slow question']);
  });

  test('a history cleared in mid-answer stays cleared, and whoever waits is told', async () => {
    const folder = await makeFolder();
    const model = await makeModel({ hangOn: 'slow' });
    const bot = await start(folder, { ...(await makeStore()), ...withModel(model) });
    const asked = say(bot, 'grace', 'slow question');
    await model.called('slow');
    expect((await fetch(historyUrl(bot, 'grace'), { method: 'DELETE' })).status).toBe(200);
    model.release();
    const response = await asked;
    expect(response.status).toBe(410);
    expect(await detailOf(response)).toMatch(/forgotten/);
    expect((await fetch(historyUrl(bot, 'grace'))).status).toBe(404);
    expect(await ask(bot, 'grace', 'Hello')).toBe('echo: Hello');
  });

  test('a model that refuses is said, and the next message is answered', async () => {
    const folder = await makeFolder();
    const model = await makeModel();
    model.script('odd', { status: 400, error: { message: 'no' } });
    const bot = await start(folder, { ...(await makeStore()), ...withModel(model) });
    const refused = await say(bot, 'grace', 'odd question');
    expect(refused.status).toBe(502);
    expect(await detailOf(refused)).toMatch(/model/);
    expect(await ask(bot, 'grace', 'Hello')).toBe('echo: Hello');
    expect(await said(bot, 'grace')).toEqual(['Hello', 'echo: Hello']);
  });

  test('whoever sends too much is told when to go on, and nobody else', async () => {
    const folder = await makeFolder();
    const bot = await start(folder, { ...(await makeStore()), RATE_LIMIT: '2/min' });
    await ask(bot, 'grace', 'One');
    await ask(bot, 'grace', 'Two');
    const refused = await say(bot, 'grace', 'Three');
    expect(refused.status).toBe(429);
    expect(Number(refused.headers.get('retry-after'))).toBeGreaterThan(0);
    expect(Number(refused.headers.get('retry-after'))).toBeLessThanOrEqual(60);
    await detailOf(refused);
    expect((await history(bot, 'grace')).total_messages).toBe(4);
    await ask(bot, 'ada', 'One');
  });

  test('more messages than may wait are refused, and none that was taken in is lost', async () => {
    const folder = await makeFolder();
    const model = await makeModel({ hangOn: 'slow' });
    const bot = await start(folder, { ...(await makeStore()), ...withModel(model), MAX_WAITING: '3' });
    const first = say(bot, 'grace', 'slow question');
    await model.called('slow');
    const more = Promise.all([1, 2, 3, 4].map((count) => say(bot, 'grace', `Question ${count}`)));
    await expect
      .poll(async () => Promise.race([more, say(bot, 'grace', 'one more').then(({ status }) => status)]))
      .toBe(429);
    model.release();
    const responses = [await first, ...(await more)];
    const answered = responses.filter(({ status }) => status === 200);
    expect(responses.every(({ status }) => status === 200 || status === 429)).toBe(true);
    expect((await history(bot, 'grace')).total_messages).toBe(2 * answered.length);
  });

  test('with an API key every route but /health wants it', async () => {
    const folder = await makeFolder();
    const bot = await start(folder, { ...(await makeStore()), HOST: '0.0.0.0', API_KEY: 'a-long-random-word' });
    expect((await say(bot, 'grace', 'Hello')).status).toBe(401);
    expect((await fetch(`${bot.url}/stats`)).status).toBe(401);
    expect((await fetch(`${bot.url}/health`)).status).toBe(200);
    expect((await say(bot, 'grace', 'Hello', { Authorization: 'Bearer a-long-random-word' })).status).toBe(200);
    expect(bot.output()).not.toContain('a-long-random-word');
    expect(name).toBeDefined();
  });
});

test('a start that would open memories to the network without a key is refused, naming the mend', async () => {
  const bot = await launchBot(await makeFolder(), { HOST: '0.0.0.0' });
  disposals.push(() => bot.release());
  expect(await bot.exited).toBe(78);
  expect(bot.output()).toContain('API_KEY');
});

test('a port in use is named, with the mend', async () => {
  const first = await start(await makeFolder(), { DATA_DIR: 'data' });
  const second = await launchBot(await makeFolder(), { DATA_DIR: 'data', PORT: String(first.port) });
  disposals.push(() => second.release());
  expect(await second.exited).toBe(78);
  expect(second.output()).toContain('set PORT');
});

describe('several replicas on one Redis', () => {
  test('every caller gets its own answer and stream, whichever replica ran the turn', async () => {
    const folder = await makeFolder();
    const model = await makeModel({ reply: { pieces: 8, betweenMs: 20 } });
    const settings = { ...(await STORES.Redis()), ...withModel(model), WORKER_CONCURRENCY: '2' };
    const [one, other] = await Promise.all([start(folder, settings), start(folder, settings)]);
    const users = Array.from({ length: 24 }, (_, index) => `user ${index}`);
    const asked = users.map(async (user, index) => {
      const replica = index % 3 === 0 ? other : one;
      if (index % 2 === 0) return await ask(replica, user, `Question of ${user}, with a few more words`);
      const response = await say(replica, user, `Question of ${user}, with a few more words`, {
        Accept: 'text/event-stream',
      });
      const events = await allEvents(response);
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
    const turns = await Promise.all(
      [one, other].map(async ({ url }) => {
        const page = await (await fetch(`${url}/metrics`)).text();
        return Number(/^bot_turns_total\{outcome="answered"\} (\d+)/m.exec(page)?.[1] ?? 0);
      }),
    );
    expect(turns.reduce((sum, count) => sum + count)).toBe(users.length);
    for (const count of turns) expect(count).toBeGreaterThan(0);
    for (const user of users) expect(await said(one, user)).toEqual(await said(other, user));
  });

  test('a replica that is killed in mid-answer is replaced: the caller of the other one gets the answer', async () => {
    const folder = await makeFolder();
    const model = await makeModel({ hangOn: 'slow' });
    const settings = { ...(await STORES.Redis()), ...withModel(model) };
    const [one, other] = await Promise.all([start(folder, settings), start(folder, settings)]);
    const key = { 'Idempotency-Key': 'k' };
    const callers = [one, other].map((replica) => say(replica, 'grace', 'slow question', key).catch(() => undefined));
    await model.called('slow');
    const metricsOf = async ({ url }: BotProcess) => (await (await fetch(`${url}/metrics`)).text()).includes('bot_');
    expect(await metricsOf(one)).toBe(true);
    // Whichever has the turn: kill one, and if it was the wrong one the caller of the other still gets the answer.
    await one.end('SIGKILL');
    model.release();
    const response = (await Promise.all(callers))[1];
    expect(response?.status).toBe(200);
    expect(await said(other, 'grace')).toEqual(['slow question', 'echo: slow question']);
  });
});

test('Redis going away: a clear error in bounded time, and everything again when it is back', async () => {
  const own = await startRedis();
  disposals.push(() => own.stop());
  const bot = await start(await makeFolder(), { REDIS_URL: own.url });
  await ask(bot, 'grace', 'My name is Grace Hopper');
  await own.kill9();
  const refused = await say(bot, 'grace', 'What is my name?');
  expect(refused.status).toBe(503);
  expect(refused.headers.get('retry-after')).not.toBeNull();
  await detailOf(refused);
  expect((await fetch(historyUrl(bot, 'grace'))).status).toBe(503);
  const health = await fetch(`${bot.url}/health`);
  expect(health.status).toBe(503);
  expect(healthResponse.strict().parse(await health.json())).toMatchObject({
    status: 'unhealthy',
    redis: 'disconnected',
  });
  await own.restart();
  await expect.poll(async () => (await fetch(`${bot.url}/health`)).status, { timeout: 20_000 }).toBe(200);
  await expect
    .poll(async () => (await say(bot, 'grace', 'What is my name?')).text(), { timeout: 20_000 })
    .toContain('Grace Hopper');
});
