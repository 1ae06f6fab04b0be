/** What a server does not take is left out, and asked again at once; an operator's setting is never the person's fault. */
import { afterEach, describe, expect, it } from 'vitest';
import { type FakeModel, type ModelOptions, type ModelReply, startModel } from '../support/model.ts';
import { ask, input, said, testChain, verdict } from './harness.ts';

let model: FakeModel;
afterEach(async () => {
  await model.close();
});

const refusal = (message: string, more: object = {}, status = 400): ModelReply => ({
  status,
  error: { message, type: 'invalid_request_error', ...more },
});

type Refuses = NonNullable<ModelOptions['refuses']>;
const roleOf = (body: Parameters<Refuses>[0]) => body.messages[0]?.role;
const refusesRoles =
  (roles: readonly string[], reply: ModelReply): Refuses =>
  (body) =>
    roles.includes(roleOf(body) ?? '') ? reply : undefined;

/** [name, refuses, model's name, roles and fields of the request that is taken] */
const CASES: readonly (readonly [string, Refuses, object])[] = [
  [
    // https://github.com/BeehiveInnovations/pal-mcp-server/issues/78
    'temperature, by its value',
    ({ temperature }) =>
      temperature === undefined
        ? undefined
        : refusal(
            "Unsupported value: 'temperature' does not support 0.2 with this model. Only the default (1) value is supported.",
            {
              param: 'temperature',
              code: 'unsupported_value',
            },
          ),
    { temperature: undefined, stream: true },
  ],
  [
    'temperature, in words only',
    ({ temperature }) =>
      temperature === undefined ? undefined : refusal('temperature is not supported with this model', {}, 422),
    { temperature: undefined },
  ],
  [
    'temperature, by FastAPI',
    ({ temperature }) =>
      temperature === undefined
        ? undefined
        : { status: 422, raw: undefined, error: { message: 'body.temperature: Extra inputs are not permitted' } },
    { temperature: undefined },
  ],
  [
    // https://github.com/chatboxai/chatbox/issues/2263
    'stream, for want of a verification',
    ({ stream }) =>
      stream
        ? refusal('Your organization must be verified to stream this model.', {
            param: 'stream',
            code: 'unsupported_value',
          })
        : undefined,
    { stream: false },
  ],
  [
    'stream, in words only',
    ({ stream }) => (stream ? refusal('Streaming is not supported by this model') : undefined),
    { stream: false },
  ],
  [
    'both, one after the other',
    ({ stream, temperature }) =>
      stream
        ? refusal("Unsupported value: 'stream' does not support true", { param: 'stream' })
        : temperature === undefined
          ? undefined
          : refusal("Unsupported parameter: 'temperature'", { param: 'temperature' }),
    { stream: false, temperature: undefined },
  ],
  [
    'a limit that is missing',
    ({ max_tokens }) => (max_tokens === undefined ? refusal('max_tokens: Field required') : undefined),
    { stream: true },
  ],
];

const ROLES: readonly (readonly [string, Refuses])[] = [
  [
    // https://github.com/earendil-works/pi/issues/1048
    'developer (DeepSeek)',
    refusesRoles(
      ['developer'],
      refusal('messages[0].role: unknown variant `developer`, expected one of `system`, `user`'),
    ),
  ],
  // https://github.com/earendil-works/pi/pull/1578
  ['developer, without a word (DeepInfra)', refusesRoles(['developer'], { status: 422, error: { message: '' } })],
  [
    // https://github.com/michelle-avery/openai-compatible-conversation/issues/21
    'developer, by a list',
    refusesRoles(['developer'], refusal("developer is not one of ['system', 'assistant', 'user', 'tool', 'function']")),
  ],
  [
    // https://github.com/microsoft/autogen/issues/1037
    'system (vLLM, Mistral 7B)',
    refusesRoles(['system', 'developer'], {
      status: 400,
      error: { flat: true, message: 'Conversation roles must alternate user/assistant/user/assistant/...' },
    }),
  ],
  ['system (Gemma)', refusesRoles(['system', 'developer'], refusal('System role not supported'))],
  [
    // https://github.com/anomalyco/opencode/issues/5034
    'system, as a fault of the template (llama.cpp)',
    refusesRoles(
      ['system', 'developer'],
      refusal("{{- raise_exception('Only user, assistant and tool roles are supported, got system.') }}", {}, 500),
    ),
  ],
  [
    'system, in the stream (LM Studio)',
    refusesRoles(['system', 'developer'], {
      raw: [
        'event: error\ndata: {"error":{"message":"Error rendering prompt with jinja template: System role not supported"}}\n\n',
      ],
    }),
  ],
];

