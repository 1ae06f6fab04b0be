import { once } from 'node:events';
import { connect, type Socket } from 'node:net';
import { afterEach, describe, expect, test } from 'vitest';
import { createHttpAdapter, type HttpAdapter, type HttpAdapterOptions } from '../../../src/adapters/http/adapter.ts';
import type { Lease } from '../../../src/core/ports.ts';
import { encodeSession } from '../../../src/core/session.ts';
import { createCoreMessages } from '../../../src/i18n/messages.ts';
import { createBodyRoom } from '../../../src/lib/body-room.ts';
import { createEdgeBot } from '../../support/bot-port.ts';
import { allEvents, CLOCK, keepLog, LIMITS, type LogLine, postChat, readEvents } from './support.ts';

const started: HttpAdapter[] = [];

afterEach(async () => {
  for (const adapter of started.splice(0)) await adapter.stop();
});

function makeAdapter(options: Partial<HttpAdapterOptions> = {}) {
  const log: LogLine[] = [];
  const adapter = createHttpAdapter({
    ...LIMITS,
    host: '127.0.0.1',
    port: 0,
    httpTimeoutMs: 600_000,
    timings: { pollMs: 600_000 },
    store: 'redis',
    bodies: createBodyRoom(),
    metrics: async () => '',
    refused: () => {},
    coreMessages: createCoreMessages(),
    logger: keepLog(log),
    clock: CLOCK,
    ...options,
  });
  return { adapter, log };
}

/** A listening adapter with a bot behind it. */
async function startAdapter(options: Partial<HttpAdapterOptions> = {}) {
  const { adapter, log } = makeAdapter(options);
  const bot = createEdgeBot();
  await adapter.start(bot);
  started.push(adapter);
  const port = adapter.address()?.port ?? 0;
  return { adapter, bot, log, port, url: `http://127.0.0.1:${port}` };
}

/** Speaks HTTP by hand, for what no client library would send. */
async function rawSocket(port: number, text: string): Promise<Socket> {
  const socket = connect(port, '127.0.0.1');
  socket.on('error', () => {});
  await once(socket, 'connect');
  socket.write(text);
  return socket;
}

/** Everything up to the end of the connection. */
async function readAll(socket: Socket): Promise<string> {
  let text = '';
  for await (const data of socket) text += String(data);
  return text;
}

/** The head and body of the first response; the connection may stay open. */
async function readResponse(socket: Socket): Promise<string> {
  let text = '';
  while (!/\r\n\r\n\{.*\}/s.test(text)) {
    const [data] = await once(socket, 'data');
    text += String(data);
  }
  return text;
}

const HEAD = 'POST /chat HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: application/json\r\n';

describe('over a real connection', () => {
  test('a message is answered', async () => {
    const { url, bot } = await startAdapter();
    bot.answerWith = () => '你好, Grace 👋';
    const response = await fetch(`${url}/chat`, postChat({ user_id: 'grace', message: 'Hello' }));
    expect(response.status).toBe(200);
    expect(response.headers.get('content-length')).not.toBeNull();
    expect(await response.json()).toMatchObject({ response: '你好, Grace 👋' });
  });

  test('a reply opened for a turn reaches the caller’s stream', async () => {
    const { url, bot, adapter } = await startAdapter();
    const headers = { Accept: 'text/event-stream' };
    const response = await fetch(`${url}/chat`, postChat({ user_id: 'grace', message: 'Hello' }, headers));
    const [message] = bot.taken;
    if (message === undefined) throw new Error('Nothing was taken in.');
    const { sessionId, turnId, replyTo, locale } = message;
    const lease: Lease = { signal: new AbortController().signal, alive: () => true };
    const saveMessageRef = async () => {};
    const context = { sessionId, turnId, locale, lease, saveMessageRef, messageRefs: new Map(), resumed: false };
    const reply = await adapter.openReply(replyTo, context);
    const events = readEvents(response);
    await events.next();
    reply.showTyping();
    reply.update('Hello');
    expect((await events.next()).value).toEqual({ event: 'delta', data: { text: 'Hello' } });
    bot.commit(turnId, 'Hello, Grace');
    await reply.end({ kind: 'answered', text: 'Hello, Grace', stopped: false });
    expect((await events.next()).value).toEqual({ event: 'delta', data: { text: ', Grace' } });
    expect((await events.next()).value).toMatchObject({ event: 'done' });
  });

  test('a reply may be opened before the start, and for no other platform', async () => {
    const { adapter, log } = makeAdapter();
    const lease: Lease = { signal: new AbortController().signal, alive: () => true };
    const sessionId = encodeSession({ place: { platform: 'http', channel: 'grace' } });
    const about = {
      sessionId,
      turnId: 't',
      locale: 'en',
      lease,
      saveMessageRef: async () => {},
      messageRefs: new Map(),
      resumed: false,
    } as const;
    const reply = await adapter.openReply({ platform: 'http' }, about);
    reply.update('Hello');
    await reply.end({ kind: 'answered', text: 'Hello', stopped: false });
    expect(log.map(({ level }) => level)).toEqual(['debug', 'debug']);
    await expect(adapter.openReply({ platform: 'slack' }, about)).rejects.toThrow();
  });

  test('a caller who hangs up does no harm to the turn', async () => {
    const { url, bot, port } = await startAdapter();
    const body = JSON.stringify({ user_id: 'grace', message: 'Hello' });
    const socket = await rawSocket(port, `${HEAD}Content-Length: ${body.length}\r\n\r\n${body}`);
    await expect.poll(() => bot.followers()).toBe(1);
    socket.destroy();
    await expect.poll(() => bot.followers()).toBe(0);
    bot.commit(bot.taken[0]?.turnId ?? '', 'Hello, Grace');
    expect(await (await fetch(`${url}/history/grace`)).json()).toMatchObject({ total_messages: 2 });
  });

  test('so does one who hangs up in the middle of a stream', async () => {
    const { url, bot, log } = await startAdapter();
    const hangUp = new AbortController();
    const init = postChat({ user_id: 'grace', message: 'Hello' }, { Accept: 'text/event-stream' });
    await fetch(`${url}/chat`, { ...init, signal: hangUp.signal });
    expect(bot.followers()).toBe(1);
    hangUp.abort();
    await expect.poll(() => bot.followers()).toBe(0);
    expect(log).toEqual([]);
  });
});

