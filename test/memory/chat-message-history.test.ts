/** The bot's conversations as other LangChain code sees them, on a real Redis. */
import { AIMessage, HumanMessage, SystemMessage } from '@langchain/core/messages';
import { afterEach, beforeEach, describe, expect, inject, test } from 'vitest';
import { RedisChatMessageHistory } from '../../src/memory/chat-message-history.ts';
import { createRedisStore, type RedisStore } from '../../src/memory/redis/store.ts';
import { serverAt } from '../../src/redis/target.ts';
import { contents, LIMITS, messageOf, runTurn, sessionOf } from '../contracts/store/support.ts';
import { makeRedisFixture, type RedisFixture } from './redis-fixture.ts';

const session = sessionOf();
const author = { id: 'ada', name: 'Ada' };
const options = { ...LIMITS, observer: { badElement() {}, error() {} } };

describe('RedisChatMessageHistory', () => {
  let fixture: RedisFixture;
  let store: RedisStore;
  let history: RedisChatMessageHistory;

  beforeEach(async () => {
    const url = inject('redisUrl');
    fixture = await makeRedisFixture(url)(options);
    store = await createRedisStore({
      ...options,
      redis: serverAt(url),
      prefix: fixture.prefix,
      allowEviction: false,
      warn() {},
    });
    history = new RedisChatMessageHistory({ store, sessionId: session, author });
  });
  afterEach(async () => {
    await store.close();
    await fixture.close();
  });

  const seen = async () => (await history.getMessages()).map((message) => [message.getType(), message.text]);

  test('shows what the bot remembers, and adds turns that the bot then sees', async () => {
    await runTurn(fixture.store, messageOf(session, 'm1'));
    await history.addMessages([new HumanMessage('My name is Ada.'), new AIMessage('Nice to meet you.')]);
    expect(await seen()).toEqual([
      ['human', 'text of m1'],
      ['ai', 'answer to m1'],
      ['human', 'My name is Ada.'],
      ['ai', 'Nice to meet you.'],
    ]);
    expect(await contents(fixture.store, session)).toHaveLength(4);
    expect(await fixture.store.stats()).toMatchObject({ conversations: 1, messages: 4, turnsToday: 2 });
  });

  test('stores a turn whole: the question is held back until its answer is added', async () => {
    await history.addUserMessage('Are you there?');
    expect(await seen()).toEqual([['human', 'Are you there?']]);
    expect(await contents(fixture.store, session)).toEqual([]);
    await history.addAIMessage('Yes.');
    expect(await contents(fixture.store, session)).toEqual(['Are you there?', 'Yes.']);
  });

  test('keeps the rules of memory: the TTL, the cap, erasing by person', async () => {
    for (let n = 0; n < LIMITS.maxMessages; n += 1) {
      await history.addMessages([new HumanMessage(`question ${n}`), new AIMessage(`answer ${n}`)]);
    }
    expect(await contents(fixture.store, session)).toHaveLength(LIMITS.maxMessages);
    for (const key of await fixture.keys()) {
      if (key.includes(session)) expect(await fixture.redis.ttl(key), key).toBeGreaterThan(0);
    }
    expect(await fixture.store.erase({ platform: 'slack', workspace: 'T1', user: 'ada' })).toMatchObject({
      conversations: 1,
      messages: LIMITS.maxMessages,
    });
  });

  test('refuses what no turn can be made of', async () => {
    await expect(history.addMessage(new SystemMessage('Be nice.'))).rejects.toMatchObject({ code: 'bad_input' });
    await expect(history.addMessage(new AIMessage('Out of the blue.'))).rejects.toMatchObject({ code: 'bad_input' });
    await history.addUserMessage('One?');
    await expect(history.addMessage(new HumanMessage('Two?'))).rejects.toMatchObject({ code: 'bad_input' });
    expect(await contents(fixture.store, session)).toEqual([]);
  });

  test('clears the conversation, a question held back too', async () => {
    await runTurn(fixture.store, messageOf(session, 'm1'));
    await history.addUserMessage('Are you there?');
    await history.clear();
    expect(await history.getMessages()).toEqual([]);
    expect(await contents(fixture.store, session)).toEqual([]);
  });
});
