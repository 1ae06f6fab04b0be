/** The real ChatOpenAI against two independent OpenAI-compatible servers: aimock, and the strict fake of test/support. */
import { isChatCompletionBody, LLMock } from '@copilotkit/aimock';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { startModel } from '../support/model.ts';
import { ask, input, read, said, testChain, verdict } from './harness.ts';

/** What both servers can be told to do with a message. */
type Behaviour =
  | { readonly answer: string }
  | { readonly status: number; readonly code?: string; readonly type?: string; readonly retryAfter?: number }
  /** Breaks the connection after the first words of the answer. */
  | { readonly broken: string }
  /** Sends nothing for longer than any test lasts. */
  | { readonly silent: true };

interface Server {
  readonly url: string;
  on(text: string, behaviour: Behaviour): void;
  /** The messages of each request, in order. */
  requests(): readonly { readonly role: string; readonly content: unknown }[][];
  /** Resolves when a request is there. */
  arrived(text: string): Promise<void>;
  close(): Promise<void>;
}

async function startAimock(): Promise<Server> {
  const arrivals = new Map<string, () => void>();
  const mock = new LLMock({ port: 0, host: '127.0.0.1', chunkSize: 4, strict: true });
  await mock.start();
  return {
    url: `${mock.url}/v1`,
    on(text, behaviour) {
      const match = {
        userMessage: text,
        predicate: () => {
          arrivals.get(text)?.();
          return true;
        },
      };
      if ('answer' in behaviour) mock.on(match, { content: behaviour.answer });
      // Each piece in a packet of its own: aimock cuts the connection with what is not sent yet.
      else if ('broken' in behaviour)
        mock.on(match, { content: behaviour.broken }, { latency: 5, truncateAfterChunks: 4 });
      else if ('silent' in behaviour) mock.on(match, { content: 'late' }, { streamingProfile: { ttft: 600_000 } });
      else {
        const { status, retryAfter, code, type } = behaviour;
        mock.on(match, {
          status,
          error: {
            message: 'scripted',
            ...(code === undefined ? {} : { code }),
            ...(type === undefined ? {} : { type }),
          },
          ...(retryAfter === undefined ? {} : { retryAfter }),
        });
      }
    },
    requests: () =>
      mock.getRequests().map(({ body }) => {
        if (!isChatCompletionBody(body)) throw new Error('not a chat completion');
        return body.messages.map(({ role, content }) => ({ role, content }));
      }),
    arrived: (text) => new Promise((resolve) => arrivals.set(text, resolve)),
    close: () => mock.stop(),
  };
}

async function startStrictFake(): Promise<Server> {
  const model = await startModel({ reply: { pieces: 4 } });
  return {
    url: model.url,
    on(text, behaviour) {
      if ('answer' in behaviour) model.script(text, { text: behaviour.answer });
      else if ('broken' in behaviour) model.script(text, { text: behaviour.broken, sent: 2, end: 'reset' });
      else if ('silent' in behaviour) model.script(text, { sent: 0, end: 'hang' });
      else {
        const { status, retryAfter, ...error } = behaviour;
        model.script(text, {
          status,
          error,
          headers: retryAfter === undefined ? {} : { 'retry-after': `${retryAfter}` },
        });
      }
    },
    requests: () => model.journal().map(({ messages }) => messages.map((message) => ({ ...message }))),
    arrived: async (text) => void (await model.called(text)),
    async close() {
      await model.close();
      expect(model.refused()).toEqual([]);
    },
  };
}

describe.each([
  ['aimock', startAimock],
  ['the strict fake', startStrictFake],
])('the chain over ChatOpenAI and %s', (_, start) => {
  let server: Server;
  beforeEach(async () => {
    server = await start();
  });
  afterEach(async () => {
    await server.close();
  });

  const chain = () => testChain({ baseUrl: server.url, apiKey: 'test-key' });

  it('streams an answer in pieces', async () => {
    server.on('Hello', { answer: 'Hello yourself, 世界! 😀' });
    const { pieces, text, thrown } = await ask(await chain(), input('Hello'));
    expect(thrown).toBeUndefined();
    expect(text).toBe('Hello yourself, 世界! 😀');
    expect(pieces.length).toBeGreaterThan(2);
    expect(pieces).not.toContain('');
  });

  it('sends the system message, exactly the turns it is given, and the input, once', async () => {
    server.on('What did I say?', { answer: 'You said one, then two.' });
    await ask(await chain(), input('What did I say?', { history: said('one', 'first', 'two', 'second') }));
    expect(server.requests()).toEqual([
      [
        { role: 'system', content: 'Be brief.' },
        { role: 'user', content: 'one' },
        { role: 'assistant', content: 'first' },
        { role: 'user', content: 'two' },
        { role: 'assistant', content: 'second' },
        { role: 'user', content: 'What did I say?' },
      ],
    ]);
  });

  it.each([
    ['429', { status: 429, retryAfter: 7 }, { code: 'model_rate_limited', retryable: true, retryAfterMs: 7_000 }],
    ['500', { status: 500 }, { code: 'model_unavailable', retryable: true }],
    ['503', { status: 503 }, { code: 'model_unavailable', retryable: true }],
    ['504', { status: 504 }, { code: 'model_timeout', retryable: true }],
    ['401', { status: 401, code: 'invalid_api_key' }, { code: 'model_refused_key', retryable: false }],
    ['403', { status: 403 }, { code: 'model_refused_key', retryable: false }],
    ['400', { status: 400, type: 'invalid_request_error' }, { code: 'model_refused_request', retryable: false }],
    ['404', { status: 404, code: 'model_not_found' }, { code: 'model_misconfigured', retryable: false }],
    ['no credit', { status: 429, code: 'insufficient_quota' }, { code: 'model_refused_key', retryable: false }],
  ])('tells %s apart and asks once', async (name, behaviour, expected) => {
    server.on(name, behaviour);
    const outcome = await ask(await chain(), input(name));
    expect(verdict(outcome)).toEqual({ retryAfterMs: undefined, ...expected });
    expect(outcome.pieces).toEqual([]);
    expect(server.requests()).toHaveLength(1);
  });

  it('says that a connection broken in the middle of the answer may be tried again, and does not itself', async () => {
    server.on('Tell me', { broken: 'Once upon a time there was a server' });
    const outcome = await ask(await chain(), input('Tell me'));
    expect(verdict(outcome)).toEqual({ code: 'model_disconnected', retryable: true, retryAfterMs: undefined });
    expect(outcome.text).not.toBe('');
    expect('Once upon a time there was a server'.startsWith(outcome.text)).toBe(true);
    expect(server.requests()).toHaveLength(1);
  });

  it('waits for a slow first token until its signal aborts, and throws the reason', async () => {
    server.on('Slow', { silent: true });
    const stop = new AbortController();
    const reason = new Error('the person pressed stop');
    const arrived = server.arrived('Slow');
    const reading = read((await chain()).stream(input('Slow'), stop.signal));
    await arrived;
    stop.abort(reason);
    const { pieces, thrown } = await reading;
    expect(pieces).toEqual([]);
    expect(thrown).toBe(reason);
  });
});
