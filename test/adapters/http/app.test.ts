import { describe, expect, test } from 'vitest';
import {
  chatResponse,
  clearedResponse,
  healthResponse,
  historyResponse,
  statsResponse,
  ttlResponse,
} from '../../../src/adapters/http/schemas.ts';
import { BotError, ERROR_CODES } from '../../../src/errors.ts';
import { allEvents, createTestApp, LIMITS, NOW, postChat } from './support.ts';

const AWAY = new BotError('store_unavailable', 'redis://secret@10.0.0.1 refused', { retryable: true });

/** An app whose bot answers at once. */
function answering(options: Parameters<typeof createTestApp>[0] = {}) {
  const made = createTestApp(options);
  made.bot.answerWith = (message) => `You said: ${message.text}`;
  return made;
}

describe('POST /chat', () => {
  test('gives the answer, its time and the time left', async () => {
    const { app } = answering();
    const response = await app.request('/chat', postChat({ user_id: 'grace', message: 'Hello' }));
    expect(response.status).toBe(200);
    expect(response.headers.get('content-type')).toBe('application/json');
    const body = await response.json();
    expect(body).toEqual({
      response: 'You said: Hello',
      user_id: 'grace',
      timestamp: '2026-01-02T03:04:06.678Z',
      ttl_remaining: 1800,
    });
    chatResponse.strict().parse(body);
  });

  test('passes on who speaks, the ttl and the language', async () => {
    const { app, bot } = answering();
    const body = { user_id: '张三', message: '你好', ttl: 5 };
    const response = await app.request('/chat', postChat(body, { 'Accept-Language': 'zh-CN' }));
    expect(await response.json()).toMatchObject({ user_id: '张三', ttl_remaining: 5 });
    expect(bot.taken[0]).toMatchObject({ author: { id: '张三' }, text: '你好', ttl: 5, locale: 'zh-CN', sentAt: NOW });
  });

  test('follows the turn before it is offered, and no longer when it is answered', async () => {
    const { app, bot } = createTestApp();
    let followed = 0;
    bot.answerWith = () => {
      followed = bot.followers();
      return 'ok';
    };
    await app.request('/chat', postChat({ user_id: 'a', message: 'b' }));
    expect(followed).toBe(1);
    expect(bot.followers()).toBe(0);
  });

  test('reads the answer from the store when every announcement was lost', async () => {
    const { app, bot } = createTestApp({ timings: { pollMs: 5 } });
    bot.follow = async () => async () => {};
    const asked = app.request('/chat', postChat({ user_id: 'a', message: 'b' }));
    await expect.poll(() => bot.taken.length).toBe(1);
    bot.commit(bot.taken[0]?.turnId ?? '', 'late');
    expect(await (await asked).json()).toMatchObject({ response: 'late' });
  });

  test('goes on waiting while the store is away', async () => {
    const { app, bot } = createTestApp({ timings: { pollMs: 5 } });
    const asked = app.request('/chat', postChat({ user_id: 'a', message: 'b' }));
    await expect.poll(() => bot.taken.length).toBe(1);
    let looks = 0;
    const { record } = bot;
    bot.record = (...about) => {
      looks += 1;
      return record(...about);
    };
    bot.down = AWAY;
    await expect.poll(() => looks).toBeGreaterThan(2);
    bot.down = undefined;
    bot.commit(bot.taken[0]?.turnId ?? '', 'back again');
    expect(await (await asked).json()).toMatchObject({ response: 'back again' });
  });

  test('gives the answer also when the conversation expired before it could be read', async () => {
    const { app, bot } = createTestApp();
    bot.memory.history = async () => undefined;
    const asked = app.request('/chat', postChat({ user_id: 'a', message: 'b', ttl: 1 }));
    await expect.poll(() => bot.taken.length).toBe(1);
    const [message] = bot.taken;
    if (message === undefined) throw new Error('Nothing was taken in.');
    await bot.announce(message.sessionId, message.turnId, {
      kind: 'live.end',
      outcome: 'answered',
      text: 'short-lived',
    });
    bot.commit(message.turnId, 'short-lived');
    const response = await asked;
    expect(response.status).toBe(200);
    expect(await response.json()).toMatchObject({ response: 'short-lived', ttl_remaining: 0 });
  });

  test('that takes too long gets 202 and where the answer will be', async () => {
    const { app, bot } = createTestApp({ timings: { answerMs: 5 } });
    const response = await app.request('/chat', postChat({ user_id: 'a/b', message: 'b' }));
    expect(response.status).toBe(202);
    expect(response.headers.get('location')).toBe('/history/a%2Fb');
    expect(await response.json()).toEqual({
      status: 'pending',
      turn_id: bot.taken[0]?.turnId,
      user_id: 'a/b',
      detail: 'The answer is not ready yet. It will be in GET /history/a%2Fb.',
    });
    expect(bot.followers()).toBe(0);
  });

  test.each([
    ['model_rate_limited', 503],
    ['model_unavailable', 502],
    ['model_timeout', 504],
    ['model_disconnected', 502],
    ['model_refused_key', 502],
    ['model_refused_request', 502],
    ['model_empty_answer', 502],
    ['turn_gave_up', 502],
    ['turn_stopped', 410],
    ['store_full', 507],
    ['internal', 500],
  ] as const)('whose turn failed by %s gets %i and a friendly word', async (code, status) => {
    const { app, bot, deps } = createTestApp();
    const asked = app.request('/chat', postChat({ user_id: 'a', message: 'b' }, { 'Accept-Language': 'zh-CN' }));
    await expect.poll(() => bot.taken.length).toBe(1);
    bot.fail(bot.taken[0]?.turnId ?? '', code);
    const response = await asked;
    expect(response.status).toBe(status);
    expect(await response.json()).toEqual({ detail: deps.coreMessages.failed(code, 'zh-CN') });
    expect(response.headers.has('retry-after')).toBe(status === 503);
  });

  test('that is forgotten while it waits gets 410', async () => {
    const { app, bot } = createTestApp();
    const asked = app.request('/chat', postChat({ user_id: 'a', message: 'b' }));
    await expect.poll(() => bot.taken.length).toBe(1);
    expect((await app.request('/history/a', { method: 'DELETE' })).status).toBe(200);
    const response = await asked;
    expect(response.status).toBe(410);
    expect(await response.json()).toEqual({ detail: expect.stringContaining('forgotten') });
  });

  test.each([
    ['rate_limited', 429, '5'],
    ['inbox_full', 429, '5'],
    ['too_long', 422, null],
    ['empty', 422, null],
  ] as const)('refused as %s gets %i', async (kind, status, retryAfter) => {
    const { app, bot } = createTestApp();
    bot.next({ kind, text: 'Not so fast.', retryAfterMs: 4001, tell: false });
    const response = await app.request('/chat', postChat({ user_id: 'a', message: 'b' }));
    expect(response.status).toBe(status);
    expect(response.headers.get('retry-after')).toBe(retryAfter);
    expect(await response.json()).toEqual({ detail: 'Not so fast.' });
    expect(bot.followers()).toBe(0);
  });

  test.each([
    ['store_unavailable', 503, '1'],
    ['store_full', 507, null],
    ['internal', 500, null],
  ] as const)(
    'that cannot be stored (%s) gets %i and tells nothing of the inside',
    async (code, status, retryAfter) => {
      const { app, bot, log } = createTestApp();
      bot.next(new BotError(code, 'redis://user:password@10.0.0.1 said no'));
      const response = await app.request('/chat', postChat({ user_id: 'a', message: 'secret text' }));
      expect(response.status).toBe(status);
      expect(response.headers.get('retry-after')).toBe(retryAfter);
      const text = await response.text();
      expect(JSON.parse(text)).toEqual({ detail: expect.any(String) });
      expect(text).not.toMatch(/password|10\.0\.0\.1|\.ts/);
      expect(bot.followers()).toBe(0);
      expect(log).toMatchObject([{ level: 'error', fields: { method: 'POST', path: '/chat' } }]);
      expect(JSON.stringify(log)).not.toContain('secret text');
    },
  );

  test('that could not be followed is not stored: 503', async () => {
    const { app, bot } = createTestApp();
    bot.follow = async () => {
      throw new Error('Command timed out');
    };
    const response = await app.request('/chat', postChat({ user_id: 'a', message: 'b' }));
    expect(response.status).toBe(503);
    expect(bot.taken).toEqual([]);
  });

  test('is refused while the bot shuts down, and waiting callers are told where the answer will be', async () => {
    const { app, bot, deps } = createTestApp();
    const asked = app.request('/chat', postChat({ user_id: 'a', message: 'b' }));
    await expect.poll(() => bot.taken.length).toBe(1);
    deps.callers.close();
    const refused = await app.request('/chat', postChat({ user_id: 'a', message: 'b' }));
    expect(refused.status).toBe(503);
    expect(refused.headers.get('retry-after')).toBe('1');
    expect(bot.taken).toHaveLength(1);
    deps.callers.dismiss();
    expect((await asked).status).toBe(202);
  });
});

