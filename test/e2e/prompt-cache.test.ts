/** Prompt caches (OpenAI, vLLM, llama.cpp) help where a request begins with the bytes of the one before. */
import { describe, expect, test } from 'vitest';
import { variants } from '../support/tier.ts';
import { ask, EMBEDDED, ON_REDIS, useWorkshop, withModel } from './http-support.ts';

const workshop = useWorkshop();

/** The messages of a request as they were sent, without what ends the list. */
function messagesIn(raw: string): string {
  const from = raw.indexOf('"messages":[');
  const to = raw.lastIndexOf(']');
  if (from < 0 || to < from) throw new Error('no messages');
  return raw.slice(from, to);
}

describe.each(variants([ON_REDIS, EMBEDDED]))('on %s', (_, makeStore) => {
  test('each request begins with all the messages of the one before, and the newest tells its time', async () => {
    const model = await workshop.makeModel();
    const bot = await workshop.start(await workshop.makeFolder(), { ...(await makeStore()), ...withModel(model) });
    const texts = ['Hello', '你好 😀', 'And "this"\nin two lines', 'What day is it?'];
    for (const text of texts) await ask(bot, 'ada', text);
    const requests = model.journal().map(({ raw }) => messagesIn(raw));
    expect(requests).toHaveLength(texts.length);
    for (const [index, request] of requests.entries()) {
      if (index > 0) expect(request.startsWith(`${requests[index - 1]},`)).toBe(true);
      expect(request).toMatch(/\[Sent \d{4}-\d\d-\d\d \d\d:\d\d UTC\]"\}$/);
    }
    expect(model.journal()[0]?.messages[0]?.content).not.toMatch(/\d/);
  });
});

test('a clock in SYSTEM_PROMPT is filled in, and is then the only one', async () => {
  const model = await workshop.makeModel();
  const settings = { ...withModel(model), SYSTEM_PROMPT: 'It is {date}, {time}.' };
  const bot = await workshop.start(await workshop.makeFolder(), settings);
  await ask(bot, 'ada', 'Hello');
  const [call] = model.journal();
  expect(call?.messages[0]?.content).toMatch(/^It is \d{4}-\d\d-\d\d, \d\d:\d\d UTC\.$/);
  expect(call?.raw).not.toContain('[Sent');
});
