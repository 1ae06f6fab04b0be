/** The product from outside: the real process, a real store, and nothing but HTTP. */
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { z } from 'zod';
import { chatResponse, factsResponse, healthResponse, statsResponse } from '../../src/adapters/http/schemas.ts';
import { messagesIn } from '../../src/i18n/messages.ts';
import { allEvents, postChat } from '../adapters/http/support.ts';
import { type FakeModel, startModel } from '../support/model.ts';
import { makePng } from '../support/png.ts';
import { variants } from '../support/tier.ts';
import {
  ask,
  detailOf,
  EMBEDDED,
  history,
  historyUrl,
  ON_REDIS,
  said,
  say,
  useWorkshop,
  withModel,
} from './http-support.ts';

const { shareBot } = useWorkshop();

describe.each(variants([ON_REDIS, EMBEDDED]))('on %s, with no model set up', (_, makeStore) => {
  const run = shareBot(makeStore);

  test('it remembers a name', async () => {
    await ask(run.bot, 'grace', 'My name is Grace Hopper');
    expect(await ask(run.bot, 'grace', 'What is my name?')).toContain('Grace Hopper');
    expect(await ask(run.bot, 'somebody else', 'What is my name?')).not.toContain('Grace');
  });

  test('it remembers a Chinese name', async () => {
    await ask(run.bot, '张三的用户', '我叫张三');
    expect(await ask(run.bot, '张三的用户', '我叫什么名字？')).toContain('张三');
  });
});