describe('a message that is a command', () => {
  /** A bot with one command, which answers with what it was asked and in which context. */
  function commanded() {
    const made = answering();
    const { commands } = made.bot;
    commands.readText = (text) => (text === '/help' ? { name: 'help' } : undefined);
    commands.run = async ({ command, context }) => ({
      kind: 'done',
      text: JSON.stringify([command, context.person, context.sessionId, context.locale, context.canManage]),
      actions: [],
      files: [{ name: 'a.md', mediaType: 'text/markdown', content: 'a ```fence``` in it' }],
    });
    return made;
  }
  const ANSWER =
    '[{"name":"help"},{"platform":"http","user":"grace"},"{http:grace}","zh-CN",false]' +
    '\n\na.md\n````\na ```fence``` in it\n````';

  test('is run for its user, and nothing of it is taken in', async () => {
    const { app, bot } = commanded();
    await app.request('/chat', postChat({ user_id: 'grace', message: 'Hello' }));
    const init = postChat({ user_id: 'grace', message: '/help' }, { 'Accept-Language': 'zh-CN' });
    const response = await app.request('/chat', init);
    expect(response.status).toBe(200);
    expect(await response.json()).toEqual({
      response: ANSWER,
      user_id: 'grace',
      timestamp: '2026-01-02T03:04:05.678Z',
      ttl_remaining: 1800,
    });
    expect(bot.taken).toHaveLength(1);
    expect(bot.followers()).toBe(0);
  });

  test('is answered by a stream too', async () => {
    const { app } = commanded();
    const headers = { Accept: 'text/event-stream', 'Accept-Language': 'zh' };
    const response = await app.request('/chat', postChat({ user_id: 'grace', message: '/help' }, headers));
    expect(await allEvents(response)).toEqual([
      { event: 'delta', data: { text: ANSWER } },
      {
        event: 'done',
        data: { response: ANSWER, user_id: 'grace', timestamp: '2026-01-02T03:04:05.678Z', ttl_remaining: 0 },
      },
    ]);
  });
});

