/** What a model thinks aloud is never a part of its answer. */
import fc from 'fast-check';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { createReasoningFilter } from '../../src/chain/wire/reasoning.ts';
import { type FakeModel, type ModelReply, startModel } from '../support/model.ts';
import { runs } from '../support/tier.ts';
import { ask, input, said, testChain, verdict } from './harness.ts';

interface Torn {
  readonly start?: Parameters<typeof createReasoningFilter>[0];
  readonly cutOff?: boolean;
}

/** The answer that is left when a text comes in these pieces. */
function filtered(pieces: readonly string[], { start, cutOff = false }: Torn = {}): string {
  const filter = createReasoningFilter(start ?? 'answer');
  let shown = '';
  for (const piece of pieces) {
    const { text, restart } = filter.push(piece);
    shown = restart ? text : shown + text;
  }
  return shown + filter.end(cutOff);
}

const CASES: readonly (readonly [string, string])[] = [
  ['<think>secret</think>Hello', 'Hello'],
  ['<think>\nsecret\n</think>\n\nHello\n\nyou', 'Hello\n\nyou'],
  ['  <THINK>secret</Think >Hello', 'Hello'],
  ['<thinking>secret</thinking>Hello', 'Hello'],
  ['<reasoning>secret</reasoning>\nHello', 'Hello'],
  ['<thought>secret</thought>Hello', 'Hello'],
  ['secret</think>Hello', 'Hello'],
  ['secret\n```js\nsecret\n```\n</think>\nHello', 'Hello'],
  ['Hello <think>secret</think> you', 'Hello  you'],
  ['<think>secret</think>Hello<think>secret</think> you', 'Hello you'],
  ['<think>secret', ''],
  ['Hello<think>secret', 'Hello'],
  ['Hello <think>secret', 'Hello '],
  ['Hello <think>\nsecret', 'Hello '],
  ['Hello\n<think> secret', 'Hello\n'],
  ['It writes <think> before\nit `thinks`.', 'It writes <think> before\nit `thinks`.'],
  ['Two tags: <think> and <thinking>.', 'Two tags: <think> and <thinking>.'],
  ['It begins with <think>', 'It begins with <think>'],
  ['It is <think> secret</think>Hello', 'It is Hello'],
  ['<think></think>', ''],
  ['<think>it`s secret</think>Hello', 'Hello'],
  ['<think>```\nsecret</think>Hello', 'Hello'],
  ['<think>secret <b></think>a < b', 'a < b'],
  ['Use `<think>` and `</think>`.', 'Use `<think>` and `</think>`.'],
  ['Use ``a ` <think>`` here', 'Use ``a ` <think>`` here'],
  ['```html\n<think>shown</think>\n```\nHello', '```html\n<think>shown</think>\n```\nHello'],
  ['~~~\n```\n</think>\n~~~\nHello', '~~~\n```\n</think>\n~~~\nHello'],
  ['````\n```\n<think>\n````', '````\n```\n<think>\n````'],
  ['It`s\n<think>secret</think>fine', 'It`s\nfine'],
  ['<thinker>Rodin</thinker>', '<thinker>Rodin</thinker>'],
  ['<b>bold</b> <', '<b>bold</b> <'],
  ['a <think', 'a <think'],
];

describe('reasoning', () => {
  it.each(CASES)('in %j is taken out, however the text is torn', (text, answer) => {
    expect(filtered([text])).toBe(answer);
    expect(filtered([...text])).toBe(answer);
    fc.assert(
      fc.property(fc.array(fc.nat(text.length), { maxLength: 6 }), (cuts) => {
        const at = [0, ...cuts.toSorted((one, other) => one - other), text.length];
        expect(filtered(at.slice(1).map((end, index) => text.slice(at[index], end)))).toBe(answer);
      }),
    );
  });

  it('in any text is taken out in the same way, however it is torn', () => {
    const token = fc.constantFrom(
      '<think>',
      '</think>',
      '<',
      '>',
      '/',
      'think',
      '`',
      '```',
      '~~~',
      '\n',
      ' ',
      'a',
      '😀',
      'Okay',
      ', so',
    );
    const start = fc.constantFrom('answer' as const, 'reasoning' as const, 'unknown' as const);
    fc.assert(
      fc.property(fc.array(token), fc.array(fc.nat(200)), start, fc.boolean(), (tokens, cuts, start, cutOff) => {
        const text = tokens.join('');
        const at = [
          0,
          ...cuts.map((cut) => Math.min(cut, text.length)).toSorted((one, other) => one - other),
          text.length,
        ];
        const pieces = at.slice(1).map((end, index) => text.slice(at[index], end));
        expect(filtered(pieces, { start, cutOff })).toBe(filtered([text], { start, cutOff }));
      }),
      { numRuns: runs(1_000) },
    );
  });

  it('that may have begun before the answer is held back until it is known', () => {
    const filter = createReasoningFilter('reasoning');
    expect(filter.push('secret ')).toEqual({ text: '', restart: false });
    expect(filter.push('</think>Hello')).toEqual({ text: 'Hello', restart: false });
    expect(filtered(['no reasoning at all'], { start: 'reasoning' })).toBe('no reasoning at all');
    expect(filtered(['secret, cut off'], { start: 'reasoning', cutOff: true })).toBe('');
    expect(filtered(['Hello <think>secret</think>you'], { start: 'reasoning' })).toBe('Hello you');
  });

  it.each([
    // How DeepSeek-R1 and QwQ begin: https://github.com/vllm-project/vllm/issues/13125 and https://github.com/ggml-org/llama.cpp/issues/11861
    ['Okay, so the user says secret</think>Hello', 'Hello'],
    ['嗯，用户说 secret</think>你好', '你好'],
    ['The user wants a secret.\n</think>\n\nHello', 'Hello'],
  ])('of a model that nobody knows, %j, is held back by its first words', (text, answer) => {
    const filter = createReasoningFilter('unknown');
    const given = [...text].map((piece) => filter.push(piece));
    expect(given.some(({ restart }) => restart)).toBe(false);
    expect(given.map((each) => each.text).join('') + filter.end(false)).toBe(answer);
  });

  it('is not suspected where the answer begins otherwise, and a suspected answer comes at its end', () => {
    const plain = createReasoningFilter('unknown');
    expect(plain.push('Hel').text).toBe('Hel');
    const suspected = createReasoningFilter('unknown');
    expect(suspected.push('Okay, done').text).toBe('');
    expect(suspected.end(false)).toBe('Okay, done');
    expect(filtered(['Okay, do'], { start: 'unknown', cutOff: true })).toBe('Okay, do');
  });

  it('costs what its length costs', () => {
    const filter = createReasoningFilter('answer');
    let length = 0;
    for (let index = 0; index < 400_000; index += 1) length += filter.push('<<<`').text.length;
    expect(length + filter.end(false).length).toBe(1_600_000);
  });
});

