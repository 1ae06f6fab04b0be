/** How much of what people ask about is shown to the model, of conversations that are many times longer than the window. */
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { createComposer } from '../../src/chain/compose.ts';
import { encodeSession } from '../../src/core/session.ts';
import { createContext } from '../../src/memory/context/context.ts';
import { createRedisStore, type RedisStore } from '../../src/memory/redis/store.ts';
import { serverAt } from '../../src/redis/target.ts';
import { type RedisServer, startRedis } from '../support/redis-server.ts';
import { makeRecallSet, type QuestionKind, type SetConversation } from './recall-set.ts';

/** The defaults of MEMORY_WINDOW and RECALL_TOKENS, and what a model of 8,000 tokens can take. */
const WINDOW = 20;
const RECALL_TOKENS = 1_950;
const REQUEST_TOKENS = 6_000;
/** Between two messages. */
const PAUSE_MS = 600_000;

let redis: RedisServer;
let store: RedisStore;

beforeAll(async () => {
  redis = await startRedis();
  store = await createRedisStore({
    ...{ defaultTtl: 86_400, minTtl: 60, maxTtl: 2_592_000, factsTtl: 2_592_000, maxMessages: 2_000, maxWaiting: 20 },
    ...{ observer: { badElement() {}, error() {} }, redis: serverAt(redis.url), prefix: 'conversation' },
    ...{ allowEviction: false, warn() {} },
  });
});
afterAll(async () => {
  await store.close();
  await redis.stop();
});

const set = makeRecallSet(20_261_129);

async function write({ said }: SetConversation, number: number) {
  const sessionId = encodeSession({ place: { platform: 'http', channel: `caller-${number}` } });
  const author = { id: `caller-${number}`, name: 'Ada' };
  const since = Date.now() - said.length * PAUSE_MS;
  for (const [index, { text }] of said.entries()) {
    const id = `m${index}`;
    const sentAt = since + index * PAUSE_MS;
    await store.append(
      { id, turnId: id, sessionId, author, text, sentAt, isDirect: true },
      { text: 'I see.', timestamp: sentAt + 1_000, stopped: false, tokens: 10 },
    );
  }
  for (const [index, { deleted }] of said.entries()) {
    if (deleted) expect((await store.removeTurns(sessionId, { source: `m${index}` })).messages).toBe(2);
  }
  return sessionId;
}

describe.each(['English', 'Chinese'] as const)('what is asked in %s', (language) => {
  const conversations = set.filter((conversation) => conversation.language === language);

  /** The texts of the request for each question. */
  async function requests(recallTokens: number) {
    const composer = createComposer({
      systemPrompt: 'You are a helpful assistant.',
      budget: { tokens: () => REQUEST_TOKENS },
      context: createContext({ maxMessages: WINDOW, recallTokens }),
      clock: Date,
    });
    const found = [];
    for (const [index, conversation] of conversations.entries()) {
      const sessionId = await write(conversation, found.length + index);
      const { messages: history } = await store.open(sessionId, 2_000);
      for (const question of conversation.questions) {
        const message = { text: question.text, author: { id: 'a', name: 'Ada' }, locale: 'en' as const };
        const composed = composer.compose({ history, message, shared: false });
        found.push({ question, text: composed.messages.map(({ text }) => text).join('\n') });
      }
      await store.forget(sessionId);
    }
    return found;
  }

  const shareOf = (
    found: Awaited<ReturnType<typeof requests>>,
    kinds: readonly QuestionKind[],
    every: boolean,
  ): number => {
    const asked = found.filter(({ question }) => kinds.includes(question.kind));
    const shown = asked.filter(({ question: { evidence }, text }) =>
      every ? evidence.every((one) => text.includes(one)) : evidence.some((one) => text.includes(one)),
    );
    return shown.length / asked.length;
  };

  test('is shown, with corrections and both sides of a dispute, and nothing of what was deleted', async () => {
    const found = await requests(RECALL_TOKENS);
    expect(found.length).toBeGreaterThanOrEqual(150);
    const secrets = found.flatMap(({ question, text }) => question.secrets.filter((secret) => text.includes(secret)));
    expect(secrets).toEqual([]);
    expect(shareOf(found, ['plain', 'changed', 'disputed'], false)).toBeGreaterThanOrEqual(0.97);
    expect(shareOf(found, ['changed'], true)).toBeGreaterThanOrEqual(0.95);
    expect(shareOf(found, ['disputed'], true)).toBeGreaterThanOrEqual(0.95);
  });

  test('is hardly ever in the window alone', async () => {
    const found = await requests(0);
    expect(shareOf(found, ['plain', 'changed', 'disputed'], false)).toBeLessThan(0.1);
  });
});