describe('an Idempotency-Key', () => {
  const key = { 'Idempotency-Key': 'k-1' };

  test('gives the first answer again and asks nothing twice', async () => {
    const { app, bot } = answering();
    const first = await (await app.request('/chat', postChat({ user_id: 'a', message: 'b' }, key))).json();
    bot.answerWith = () => 'another answer';
    const again = await app.request('/chat', postChat('{"message":"b",   "user_id":"a"}', key));
    expect(await again.json()).toEqual(first);
    expect(bot.taken).toHaveLength(1);
    expect(bot.followers()).toBe(0);
  });

  test('gives both callers the one answer when the first still waits', async () => {
    const { app, bot } = createTestApp();
    const asked = [1, 2].map(() => app.request('/chat', postChat({ user_id: 'a', message: 'b' }, key)));
    await expect.poll(() => bot.followers()).toBe(2);
    bot.commit(bot.taken[0]?.turnId ?? '', 'once');
    for (const response of await Promise.all(asked)) expect(await response.json()).toMatchObject({ response: 'once' });
    expect(bot.taken).toHaveLength(1);
  });

  test.each([
    ['message', { user_id: 'a', message: 'c' }],
    ['ttl', { user_id: 'a', message: 'b', ttl: 60 }],
  ])('with another %s is refused, again and again', async (_, other) => {
    const { app, bot } = answering();
    await app.request('/chat', postChat({ user_id: 'a', message: 'b' }, key));
    for (let repeat = 0; repeat < 2; repeat += 1) {
      const response = await app.request('/chat', postChat(other, key));
      expect(response.status).toBe(422);
      expect(await response.json()).toEqual({ detail: expect.stringContaining('Idempotency-Key') });
    }
    expect(bot.taken).toHaveLength(1);
    expect(bot.followers()).toBe(0);
    expect((await app.request('/chat', postChat({ user_id: 'a', message: 'b' }, key))).status).toBe(200);
  });

  test('is one user’s own', async () => {
    const { app, bot } = answering();
    await app.request('/chat', postChat({ user_id: 'a', message: 'b' }, key));
    const other = await app.request('/chat', postChat({ user_id: 'A', message: 'something else' }, key));
    expect(await other.json()).toMatchObject({ response: 'You said: something else' });
    expect(bot.taken).toHaveLength(2);
  });

  test('whose answer was forgotten since gets 410', async () => {
    const { app } = answering();
    await app.request('/chat', postChat({ user_id: 'a', message: 'b' }, key));
    await app.request('/history/a', { method: 'DELETE' });
    expect((await app.request('/chat', postChat({ user_id: 'a', message: 'b' }, key))).status).toBe(410);
  });

  test('finds an answer that many others came after', async () => {
    const { app } = answering();
    const first = await (await app.request('/chat', postChat({ user_id: 'a', message: 'first' }, key))).json();
    for (let count = 0; count < 30; count += 1) await app.request('/chat', postChat({ user_id: 'a', message: 'more' }));
    expect(await (await app.request('/chat', postChat({ user_id: 'a', message: 'first' }, key))).json()).toEqual(first);
  });
});

