/** The memory commands as messages of POST /chat, on a real store. */
import { describe, expect, test } from 'vitest';
import { z } from 'zod';
import { createHttpApp } from '../../../src/adapters/http/app.ts';
import { sessionOf } from '../../../src/adapters/http/normalize.ts';
import { chatResponse } from '../../../src/adapters/http/schemas.ts';
import { createCommands } from '../../../src/commands/commands.ts';
import { BotError } from '../../../src/errors.ts';
import { messagesIn } from '../../../src/i18n/messages.ts';
import { depsOf, talk } from '../../commands/suite/support.ts';
import { contents, useStore } from '../../contracts/store/support.ts';
import { makeSqliteFixture } from '../../memory/sqlite-fixture.ts';
import { allEvents, createTestApp, NOW, postChat } from './support.ts';

const harness = useStore(makeSqliteFixture);
const { commands } = messagesIn('en');

/** An app whose memory and commands are real; its model answers nothing. */
function createApp() {
  const { deps, bot } = createTestApp();
  const { store } = harness;
  const port = { ...bot, memory: store, stats: store, commands: createCommands(depsOf(store)) };
  const app = createHttpApp({ ...deps, bot: port }, { local: true });
  const post = (message: string, headers: Record<string, string> = {}, user = 'grace') =>
    app.request('/chat', postChat({ user_id: user, message }, headers));
  const say = async (message: string, headers: Record<string, string> = {}, user = 'grace') => {
    const response = await post(message, headers, user);
    expect(response.status).toBe(200);
    return chatResponse.strict().parse(await response.json());
  };
  return { bot, deps, post, say, app };
}
/** A turn of this user, as if it had been answered before. */
const remember = (user: string, id: string) =>
  talk(harness.store, sessionOf(user), id, { author: { id: user, name: user }, platform: 'http', isDirect: true });

describe('a message that is a command', () => {
  test('is run, and neither stored nor shown to the model', async () => {
    const { say, bot } = createApp();
    expect((await say('/history')).response).toBe(commands.nothingHere);
    await remember('grace', 'm1');
    const { response, user_id, timestamp, ttl_remaining } = await say('/history');
    expect(response).toMatch(/> text of m1[\s\S]*> answer to m1/);
    expect([user_id, timestamp]).toEqual(['grace', new Date(NOW).toISOString()]);
    expect(ttl_remaining).toBeGreaterThan(1700);
    expect((await say('!memstats')).response).toContain(commands.memstats.messages(2, 1));
    expect((await say('/help')).response).toContain(commands.help.http);
    expect((await say('/histroy')).response).toContain(commands.hint.unknown('/histroy'));
    expect(bot.taken).toEqual([]);
    expect(await contents(harness.store, sessionOf('grace'))).toHaveLength(2);
  });

  test('is one as a whole only: a bare word goes to the model', async () => {
    const { app, bot, deps } = createTestApp();
    deps.bot.commands.readText = createCommands(depsOf(harness.store)).readText;
    bot.answerWith = (message) => `You said: ${message.text}`;
    for (const text of ['history', 'forget', 'forget it, tell me a joke', 'please /forget', '/forget\nand more']) {
      const response = await app.request('/chat', postChat({ user_id: 'grace', message: text }));
      expect(await response.json()).toMatchObject({ response: `You said: ${text}` });
    }
  });

  test('chooses the TTL, before the first message too, and names the bounds', async () => {
    const { say } = createApp();
    expect((await say('/ttl 600')).response).toContain(commands.ttl.set(600));
    expect(await harness.store.ttl(sessionOf('grace'))).toMatchObject({ choice: 600 });
    await remember('grace', 'm1');
    expect((await say('/ttl 2h')).ttl_remaining).toBe(7200);
    expect((await say('/ttl 5')).response).toBe(commands.ttl.bounds(60, 2_592_000));
  });

  test('forgets at once, and everywhere after a word of confirmation', async () => {
    const { say } = createApp();
    await remember('grace', 'm1');
    await remember('ada', 'm2');
    const forgotten = commands.forget.done({ conversations: 1, messages: 2, waiting: 0, facts: 0 });
    expect(await say('/forget')).toMatchObject({ response: forgotten, ttl_remaining: 0 });
    await remember('grace', 'm3');
    expect((await say('/forget everywhere')).response).toContain('`/forget everywhere confirm`');
    expect(await contents(harness.store, sessionOf('grace'))).toHaveLength(2);
    expect((await say('/forget everywhere confirm')).response).toBe(forgotten);
    expect(await contents(harness.store, sessionOf('grace'))).toEqual([]);
    expect(await contents(harness.store, sessionOf('ada'))).toHaveLength(2);
  });

  test('exports within the answer, in fences that nothing in it can end', async () => {
    const { say } = createApp();
    const fenced = 'Look: ```` not the end';
    await talk(harness.store, sessionOf('grace'), 'm1', { author: { id: 'grace', name: 'grace' }, text: fenced });
    const { response } = await say('/history export');
    expect(response).toContain(commands.history.exported(2));
    const [, json = ''] = /\n(`{5})\n([\s\S]*?)\n\1/.exec(response)?.slice(1) ?? [];
    const exported = z.object({ messages: z.array(z.object({ content: z.string() })) }).parse(JSON.parse(json));
    expect(exported.messages.map(({ content }) => content)).toEqual([fenced, 'answer to m1']);
    expect(response.match(/^conversation-\d{4}-\d\d-\d\d\.(json|md)$/gm)).toHaveLength(2);
  });

  test('is answered in the caller’s language', async () => {
    const { say } = createApp();
    const chinese = { 'Accept-Language': 'zh-CN,zh;q=0.9,en;q=0.8' };
    expect((await say('/forget', chinese)).response).toBe(messagesIn('zh-CN').commands.nothingHere);
    expect((await say('/ttl 600', chinese)).response).toContain(messagesIn('zh-CN').commands.ttl.set(600));
  });

  test('is streamed to whoever wants a stream', async () => {
    const { post } = createApp();
    await remember('grace', 'm1');
    const response = await post('/history', { Accept: 'text/event-stream' });
    expect(response.headers.get('content-type')).toBe('text/event-stream');
    expect(response.headers.get('x-accel-buffering')).toBe('no');
    const [delta, done, ...more] = await allEvents(response);
    expect(more).toEqual([]);
    expect(done?.event).toBe('done');
    const answer = chatResponse.strict().parse(done?.data);
    expect(answer.response).toContain('> text of m1');
    expect(delta).toEqual({ event: 'delta', data: { text: answer.response } });
  });

  test('says that the store is away as every request does, and is not taken when the bot is ending', async () => {
    const { deps, app, post } = createApp();
    const port = { ...deps.bot, ...createTestApp().bot, commands: createCommands(depsOf(harness.store)) };
    port.commands.run = async () => {
      throw new BotError('store_unavailable', 'away', { retryable: true });
    };
    const away = createHttpApp({ ...deps, bot: port }, { local: true });
    const refused = await away.request('/chat', postChat({ user_id: 'grace', message: '/history' }));
    expect(refused.status).toBe(503);
    expect(refused.headers.get('retry-after')).toBe('1');
    expect((await post('/help')).status).toBe(200);
    await deps.callers.close();
    expect((await app.request('/chat', postChat({ user_id: 'grace', message: '/help' }))).status).toBe(503);
  });
});
