/** The real ChatOpenAI against faults that only the strict fake can make. */
import { afterEach, beforeAll, beforeEach, describe, expect, it, vi } from 'vitest';
import { BotError } from '../../src/errors.ts';
import { type FakeModel, type ModelReply, startModel } from '../support/model.ts';
import { ask, input, NOW, read, testChain, verdict } from './harness.ts';

let model: FakeModel;
// Before the first request, because the SDK takes hold of the console then.
const print = vi.spyOn(console, 'error');
beforeAll(() => {
  print.mockImplementation(() => undefined);
});
beforeEach(async () => {
  model = await startModel({ reply: { text: 'one two three four five six', pieces: 6 } });
});
afterEach(async () => {
  await model.close();
  expect(model.refused()).toEqual([]);
  expect(print).not.toHaveBeenCalled();
});

const chain = () => testChain({ baseUrl: model.url });

async function askWith(reply: ModelReply) {
  model.script('Hello', reply);
  return await ask(await chain(), input('Hello'));
}

describe('an answer that breaks off', () => {
  const disconnected = { code: 'model_disconnected', retryable: true, retryAfterMs: undefined };

  it('is noticed when the server closes the stream in good order', async () => {
    const outcome = await askWith({ sent: 2, end: 'close' });
    expect(verdict(outcome)).toEqual(disconnected);
    expect(outcome.text).toBe('one two th');
  });

  it('is noticed when the server closes it before the first word', async () => {
    expect(verdict(await askWith({ sent: 0, end: 'close' }))).toEqual(disconnected);
  });

  it('is noticed when the connection is cut', async () => {
    expect(verdict(await askWith({ sent: 2, end: 'reset' }))).toEqual(disconnected);
  });

  it('is noticed when a piece of it is torn, and nothing of the piece is kept or printed', async () => {
    const outcome = await askWith({ sent: 2, end: { data: '{"choices":[{"delta":{"content":"my secret' } });
    expect(verdict(outcome)).toEqual(disconnected);
    expect(everythingIn(outcome.thrown)).not.toContain('secret');
  });

  it.each([['finish_reason'], ['[DONE]']] as const)('is whole for a server that never sends %s', async (mark) => {
    const outcome = await askWith({ without: [mark] });
    expect(outcome.thrown).toBeUndefined();
    expect(outcome.text).toBe('one two three four five six');
  });

  it('is noticed when neither is there', async () => {
    expect(verdict(await askWith({ without: ['finish_reason', '[DONE]'] }))).toEqual(disconnected);
  });
});

describe('an answer that ends with an error event', () => {
  it.each([
    [{ message: 'overloaded', type: 'server_error', code: null }, 'model_unavailable', true],
    [{ message: 'upstream', code: 502 }, 'model_unavailable', true],
    [{ message: 'slow down', code: 429 }, 'model_rate_limited', true],
    [{ message: 'slow down', code: 'rate_limit_exceeded' }, 'model_rate_limited', true],
    [{ message: 'pay', type: 'insufficient_quota', code: 'insufficient_quota' }, 'model_refused_key', false],
    [{ message: 'no', type: 'invalid_request_error' }, 'model_refused_request', false],
    ['something else', 'model_unavailable', true],
  ])('%j is %s', async (error, code, retryable) => {
    const outcome = await askWith({ sent: 1, end: { data: JSON.stringify({ error }) } });
    expect(verdict(outcome)).toEqual({ code, retryable, retryAfterMs: undefined });
    expect(outcome.text).not.toBe('');
  });
});

describe('an empty answer', () => {
  it.each(['', '  \n\t '])('(%j) is an error that may be tried again', async (text) => {
    expect(verdict(await askWith({ text }))).toEqual({
      code: 'model_empty_answer',
      retryable: true,
      retryAfterMs: undefined,
    });
  });

  it('that a content filter made is not tried again', async () => {
    expect(verdict(await askWith({ text: '', finishReason: 'content_filter' }))).toMatchObject({
      code: 'model_filtered',
      retryable: false,
    });
  });

  it('is not what an answer is that was cut off for its length', async () => {
    expect(await askWith({ text: 'as far as I', finishReason: 'length' })).toMatchObject({
      text: 'as far as I',
      thrown: undefined,
    });
  });
});

