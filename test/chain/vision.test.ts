/** Images in requests, with the real ChatOpenAI: what the server gets, and what happens when it takes none. */
import { afterEach, describe, expect, it } from 'vitest';
import type { ChainInput, FileContent } from '../../src/core/ports.ts';
import type { FileRef } from '../../src/core/types.ts';
import { type FakeModel, type ModelOptions, type ModelReply, startModel } from '../support/model.ts';
import { ask, input, testChain, verdict } from './harness.ts';

const PNG = 'iVBORw0KGgo=';
const URL = `data:image/png;base64,${PNG}`;

let model: FakeModel;
afterEach(async () => {
  await model.close();
  expect(model.refused()).toEqual([]);
});

const image: FileContent = { kind: 'image', mime: 'image/png', data: PNG };

/** A message with one file of each name, of which the images are PNGs. */
function withFiles(text: string, files: Record<string, FileContent>, changes: Partial<ChainInput> = {}): ChainInput {
  const refs = Object.entries(files).map(([name, content]) => [{ name }, content] as const);
  const plain = input(text, changes);
  return {
    ...plain,
    message: { ...plain.message, attachments: refs.map(([ref]) => ref) },
    files: new Map<FileRef, FileContent>(refs),
  };
}

const seen = () => model.journal().at(-1)?.messages.slice(1) ?? [];

/** A server that takes no images. */
const blind =
  (reply: ModelReply): ModelOptions['refuses'] =>
  ({ messages }) =>
    messages.some(({ images }) => images !== undefined) ? reply : undefined;

