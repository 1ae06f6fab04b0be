/**
 * The Responses API, for models of OpenAI that have no other route. Its events:
 * https://platform.openai.com/docs/api-reference/responses-streaming; the object: https://platform.openai.com/docs/api-reference/responses/object
 */
import { once } from 'node:events';
import { createServer, type Server } from 'node:http';
import { text as bodyOf } from 'node:stream/consumers';
import { afterEach, describe, expect, it } from 'vitest';
import { z } from 'zod';
import { ask, input, said, testChain, verdict } from './harness.ts';

const bodySchema = z.looseObject({
  stream: z.boolean(),
  temperature: z.number().optional(),
  input: z.array(z.unknown()),
});
type Body = z.infer<typeof bodySchema>;
type Answer = { readonly events: readonly object[] } | { readonly status: number; readonly json: object };

let server: Server;
let bodies: Body[];
afterEach(() => {
  server.closeAllConnections();
  server.close();
});

/** A server that has this model on /v1/responses only. */
async function start(answer: (body: Body) => Answer): Promise<string> {
  bodies = [];
  server = createServer(async (request, response) => {
    const raw = await bodyOf(request);
    if (request.url !== '/v1/responses') {
      const message = 'This model is only supported in v1/responses and not in v1/chat/completions.';
      const error = { message, type: 'invalid_request_error', param: 'model', code: null };
      return response.writeHead(404, { 'content-type': 'application/json' }).end(JSON.stringify({ error }));
    }
    const body = bodySchema.parse(JSON.parse(raw));
    bodies.push(body);
    const given = answer(body);
    if ('json' in given) {
      return response.writeHead(given.status, { 'content-type': 'application/json' }).end(JSON.stringify(given.json));
    }
    response.writeHead(200, { 'content-type': 'text/event-stream' });
    for (const event of given.events) {
      response.write(
        `event: ${z.looseObject({ type: z.string() }).parse(event).type}\ndata: ${JSON.stringify(event)}\n\n`,
      );
    }
    return response.end();
  }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  const address = server.address();
  if (address === null || typeof address === 'string') throw new Error('no port');
  return `http://127.0.0.1:${address.port}/v1`;
}

const message = (...content: object[]) => ({
  type: 'message',
  id: 'msg_1',
  status: 'completed',
  role: 'assistant',
  content,
});
const reasoning = { type: 'reasoning', id: 'rs_1', summary: [] };
const response = (status: string, output: object[] = [], more: object = {}) => ({
  ...{ id: 'resp_1', object: 'response', status, model: 'test-model', output, incomplete_details: null, error: null },
  ...more,
});
const created = { type: 'response.created', response: response('in_progress') };
const delta = (text: string) => ({
  type: 'response.output_text.delta',
  delta: text,
  item_id: 'msg_1',
  content_index: 0,
});
const output = (text: string) => ({ type: 'output_text', text, annotations: [] });
const completed = (...items: object[]) => ({ type: 'response.completed', response: response('completed', items) });
const incomplete = (reason: string, ...items: object[]) => ({
  type: 'response.incomplete',
  response: response('incomplete', items, { incomplete_details: { reason } }),
});
const invalid = (text: string, more: object = {}): Answer => ({
  status: 400,
  json: { error: { message: text, type: 'invalid_request_error', param: null, code: null, ...more } },
});

describe('a model on /responses only', () => {
  it('answers, and is asked there from then on', async () => {
    const baseUrl = await start(() => ({
      events: [created, delta('Hi '), delta('you'), completed(message(output('Hi you')))],
    }));
    const chain = await testChain({ baseUrl });
    for (let turn = 1; turn <= 2; turn += 1) {
      expect(await ask(chain, input('Hello'))).toMatchObject({ text: 'Hi you', cut: undefined, thrown: undefined });
      expect(bodies).toHaveLength(turn);
    }
  });

  it('is not taken for one at work before it says anything: it may reason for minutes', async () => {
    const started = { type: 'response.output_item.added', output_index: 0, item: reasoning };
    const baseUrl = await start(() => ({
      events: [created, started, delta('Hi'), completed(reasoning, message(output('Hi')))],
    }));
    const events = [];
    for await (const { kind } of (await testChain({ baseUrl })).stream(input('Hello'), new AbortController().signal)) {
      events.push(kind);
    }
    expect(events.find((kind) => kind !== 'shown')).toBe('text');
  });

  it.each([
    ['max_output_tokens', 'length'],
    ['content_filter', 'filtered'],
  ])('says why it ends early: %s', async (reason, cut) => {
    const baseUrl = await start(() => ({ events: [created, delta('Hi'), incomplete(reason, message(output('Hi')))] }));
    expect(await ask(await testChain({ baseUrl }), input('Hello'))).toMatchObject({ text: 'Hi', cut });
  });

  it('that used up its tokens on reasoning is not asked again', async () => {
    const started = { type: 'response.output_item.added', output_index: 0, item: reasoning };
    const baseUrl = await start(() => ({ events: [created, started, incomplete('max_output_tokens', reasoning)] }));
    const outcome = await ask(await testChain({ baseUrl }), input('Hello', { history: said('one', 'two') }));
    expect(verdict(outcome)).toMatchObject({ code: 'model_only_reasoned', retryable: false });
    expect(bodies).toHaveLength(1);
  });

  it('refuses in its own words, which are its answer', async () => {
    const refusal = 'I can’t help with that.';
    const events = [
      created,
      { type: 'response.refusal.delta', delta: refusal },
      { type: 'response.refusal.done', refusal },
    ];
    const baseUrl = await start(() => ({ events: [...events, completed(message({ type: 'refusal', refusal }))] }));
    expect(await ask(await testChain({ baseUrl }), input('Hello'))).toMatchObject({ text: refusal, thrown: undefined });
  });

  it('that fails in the middle has no answer yet', async () => {
    const error = { code: 'server_error', message: 'The model failed.' };
    const failed = { type: 'response.failed', response: response('failed', [], { error }) };
    const baseUrl = await start(() => ({ events: [created, delta('Half an'), failed] }));
    expect(verdict(await ask(await testChain({ baseUrl }), input('Hello')))).toMatchObject({
      ...{ code: 'model_disconnected', retryable: true },
    });
  });

  it('is asked without what it does not take, from then on', async () => {
    const whole = response('completed', [reasoning, message(output('Hi'))]);
    const baseUrl = await start(({ temperature, stream }) => {
      // https://community.openai.com/t/temperature-in-gpt-5-models/1337133
      if (temperature !== undefined) {
        return invalid("Unsupported parameter: 'temperature' is not supported with this model.", {
          param: 'temperature',
        });
      }
      if (!stream) return { status: 200, json: whole };
      return invalid('Your organization must be verified to stream this model.', { param: 'stream' });
    });
    const chain = await testChain({ baseUrl, temperature: 0.2 });
    expect(await ask(chain, input('Hello'))).toMatchObject({ text: 'Hi', thrown: undefined });
    expect(bodies).toHaveLength(3);
    expect(await ask(chain, input('Again'))).toMatchObject({ text: 'Hi', thrown: undefined });
    expect(bodies).toHaveLength(4);
  });
});