describe('a bad body', () => {
  test.each([
    ['broken JSON', '{"user_id":', 400, /^The body is not valid JSON/],
    ['no JSON at all', 'user_id=a', 400, /^The body is not valid JSON/],
    ['nothing', '', 400, /^The body is not valid JSON/],
    ['a wrong type', '{"user_id":1,"message":"b"}', 422, /user_id must be a string/],
    ['a missing field', '{"user_id":"a"}', 422, /message must be a string/],
    ['no object', '[]', 422, /must be a JSON object/],
    ['null', 'null', 422, /must be a JSON object/],
    ['a lone surrogate', '{"user_id":"a","message":"\\ud83d"}', 422, /lone surrogate/],
    ['a fractional ttl', '{"user_id":"a","message":"b","ttl":0.5}', 400, /from 1 to 2592000/],
    ['a huge ttl', '{"user_id":"a","message":"b","ttl":1e999}', 400, /from 1 to 2592000/],
    ['a ttl of 0', '{"user_id":"a","message":"b","ttl":0}', 400, /from 1 to 2592000/],
  ])('%s is answered clearly, counted, and reaches nobody', async (_, body, status, detail) => {
    const { app, bot, refused, log } = createTestApp();
    const response = await app.request('/chat', postChat(body));
    expect(response.status).toBe(status);
    expect(await response.json()).toEqual({ detail: expect.stringMatching(detail) });
    expect(bot.taken).toEqual([]);
    expect(refused).toEqual([status]);
    expect(log).toEqual([]);
  });

  test('that is not UTF-8 gets 400', async () => {
    const { app } = createTestApp();
    const body = Buffer.concat([
      Buffer.from('{"user_id":"a","message":"'),
      Buffer.from([0xff, 0xfe]),
      Buffer.from('"}'),
    ]);
    const response = await app.request('/chat', { ...postChat(''), body });
    expect(response.status).toBe(400);
    expect(await response.json()).toEqual({ detail: 'The body is not valid UTF-8.' });
  });

  test.each([
    'text/plain',
    'application/x-www-form-urlencoded',
    'application/jsonp',
    'application/json; charset=utf-16',
    '',
  ])('declared as %j gets 415', async (type) => {
    const { app, bot } = createTestApp();
    const response = await app.request('/chat', postChat({ user_id: 'a', message: 'b' }, { 'Content-Type': type }));
    expect(response.status).toBe(415);
    expect(bot.taken).toEqual([]);
  });

  test.each(['application/json', 'application/json; charset=utf-8', 'Application/JSON;charset="UTF-8"'])(
    'no body is bad for being declared as %j',
    async (type) => {
      const { app } = answering();
      const response = await app.request('/chat', postChat({ user_id: 'a', message: 'b' }, { 'Content-Type': type }));
      expect(response.status).toBe(200);
    },
  );

  test('that is compressed gets 415', async () => {
    const { app } = createTestApp();
    const response = await app.request(
      '/chat',
      postChat({ user_id: 'a', message: 'b' }, { 'Content-Encoding': 'gzip' }),
    );
    expect(response.status).toBe(415);
  });

  test('is too large from a byte on that no message could need', async () => {
    const { app, bot } = answering();
    // The longest message in the longest spelling of each character.
    const longest = `{"user_id":"a","message":"${'\\u4f60'.repeat(LIMITS.maxMessageChars)}"}`;
    expect((await app.request('/chat', postChat(longest))).status).toBe(200);
    const response = await app.request('/chat', postChat(longest.padEnd(LIMITS.maxMessageChars * 6 + 8193)));
    expect(response.status).toBe(413);
    expect(await response.json()).toEqual({ detail: expect.stringContaining('at most 9392 bytes') });
    expect(bot.taken).toHaveLength(1);
  });
});