describe('a model that thinks aloud', () => {
  let model: FakeModel;
  beforeEach(async () => {
    model = await startModel();
  });
  afterEach(() => model.close());
  const delta = (fields: object, finish: string | null = null) =>
    `data: ${JSON.stringify({ choices: [{ index: 0, delta: fields, finish_reason: finish }] })}\n\n`;
  const askFor = async (reply: ModelReply, name = 'test-model') => {
    model.script('Hello', reply);
    return await ask(await testChain({ baseUrl: model.url, model: name }), input('Hello'));
  };

  it.each([
    ['tags', { text: '<think>secret plan</think>\n\nHi there!', pieces: 9 }],
    // DeepSeek: https://api-docs.deepseek.com/guides/reasoning_model
    ['reasoning_content', { raw: [delta({ reasoning_content: 'secret' }), delta({ content: 'Hi there!' }, 'stop')] }],
    // OpenRouter, vLLM, Groq: https://openrouter.ai/docs/use-cases/reasoning-tokens
    [
      'reasoning',
      {
        raw: [
          delta({ content: '', reasoning: 'secret', reasoning_details: [{ type: 'reasoning.text', text: 'secret' }] }),
          delta({ content: 'Hi there!' }),
          delta({}, 'stop'),
        ],
      },
    ],
    // Mistral: https://docs.mistral.ai/capabilities/reasoning/
    [
      'typed parts',
      {
        raw: [
          delta({ content: [{ type: 'thinking', thinking: [{ type: 'text', text: 'secret' }] }] }),
          delta({ content: [{ type: 'text', text: 'Hi ' }] }),
          delta({ content: 'there!' }, 'stop'),
        ],
      },
    ],
  ])('in %s answers without it, and is known to be at work', async (_, reply) => {
    const { text, pieces, thrown, working } = await askFor(reply);
    expect({ text, thrown }).toEqual({ text: 'Hi there!', thrown: undefined });
    expect(pieces.join('')).not.toContain('secret');
    expect(working).toBeGreaterThan(0);
  });

  it('from before its first word is taken back when that shows, and is held back from then on', async () => {
    const chain = await testChain({ baseUrl: model.url });
    const reply = { text: 'secret</think>Hi', pieces: 8 };
    model.script('Hello', reply, reply);
    expect((await ask(chain, input('Hello'))).text).toBe('Hi');
    expect((await ask(chain, input('Hello'))).pieces.join('')).toBe('Hi');
  });

  it('is no answer that an overflow may cut off', async () => {
    const chain = await testChain({ baseUrl: model.url });
    const overflow = {
      error: { message: 'the request exceeds the available context size', code: 'context_length_exceeded' },
    };
    const raw = [delta({ content: 'secret' }), delta({ content: '</think>' }), `data: ${JSON.stringify(overflow)}\n\n`];
    model.script('Hello', { raw }, { text: 'Hi' });
    const outcome = await ask(chain, input('Hello', { history: said('one', 'two') }));
    expect(outcome).toMatchObject({ text: 'Hi', cut: undefined, thrown: undefined });
  });

  it('by its name is not shown before it is known where its answer begins', async () => {
    const chain = await testChain({ baseUrl: model.url, model: 'deepseek-r1:8b' });
    model.script('Hello', { text: 'secret</think>Hi', pieces: 8 });
    const shown: string[] = [];
    for await (const event of chain.stream(input('Hello'), new AbortController().signal)) {
      if (event.kind === 'text') shown.push(event.text);
    }
    expect(shown.join('')).toBe('Hi');
  });

  it('and says nothing else has no answer, which is not asked for again', async () => {
    for (const reply of [
      { text: '<think>secret', finishReason: 'length' },
      { text: '<think>secret</think>' },
      { raw: [delta({ reasoning_content: 'secret' }), delta({}, 'length')] },
    ]) {
      expect(verdict(await askFor(reply))).toMatchObject({ code: 'model_only_reasoned', retryable: false });
    }
  });
});