describe('a refusal', () => {
  it.each([
    ['seconds', { 'retry-after': '2.5' }, 2_500],
    ['an HTTP date', { 'retry-after': new Date(NOW + 90_000).toUTCString() }, 90_000],
    ['a date that is over', { 'retry-after': new Date(NOW - 90_000).toUTCString() }, 0],
    ['milliseconds, which are finer', { 'retry-after': '2', 'retry-after-ms': '1234.5' }, 1_235],
    ['zero', { 'retry-after': '0' }, 0],
    ['nothing', {}, undefined],
    ['nonsense', { 'retry-after': 'soon', 'retry-after-ms': 'later' }, undefined],
  ])('tells when to come back: %s', async (_, headers, retryAfterMs) => {
    for (const [status, code] of [
      [429, 'model_rate_limited'],
      [503, 'model_unavailable'],
    ] as const) {
      expect(verdict(await askWith({ status, headers }))).toEqual({ code, retryable: true, retryAfterMs });
    }
  });

  it.each([
    [402, 'model_refused_key', false],
    [405, 'model_misconfigured', false],
    [408, 'model_timeout', true],
    [409, 'model_unavailable', true],
    [413, 'model_misconfigured', false],
    [422, 'model_refused_request', false],
    [502, 'model_unavailable', true],
    [529, 'model_unavailable', true],
  ])('with %d is %s', async (status, code, retryable) => {
    expect(verdict(await askWith({ status }))).toEqual({ code, retryable, retryAfterMs: undefined });
  });

  it.each([
    ['by code', { status: 400, error: { message: 'too long', code: 'context_length_exceeded' } }],
    ['by text', { status: 400, error: { message: "This model's maximum context length is 4096 tokens", code: '400' } }],
    ['in the stream', { sent: 0, end: { data: '{"error":{"message":"x","code":"context_length_exceeded"}}' } }],
  ])('for its length, told %s, is the fault of the server when nothing can be left out', async (_, reply) => {
    const outcome = await askWith(reply);
    expect(verdict(outcome)).toMatchObject({ code: 'model_misconfigured', retryable: false });
    expect(everythingIn(outcome.thrown)).toContain('SYSTEM_PROMPT');
  });

  it('for its length in the middle of the answer cuts the answer', async () => {
    const data = '{"error":{"message":"x","code":"context_length_exceeded"}}';
    expect(await askWith({ sent: 1, end: { data } })).toMatchObject({
      text: 'one t',
      cut: 'length',
      thrown: undefined,
    });
  });

  it('for an unknown model says what the server says', async () => {
    const outcome = await askWith({ status: 404, error: { message: 'model "lama3" not found, try pulling it first' } });
    expect(everythingIn(outcome.thrown)).toContain('model "lama3" not found, try pulling it first');
    expect(everythingIn(outcome.thrown)).toContain('OPENAI_MODEL');
  });

  it('repeats neither key nor prompt that the server echoes, but names the parameter', async () => {
    for (const status of [400, 401, 403, 422, 429, 500]) {
      const message = 'bad key sk-secret or bad input: my secret prompt';
      const outcome = await askWith({ status, error: { message, code: 'bad_value', param: 'temperature' } });
      expect(everythingIn(outcome.thrown)).not.toContain('secret');
      expect(everythingIn(outcome.thrown)).toContain(`${status} bad_value temperature`);
    }
  });
});

