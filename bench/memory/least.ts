/** The least that a memory sends that reads each time: one reading, one writing; no expiry, no index, no promise. */
import { Redis } from 'ioredis';
import { sendTogether } from '../../src/memory/redis/client.ts';
import { type BenchTurn, type MemoryClient, WINDOW } from './contender.ts';
import { tutorialElement, tutorialKey } from './tutorial.ts';

export async function openLeast(url: string): Promise<MemoryClient> {
  const redis = new Redis(url, { lazyConnect: true });
  redis.on('error', () => {});
  await redis.connect();

  const read = async (conversation: number) => {
    sendTogether(redis);
    const history = await redis.lrange(tutorialKey(conversation), -WINDOW, -1);
    const messages: unknown[] = history.map((element) => JSON.parse(element));
    return messages.length;
  };
  const add = async ({ conversation, question, answer }: BenchTurn) => {
    const halves = [tutorialElement('user', question), tutorialElement('assistant', answer)];
    sendTogether(redis);
    await redis.rpush(tutorialKey(conversation), ...halves);
  };
  return {
    async prepare() {},
    read,
    open: ({ conversation }) => read(conversation),
    commit: add,
    fill: add,
    async flushed() {
      await redis.ping();
    },
    async close() {
      redis.disconnect();
    },
  };
}