describe('GET /history', () => {
  test('gives the messages, oldest first, and the time left', async () => {
    const { app } = answering();
    await app.request('/chat', postChat({ user_id: 'grace', message: 'Hello' }));
    const response = await app.request('/history/grace');
    expect(response.status).toBe(200);
    const body = await response.json();
    expect(body).toEqual({
      user_id: 'grace',
      messages: [
        { role: 'user', content: 'Hello', timestamp: '2026-01-02T03:04:05.678Z' },
        { role: 'assistant', content: 'You said: Hello', timestamp: '2026-01-02T03:04:06.678Z' },
      ],
      total_messages: 2,
      ttl_remaining: 1800,
    });
    historyResponse.strict().parse(body);
  });

  test('of nobody, or of an expired one, gets 404', async () => {
    const { app } = createTestApp();
    const response = await app.request('/history/nobody');
    expect(response.status).toBe(404);
    expect(await response.json()).toEqual({ detail: 'User not found or expired' });
  });

  test.each([
    'a:b',
    '*',
    '?',
    '[a-z]*',
    '{http:b}',
    'a/b',
    'a%2Fb',
    '👩‍🚀',
    '..a',
    ' ',
    'a\\b',
    'conversation:{http:a}:meta',
    'a\u0000b',
  ])('of the user_id %j is that one’s alone', async (id) => {
    const { app } = answering();
    await app.request('/chat', postChat({ user_id: 'somebody else', message: 'x' }));
    expect((await app.request(`/history/${encodeURIComponent(id)}`)).status).toBe(404);
    await app.request('/chat', postChat({ user_id: id, message: 'Hello' }));
    const response = await app.request(`/history/${encodeURIComponent(id)}`);
    expect(await response.json()).toMatchObject({ user_id: id, total_messages: 2 });
    expect((await app.request(`/history/${encodeURIComponent(id)}`, { method: 'DELETE' })).status).toBe(200);
    expect((await app.request('/history/somebody%20else')).status).toBe(200);
  });

  test('of a malformed user_id gets 422', async () => {
    const { app } = createTestApp();
    for (const segment of ['%ED%A0%80', '%zz', 'a'.repeat(129)]) {
      const response = await app.request(`/history/${segment}`);
      expect(response.status).toBe(422);
      expect(await response.json()).toEqual({ detail: expect.stringContaining('user_id') });
    }
  });

  test('while the store is away gets 503', async () => {
    const { app, bot } = createTestApp();
    bot.down = AWAY;
    const response = await app.request('/history/grace');
    expect(response.status).toBe(503);
    expect(response.headers.get('retry-after')).toBe('1');
  });
});