describe('a server that cannot be talked to', () => {
  const unavailable = { code: 'model_unavailable', retryable: true, retryAfterMs: undefined };

  it('refuses the connection', async () => {
    const gone = await startModel();
    await gone.close();
    const outcome = await ask(await testChain({ baseUrl: gone.url }), input('Hello'));
    expect(verdict(outcome)).toEqual(unavailable);
    expect(everythingIn(outcome.thrown)).toContain('ECONNREFUSED');
  });

  it('cuts the connection before it answers', async () => {
    expect(verdict(await askWith({ sent: 0, end: 'reset' }))).toEqual(unavailable);
  });

  it('is a web page: the base URL is wrong', async () => {
    for (const [type, page] of [
      ['text/html; charset=utf-8', '<!doctype html><title>Welcome</title>'],
      ['text/plain', '\n <html></html>'],
      ['application/json', '{"status":"ok"}'],
      ['application/json', '[]'],
    ] as const) {
      const outcome = await askWith({ raw: [page], headers: { 'content-type': type } });
      expect(verdict(outcome)).toMatchObject({ code: 'model_misconfigured', retryable: false });
      expect(everythingIn(outcome.thrown)).toContain('OPENAI_BASE_URL');
    }
  });
});

describe('an abort', () => {
  it('in the middle of the answer ends it at once, and the server sees the client go', async () => {
    model.script('Hello', { sent: 2, end: 'hang' });
    const stop = new AbortController();
    const outcome = await read((await chain()).stream(input('Hello'), stop.signal), (_, number) => {
      if (number === 2) stop.abort(new BotError('turn_stopped', 'stopped'));
    });
    expect(outcome.pieces).toHaveLength(2);
    expect(verdict(outcome)).toMatchObject({ code: 'turn_stopped' });
    expect(await (await model.called('Hello')).ended).toBe('abandoned');
  });

  it('before the first word makes the server see the client go', async () => {
    model.script('Hello', { sent: 0, end: 'hang' });
    const stop = new AbortController();
    const reading = read((await chain()).stream(input('Hello'), stop.signal));
    const call = await model.called('Hello');
    stop.abort('any reason');
    expect((await reading).thrown).toBe('any reason');
    expect(await call.ended).toBe('abandoned');
  });

  it('before the call asks nothing', async () => {
    expect((await ask(await chain(), input('Hello'), AbortSignal.abort('too late'))).thrown).toBe('too late');
    expect(model.journal()).toEqual([]);
  });

  it('by a timeout is the fault of the model', async () => {
    model.script('Hello', { sent: 1, end: 'hang' });
    const outcome = await ask(await chain(), input('Hello'), AbortSignal.timeout(50));
    expect(verdict(outcome)).toEqual({ code: 'model_timeout', retryable: true, retryAfterMs: undefined });
  });

  it('is what leaving the loop early does', async () => {
    model.script('Hello', { sent: 1, end: 'hang' });
    for await (const piece of (await chain()).stream(input('Hello'), new AbortController().signal)) {
      if (piece.kind === 'shown') continue;
      expect(piece).toEqual({ kind: 'text', text: 'one t' });
      break;
    }
    expect(await (await model.called('Hello')).ended).toBe('abandoned');
  });

  it('leaves nothing attached to a signal that lives on', async () => {
    const { signal } = new AbortController();
    const added = vi.spyOn(signal, 'addEventListener');
    const removed = vi.spyOn(signal, 'removeEventListener');
    await ask(await chain(), input('Hello'), signal);
    expect(added).toHaveBeenCalled();
    const listeners = (spy: typeof added | typeof removed) => spy.mock.calls.map(([, listener]) => listener);
    expect(listeners(removed)).toEqual(listeners(added));
  });
});

/** All that a log or a person could see of an error. */
function everythingIn(thrown: unknown, depth = 0): string {
  if (!(thrown instanceof Error) || depth > 5) return String(thrown);
  return `${thrown.message} ${thrown.stack} ${JSON.stringify(thrown)} ${everythingIn(thrown.cause, depth + 1)}`;
}
