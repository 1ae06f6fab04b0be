import { describe, expect, it } from 'vitest';
import { fromAbort, toModelError } from '../../src/chain/errors.ts';
import { BotError } from '../../src/errors.ts';

const withCode = (message: string, code: string, cause?: unknown) =>
  Object.assign(new Error(message, { cause }), { code });
const named = (name: string) => Object.assign(new Error('slow'), { name });

describe('an error that is no answer of the server', () => {
  it.each([
    [
      'the time limit of a connection',
      withCode('fetch failed', 'x', withCode('late', 'UND_ERR_CONNECT_TIMEOUT')),
      'model_timeout',
    ],
    [
      'the time limit of headers',
      new TypeError('fetch failed', { cause: withCode('late', 'UND_ERR_HEADERS_TIMEOUT') }),
      'model_timeout',
    ],
    [
      'the time limit of a body',
      new TypeError('terminated', { cause: withCode('late', 'UND_ERR_BODY_TIMEOUT') }),
      'model_timeout',
    ],
    ['the time limit of the network', new AggregateError([withCode('late', 'ETIMEDOUT')]), 'model_timeout'],
    ["LangChain's timeout", named('TimeoutError'), 'model_timeout'],
    ['a broken body', new TypeError('terminated'), 'model_disconnected'],
    ['a reset connection', withCode('read ECONNRESET', 'ECONNRESET'), 'model_disconnected'],
  ])('is known: %s', async (_, thrown, code) => {
    expect(await toModelError(thrown)).toMatchObject({ code, retryable: true, cause: thrown });
  });

  it('is ours when nothing is known of it, and is not tried again', async () => {
    for (const thrown of [new TypeError('x is not a function'), 'text', undefined, { status: 429 }]) {
      expect(await toModelError(thrown)).toMatchObject({ code: 'internal', retryable: false });
    }
  });

  it('is what we said it is, however deep', async () => {
    const own = new BotError('model_disconnected', 'ours', { retryable: true });
    expect(await toModelError(own)).toBe(own);
    expect(await toModelError(new Error('outer', { cause: new Error('inner', { cause: own }) }))).toBe(own);
  });

  it('may be its own cause', async () => {
    const thrown = new Error('round');
    thrown.cause = thrown;
    expect(await toModelError(thrown)).toMatchObject({ code: 'internal' });
  });
});

describe('the reason of an abort', () => {
  it('is thrown as it is', () => {
    const reason = new BotError('turn_stopped', 'stopped');
    expect(fromAbort(AbortSignal.abort(reason))).toBe(reason);
    expect(fromAbort(AbortSignal.abort('text'))).toBe('text');
    expect(fromAbort(AbortSignal.abort())).toMatchObject({ name: 'AbortError' });
  });

  it('is the fault of the model when the time is over', () => {
    const reason = new DOMException('over', 'TimeoutError');
    expect(fromAbort(AbortSignal.abort(reason))).toMatchObject({
      code: 'model_timeout',
      retryable: true,
      cause: reason,
    });
  });
});
