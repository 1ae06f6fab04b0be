/** A conversation that is longer than the model's context goes on, in whatever words the server says that it is. */
import { afterEach, describe, expect, it } from 'vitest';
import { readError } from '../../src/chain/wire/completion.ts';
import { readOverflow } from '../../src/chain/wire/overflow.ts';
import { type FakeModel, type ModelOptions, type ModelReply, startModel } from '../support/model.ts';
import { ask, input, said, testChain, verdict } from './harness.ts';

/**
 * [whose words, status, body, tokens that the model takes, tokens that were asked for]. Sources: issues of these projects, and the
 * collections of such words in pi (packages/ai/src/utils/overflow.ts) and OpenClaw.
 */
const REFUSALS: readonly (readonly [string, number, unknown, number?, number?])[] = [
  [
    'OpenAI',
    400,
    {
      error: {
        message:
          "This model's maximum context length is 8192 tokens. However, your messages resulted in 8545 tokens. Please reduce the length of the messages.",
        type: 'invalid_request_error',
        param: 'messages',
        code: 'context_length_exceeded',
      },
    },
    8192,
    8545,
  ],
  ['OpenAI, Responses', 400, { error: { message: 'Your input exceeds the context window of this model.' } }],
  [
    // https://github.com/ggml-org/llama.cpp/pull/15780
    'llama.cpp',
    400,
    {
      error: {
        code: 400,
        message:
          'the request exceeds the available context size. try increasing the context size or enable context shift',
        type: 'exceed_context_size_error',
        n_prompt_tokens: 1407,
        n_ctx: 256,
      },
    },
    256,
    1407,
  ],
  // https://github.com/continuedev/continue/issues/9797
  ['llama.cpp, older', 400, { error: 'the request exceeds the available context size, try increasing it' }],
  [
    // https://github.com/vllm-project/vllm/issues/20409; the flat form: https://github.com/ogx-ai/ogx/issues/4534
    'vLLM, flat',
    400,
    {
      object: 'error',
      message:
        "This model's maximum context length is 6048 tokens. However, you requested 6616 tokens (568 in the messages, 6048 in the completion). Please reduce the length of the messages or completion.",
      type: 'BadRequestError',
      param: null,
      code: 400,
    },
    6048,
    6616,
  ],
  [
    'vLLM, newer',
    400,
    {
      error: {
        message:
          "This model's maximum context length is 16384 tokens. However, you requested 4096 output tokens and your prompt contains at least 12289 input tokens, for a total of at least 16385 tokens. Please reduce the length of the input prompt.",
        type: 'BadRequestError',
        param: 'input_tokens',
        code: 400,
      },
    },
    16384,
    12289,
  ],
  [
    // https://github.com/vllm-project/vllm/issues/4667
    'vLLM, by way of max_tokens',
    400,
    { object: 'error', message: 'max_tokens must be at least 1, got -186.', type: 'BadRequestError', code: 400 },
  ],
  [
    // https://github.com/lmstudio-ai/lmstudio-bug-tracker/issues/546
    'LM Studio',
    400,
    {
      error:
        'Trying to keep the first 6547 tokens when context the overflows. However, the model is loaded with context length of only 4096 tokens, which is not enough. Try to load the model with a larger context length, or provide a shorter input.',
    },
    4096,
    6547,
  ],
  [
    'LM Studio, newer',
    400,
    { error: 'The number of tokens to keep from the initial prompt is greater than the context length.' },
  ],
  ['Ollama', 400, { error: { message: 'prompt too long; exceeded max context length by 100918 tokens' } }],
  [
    'OpenRouter',
    400,
    {
      error: {
        message:
          "This endpoint's maximum context length is 131072 tokens. However, you requested about 200000 tokens (200000 of text input).",
        code: 400,
      },
    },
    131072,
    200000,
  ],
  [
    'OpenRouter, with the words of its provider',
    400,
    {
      error: {
        message: 'Provider returned error',
        code: 400,
        metadata: { raw: '{"message":"prompt is too long: 213462 tokens > 200000 maximum"}' },
      },
    },
    200000,
    213462,
  ],
  [
    'Anthropic',
    400,
    {
      type: 'error',
      error: { type: 'invalid_request_error', message: 'prompt is too long: 213462 tokens > 200000 maximum' },
    },
    200000,
    213462,
  ],
  ['Anthropic, by bytes', 413, { type: 'error', error: { type: 'request_too_large', message: 'Request too large' } }],
  [
    'Gemini, in a list',
    400,
    [
      {
        error: {
          code: 400,
          message: 'The input token count (1,196,265) exceeds the maximum number of tokens allowed (1048576).',
          status: 'INVALID_ARGUMENT',
        },
      },
    ],
    1048576,
    1196265,
  ],
  [
    'Mistral',
    400,
    {
      object: 'error',
      message: { detail: 'Prompt contains 200000 tokens, too large for model with 131072 maximum context length' },
      type: 'invalid_request_prompt',
    },
    131072,
    200000,
  ],
  ['Groq', 400, { error: { message: 'Please reduce the length of the messages or completion.', param: 'messages' } }],
  [
    'Groq, by the minute',
    413,
    {
      error: {
        message:
          'Request too large for model `llama-3.1-8b-instant` on tokens per minute (TPM): Limit 6000, Requested 7310, please reduce your message size and try again.',
        type: 'tokens',
        code: 'rate_limit_exceeded',
      },
    },
    6000,
    7310,
  ],
  [
    'OpenAI, by the minute',
    429,
    {
      error: {
        message:
          'Request too large for gpt-4o in organization org-x on tokens per min (TPM): Limit 30000, Requested 41234.',
        type: 'tokens',
        code: 'rate_limit_exceeded',
      },
    },
    30000,
    41234,
  ],
  [
    'TGI',
    422,
    {
      error: 'Input validation error: `inputs` tokens + `max_new_tokens` must be <= 4096. Given: 4200 `inputs` tokens',
      error_type: 'validation',
    },
    4096,
    4200,
  ],
  ['DeepSeek', 400, { error: { message: "This model's maximum context length is 65536 tokens." } }, 65536],
  [
    'xAI',
    400,
    { error: "This model's maximum prompt length is 131072 but the request contains 537812 tokens." },
    131072,
    537812,
  ],
  [
    'Together',
    400,
    { error: { message: "The input (516368 tokens) is longer than the model's context length (262144 tokens)." } },
    262144,
    516368,
  ],
  ['Copilot', 400, { error: { message: 'prompt token count of 200000 exceeds the limit of 128000' } }, 128000, 200000],
  ['MiniMax', 400, { error: { message: 'invalid params, context window exceeds limit' } }],
  ['Moonshot', 400, { error: { message: 'Your request exceeded model token limit: 8192' } }, 8192],
  ['DashScope', 400, { error: { message: 'Range of input length should be [1, 30720]' } }, 30720],
  [
    'LiteLLM',
    503,
    {
      error: {
        message: "OpenAIException - Requested token count exceeds the model's maximum context length of 131072 tokens.",
      },
    },
    131072,
  ],
  [
    'llama-cpp-python',
    500,
    { error: { message: 'Requested tokens (2285) exceed context window of 2048' } },
    2048,
    2285,
  ],
  ['a proxy', 413, undefined],
];