describe('DELETE /history', () => {
  test('forgets', async () => {
    const { app } = answering();
    await app.request('/chat', postChat({ user_id: 'grace', message: 'Hello' }));
    const response = await app.request('/history/grace', { method: 'DELETE' });
    expect(response.status).toBe(200);
    const body = await response.json();
    expect(body).toEqual({ message: 'History cleared', user_id: 'grace' });
    clearedResponse.strict().parse(body);
    expect((await app.request('/history/grace')).status).toBe(404);
  });

  test('of nobody gets 404', async () => {
    const { app } = createTestApp();
    const response = await app.request('/history/nobody', { method: 'DELETE' });
    expect(response.status).toBe(404);
    expect(await response.json()).toEqual({ detail: 'User not found' });
  });
});

describe('PUT /ttl', () => {
  test('sets the time left from now on', async () => {
    const { app } = answering();
    await app.request('/chat', postChat({ user_id: 'grace', message: 'Hello' }));
    const response = await app.request('/ttl/grace?new_ttl=300', { method: 'PUT' });
    expect(response.status).toBe(200);
    const body = await response.json();
    expect(body).toEqual({ message: 'TTL updated', user_id: 'grace', new_ttl: 300, ttl_remaining: 300 });
    ttlResponse.strict().parse(body);
    expect(await (await app.request('/history/grace')).json()).toMatchObject({ ttl_remaining: 300 });
  });

  test.each([
    ['new_ttl=59', 'TTL must be at least 60 seconds'],
    ['new_ttl=0', 'TTL must be at least 60 seconds'],
    ['new_ttl=-60', 'TTL must be at least 60 seconds'],
    ['new_ttl=99999999999999999999', 'TTL must be at most 2592000 seconds'],
    ['new_ttl=300.5', 'new_ttl must be a whole number of seconds.'],
    ['new_ttl=abc', 'new_ttl must be a whole number of seconds.'],
    ['', 'new_ttl must be a whole number of seconds.'],
  ])('with %j gets 400 and changes nothing', async (query, detail) => {
    const { app } = answering();
    await app.request('/chat', postChat({ user_id: 'grace', message: 'Hello' }));
    const response = await app.request(`/ttl/grace?${query}`, { method: 'PUT' });
    expect(response.status).toBe(400);
    expect(await response.json()).toEqual({ detail });
    expect(await (await app.request('/history/grace')).json()).toMatchObject({ ttl_remaining: 1800 });
  });

  test('of nobody gets 404, and keeps no choice for them', async () => {
    const { app, bot } = createTestApp();
    let set = 0;
    const { setTtl } = bot.memory;
    bot.memory.setTtl = (...about) => {
      set += 1;
      return setTtl(...about);
    };
    const response = await app.request('/ttl/nobody?new_ttl=300', { method: 'PUT' });
    expect(response.status).toBe(404);
    expect(await response.json()).toEqual({ detail: 'User not found' });
    expect(set).toBe(0);
  });
});

