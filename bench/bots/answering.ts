/** The chain of the product, without any memory: what every bare bot asks. */
import { createChain } from '../../src/chain/index.ts';
import { createContext } from '../../src/memory/context/context.ts';

export interface Answering {
  /** The pieces of the answer. */
  stream(text: string, author: string): AsyncIterable<string>;
  /** The same, whole. */
  answer(text: string, author: string): Promise<string>;
}

/** The settings are those that the product has by itself. */
export async function createAnswering(modelUrl: string): Promise<Answering> {
  const chain = await createChain(
    { baseUrl: modelUrl, model: 'bench', systemPrompt: 'You are a helpful assistant in a chat. It is {date}, {time}.' },
    { context: createContext({ maxMessages: 20, recallTokens: 0 }), clock: Date },
  );
  async function* stream(text: string, author: string): AsyncIterable<string> {
    const message = { text, author: { id: author, name: author }, locale: 'en' } as const;
    const events = chain.stream({ history: [], message, shared: false }, new AbortController().signal);
    for await (const event of events) if (event.kind === 'text') yield event.text;
  }
  return {
    stream,
    async answer(text, author) {
      let whole = '';
      for await (const piece of stream(text, author)) whole += piece;
      return whole;
    },
  };
}