describe('what a server does not take', () => {
  it.each(CASES)('is left out: %s', async (_, refuses, expected) => {
    model = await startModel({ refuses });
    const chain = await testChain({ baseUrl: model.url, temperature: 0.2 });
    expect(await ask(chain, input('Hello'))).toMatchObject({ text: 'echo: Hello', thrown: undefined });
    expect(model.journal()[0]).toMatchObject(expected);
    const turnedAway = model.turnedAway();
    expect(turnedAway).toBeGreaterThan(0);
    expect((await ask(chain, input('Again'))).text).toBe('echo: Again');
    expect(model.turnedAway()).toBe(turnedAway);
  });

  it.each(ROLES)('is said in another role: %s', async (_, refuses) => {
    model = await startModel({ refuses });
    // A name for which ChatOpenAI takes the role `developer`.
    const chain = await testChain({ baseUrl: model.url, model: 'gpt-5.4-mini' });
    expect((await ask(chain, input('Hello', { history: said('one', 'two') }))).thrown).toBeUndefined();
    const [first, second, ...rest] = model.journal()[0]?.messages ?? [];
    if (first?.role === 'user') expect([first.content, second?.role]).toEqual(['Be brief.\n\none', 'assistant']);
    else expect([first, second?.content]).toEqual([{ role: 'system', content: 'Be brief.' }, 'one']);
    expect(rest.at(-1)).toEqual({ role: 'user', content: 'Hello' });
    const turnedAway = model.turnedAway();
    await ask(chain, input('Again'));
    expect(model.turnedAway()).toBe(turnedAway);
  });

  it('is not remembered of a refusal that led to no answer', async () => {
    model = await startModel({ refuses: () => refusal('temperature and stream are not supported') });
    const chain = await testChain({ baseUrl: model.url, temperature: 0.2 });
    const outcome = await ask(chain, input('Hello'));
    expect(verdict(outcome)).toMatchObject({ code: 'model_refused_request', retryable: false });
    expect(String(outcome.thrown)).toContain('docs/models.md');
    expect(model.turnedAway()).toBeLessThan(6);
  });

  it('may be all at once', async () => {
    model = await startModel({
      contextTokens: 2_048,
      refuses: (body) =>
        refusesRoles(['system', 'developer'], refusal('System role not supported'))(body) ??
        (body.temperature === undefined ? undefined : refusal('Unknown parameter: temperature')) ??
        (body.stream ? refusal('stream must be false') : undefined),
      reply: { text: '<think>secret</think>Hi' },
    });
    const chain = await testChain({ baseUrl: model.url, temperature: 1, model: 'gpt-5.4-mini' });
    const history = said(...Array.from({ length: 40 }, (_, index) => `${index} ${'word '.repeat(60)}`));
    expect(await ask(chain, input('Hello', { history }))).toMatchObject({ text: 'Hi', thrown: undefined });
    const turnedAway = model.turnedAway();
    await ask(chain, input('Hello', { history }));
    expect(model.turnedAway()).toBe(turnedAway);
  });
});