describe('how the service is doing', () => {
  test('/stats gives the figures of Redis', async () => {
    const { app } = answering();
    await app.request('/chat', postChat({ user_id: 'a', message: 'b' }));
    const body = await (await app.request('/stats')).json();
    expect(body).toEqual({
      total_users: 1,
      total_messages: 2,
      redis_version: '7.0.15',
      used_memory_human: '1.00M',
      connected_clients: 3,
    });
    statsResponse.strict().parse(body);
  });

  test('/stats names the embedded store, which has no Redis figures', async () => {
    const { app, bot } = createTestApp({ store: 'sqlite' });
    const { stats } = bot.stats;
    bot.stats.stats = async () => {
      const server = { store: 'sqlite', version: '3.45.0', usedMemoryBytes: 4096, usedMemoryHuman: '4.0K' } as const;
      return { ...(await stats()), server: { ...server, connectedClients: null } };
    };
    const body = await (await app.request('/stats')).json();
    expect(body).toEqual({
      total_users: 0,
      total_messages: 0,
      redis_version: null,
      used_memory_human: null,
      connected_clients: null,
      store: 'sqlite',
    });
    statsResponse.strict().parse(body);
  });

  test.each([
    ['redis', 'connected', 'disconnected'],
    ['sqlite', 'not configured', 'not configured'],
  ] as const)('/health on %s says whether the store answers', async (store, up, down) => {
    const { app, bot } = createTestApp({ store });
    const healthy = await app.request('/health');
    expect(healthy.status).toBe(200);
    const body = await healthy.json();
    expect(body).toEqual({ status: 'healthy', redis: up, timestamp: '2026-01-02T03:04:05.678Z' });
    healthResponse.strict().parse(body);

    bot.down = AWAY;
    const unhealthy = await app.request('/health');
    expect(unhealthy.status).toBe(503);
    const error = 'The store does not answer: store_unavailable';
    expect(await unhealthy.json()).toEqual({
      status: 'unhealthy',
      redis: down,
      error,
      timestamp: '2026-01-02T03:04:05.678Z',
    });
  });

  test.each([
    ['redis', true, 'connected'],
    ['redis', false, 'disconnected'],
    ['sqlite', true, 'not configured'],
  ] as const)('/health on %s tells what is known of the store (answers: %s)', async (store, reachable, redis) => {
    const { app, bot } = createTestApp({ store });
    bot.known = { ok: false, reachable, reason: 'nothing can be stored: it is full' };
    const unhealthy = await app.request('/health');
    expect(unhealthy.status).toBe(503);
    expect(healthResponse.strict().parse(await unhealthy.json())).toMatchObject({
      ...{ status: 'unhealthy', redis, error: 'nothing can be stored: it is full' },
    });
    bot.known = { ok: true };
    expect((await app.request('/health')).status).toBe(200);
  });

  test('/health does not wait for a store that hangs', async () => {
    const { app, bot } = createTestApp({ timings: { healthMs: 5 } });
    bot.ping = () => new Promise(() => {});
    expect((await app.request('/health')).status).toBe(503);
  });

  test('/metrics gives the page for Prometheus', async () => {
    const { app } = createTestApp();
    const response = await app.request('/metrics');
    expect(response.headers.get('content-type')).toMatch(/^text\/plain; version=0\.0\.4/);
    expect(await response.text()).toBe('bot_turns_total 1\n');
  });
});

