import { setTimeout as sleep } from 'node:timers/promises';
import { afterEach, describe, expect, it } from 'vitest';
import { freePort } from './free-port.ts';
import { type FakeModel, type ModelOptions, startModel } from './model.ts';

let started: FakeModel[] = [];
afterEach(async () => {
  await Promise.all(started.map((model) => model.close()));
  started = [];
});

async function start(options?: ModelOptions): Promise<FakeModel> {
  const model = await startModel(options);
  started.push(model);
  return model;
}

function post(model: FakeModel, body: unknown, init: RequestInit = {}): Promise<Response> {
  return fetch(`${model.url}/chat/completions`, { method: 'POST', body: JSON.stringify(body), ...init });
}

function request(...contents: string[]): object {
  const messages = contents.map((content, index) => ({ role: index % 2 === 0 ? 'user' : 'assistant', content }));
  return { model: 'm', stream: true, messages };
}

/** The text of all pieces; the number of pieces; and whether the end was marked. */
async function answerOf(response: Response) {
  const events = (await response.text()).split('\n\n').map((event) => event.replace(/^data: /, ''));
  const deltas = events
    .filter((event) => event.startsWith('{'))
    .map((event) => JSON.parse(event).choices[0].delta.content)
    .filter((content) => content !== undefined);
  return { text: deltas.join(''), pieces: deltas.length, done: events.includes('[DONE]') };
}

describe('the fake model', () => {
  it('answers by what was said last, in as many pieces as it is told', async () => {
    const model = await start({ reply: { pieces: 5, betweenMs: 1 } });
    expect(await answerOf(await post(model, request('one', 'two', '三 😀')))).toEqual({
      text: 'echo: 三 😀',
      pieces: 5,
      done: true,
    });
    expect(model.journal()).toMatchObject([{ number: 1, text: '三 😀', attempt: 1, messages: [{}, {}, {}] }]);
    expect(await model.journal()[0]?.ended).toBe('answered');
  });

  it('refuses what a strict server refuses, and says so', async () => {
    const model = await start();
    const messages = request('hi');
    const faulty: unknown[] = [
      { ...messages, stream: 'no' },
      { ...messages, stream_options: { include_usage: 'yes' } },
      { ...messages, model: '' },
      { ...messages, messages: [] },
      {
        ...messages,
        messages: [
          { role: 'user', content: 'a' },
          { role: 'user', content: 'b' },
        ],
      },
      {
        ...messages,
        messages: [
          { role: 'assistant', content: 'a' },
          { role: 'user', content: 'b' },
        ],
      },
      {
        ...messages,
        messages: [
          { role: 'user', content: 'a' },
          { role: 'system', content: 'b' },
        ],
      },
      { ...messages, messages: [{ role: 'user', content: 'a', name: 'Ada' }] },
      request('a', 'b'),
      request('\uD800'),
    ];
    for (const body of faulty) expect((await post(model, body)).status).toBe(400);
    expect((await fetch(`${model.url}/models`)).status).toBe(404);
    expect(model.refused()).toHaveLength(faulty.length + 1);
    expect(model.journal()).toEqual([]);
  });

  it('fails the same share of the calls for the same seed, whatever the order, and not for ever', async () => {
    const statuses = async (seed: number, order: readonly number[]) => {
      const model = await start({ failShare: 0.3, seed });
      const all = new Map<number, number>();
      await Promise.all(order.map(async (index) => all.set(index, (await post(model, request(`q${index}`))).status)));
      const again = await Promise.all(order.map(async (index) => (await post(model, request(`q${index}`))).status));
      return { first: order.toSorted((one, other) => one - other).map((index) => all.get(index)), again };
    };
    const forth = Array.from({ length: 60 }, (_, index) => index);
    const one = await statuses(1, forth);
    expect((await statuses(1, forth.toReversed())).first).toEqual(one.first);
    expect((await statuses(2, forth)).first).not.toEqual(one.first);
    const failed = one.first.filter((status) => status === 500).length;
    expect(failed).toBeGreaterThan(6);
    expect(failed).toBeLessThan(30);
    expect(one.again).not.toEqual(one.first);
  });

  it('counts the calls per message, and answers a thousand', async () => {
    const model = await start({ reply: { pieces: 4 } });
    const texts = Array.from({ length: 1_000 }, (_, index) => `message ${index % 500}`);
    for (let from = 0; from < texts.length; from += 100) {
      await Promise.all(texts.slice(from, from + 100).map(async (text) => (await post(model, request(text))).text()));
    }
    expect(model.journal()).toHaveLength(1_000);
    expect(new Set(texts.map((text) => model.count(text)))).toEqual(new Set([2]));
    expect(model.count('message')).toBe(0);
  });

  it('hangs on what it is told to, and goes on when it is released', async () => {
    const model = await start({ hangOn: 'HANG' });
    const hanging = post(model, request('please HANG'));
    await model.called('HANG');
    expect(await answerOf(await post(model, request('other')))).toMatchObject({ text: 'echo: other' });
    expect(await Promise.race([hanging, sleep(20, 'still hanging')])).toBe('still hanging');
    model.release();
    expect(await answerOf(await hanging)).toMatchObject({ text: 'echo: please HANG', done: true });
  });

  it('sends the rest of an answer that hung in the middle', async () => {
    const model = await start();
    model.script('hi', { text: 'abcdef', pieces: 3, sent: 2, end: 'hang' });
    const response = await post(model, request('hi'));
    model.release();
    expect(await answerOf(response)).toEqual({ text: 'abcdef', pieces: 3, done: true });
  });

  it('follows a script once, call by call', async () => {
    const model = await start();
    model.script(
      'hi',
      { status: 503, headers: { 'retry-after': '3' } },
      { text: 'second', sent: 1, end: 'close', pieces: 2 },
    );
    const first = await post(model, request('hi'));
    expect([first.status, first.headers.get('retry-after')]).toEqual([503, '3']);
    expect(await answerOf(await post(model, request('hi')))).toEqual({ text: 'sec', pieces: 1, done: false });
    expect(await answerOf(await post(model, request('hi')))).toMatchObject({ text: 'echo: hi', done: true });
    expect(await Promise.all(model.journal().map(({ ended }) => ended))).toEqual(['failed', 'broken', 'answered']);
  });

  it('notices a client that goes away, before the answer and in the middle of it', async () => {
    const model = await start();
    for (const sent of [0, 1]) {
      model.script(`leave ${sent}`, { sent, end: 'hang' });
      const leave = new AbortController();
      const posting = post(model, request(`leave ${sent}`), { signal: leave.signal }).catch(() => undefined);
      const call = await model.called(`leave ${sent}`);
      if (sent > 0) await posting;
      leave.abort();
      expect(await call.ended).toBe('abandoned');
      await posting;
    }
  });

  it('comes back on the same port', async () => {
    const port = await freePort();
    const first = await startModel({}, port);
    await first.close();
    const second = await startModel({}, port);
    started.push(second);
    expect(second.url).toBe(first.url);
    expect((await post(second, request('hi'))).status).toBe(200);
  });
});
