/** The chat history of @langchain/redis, used as LangChain's RunnableWithMessageHistory uses it. */
import { AIMessage, HumanMessage } from '@langchain/core/messages';
import { RedisChatMessageHistory } from '@langchain/redis';
import { type BenchTurn, type MemoryClient, TTL_S } from './contender.ts';

export function langchainKey(conversation: number): string {
  return `discord:12${String(conversation).padStart(17, '0')}:13${String(conversation).padStart(17, '0')}`;
}

export async function openLangchain(url: string): Promise<MemoryClient> {
  const config = { url };
  // A new object each time, as its factory there makes; the connection behind it is one.
  const historyOf = (conversation: number) =>
    new RedisChatMessageHistory({ sessionId: langchainKey(conversation), sessionTTL: TTL_S, config });
  const first = historyOf(0);
  // Lost connections come out at the calls; without a listener they would end the process.
  first.client.on('error', () => {});
  await first.ensureReadiness();

  const read = async (conversation: number) => (await historyOf(conversation).getMessages()).length;
  const add = ({ conversation, question, answer }: BenchTurn) =>
    historyOf(conversation).addMessages([new HumanMessage(question), new AIMessage(answer)]);
  return {
    async prepare() {},
    read,
    open: ({ conversation }) => read(conversation),
    commit: add,
    fill: add,
    async flushed() {
      await first.client.ping();
    },
    async close() {
      await first.client.disconnect();
    },
  };
}