describe('the route', () => {
  it('of a compatible server is /chat/completions, whatever the name of the model', async () => {
    model = await startModel();
    const chain = await testChain({ baseUrl: model.url, model: 'my-codex' });
    expect((await ask(chain, input('Hello'))).text).toBe('echo: Hello');
    expect(model.refused()).toEqual([]);
  });

  it('may have been copied into the base URL', async () => {
    model = await startModel();
    const chain = await testChain({ baseUrl: `${model.url}/chat/completions` });
    expect((await ask(chain, input('Hello'))).text).toBe('echo: Hello');
  });

  it("keeps Azure's api-version behind it, and its key in its own header", async () => {
    // https://learn.microsoft.com/azure/ai-services/openai/reference#chat-completions
    const path = '/openai/deployments/mine/chat/completions?api-version=2024-10-21';
    model = await startModel({ path });
    const baseUrl = `${new URL(model.url).origin}/openai/deployments/mine?api-version=2024-10-21`;
    const chain = await testChain({ baseUrl, apiKey: 'azure-key' });
    expect((await ask(chain, input('Hello'))).text).toBe('echo: Hello');
    expect(model.journal()[0]?.headers['api-key']).toBe('azure-key');
  });

  it('tells OpenAI and Azure to store nothing, and leaves that out where it is refused', async () => {
    // https://platform.openai.com/docs/api-reference/chat/create#chat-create-store
    model = await startModel({ path: '/v1/chat/completions?api-version=1' });
    const baseUrl = `${new URL(model.url).origin}/v1?api-version=1`;
    expect((await ask(await testChain({ baseUrl }), input('Hello'))).text).toBe('echo: Hello');
    expect(JSON.parse(model.journal()[0]?.raw ?? '{}')).toMatchObject({ store: false });
    await model.close();
    // https://github.com/open-webui/open-webui/issues/14520 has Azure's words for a parameter that it does not know.
    const refuses: Refuses = ({ store }) =>
      store === undefined ? undefined : refusal('Unrecognized request argument supplied: store', {});
    model = await startModel({ path: '/v1/chat/completions?api-version=1', refuses });
    const chain = await testChain({ baseUrl: `${new URL(model.url).origin}/v1?api-version=1` });
    for (const text of ['Hello', 'Again']) expect((await ask(chain, input(text))).text).toBe(`echo: ${text}`);
    expect(model.turnedAway()).toBe(1);
  });

  it('sends other servers no parameter that they do not know', async () => {
    model = await startModel();
    await ask(await testChain({ baseUrl: model.url }), input('Hello'));
    expect(model.journal()[0]?.raw).not.toContain('"store"');
  });
});

describe('whose fault a refusal is', () => {
  it.each<[string, number, object, string]>([
    ['the model, flat', 404, { flat: true, message: 'The model `x` does not exist.' }, 'model_misconfigured'],
    ['the model, with 400', 400, { message: 'model is not a valid model ID', code: '400' }, 'model_misconfigured'],
    ['the model, by code', 400, { message: 'no', code: 'model_not_found' }, 'model_misconfigured'],
    ['the route', 405, { message: 'Method Not Allowed' }, 'model_misconfigured'],
    ['the key', 401, { message: 'no' }, 'model_refused_key'],
    // https://learn.microsoft.com/azure/ai-services/openai/concepts/content-filter
    ['the filter of Azure', 400, { message: 'The response was filtered', code: 'content_filter' }, 'model_filtered'],
    ['moderation', 403, { message: 'Your input was flagged for violence' }, 'model_filtered'],
    ['DeepSeek', 400, { message: 'Content Exists Risk' }, 'model_filtered'],
    ['anything else', 400, { message: 'no' }, 'model_refused_request'],
  ])('is known: %s', async (_, status, error, code) => {
    model = await startModel({ reply: { status, error } });
    const outcome = await ask(await testChain({ baseUrl: model.url }), input('Hello'));
    expect(verdict(outcome)).toMatchObject({ code, retryable: false });
  });
});
