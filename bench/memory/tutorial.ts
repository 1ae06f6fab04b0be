/**
 * A chat history on Redis as tutorials write it: each message by RPUSH and EXPIRE, one after the other; the whole list is read
 * before each answer; figures by KEYS and LLEN.
 */
import { Redis } from 'ioredis';
import { type BenchTurn, type MemoryClient, TTL_S, WINDOW } from './contender.ts';

export interface TutorialClient extends MemoryClient {
  /** Conversations and messages in them. */
  stats(): Promise<{ readonly conversations: number; readonly messages: number }>;
}

export function tutorialKey(conversation: number): string {
  return `conversation:discord:12${String(conversation).padStart(17, '0')}:13${String(conversation).padStart(17, '0')}`;
}

export function tutorialElement(role: 'user' | 'assistant', content: string): string {
  return JSON.stringify({ role, content, timestamp: Date.now() });
}

export async function openTutorial(url: string): Promise<TutorialClient> {
  const redis = new Redis(url, { lazyConnect: true });
  // Lost connections come out at the calls.
  redis.on('error', () => {});
  await redis.connect();

  const add = async (turn: BenchTurn, role: 'user' | 'assistant', content: string) => {
    const key = tutorialKey(turn.conversation);
    await redis.rpush(key, tutorialElement(role, content));
    await redis.expire(key, TTL_S);
  };
  const read = async (conversation: number) => {
    const history = await redis.lrange(tutorialKey(conversation), 0, -1);
    const messages: unknown[] = history.map((element) => JSON.parse(element));
    return messages.slice(-WINDOW).length;
  };
  return {
    async prepare() {},
    read,
    async open(turn) {
      await add(turn, 'user', turn.question);
      return await read(turn.conversation);
    },
    commit: (turn) => add(turn, 'assistant', turn.answer),
    async fill(turn) {
      await add(turn, 'user', turn.question);
      await add(turn, 'assistant', turn.answer);
    },
    async stats() {
      const keys = await redis.keys('conversation:*');
      let messages = 0;
      for (const key of keys) messages += await redis.llen(key);
      return { conversations: keys.length, messages };
    },
    async flushed() {
      await redis.ping();
    },
    async close() {
      redis.disconnect();
    },
  };
}
