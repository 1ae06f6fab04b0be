/** HTTP: the API and the playground's routes, by requests that no caller in their right mind makes. */
import { Agent, request as httpRequest } from 'node:http';
import { connect } from 'node:net';
import fc from 'fast-check';
import { errorResponse } from '../../../src/adapters/http/schemas.ts';
import type { JsonValue } from '../../../src/core/types.ts';
import type { BotProcess } from '../../support/bot-process.ts';
import { createTally, type FuzzEdge, type Tally, withEach } from '../edge.ts';
import { withFuzzedBot } from '../fuzzed-bot.ts';
import { inputsOf, mutatedBody, nastyText } from '../inputs.ts';

interface Route {
  readonly method: string;
  /** `*` is somebody's name. */
  readonly path: string;
  readonly body?: JsonValue;
}

const SEAT = { user: 'ada', channel: 'general', locale: 'en' };
const ID = 'abcdefghij0123456789';
const CHAT: JsonValue = { user_id: 'ada', message: 'hello', ttl: 600 };
const ROUTES: readonly Route[] = [
  { method: 'POST', path: '/chat', body: CHAT },
  { method: 'POST', path: '/chat', body: { user_id: 'ada', message: '/ttl 10m' } },
  { method: 'GET', path: '/history/*' },
  { method: 'DELETE', path: '/history/*' },
  { method: 'GET', path: '/facts/*' },
  { method: 'POST', path: '/facts/*', body: { text: 'I am vegetarian' } },
  { method: 'DELETE', path: '/facts/*' },
  { method: 'DELETE', path: '/facts/*/abcd1234' },
  { method: 'PUT', path: '/ttl/*', body: { ttl: 600 } },
  ...['/health', '/stats', '/metrics', '/openapi.json', '/docs', '/', '/docs/*', '/playground/*', '/*'].map((path) => ({
    method: 'GET',
    path,
  })),
  {
    method: 'POST',
    path: '/playground/api/messages',
    body: { ...SEAT, id: ID, text: 'hello', can_manage: false, time_zone: 'UTC' },
  },
  { method: 'POST', path: '/playground/api/messages', body: { ...SEAT, id: ID, text: '/history' } },
  { method: 'POST', path: '/playground/api/actions', body: { ...SEAT, action: 'x' } },
  { method: 'POST', path: '/playground/api/stop', body: { ...SEAT, id: ID } },
  { method: 'GET', path: '/playground/api/memory?user=*&channel=general' },
  { method: 'GET', path: '/playground/api/overview?user=*' },
  { method: 'GET', path: '/playground/api/events?user=*&channel=general&track=*' },
  { method: 'GET', path: '/playground/api/setup' },
];

interface Input {
  readonly method: string;
  readonly path: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: Buffer | undefined;
}

/** What Node's client lets through; what it does not is sent as raw bytes. */
const headerValue = nastyText.map((text) => text.replaceAll(/[^\t\x20-\x7e\x80-\xff]/g, '').slice(0, 4_000));
const pathPart = fc.oneof(
  { weight: 2, arbitrary: nastyText.map((text) => encodeURIComponent(Buffer.from(text).toString())) },
  { weight: 1, arbitrary: nastyText.map((text) => text.replaceAll(/[^\x21-\x7e]/g, '')) },
);
const METHODS = ['GET', 'POST', 'PUT', 'DELETE', 'PATCH', 'OPTIONS', 'HEAD', 'TRACE', 'PROPFIND'];
const TYPES = [
  'application/json',
  'application/json; charset=utf-16',
  'text/plain',
  'application/x-www-form-urlencoded',
  'multipart/form-data',
  'x',
];

/** Mostly absent: each of most of these alone decides what becomes of a request. */
const seldom = fc
  .option(headerValue, { freq: 1, nil: undefined })
  .chain((value) => fc.constantFrom(value, ...Array(9).fill(undefined)));
const headers = fc
  .record({
    'content-type': fc.oneof(
      { weight: 9, arbitrary: fc.constant('application/json') },
      { weight: 1, arbitrary: fc.constantFrom(...TYPES) },
    ),
    host: seldom.map((value) => value ?? '127.0.0.1'),
    origin: seldom,
    authorization: seldom,
    'content-encoding': seldom,
    accept: fc.constantFrom('text/event-stream', '*/*'),
    'idempotency-key': fc.option(headerValue, { nil: undefined }),
    'accept-language': fc.option(headerValue, { nil: undefined }),
    'last-event-id': fc.option(headerValue, { nil: undefined }),
    cookie: fc.option(headerValue, { nil: undefined }),
  })
  .map((all) =>
    Object.fromEntries(Object.entries(all).flatMap(([key, value]) => (value === undefined ? [] : [[key, value]]))),
  );

