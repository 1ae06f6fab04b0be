/** Answers in the shapes in which servers send them, over real HTTP, read by the real ChatOpenAI. */
import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { type FakeModel, type ModelReply, startModel } from '../support/model.ts';
import { ask, input, type Outcome, testChain, verdict } from './harness.ts';

let model: FakeModel;
const printed = (['log', 'info', 'warn', 'error', 'debug'] as const).map((name) => vi.spyOn(console, name));
beforeAll(async () => {
  model = await startModel();
});
afterAll(async () => {
  await model.close();
  expect(model.refused()).toEqual([]);
  for (const spy of printed) expect(spy).not.toHaveBeenCalled();
});

async function askFor(reply: ModelReply): Promise<Outcome> {
  model.script('Hello', reply);
  return await ask(await testChain({ baseUrl: model.url }), input('Hello'));
}

const chunk = (delta: unknown, finish: string | null = null, more: object = {}) =>
  JSON.stringify({
    id: 'x',
    object: 'chat.completion.chunk',
    choices: [{ index: 0, delta, finish_reason: finish }],
    ...more,
  });
const HI = chunk({ role: 'assistant', content: 'Hi ' });
const THERE = chunk({ content: 'there 😀!' });
const STOP = chunk({}, 'stop');
const whole = (message: object, finish: string | null = 'stop') =>
  JSON.stringify({ id: 'x', object: 'chat.completion', choices: [{ index: 0, message, finish_reason: finish }] });
const JSON_TYPE = { 'content-type': 'application/json' };