describe('a refusal for the length of the context', () => {
  const refusals = REFUSALS.map(([whose, status, body, limit, requested]) => ({
    whose,
    status,
    body,
    limit,
    requested,
  }));

  it.each(refusals)('of $whose is known', ({ status, body, limit, requested }) => {
    const nothing = readError({ error: { message: '' } });
    const error = readError(body) ?? nothing;
    if (error === undefined) throw new Error('no error');
    expect(readOverflow(error, status)).toMatchObject({ limit, requested });
  });

  it.each([
    [429, 'Rate limit reached for gpt-4o on tokens per min (TPM): Limit 30000, Used 29000, Requested 2000.'],
    [429, 'Too many tokens, please wait before trying again.'],
    [400, 'max_tokens must be at most 4096'],
    [400, "Unsupported value: 'temperature' does not support 0.2 with this model."],
    [404, 'The model `x` with 4096 context length does not exist'],
    [500, 'model runner crashed unexpectedly'],
  ] as const)('is not what %d %j is', (status, message) => {
    const error = readError({ error: { message } });
    expect(error === undefined || readOverflow(error, status)).toBeUndefined();
  });
});

describe('a conversation longer than the context', () => {
  let model: FakeModel;
  afterEach(async () => {
    await model.close();
    expect(model.refused()).toEqual([]);
  });
  const start = async (options: ModelOptions) => {
    model = await startModel(options);
    return await testChain({ baseUrl: model.url, systemPrompt: 'Be brief.' }, 200);
  };
  const long = said(...Array.from({ length: 60 }, (_, index) => `${index} ${'word '.repeat(40)}`));
  const silent = (reply: ModelReply) => () => reply;

  it.each<[string, ModelOptions['overflow']]>([
    ['with its limit', undefined],
    ['without a number', silent({ status: 400, error: { message: 'context size exceeded' } })],
    [
      'flat',
      (_, limit) => ({ status: 400, error: { flat: true, message: `maximum context length is ${limit} tokens` } }),
    ],
    [
      'by fields',
      (tokens, limit) => ({
        status: 400,
        error: { type: 'exceed_context_size_error', n_prompt_tokens: tokens, n_ctx: limit },
      }),
    ],
    ['as a fault', silent({ status: 500, error: { message: 'exceed context window of 512' } })],
    ['with 200', silent({ raw: ['{"error":{"code":400,"message":"x","type":"exceed_context_size_error"}}'] })],
    ['as an event', silent({ raw: ['event: error\ndata: {"message":"the context length is too small"}\n\n'] })],
    ['by nothing but 413', silent({ status: 413, error: {} })],
    ['by a wrong number', silent({ status: 400, error: { message: 'maximum context length is 999999 tokens' } })],
  ])('is shown less of, at once, and remembered so (%s)', async (_, overflow) => {
    const chain = await start({ contextTokens: 2_048, ...(overflow === undefined ? {} : { overflow }) });
    const first = await ask(chain, input('Hello', { history: long }));
    expect(first).toMatchObject({ text: 'echo: Hello', thrown: undefined });
    const learnt = model.turnedAway();
    expect(learnt).toBeGreaterThan(0);
    // As much as fits is still shown, in whole turns from the newest; a quarter is kept free for recall.
    const shown = model.journal()[0]?.messages ?? [];
    expect(shown.length).toBeGreaterThanOrEqual(6);
    expect(shown.at(-2)?.content).toBe(long.at(-1)?.content);
    for (const text of ['hi', 'hey']) {
      expect((await ask(chain, input(text, { history: long }))).text).toBe(`echo: ${text}`);
    }
    expect(model.turnedAway()).toBe(learnt);
    // /memstats tells of the same window.
    const seen = chain.preview({ history: long, shared: false });
    expect(seen.messages.length).toBeLessThan(long.length);
  });

  it('leaves quotes out before it gives up, the oldest first', async () => {
    const chain = await start({ contextTokens: 1_000 });
    const quotes = Array.from({ length: 10 }, (_, index) => ({
      author: 'Eve',
      text: `quote ${index} ${'x '.repeat(200)}`,
    }));
    const question = input('What do they mean?');
    const { text, thrown } = await ask(chain, { ...question, message: { ...question.message, quotes } });
    expect(thrown).toBeUndefined();
    expect(text).toContain('quote 9');
    expect(text).not.toContain('quote 0');
  });

  it('is told apart from a message that is too long by itself, behind which it goes on', async () => {
    const chain = await start({ contextTokens: 1_000 });
    const huge = await ask(chain, input('word '.repeat(1_600), { history: long }));
    expect(verdict(huge)).toMatchObject({ code: 'model_too_long', retryable: false });
    expect((await ask(chain, input('hi', { history: long }))).text).toBe('echo: hi');
  });

  it('is told apart from a context that is too small for anything', async () => {
    const chain = await start({ contextTokens: 5 });
    expect(verdict(await ask(chain, input('hi', { history: long })))).toMatchObject({ code: 'model_misconfigured' });
  });

  it('that left no room for an answer is shown less of, too', async () => {
    const chain = await start({});
    model.script('Hello', { text: '', finishReason: 'length' }, { text: 'Hi!' });
    expect((await ask(chain, input('Hello', { history: long }))).text).toBe('Hi!');
  });

  it('and that leaves no room however little is shown is given up soon: each request is billed', async () => {
    const chain = await start({ reply: { text: '', finishReason: 'length' } });
    const outcome = await ask(chain, input('Hello', { history: long }));
    expect(verdict(outcome)).toMatchObject({ code: 'model_only_reasoned', retryable: false });
    expect(model.count('Hello')).toBe(3);
  });
});