describe('every answer', () => {
  test.each([
    '/',
    '/nowhere',
    '/chat/',
    '/history',
    '/history/',
    '/history/a/b',
    '/docs/../package.json',
    '/docs/package.json',
  ])('%s is not there: 404', async (path) => {
    const { app } = createTestApp();
    const response = await app.request(path);
    expect(response.status).toBe(404);
    expect(await response.json()).toEqual({ detail: expect.any(String) });
  });

  test.each([
    ['GET', '/chat', 'POST'],
    ['PUT', '/chat', 'POST'],
    ['HEAD', '/chat', 'POST'],
    ['OPTIONS', '/chat', 'POST'],
    ['POST', '/history/a', 'GET, HEAD, DELETE'],
    ['GET', '/ttl/a', 'PUT'],
    ['POST', '/stats', 'GET, HEAD'],
    ['DELETE', '/health', 'GET, HEAD'],
    ['PATCH', '/ttl/a', 'PUT'],
  ])('%s %s is not allowed: 405', async (method, path, allow) => {
    const { app } = createTestApp();
    const response = await app.request(path, { method });
    expect(response.status).toBe(405);
    expect(response.headers.get('allow')).toBe(allow);
    if (method !== 'HEAD') expect(await response.json()).toEqual({ detail: `${path} takes ${allow}, not ${method}.` });
  });

  test('to HEAD is that to GET without its body', async () => {
    const { app } = createTestApp();
    for (const [path, status] of [
      ['/stats', 200],
      ['/history/nobody', 404],
    ] as const) {
      const response = await app.request(path, { method: 'HEAD' });
      expect(response.status).toBe(status);
      expect(await response.text()).toBe('');
    }
  });

  test('is kept by no cache, framed by no page and sniffed by no browser', async () => {
    const { app } = createTestApp();
    for (const path of ['/stats', '/nowhere', '/history/nobody', '/docs', '/openapi.json']) {
      const { headers } = await app.request(path);
      expect(headers.get('cache-control'), path).toBe('no-store');
      expect(headers.get('x-content-type-options'), path).toBe('nosniff');
      expect(headers.get('x-frame-options'), path).toBe('DENY');
      expect(headers.get('cross-origin-resource-policy'), path).toBe('same-origin');
      expect(headers.get('referrer-policy'), path).toBe('no-referrer');
      expect(headers.get('content-security-policy'), path).toMatch(/default-src 'none'/);
      expect(headers.get('content-security-policy'), path).toMatch(/frame-ancestors 'none'/);
    }
  });

  test('to an error of any code is a status of the table and a detail', async () => {
    for (const code of ERROR_CODES) {
      const { app, bot } = createTestApp();
      bot.next(new BotError(code, 'why'));
      const response = await app.request('/chat', postChat({ user_id: 'a', message: 'b' }));
      expect(response.status, code).toBeGreaterThanOrEqual(400);
      expect(await response.json(), code).toEqual({ detail: expect.any(String) });
    }
  });

  test('to something thrown that is no error of ours is 500 without its text', async () => {
    const { app, bot, log } = createTestApp();
    bot.memory.history = async () => {
      throw new TypeError('x is not a function at /home/somebody/secret.ts');
    };
    const response = await app.request('/history/grace');
    expect(response.status).toBe(500);
    expect(await response.json()).toEqual({ detail: 'Something went wrong inside the bot. It has been logged.' });
    expect(log).toHaveLength(1);
  });
});

describe('whoever asks for a memory too often', () => {
  const refusal = { kind: 'refused', text: 'That was a lot.', actions: [], files: [] } as const;

  test.each([
    ['GET', '/history/grace'],
    ['DELETE', '/history/grace'],
    ['PUT', '/ttl/grace?new_ttl=600'],
  ])('%s %s gets 429 and the time to wait, and nothing is done', async (method, path) => {
    const { app, bot } = createTestApp();
    bot.answerWith = () => 'Hello';
    await app.request('/chat', postChat({ user_id: 'grace', message: 'Hi' }));
    bot.limited = { ...refusal, limited: { retryAfterMs: 12_300, tell: false } };
    const response = await app.request(path, { method });
    expect([response.status, response.headers.get('retry-after')]).toEqual([429, '13']);
    expect(await response.json()).toEqual({ detail: 'That was a lot.' });
    bot.limited = undefined;
    expect((await app.request('/history/grace')).status).toBe(200);
  });
});