describe('a stream', () => {
  it.each<[string, string]>([
    ['as OpenAI has it', `data: ${HI}\n\ndata: ${THERE}\n\ndata: ${STOP}\n\ndata: [DONE]\n\n`],
    ['without a space', `data:${HI}\n\ndata:${THERE}\n\ndata:${STOP}\n\ndata:[DONE]\n\n`],
    ['with CRLF', `data: ${HI}\r\n\r\ndata: ${THERE}\r\n\r\ndata: ${STOP}\r\n\r\ndata: [DONE]\r\n\r\n`],
    ['with CR', `data: ${HI}\r\rdata: ${THERE}\r\rdata: ${STOP}\r\rdata: [DONE]\r\r`],
    ['with a byte order mark', `\uFEFFdata: ${HI}\n\ndata: ${THERE}\n\ndata: ${STOP}\n\n`],
    // https://openrouter.ai/docs/api-reference/streaming#additional-information
    ['with comments', `: OPENROUTER PROCESSING\n\n:\n\ndata: ${HI}\n\n: x\ndata: ${THERE}\n\ndata: ${STOP}\n\n`],
    ['with names and ids', `event: message\nid: 1\nretry: 9\ndata: ${HI}\n\nfoo\ndata: ${THERE}\n\ndata: ${STOP}\n\n`],
    // https://learn.microsoft.com/azure/ai-services/openai/concepts/content-streaming
    [
      'with empty choices',
      `data: {"choices":[],"prompt_filter_results":[]}\n\ndata: ${HI}\n\ndata: ${THERE}\n\ndata: ${STOP}\n\n`,
    ],
    [
      'with no choices',
      `data: {"choices":null}\n\ndata: ${HI}\n\ndata: {"x":1}\n\ndata: ${THERE}\n\ndata: ${STOP}\n\n`,
    ],
    [
      'with null deltas',
      `data: ${chunk(null)}\n\ndata: ${HI}\n\ndata: ${THERE}\n\ndata: ${chunk({ content: null }, 'stop')}\n\n`,
    ],
    ['without [DONE]', `data: ${HI}\n\ndata: ${THERE}\n\ndata: ${STOP}\n\n`],
    ['without a finish reason', `data: ${HI}\n\ndata: ${THERE}\n\ndata: [DONE]\n\n`],
    ['without the last line ends', `data: ${HI}\n\ndata: ${chunk({ content: 'there 😀!' }, 'stop')}`],
    ['with the end in the last words', `data: ${HI}\n\ndata: ${chunk({ content: 'there 😀!' }, 'stop')}\n`],
    ['without empty lines', `data: ${HI}\ndata: ${THERE}\ndata: ${STOP}\ndata: [DONE]\n`],
    [
      'with events of several lines',
      `data: ${HI}\n\ndata: {"choices":[{"delta":\ndata: {"content":"there 😀!"}}]}\n\ndata: ${STOP}\n\n`,
    ],
    [
      'with usage at the end',
      `data: ${HI}\n\ndata: ${THERE}\n\ndata: ${STOP}\n\ndata: {"choices":[],"usage":{"prompt_tokens":3}}\n\ndata: [DONE]\n\n`,
    ],
    ['with blank lines first', `\n\n\ndata: ${HI}\n\ndata: ${THERE}\n\ndata: ${STOP}\n\n`],
    ['with parts', `data: ${chunk({ content: [{ type: 'text', text: 'Hi ' }, 'there 😀!'] })}\n\ndata: ${STOP}\n\n`],
    [
      'with whole messages',
      `data: ${JSON.stringify({ choices: [{ message: { content: 'Hi there 😀!' }, finish_reason: 'stop' }] })}\n\n`,
    ],
    [
      'of the older completions',
      `data: ${JSON.stringify({ choices: [{ text: 'Hi there 😀!', finish_reason: 'stop' }] })}\n\n`,
    ],
  ])('%s is read to its end, however its bytes are torn', async (_, text) => {
    const bytes = Buffer.from(text);
    expect(await askFor({ raw: [bytes] })).toMatchObject({ text: 'Hi there 😀!', cut: undefined, thrown: undefined });
    await fc.assert(
      fc.asyncProperty(fc.array(fc.nat(bytes.length), { maxLength: 5 }), async (cuts) => {
        const at = [0, ...cuts.toSorted((one, other) => one - other), bytes.length];
        const raw = at.slice(1).map((end, index) => bytes.subarray(at[index], end));
        expect(await askFor({ raw })).toMatchObject({ text: 'Hi there 😀!', thrown: undefined });
      }),
      { numRuns: 5 },
    );
  });

  it('that stays open behind its end keeps nobody waiting', async () => {
    for (const last of [STOP, '[DONE]']) {
      const raw = [`data: ${HI}\n\ndata: ${THERE}\n\ndata: ${last}\n\n`];
      expect(await askFor({ raw, end: 'hang' })).toMatchObject({ text: 'Hi there 😀!', thrown: undefined });
    }
  });

  it.each<[string, readonly string[], object]>([
    ['length', [`data: ${HI}\n\n`, `data: ${chunk({}, 'length')}\n\n`], { text: 'Hi ', cut: 'length' }],
    ['Gemini', [`data: ${HI}\n\n`, `data: ${chunk({}, 'MAX_TOKENS')}\n\n`], { text: 'Hi ', cut: 'length' }],
    ['a filter', [`data: ${HI}\n\n`, `data: ${chunk({}, 'content_filter')}\n\n`], { text: 'Hi ', cut: 'filtered' }],
    ['SAFETY', [`data: ${HI}\n\n`, `data: ${chunk({}, 'SAFETY')}\n\n`], { text: 'Hi ', cut: 'filtered' }],
    ['eos', [`data: ${HI}\n\n`, `data: ${chunk({}, 'eos_token')}\n\n`], { text: 'Hi ', cut: undefined }],
  ])('tells why it ended: %s', async (_, raw, expected) => {
    expect(await askFor({ raw })).toMatchObject({ ...expected, thrown: undefined });
  });

  it.each<[string, string, string, boolean]>([
    ['an error', '{"error":{"message":"no","code":502}}', 'model_unavailable', true],
    ['a text', '{"error":"llama runner process has terminated"}', 'model_unavailable', true],
    ['a flat one', '{"object":"error","message":"EngineCore died","code":500}', 'model_unavailable', true],
    [
      'Anthropic',
      '{"type":"error","error":{"type":"overloaded_error","message":"Overloaded"}}',
      'model_unavailable',
      true,
    ],
    [
      'OpenRouter',
      chunk({ content: '' }, 'error', { error: { code: 429, message: 'no' } }),
      'model_rate_limited',
      true,
    ],
    ['DeepSeek', chunk({}, 'insufficient_system_resource'), 'model_disconnected', true],
  ])('with %s in the middle is no answer', async (_, event, code, retryable) => {
    const outcome = await askFor({ raw: [`data: ${HI}\n\ndata: ${event}\n\n`] });
    expect(verdict(outcome)).toMatchObject({ code, retryable });
  });
});

describe('a JSON document in the place of a stream', () => {
  it.each<[string, string]>([
    ['a completion', whole({ role: 'assistant', content: 'Hi there' })],
    [
      'with parts',
      whole({
        content: [
          { type: 'thinking', thinking: 'x' },
          { type: 'text', text: 'Hi there' },
        ],
      }),
    ],
    ['without a finish reason', whole({ content: 'Hi there' }, null)],
    ['with reasoning', whole({ content: '<think>x</think>Hi there', reasoning_content: 'x' })],
    ['of the older completions', JSON.stringify({ choices: [{ text: 'Hi there' }] })],
  ])('is read: %s', async (_, document) => {
    for (const headers of [JSON_TYPE, {}, { 'content-type': 'text/plain' }]) {
      expect(await askFor({ raw: [` \n${document}`], headers })).toMatchObject({ text: 'Hi there', thrown: undefined });
    }
  });

  it('that is an error is a refusal', async () => {
    const flat = '{"object":"error","message":"The model `x` does not exist.","type":"NotFoundError","code":404}';
    expect(verdict(await askFor({ raw: [flat], headers: JSON_TYPE }))).toMatchObject({ code: 'model_misconfigured' });
  });

  it('that is torn is a broken connection', async () => {
    const outcome = await askFor({ raw: [whole({ content: 'Hi' }).slice(0, -9)], headers: JSON_TYPE });
    expect(verdict(outcome)).toMatchObject({ code: 'model_disconnected', retryable: true });
  });
});