describe('images', () => {
  it('follow the text of their message, which names them', async () => {
    model = await startModel();
    const chain = await testChain({ baseUrl: model.url });
    const { unread, thrown } = await ask(chain, withFiles('What is this?', { 'a.png': image, 'b.png': image }));
    expect(thrown).toBeUndefined();
    expect(unread).toEqual([]);
    expect(seen()).toEqual([
      {
        role: 'user',
        content: 'What is this?\n\n[Images, in the order in which they follow this text: "a.png", "b.png"]',
        images: [URL, URL],
      },
    ]);
  });

  it('are shown again with the same bytes while their message is in the window', async () => {
    model = await startModel();
    const chain = await testChain({ baseUrl: model.url });
    const first = withFiles('What is this?', { 'a.png': image, 'plan.txt': { kind: 'text', text: 'Paint\nit' } });
    await ask(chain, first);
    const [before] = seen();
    const history: ChainInput['history'] = [
      { role: 'user', content: 'What is this?', files: first.message.attachments ?? [] },
      { role: 'assistant', content: 'A house' },
    ];
    await ask(chain, input('What colour is the roof?', { history, files: first.files ?? new Map() }));
    expect(seen()[0]).toEqual(before);
    expect(seen().map(({ role }) => role)).toEqual(['user', 'assistant', 'user']);
    await ask(chain, input('And now?', { history }));
    expect(seen()[0]).toEqual({
      role: 'user',
      content:
        'What is this?\n\n[Attached files, which were shown earlier or could not be read, and are not shown now: "a.png", "plan.txt"]',
    });
  });

  it('are sent as input_image on /responses', async () => {
    const bodies: unknown[] = [];
    const { createServer } = await import('node:http');
    model = await startModel();
    const server = createServer(async (request, response) => {
      const parts: Buffer[] = [];
      for await (const part of request) parts.push(part);
      const { pathname } = new globalThis.URL(request.url ?? '', 'http://localhost');
      if (pathname.endsWith('/chat/completions')) {
        response.writeHead(404, { 'content-type': 'application/json' });
        const message = 'This is not a chat model and thus not supported in the v1/chat/completions endpoint.';
        return void response.end(JSON.stringify({ error: { message, type: 'invalid_request_error' } }));
      }
      bodies.push(JSON.parse(Buffer.concat(parts).toString()));
      response.writeHead(200, { 'content-type': 'text/event-stream' });
      const events = [
        { type: 'response.output_text.delta', delta: 'a house', content_index: 0 },
        { type: 'response.completed', response: { id: 'r', object: 'response', status: 'completed', output: [] } },
      ];
      response.end(events.map((event) => `event: ${event.type}\ndata: ${JSON.stringify(event)}\n\n`).join(''));
    });
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    const address = server.address();
    const port = typeof address === 'object' && address !== null ? address.port : 0;
    try {
      const chain = await testChain({ baseUrl: `http://127.0.0.1:${port}/v1` });
      const { thrown, text } = await ask(chain, withFiles('What is this?', { 'a.png': image }));
      expect([thrown, text]).toEqual([undefined, 'a house']);
      expect(bodies).toMatchObject([
        {
          input: [
            { role: 'system' },
            { role: 'user', content: [{ type: 'input_text' }, { type: 'input_image', image_url: URL }] },
          ],
        },
      ]);
    } finally {
      server.closeAllConnections();
      server.close();
    }
  });

  it('stay with their message when the system message is put before it', async () => {
    const refuses: ModelOptions['refuses'] = ({ messages }) =>
      messages[0]?.role === 'system' ? { status: 400, error: { message: 'System role not supported' } } : undefined;
    model = await startModel({ refuses });
    const { thrown } = await ask(
      await testChain({ baseUrl: model.url }),
      withFiles('What is this?', { 'a.png': image }),
    );
    expect(thrown).toBeUndefined();
    expect(model.journal().at(-1)?.messages).toEqual([
      { role: 'user', content: expect.stringMatching(/^Be brief\.\n\nWhat is this\?\n\n\[Images, /), images: [URL] },
    ]);
  });
});

const error = (message: string, status = 400, more: object = {}): ModelReply => ({
  status,
  error: { message, type: 'invalid_request_error', ...more },
});

/** Refusals of servers and models without vision, in their own words. */
const WORDINGS: readonly (readonly [string, ModelReply])[] = [
  [
    // https://github.com/browser-use/web-ui/issues/274
    'OpenAI, Azure',
    error('Invalid content type. image_url is only supported by certain models.', 400, {
      param: 'messages.[1].content.[1].type',
    }),
  ],
  // https://github.com/studio-dots-ai/dots.ocr/issues/61
  ['vLLM', { status: 400, error: { flat: true, message: 'facebook/opt-125m is not a multimodal model None' } }],
  [
    // vllm/multimodal/processing: `At most {limit} {modality}(s) may be provided in one prompt.`
    'vLLM, limited to texts',
    error('At most 0 image(s) may be provided in one prompt. Set `--limit-mm-per-prompt` to increase this limit.'),
  ],
  // https://github.com/ggml-org/llama.cpp/issues/13566
  ['llama.cpp, at first', error('image input is not supported by this server', 500, { type: 'server_error' })],
  [
    // https://github.com/ggml-org/llama.cpp/issues/15377
    'llama.cpp',
    error('image input is not supported - hint: if this is unexpected, you may need to provide the mmproj', 500),
  ],
  // https://github.com/ollama/ollama/issues/17301
  ['Ollama', error('this model does not support image input (ref: b8bd630e-4a39-4b57-82af-9158ee9d5703)')],
  [
    // https://github.com/valentinfrlch/ha-llmvision/issues/691
    'Ollama, without a projector',
    error(
      'Failed to create new sequence: failed to process inputs: this model is missing data required for image input',
      500,
    ),
  ],
  // https://github.com/lmstudio-ai/lmstudio-bug-tracker/issues/908
  ['LM Studio', error('Model does not support images. Please use a model that does.')],
  // https://github.com/NousResearch/hermes-agent/pull/23411
  ['OpenRouter', error('No endpoints found that support image input', 404, { code: '404' })],
  [
    // https://github.com/rikkahub/rikkahub/issues/1433
    'DeepSeek',
    error(
      'Failed to deserialize the JSON body into the target type: messages[1]: unknown variant `image_url`, expected `text` at line 1 column 679289',
    ),
  ],
  [
    // https://github.com/deepseek-ai/DeepSeek-V3/issues/337
    'DeepSeek, at first',
    error(
      'Failed to deserialize the JSON body into the target type: messages[0]: data did not match any variant of untagged enum ChatCompletionRequestContent at line 1 column 286017',
      422,
    ),
  ],
  [
    // https://github.com/chatboxai/chatbox/issues/1740
    'DeepSeek, in between',
    error(
      'Failed to deserialize the JSON body into the target type: messages[2]: invalid type: sequence, expected a string at line 1 column 2901',
      422,
    ),
  ],
  // https://github.com/vercel/ai/issues/2837
  ['Groq', error('messages[0].content must be a string')],
  [
    // https://github.com/OpenHands/OpenHands/issues/4643
    'Groq, for any role',
    error(
      "'messages.1' : for 'role:user' the following must be satisfied[('messages.1.content' : value must be a string)]",
    ),
  ],
  [
    // As clients of the API record it, with code 3051.
    'Mistral',
    { status: 400, error: { flat: true, message: 'Image input is not enabled for this model', code: '3051' } },
  ],
];

describe('a server without vision', () => {
  it.each(WORDINGS)('is asked again without images at once, and from then on: %s', async (_, reply) => {
    model = await startModel({ refuses: blind(reply) });
    const warnings: string[] = [];
    const chain = await testChain({ baseUrl: model.url }, 20, 1_800, (message) => warnings.push(message));
    const question = withFiles('What is this?', { 'a.png': image });
    const first = await ask(chain, question);
    expect(first.thrown).toBeUndefined();
    expect(first.unread).toEqual([{ name: 'a.png', why: 'no_vision' }]);
    expect(seen()).toEqual([
      {
        role: 'user',
        content:
          'What is this?\n\n[Attached files, which you cannot read; say so where it matters: "a.png" (you cannot see images)]',
      },
    ]);
    expect(model.turnedAway()).toBe(1);
    const second = await ask(chain, question);
    expect(second.unread).toEqual(first.unread);
    expect(model.turnedAway()).toBe(1);
    expect(warnings).toEqual([expect.stringContaining('OPENAI_VISION=off')]);
  });

  it('is not sent any with OPENAI_VISION=off', async () => {
    model = await startModel({ refuses: blind(error('no')) });
    const chain = await testChain({ baseUrl: model.url, vision: 'off' });
    const { unread, thrown } = await ask(chain, withFiles('What is this?', { 'a.png': image }));
    expect([thrown, unread]).toEqual([undefined, [{ name: 'a.png', why: 'no_vision' }]]);
    expect(model.turnedAway()).toBe(0);
  });

  it('is an error of the settings with OPENAI_VISION=on', async () => {
    model = await startModel({ refuses: blind(error('this model does not support image input')) });
    const chain = await testChain({ baseUrl: model.url, vision: 'on' });
    const outcome = await ask(chain, withFiles('What is this?', { 'a.png': image }));
    expect(verdict(outcome)).toMatchObject({ code: 'model_misconfigured', retryable: false });
    expect(String(outcome.thrown)).toContain('OPENAI_VISION');
    expect(model.journal()).toEqual([]);
  });

  it('is not remembered when the request is refused without images as well', async () => {
    let answers = false;
    const reply = error('this model does not support image input');
    model = await startModel({ refuses: () => (answers ? undefined : reply) });
    const chain = await testChain({ baseUrl: model.url });
    const question = withFiles('What is this?', { 'a.png': image });
    expect(verdict(await ask(chain, question))).toMatchObject({ code: 'model_refused_request' });
    answers = true;
    expect((await ask(chain, question)).unread).toEqual([]);
    expect(seen()[0]?.images).toEqual([URL]);
  });
});

describe('an image that the server does not take', () => {
  it.each([
    [
      // https://github.com/vercel/ai/issues/1544
      "You uploaded an unsupported image. Please make sure your image has of one the following formats: ['png', 'jpeg', 'gif', 'webp'].",
      400,
      'malformed',
    ],
    [
      'messages.0.content.1.image.source.base64: image exceeds 5 MB maximum: 5316852 bytes > 5242880 bytes',
      400,
      'too_large',
    ],
    ['At most 1 image(s) may be provided in one prompt.', 400, 'too_large'],
    ['<html>413 Request Entity Too Large</html>', 413, 'too_large'],
  ] as const)('is left out of this request alone: %s', async (message, status, why) => {
    let bad = true;
    model = await startModel({ refuses: (body) => (bad ? blind(error(message, status))?.(body) : undefined) });
    const chain = await testChain({ baseUrl: model.url });
    const question = withFiles('What is this?', { 'a.png': image });
    const { thrown, unread } = await ask(chain, question);
    expect([thrown, unread]).toEqual([undefined, [{ name: 'a.png', why }]]);
    bad = false;
    expect((await ask(chain, question)).unread).toEqual([]);
    expect(seen()[0]?.images).toEqual([URL]);
  });
});

describe('a context that is too small', () => {
  it('is kept to by leaving out images of earlier messages first', async () => {
    model = await startModel({ contextTokens: 1_400 });
    const chain = await testChain({ baseUrl: model.url });
    const earlier = withFiles('What is this?', { 'old.png': image });
    const question = withFiles('And this?', { 'new.png': image });
    const { thrown, unread } = await ask(chain, {
      ...question,
      history: [
        { role: 'user', content: 'What is this?', files: earlier.message.attachments ?? [] },
        { role: 'assistant', content: 'A house' },
      ],
      files: new Map([...(earlier.files ?? []), ...(question.files ?? [])]),
    });
    expect([thrown, unread]).toEqual([undefined, []]);
    expect(seen().at(-1)?.images).toEqual([URL]);
    expect(
      seen()
        .slice(0, -1)
        .flatMap(({ images = [] }) => images),
    ).toEqual([]);
    expect(model.turnedAway()).toBeGreaterThan(0);
  });

  it('is kept to by leaving out images of the message itself last', async () => {
    model = await startModel({ contextTokens: 600 });
    const chain = await testChain({ baseUrl: model.url });
    const { thrown, unread } = await ask(chain, withFiles('What is this?', { 'a.png': image }));
    expect([thrown, unread]).toEqual([undefined, [{ name: 'a.png', why: 'too_large' }]]);
    expect(seen().at(-1)?.content).toContain('"a.png" (too large)');
  });
});