describe('a body that is too large', () => {
  test('is refused by its Content-Length, before any of it is sent', async () => {
    const { port, bot } = await startAdapter();
    const socket = await rawSocket(port, `${HEAD}Content-Length: 10485760\r\n\r\n`);
    const response = await readResponse(socket);
    expect(response).toMatch(/^HTTP\/1\.1 413 /);
    expect(response).toMatch(/\{"detail":"The body is too large/);
    socket.destroy();
    expect(bot.taken).toEqual([]);
  });

  test('is refused when it says nothing of its length, as soon as it is too long', async () => {
    const { port, bot } = await startAdapter();
    const socket = await rawSocket(port, `${HEAD}Transfer-Encoding: chunked\r\n\r\n`);
    // 16 kB of what would go on for ever.
    socket.write(`4000\r\n${' '.repeat(0x4000)}\r\n`);
    expect(await readResponse(socket)).toMatch(/^HTTP\/1\.1 413 /);
    socket.destroy();
    expect(bot.taken).toEqual([]);
  });

  test('of 10 MB, sent whole by an ordinary client, gets 413, and the server goes on', async () => {
    const { url, bot } = await startAdapter();
    bot.answerWith = () => 'ok';
    const body = { user_id: 'a', message: 'x'.repeat(10 * 1024 * 1024) };
    const response = await fetch(`${url}/chat`, postChat(body));
    expect(response.status).toBe(413);
    expect(await response.json()).toEqual({ detail: expect.stringContaining('too large') });
    expect((await fetch(`${url}/chat`, postChat({ user_id: 'a', message: 'b' }))).status).toBe(200);
  });
});

describe('what is no proper request', () => {
  test.each([
    ['a foreign Host', 'GET /stats HTTP/1.1\r\nHost: evil.example\r\nConnection: close\r\n\r\n', 403],
    ['a Host that is none', 'GET /stats HTTP/1.1\r\nHost: a b\r\nConnection: close\r\n\r\n', 400],
    [
      'a foreign absolute address',
      'GET http://evil.example/stats HTTP/1.1\r\nHost: evil.example\r\nConnection: close\r\n\r\n',
      403,
    ],
    ['two Hosts', 'GET /stats HTTP/1.1\r\nHost: 127.0.0.1\r\nHost: evil.example\r\nConnection: close\r\n\r\n', 403],
    ['no HTTP', 'hello\r\n\r\n', 400],
    ['headers without end', `GET / HTTP/1.1\r\nX: ${'x'.repeat(20_000)}\r\n\r\n`, 431],
    ['TRACE', 'TRACE /health HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: close\r\n\r\n', 405],
    ['a backslash in the path', 'GET /history\\..\\x HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: close\r\n\r\n', 400],
    [
      'a lone surrogate in the path',
      'GET /history/%ED%A0%80 HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: close\r\n\r\n',
      422,
    ],
    [
      'a way out of a folder',
      'GET /docs/%2e%2e/package.json HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: close\r\n\r\n',
      404,
    ],
  ])('%s is answered with a detail', async (_, text, status) => {
    const { port } = await startAdapter();
    const response = await readAll(await rawSocket(port, text));
    expect(response).toMatch(new RegExp(`^HTTP/1\\.1 ${status} `));
    expect(response).toMatch(/\{"detail":"[^"]+/);
  });

  test('a connection lost in the middle of a body takes nothing in', async () => {
    const refused: number[] = [];
    const { port, bot, log } = await startAdapter({ refused: (status) => void refused.push(status) });
    const socket = await rawSocket(port, `${HEAD}Content-Length: 100\r\n\r\n{"user_id":"a",`);
    socket.destroy();
    await expect.poll(() => refused).toEqual([400]);
    expect(bot.taken).toEqual([]);
    expect(log).toEqual([]);
  });
});

describe('its life', () => {
  test('a port in use is named, with the mend', async () => {
    const { port } = await startAdapter();
    const { adapter } = makeAdapter({ port });
    await expect(adapter.start(createEdgeBot())).rejects.toMatchObject({
      code: 'config_invalid',
      message: `Can't listen on 127.0.0.1:${port}. Another program uses this port: stop it, or set PORT to a free one.`,
    });
    await adapter.stop();
  });

  test('listening to the network without a key is refused, with the mend', () => {
    expect(() => makeAdapter({ host: '0.0.0.0' })).toThrow(/set API_KEY/);
    expect(() => makeAdapter({ host: '0.0.0.0', apiKey: 'k' })).not.toThrow();
  });

  test('with a key it serves callers under any name', async () => {
    const { port } = await startAdapter({ host: '0.0.0.0', apiKey: 'k' });
    const request = 'GET /stats HTTP/1.1\r\nHost: bot.example\r\nConnection: close\r\n';
    expect(await readAll(await rawSocket(port, `${request}\r\n`))).toMatch(/^HTTP\/1\.1 401 /);
    expect(await readAll(await rawSocket(port, `${request}Authorization: Bearer k\r\n\r\n`))).toMatch(
      /^HTTP\/1\.1 200 /,
    );
  });

  test('when intake stops, new messages get 503, waiting ones their answers, and reading goes on', async () => {
    const { url, bot, adapter } = await startAdapter();
    const waiting = fetch(`${url}/chat`, postChat({ user_id: 'a', message: 'b' }));
    await expect.poll(() => bot.taken.length).toBe(1);
    await adapter.stopIntake?.();
    expect((await fetch(`${url}/chat`, postChat({ user_id: 'a', message: 'c' }))).status).toBe(503);
    expect((await fetch(`${url}/health`)).status).toBe(200);
    bot.commit(bot.taken[0]?.turnId ?? '', 'in time');
    expect(await (await waiting).json()).toMatchObject({ response: 'in time' });
    expect(bot.taken).toHaveLength(1);
  });

  test('when it stops, those who wait are told where their answer will be, and it listens no more', async () => {
    const { url, bot, adapter } = await startAdapter();
    const plain = fetch(`${url}/chat`, postChat({ user_id: 'a', message: 'b' }));
    const stream = await fetch(
      `${url}/chat`,
      postChat({ user_id: 'c', message: 'd' }, { Accept: 'text/event-stream' }),
    );
    await expect.poll(() => bot.taken.length).toBe(2);
    const stopped = adapter.stop();
    expect((await plain).status).toBe(202);
    expect((await allEvents(stream)).map(({ event }) => event)).toEqual(['turn', 'pending']);
    await stopped;
    await expect(fetch(`${url}/health`)).rejects.toThrow();
    expect(adapter.address()).toBeUndefined();
    expect(bot.followers()).toBe(0);
  });

  test('it stops also while somebody does not read their stream, or sends nothing', async () => {
    const { bot, adapter, port } = await startAdapter();
    const body = JSON.stringify({ user_id: 'a', message: 'b' });
    const deaf = await rawSocket(
      port,
      `${HEAD}Accept: text/event-stream\r\nContent-Length: ${body.length}\r\n\r\n${body}`,
    );
    deaf.pause();
    await rawSocket(port, 'POST /chat HTTP/1.1\r\n');
    await expect.poll(() => bot.taken.length).toBe(1);
    const [message] = bot.taken;
    if (message === undefined) throw new Error('Nothing was taken in.');
    // More than any buffer on the way holds.
    const text = 'x'.repeat(30_000_000);
    await bot.announce(message.sessionId, message.turnId, { kind: 'live.text', stream: 'a', from: 0, text });
    await adapter.stop();
    await expect.poll(() => bot.followers()).toBe(0);
  });
});