const input: fc.Arbitrary<Input> = fc.constantFrom(...ROUTES).chain(({ method, path, body }) =>
  fc.record({
    method: fc.oneof(
      { weight: 9, arbitrary: fc.constant(method) },
      { weight: 1, arbitrary: fc.constantFrom(...METHODS) },
    ),
    path: pathPart.map((part) => path.replaceAll('*', () => part)),
    headers,
    body: body === undefined ? fc.constant(undefined) : mutatedBody(body),
  }),
);

const WIDTH = 16;
/** One in so many inputs is raw bytes on a connection. */
const RAW_SHARE = 20;

export const fuzzHttp: FuzzEdge = async (run) => {
  const tally = createTally();
  await withFuzzedBot(run, tally, {}, async ({ bot }) => {
    const agent = new Agent({ keepAlive: true });
    const raw = Math.ceil(run.runs / RAW_SHARE);
    await withEach(inputsOf(input, run.runs - raw, run.seed), WIDTH, (one) => send(bot, agent, one, tally));
    await withEach(inputsOf(fc.uint8Array({ maxLength: 400 }), raw, run.seed), WIDTH, (bytes) =>
      sendRaw(bot, Buffer.from(bytes), tally),
    );
    agent.destroy();
  });
  return tally;
};

/** Answers that stream are read to their first piece only: the feed of the playground has no end. */
async function send(
  bot: BotProcess,
  agent: Agent,
  { method, path, headers, body }: Input,
  tally: Tally,
): Promise<void> {
  const shown = { method, path, headers, body: body?.toString('latin1') };
  await new Promise<void>((resolve) => {
    let answered = false;
    const request = httpRequest({ agent, host: '127.0.0.1', port: bot.port, method, path, headers }, (response) => {
      answered = true;
      const status = response.statusCode ?? 0;
      tally.count(String(status));
      const pieces: Buffer[] = [];
      const done = () => {
        judge(status, response.headers['content-type'], Buffer.concat(pieces).toString(), method);
        resolve();
      };
      response.on('data', (piece: Buffer) => {
        pieces.push(piece);
        if (response.headers['content-type']?.startsWith('text/event-stream')) request.destroy();
      });
      response.once('close', done);
    });
    request.once('error', (error) => {
      if (answered) return;
      tally.count(error.message);
      // A bad request line or an oversized body may be answered by hanging up; a good one must not be.
      if (!/ECONNRESET|EPIPE|socket hang up/.test(error.message)) tally.complain(`no answer (${error.message})`, shown);
      resolve();
    });
    request.end(body);
  });

  function judge(status: number, type: string | undefined, text: string, asked: string): void {
    if (status >= 500) tally.complain(`status ${status} (${text.slice(0, 200)})`, shown);
    // What Node's own parser refuses never reaches the product.
    if (status < 400 || asked === 'HEAD' || type === undefined) return;
    const parsed = type.startsWith('application/json') ? errorResponse.safeParse(jsonOf(text)) : undefined;
    if (parsed?.success !== true)
      tally.complain(`status ${status} without the documented error (${type}: ${text.slice(0, 200)})`, shown);
  }
}

function jsonOf(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

/** Resolves when the server has hung up, as it must on what is no HTTP; half of a request line ends with our own end. */
async function sendRaw(bot: BotProcess, bytes: Buffer, tally: Tally): Promise<void> {
  await new Promise<void>((resolve) => {
    const socket = connect(bot.port, '127.0.0.1');
    let answer = '';
    socket.on('data', (data: Buffer) => {
      answer += data.toString('latin1');
    });
    socket.once('error', () => {});
    socket.once('close', () => {
      tally.count(`raw: ${answer.split('\r\n')[0] ?? ''}`);
      if (answer !== '' && !/^HTTP\/1\.1 4\d\d /.test(answer)) tally.complain('raw bytes were answered', answer);
      resolve();
    });
    socket.end(bytes);
  });
}