describe.each(variants([ON_REDIS, EMBEDDED]))('on %s, with a model', (name, makeStore) => {
  let model: FakeModel;
  beforeAll(async () => {
    model = await startModel();
  });
  afterAll(() => model.close());
  const run = shareBot(async () => ({ ...(await makeStore()), ...withModel(model) }));

  test('the history has both sides, with their times', async () => {
    const before = Date.now();
    const answer = await ask(run.bot, 'history', 'Hello');
    const { messages, total_messages, ttl_remaining } = await history(run.bot, 'history');
    expect(messages.map(({ role, content }) => [role, content])).toEqual([
      ['user', 'Hello'],
      ['assistant', answer],
    ]);
    for (const { timestamp } of messages) expect(Date.parse(timestamp)).toBeGreaterThanOrEqual(before);
    expect(total_messages).toBe(2);
    expect(ttl_remaining).toBeGreaterThan(1700);
    expect(ttl_remaining).toBeLessThanOrEqual(1800);
  });

  test('a conversation with a TTL of 5 seconds is gone after 6', async () => {
    const response = await fetch(
      `${run.bot.url}/chat`,
      postChat({ user_id: 'brief', message: 'My name is Ada', ttl: 5 }),
    );
    const said = performance.now();
    expect(chatResponse.parse(await response.json()).ttl_remaining).toBeLessThanOrEqual(5);
    expect((await history(run.bot, 'brief')).total_messages).toBe(2);
    let there = said;
    const look = async () => {
      const lookedAt = performance.now();
      const { status } = await fetch(historyUrl(run.bot, 'brief'));
      if (status !== 404) there = lookedAt;
      return status;
    };
    // One person's memory is read twice a second: more often is refused after a while.
    await expect.poll(look, { timeout: 20_000, interval: 500 }).toBe(404);
    // Nobody who looked after 6 s saw it; when the test comes to look is another matter.
    expect(there - said).toBeLessThan(6000);
    expect(await detailOf(await fetch(historyUrl(run.bot, 'brief')))).toBe('User not found or expired');
    expect(await ask(run.bot, 'brief', 'What is my name?')).not.toContain('Ada');
  });

  test('a TTL of 5 seconds is not remembered: the next turn has the default again', async () => {
    await fetch(`${run.bot.url}/chat`, postChat({ user_id: 'once', message: 'Hello', ttl: 5 }));
    await ask(run.bot, 'once', 'Hello again');
    expect((await history(run.bot, 'once')).ttl_remaining).toBeGreaterThan(1700);
  });

  test('a TTL may be chosen, and holds for the turns that follow', async () => {
    await ask(run.bot, 'chooser', 'Hello');
    const response = await fetch(`${run.bot.url}/ttl/chooser?new_ttl=300`, { method: 'PUT' });
    expect(response.status).toBe(200);
    expect(await response.json()).toEqual({
      message: 'TTL updated',
      user_id: 'chooser',
      new_ttl: 300,
      ttl_remaining: 300,
    });
    await ask(run.bot, 'chooser', 'Hello again');
    const left = (await history(run.bot, 'chooser')).ttl_remaining;
    expect(left).toBeGreaterThan(200);
    expect(left).toBeLessThanOrEqual(300);
    const chosen = await fetch(`${run.bot.url}/chat`, postChat({ user_id: 'chooser', message: 'Longer', ttl: 1000 }));
    expect(chatResponse.parse(await chosen.json()).ttl_remaining).toBeGreaterThan(900);
    await ask(run.bot, 'chooser', 'Still longer?');
    expect((await history(run.bot, 'chooser')).ttl_remaining).toBeGreaterThan(900);
  });

  test('59 seconds are refused, and a TTL of nobody', async () => {
    await ask(run.bot, 'bounds', 'Hello');
    const refused = await fetch(`${run.bot.url}/ttl/bounds?new_ttl=59`, { method: 'PUT' });
    expect(refused.status).toBe(400);
    expect(await refused.json()).toEqual({ detail: 'TTL must be at least 60 seconds' });
    expect((await history(run.bot, 'bounds')).ttl_remaining).toBeGreaterThan(1700);
    const nobody = await fetch(`${run.bot.url}/ttl/nobody?new_ttl=300`, { method: 'PUT' });
    expect(nobody.status).toBe(404);
    expect(await nobody.json()).toEqual({ detail: 'User not found' });
  });

  test('a history can be cleared, once', async () => {
    await ask(run.bot, 'leaver', 'My name is Ada');
    const response = await fetch(historyUrl(run.bot, 'leaver'), { method: 'DELETE' });
    expect(await response.json()).toEqual({ message: 'History cleared', user_id: 'leaver' });
    expect((await fetch(historyUrl(run.bot, 'leaver'))).status).toBe(404);
    const again = await fetch(historyUrl(run.bot, 'leaver'), { method: 'DELETE' });
    expect(again.status).toBe(404);
    expect(await again.json()).toEqual({ detail: 'User not found' });
    expect(await ask(run.bot, 'leaver', 'What is my name?')).not.toContain('Ada');
  });

  test('an answer that the model ended early says so beside it, and memory holds what there is of it', async () => {
    for (const [finishReason, cut] of [
      ['length', 'length'],
      ['content_filter', 'filtered'],
    ] as const) {
      for (const locale of ['en', 'zh-CN'] as const) {
        const user = `early ${finishReason} ${locale}`;
        model.script(user, { text: 'Once upon a', finishReason });
        const headers = { 'Accept-Language': locale };
        const response = await fetch(`${run.bot.url}/chat`, postChat({ user_id: user, message: user }, headers));
        const note = messagesIn(locale).cut[cut];
        expect(await response.json()).toMatchObject({ response: 'Once upon a', cut, note });
        expect((await history(run.bot, user)).messages[1]?.content).toBe('Once upon a');
      }
    }
  });

  test('a stream brings the answer in pieces, and then whole', async () => {
    const response = await say(run.bot, 'streamer', 'My name is Grace Hopper', { Accept: 'text/event-stream' });
    const events = (await allEvents(response)).filter(({ event }) => event !== ':');
    expect(events[0]?.event).toBe('turn');
    const deltas = events
      .filter(({ event }) => event === 'delta')
      .map(({ data }) => z.object({ text: z.string() }).parse(data));
    const last = events.at(-1);
    expect(last?.event).toBe('done');
    expect(deltas.map(({ text }) => text).join('')).toBe(chatResponse.parse(last?.data).response);
  });

  test('messages sent at once are answered in the order in which they were stored, never interleaved', async () => {
    await Promise.all(Array.from({ length: 12 }, (_, index) => ask(run.bot, 'crowd', `Message ${index}`)));
    const { messages } = await history(run.bot, 'crowd');
    expect(messages.map(({ role }) => role)).toEqual(Array.from({ length: 12 }, () => ['user', 'assistant']).flat());
    expect(new Set(messages.filter(({ role }) => role === 'user').map(({ content }) => content)).size).toBe(12);
  });

  test('an Idempotency-Key gives the first answer again, and refuses another body', async () => {
    const key = { 'Idempotency-Key': 'key-1' };
    const all = await Promise.all([1, 2, 3, 4].map(() => say(run.bot, 'idem', 'Hello', key)));
    const bodies = await Promise.all(all.map(async (response) => chatResponse.parse(await response.json())));
    expect(new Set(bodies.map(({ response, timestamp }) => `${timestamp} ${response}`)).size).toBe(1);
    expect((await history(run.bot, 'idem')).total_messages).toBe(2);
    expect((await say(run.bot, 'idem', 'Something else', key)).status).toBe(422);
    expect((await say(run.bot, 'idem two', 'Something else', key)).status).toBe(200);
    expect((await history(run.bot, 'idem')).total_messages).toBe(2);
  });

  test.each([
    'a:b',
    '*',
    '?',
    '[a-z]*',
    '{http:grace}',
    'a/b',
    'a%2Fb',
    '👩‍🚀',
    ' ',
    'a\\b',
    'x\u0000y',
    "'; DROP TABLE",
    'é',
    'e\u0301',
  ])('the user_id %j is one conversation of its own', async (id) => {
    expect((await fetch(historyUrl(run.bot, id))).status).toBe(404);
    await ask(run.bot, 'bystander', 'Hello');
    await ask(run.bot, id, `I am ${JSON.stringify(id)}`);
    expect(await said(run.bot, id)).toHaveLength(2);
    expect((await fetch(historyUrl(run.bot, id), { method: 'DELETE' })).status).toBe(200);
    expect((await fetch(historyUrl(run.bot, id))).status).toBe(404);
    expect((await fetch(historyUrl(run.bot, 'bystander'))).status).toBe(200);
  });

  test('a history cleared in mid-answer stays cleared, and whoever waits is told', async () => {
    model.script('slow question', { sent: 0, end: 'hang' });
    const asked = say(run.bot, 'leaver in haste', 'slow question');
    await model.called('slow question');
    expect((await fetch(historyUrl(run.bot, 'leaver in haste'), { method: 'DELETE' })).status).toBe(200);
    const response = await asked;
    expect(response.status).toBe(410);
    expect(await detailOf(response)).toMatch(/forgotten/);
    expect((await fetch(historyUrl(run.bot, 'leaver in haste'))).status).toBe(404);
    expect(await ask(run.bot, 'leaver in haste', 'Hello')).toBe('echo: Hello');
  });

  test('files go to the model with their message and are forgotten with the answer; a damaged one is named', async () => {
    const user = 'with files';
    const data = makePng(8, 8).toString('base64');
    const send = async (message: string, attachments: readonly object[]) => {
      const response = await fetch(`${run.bot.url}/chat`, postChat({ user_id: user, message, attachments }));
      expect(response.status).toBe(200);
      return chatResponse.strict().parse(await response.json());
    };
    const shown = () => model.journal().at(-1)?.messages ?? [];
    model.script('What is this?', { text: 'A house' });
    const text = Buffer.from('Paint the roof').toString('base64');
    const read = await send('What is this?', [
      { name: 'house.png', type: 'image/png', data },
      { name: 'plan.txt', type: 'text/plain', data: text },
    ]);
    expect([read.unread, read.note]).toEqual([undefined, undefined]);
    expect(shown().at(-1)?.images).toEqual([`data:image/png;base64,${data}`]);
    expect(shown().at(-1)?.content).toMatch(
      /^\[File "plan\.txt"[^\]]*\]\n> Paint the roof\n.*What is this\?.*"house\.png"\]/s,
    );
    expect((await history(run.bot, user)).messages[0]).toMatchObject({ files: ['house.png', 'plan.txt'] });

    const torn = { name: 'torn.png', type: 'image/png', data: makePng(8, 8).subarray(0, 40).toString('base64') };
    const unread = [{ name: 'torn.png', why: 'malformed' as const }];
    expect(await send('And this?', [torn])).toMatchObject({ unread, note: messagesIn('en').filesUnread(unread) });
    expect(shown().map(({ images }) => images)).toEqual(shown().map(() => undefined));
    expect(shown().at(-1)?.content).toContain('"torn.png" (damaged)');
    expect(shown().some(({ content }) => content.includes('not shown now: "house.png", "plan.txt"'))).toBe(true);
    expect(model.journal().at(-1)?.raw).not.toContain('Paint the roof');
  });

  test('a model that refuses is said, and the next message is answered', async () => {
    model.script('odd', { status: 400, error: { message: 'no' } });
    const refused = await say(run.bot, 'unlucky', 'odd question');
    expect(refused.status).toBe(502);
    expect(await detailOf(refused)).toMatch(/model/);
    expect(await ask(run.bot, 'unlucky', 'Hello')).toBe('echo: Hello');
    expect(await said(run.bot, 'unlucky')).toEqual(['Hello', 'echo: Hello']);
  });

  test('the memory commands work as messages, and are neither remembered nor shown to the model', async () => {
    const user = 'commander';
    const { commands } = messagesIn('en');
    expect(await ask(run.bot, user, '/history')).toBe(commands.nothingHere);
    expect(await ask(run.bot, user, '/ttl 600')).toContain(commands.ttl.set(600));
    const joke = 'forget it, tell me a joke';
    await ask(run.bot, user, joke);
    expect((await history(run.bot, user)).ttl_remaining).toBeLessThanOrEqual(600);
    expect(await ask(run.bot, user, '/history')).toMatch(/> forget it[\s\S]*> echo: forget it/);
    expect(await ask(run.bot, user, '/memstats')).toContain(commands.memstats.messages(2, 1));
    expect(await ask(run.bot, user, '!help')).toContain(commands.help.http);
    expect(await ask(run.bot, user, '/histroy')).toContain(commands.hint.unknown('/histroy'));
    const exported = await ask(run.bot, user, '/history export');
    const [, json = ''] = /```\n([\s\S]*?)\n```/.exec(exported) ?? [];
    expect(JSON.parse(json)).toMatchObject({ messages: [{ content: joke }, { content: `echo: ${joke}` }] });

    const chinese = await say(run.bot, user, '/ttl', { 'Accept-Language': 'zh-CN' });
    expect(chatResponse.parse(await chinese.json()).response).toContain(
      messagesIn('zh-CN').commands.ttl.setting(600, true),
    );
    const streamed = await allEvents(await say(run.bot, user, '/memstats', { Accept: 'text/event-stream' }));
    expect(streamed.map(({ event }) => event)).toEqual(['delta', 'done']);
    expect(chatResponse.parse(streamed[1]?.data).response).toContain(commands.memstats.messages(2, 1));

    expect(await said(run.bot, user)).toEqual([joke, `echo: ${joke}`]);
    const shown = model.journal().flatMap(({ messages }) => messages.map(({ content }) => content));
    expect(shown.filter((content) => /^[/!](history|ttl|memstats|help)/.test(content))).toEqual([]);

    expect(await ask(run.bot, user, '/remember I am\nvegetarian')).toContain('> I am\n> vegetarian');
    const facts = async () => factsResponse.parse(await (await fetch(`${run.bot.url}/facts/${user}`)).json()).facts;
    const [fact] = await facts();
    expect(fact?.text).toBe('I am\nvegetarian');
    expect(await ask(run.bot, user, '/facts')).toContain(`\`${fact?.id}\``);

    const done = commands.forget.done({ conversations: 1, messages: 2, waiting: 0, facts: 0 });
    expect(await ask(run.bot, user, '/forget')).toBe(`${done}\n${commands.forget.factsStay(1)}`);
    expect(await ask(run.bot, user, `/facts remove ${fact?.id}`)).toContain(commands.facts.removed);
    expect(await facts()).toEqual([]);
    expect((await fetch(historyUrl(run.bot, user))).status).toBe(404);
    expect(await ask(run.bot, user, '/ttl')).toContain(commands.ttl.setting(600, true));
  });

  test('a fact is shown to the model with each message of its user, after /forget too, until it is removed', async () => {
    const [user, other] = ['with a fact', 'without a fact'];
    const url = (id: string) => `${run.bot.url}/facts/${encodeURIComponent(id)}`;
    const kept = await fetch(url(user), postChat({ text: 'My cat is called Tom' }));
    expect(kept.status).toBe(201);
    /** Whether the model is shown it with this message. */
    const isShown = async (id: string, text: string) => {
      await ask(run.bot, id, text);
      return JSON.stringify(model.journal().findLast((call) => call.text === text)?.messages).includes('called Tom');
    };
    expect(await isShown(user, 'first question')).toBe(true);
    expect(await isShown(other, 'a question of another')).toBe(false);
    await ask(run.bot, user, '/forget');
    expect(await isShown(user, 'second question')).toBe(true);
    expect((await fetch(url(user), { method: 'DELETE' })).status).toBe(200);
    expect(await isShown(user, 'third question')).toBe(false);
  });

  test('a message that asks to be remembered is answered with a note beside it, once, however it is fetched', async () => {
    const note = messagesIn('en').rememberHint;
    const user = 'forgetful';
    const text = 'Remember that I live in Oslo';
    const headers = { 'Idempotency-Key': 'told-once' };
    for (let n = 0; n < 2; n += 1) {
      const { response, note: shown } = chatResponse.parse(await (await say(run.bot, user, text, headers)).json());
      expect([response, shown]).toEqual([`echo: ${text}`, note]);
    }
    const later = chatResponse.parse(await (await say(run.bot, user, text)).json());
    expect([later.response, later.note]).toEqual([`echo: ${text}`, undefined]);
    const streamed = await allEvents(
      await say(run.bot, 'forgetful in a stream', text, { Accept: 'text/event-stream' }),
    );
    expect(chatResponse.parse(streamed.at(-1)?.data)).toMatchObject({ response: `echo: ${text}`, note });
    expect(await said(run.bot, user)).toEqual([text, `echo: ${text}`, text, `echo: ${text}`]);
  });

  test('/forget in mid-answer: whoever waits for the answer is told', async () => {
    model.script('slow riddle', { sent: 0, end: 'hang' });
    const asked = say(run.bot, 'riddler', 'slow riddle');
    await model.called('slow riddle');
    expect(await ask(run.bot, 'riddler', '/history')).toBe(messagesIn('en').commands.nothingHere);
    expect(await ask(run.bot, 'riddler', '/forget')).toBe(
      messagesIn('en').commands.forget.done({ conversations: 1, messages: 0, waiting: 1, facts: 0 }),
    );
    expect((await asked).status).toBe(410);
    expect((await fetch(historyUrl(run.bot, 'riddler'))).status).toBe(404);
  });

  describe('bad input gets a clear error and loses nothing', () => {
    const big = JSON.stringify({ user_id: 'victim', message: 'x'.repeat(10 * 1024 * 1024) });
    const chat = (body: string) => ['/chat', postChat(body)] as const;
    test.each<readonly [string, number, readonly [string, RequestInit]]>([
      ['a body of 10 MB', 413, chat(big)],
      ['invalid JSON', 400, chat('{"user_id": "victim", "message": ')],
      ['an empty body', 400, chat('')],
      ['a list', 422, chat('[]')],
      ['no message', 422, chat('{"user_id":"victim"}')],
      ['no user_id', 422, chat('{"message":"x"}')],
      ['a number as user_id', 422, chat('{"user_id":7,"message":"x"}')],
      ['an object as message', 422, chat('{"user_id":"victim","message":{}}')],
      ['an empty message', 422, chat('{"user_id":"victim","message":"  "}')],
      ['an empty user_id', 422, chat('{"user_id":"","message":"x"}')],
      ['an overlong user_id', 422, chat(JSON.stringify({ user_id: 'x'.repeat(129), message: 'x' }))],
      ['an overlong message', 422, chat(JSON.stringify({ user_id: 'victim', message: 'x'.repeat(8001) }))],
      ['a lone surrogate as user_id', 422, chat('{"user_id":"\\ud800","message":"x"}')],
      ['a lone surrogate in the message', 422, chat('{"user_id":"victim","message":"\\udfff"}')],
      ['a TTL of 0', 400, chat('{"user_id":"victim","message":"x","ttl":0}')],
      ['a negative TTL', 400, chat('{"user_id":"victim","message":"x","ttl":-60}')],
      ['a huge TTL', 400, chat('{"user_id":"victim","message":"x","ttl":1e15}')],
      ['a fractional TTL', 400, chat('{"user_id":"victim","message":"x","ttl":60.5}')],
      ['a TTL in words', 400, chat('{"user_id":"victim","message":"x","ttl":"60"}')],
      ['another content type', 415, ['/chat', { method: 'POST', body: '{"user_id":"victim","message":"x"}' }]],
      ['a new_ttl of 0', 400, ['/ttl/victim?new_ttl=0', { method: 'PUT' }]],
      ['a negative new_ttl', 400, ['/ttl/victim?new_ttl=-1', { method: 'PUT' }]],
      ['a huge new_ttl', 400, ['/ttl/victim?new_ttl=99999999999999999999', { method: 'PUT' }]],
      ['a fractional new_ttl', 400, ['/ttl/victim?new_ttl=60.5', { method: 'PUT' }]],
      ['no new_ttl', 400, ['/ttl/victim', { method: 'PUT' }]],
      ['a path that is not UTF-8', 422, ['/history/%ED%A0%80', {}]],
      ['an unknown route', 404, ['/histories/victim', {}]],
      ['a wrong method', 405, ['/chat', { method: 'PUT' }]],
      [
        'a page of another origin',
        403,
        ['/history/victim', { method: 'DELETE', headers: { Origin: 'https://evil.example' } }],
      ],
    ])('%s: %i', async (_, status, [path, init]) => {
      await fetch(historyUrl(run.bot, 'victim'), { method: 'DELETE' });
      await ask(run.bot, 'victim', 'Hello');
      const before = await history(run.bot, 'victim');
      const response = await fetch(run.bot.url + path, init);
      expect(response.status).toBe(status);
      expect(await detailOf(response)).toMatch(/\w{3,}/);
      const after = await history(run.bot, 'victim');
      expect(after.messages).toEqual(before.messages);
      expect(after.ttl_remaining).toBeGreaterThan(1700);
    });
  });

  test('the service tells how it is doing', async () => {
    await ask(run.bot, 'counted', 'Hello');
    const onRedis = name === 'Redis';
    const stats = statsResponse.strict().parse(await (await fetch(`${run.bot.url}/stats`)).json());
    expect(stats.total_users).toBeGreaterThan(0);
    expect(stats.total_messages).toBeGreaterThanOrEqual(2);
    if (onRedis) expect(stats.redis_version).toMatch(/^\d+\.\d+/);
    else expect(stats).toMatchObject({ redis_version: null, connected_clients: null, store: 'sqlite' });
    const health = healthResponse.strict().parse(await (await fetch(`${run.bot.url}/health`)).json());
    expect(health).toMatchObject({ status: 'healthy', redis: onRedis ? 'connected' : 'not configured' });
    expect(await (await fetch(`${run.bot.url}/metrics`)).text()).toMatch(/^# HELP /m);
    expect((await fetch(`${run.bot.url}/openapi.json`)).status).toBe(200);
    expect((await fetch(`${run.bot.url}/docs`)).status).toBe(200);
  });
});
