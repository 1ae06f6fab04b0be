/** The real process against servers with peculiarities, as a new user would meet them. */
import { expect, test } from 'vitest';
import { chatResponse } from '../../src/adapters/http/schemas.ts';
import { messagesIn } from '../../src/i18n/messages.ts';
import { postChat } from '../adapters/http/support.ts';
import type { RunningBot } from '../support/bot-process.ts';
import { ask, detailOf, history, say, useWorkshop, withModel } from './http-support.ts';

const workshop = useWorkshop();

/** Every line of the process is one of its log, and none holds what was said. */
function expectPlainLog(bot: RunningBot, secret: RegExp): void {
  const lines = bot.output().trim().split('\n');
  // The first lines are the startup notice, for people.
  const log = lines.slice(lines.findIndex((line) => line.startsWith('{')));
  for (const line of log) expect(() => JSON.parse(line), line).not.toThrow();
  expect(bot.output()).not.toMatch(secret);
}

test('a local model with 2,048 tokens that thinks aloud and knows no system role talks on for 15 turns', async () => {
  const model = await workshop.makeModel({
    contextTokens: 2_048,
    overflow: (tokens, limit) => ({
      status: 400,
      error: {
        message: 'the request exceeds the available context size',
        type: 'exceed_context_size_error',
        n_prompt_tokens: tokens,
        n_ctx: limit,
      },
    }),
    refuses: ({ messages }) =>
      messages[0]?.role === 'user'
        ? undefined
        : { status: 500, error: { message: 'jinja: System role not supported' } },
    reply: { text: `<think>secret plan</think>\n\n${'Well said. '.repeat(30)}`, pieces: 12 },
  });
  const settings = { ...withModel(model), LOG_LEVEL: 'debug' };
  const bot = await workshop.start(await workshop.makeFolder(), settings);
  for (let turn = 0; turn < 15; turn += 1) {
    expect(await ask(bot, 'ada', `${turn}: ${'my story goes on '.repeat(25)}`)).toBe('Well said. '.repeat(30));
  }
  expect(model.journal()).toHaveLength(15);
  // Once for the role, once or twice for the length.
  expect(model.turnedAway()).toBeLessThanOrEqual(4);
  for (const { messages, raw } of model.journal()) {
    expect(messages.every(({ role }) => role !== 'system')).toBe(true);
    expect(raw).not.toContain('secret');
  }
  expect((await history(bot, 'ada')).total_messages).toBe(30);
  expect(bot.output()).not.toContain('attempt failed');
  expectPlainLog(bot, /secret|story|Well said/);
});

test('a steady slow answer takes longer than TURN_TIMEOUT, and is asked for once', async () => {
  const model = await workshop.makeModel();
  const settings = { ...withModel(model), TURN_TIMEOUT: '3', FIRST_TOKEN_TIMEOUT: '30' };
  const bot = await workshop.start(await workshop.makeFolder(), settings);
  model.script('slowly', { text: '0123456789', pieces: 10, betweenMs: 500 });
  expect(await ask(bot, 'ada', 'Tell me slowly')).toBe('0123456789');
  expect(model.count('Tell me slowly')).toBe(1);
});

test('an answer that takes longer than ANSWER_TIMEOUT is what there is of it by then', async () => {
  const model = await workshop.makeModel();
  const bot = await workshop.start(await workshop.makeFolder(), { ...withModel(model), ANSWER_TIMEOUT: '3' });
  model.script('endless', { text: 'word '.repeat(1_000), pieces: 1_000, betweenMs: 100 });
  const response = await fetch(`${bot.url}/chat`, postChat({ user_id: 'ada', message: 'endless' }));
  const answer = chatResponse.parse(await response.json());
  expect(answer).toMatchObject({ cut: 'time', note: messagesIn('en').cut.time });
  expect((await history(bot, 'ada')).messages[1]?.content).toBe(answer.response);
  expect(model.count('endless')).toBe(1);
});

test('a wrong setting is told as one, and logged once, with its name and no stack', async () => {
  const model = await workshop.makeModel({ reply: { status: 404, error: { message: 'no such model: test' } } });
  const bot = await workshop.start(await workshop.makeFolder(), withModel(model));
  const response = await say(bot, 'ada', 'Hello');
  expect([response.status, await detailOf(response)]).toEqual([502, messagesIn('en').failed.model_misconfigured]);
  const lines = bot
    .output()
    .split('\n')
    .filter((line) => /"level":"(warn|error)"/.test(line));
  expect(lines).toHaveLength(1);
  expect(JSON.parse(lines[0] ?? '')).toMatchObject({ level: 'error', msg: 'turn failed', code: 'model_misconfigured' });
  expect(lines[0]).toMatch(/OPENAI_MODEL/);
  expect(lines[0]).not.toMatch(/"at"|status/);
});

test('a server that reads only the end of a long request is told of, once', async () => {
  // Ollama counts what it has read: https://github.com/ollama/ollama/blob/main/docs/faq.mdx (context window size)
  const model = await workshop.makeModel();
  const bot = await workshop.start(await workshop.makeFolder(), { ...withModel(model), MAX_CONTEXT_TOKENS: '20000' });
  const said = { choices: [{ delta: { content: 'Hi' }, finish_reason: 'stop' }] };
  const usage = { choices: [], usage: { prompt_tokens: 1_100, completion_tokens: 1, total_tokens: 1_101 } };
  const raw = [said, usage, '[DONE]'].map((event) => `data: ${event === '[DONE]' ? event : JSON.stringify(event)}\n\n`);
  model.script('long', { raw }, { raw });
  for (const part of ['one', 'two']) expect(await ask(bot, 'ada', `long ${part} ${'word '.repeat(1_500)}`)).toBe('Hi');
  await expect.poll(() => bot.output()).toContain('OLLAMA_CONTEXT_LENGTH');
  expect(bot.output().match(/OLLAMA_CONTEXT_LENGTH/g)).toHaveLength(1);
});
