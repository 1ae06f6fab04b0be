/** Ways to choose what a model is shown of a conversation: the product's, and what it is compared with. */
import { AIMessage, HumanMessage, trimMessages } from '@langchain/core/messages';
import { getEncoding } from 'js-tiktoken';
import { createComposer } from '../../src/chain/compose.ts';
import { estimateTokens } from '../../src/core/tokens.ts';
import type { ChatMessage } from '../../src/core/types.ts';
import { createContext } from '../../src/memory/context/context.ts';

export interface Shown {
  readonly messages: ReadonlySet<string>;
  /** Of all texts of the request. */
  readonly tokens: number;
}

export type Way = (history: readonly ChatMessage[], question: string) => Promise<Shown>;

const SYSTEM = 'You are a helpful assistant in a chat. Be brief, and answer in the language you are spoken to.';
export const WINDOW = 20;

const encoding = getEncoding('o200k_base');
const known = new Map<string, number>();

/** Tokens as OpenAI's models count them. */
function tokensOf(text: string): number {
  const count = known.get(text) ?? encoding.encode(text).length;
  if (known.size < 100_000) known.set(text, count);
  return count;
}

/** The product as it is: window and recall. */
export function product(recallTokens: number): Way {
  const compose = composer(recallTokens);
  return async (history, text) => {
    const { system, messages, shown } = compose(history, text);
    const tokens = [system, ...messages.map((message) => message.text)].map(tokensOf);
    const contents = [...shown.messages, ...shown.recalled.map(({ message }) => message)].map(({ content }) => content);
    return { messages: new Set(contents), tokens: tokens.reduce((sum, count) => sum + count, 0) };
  };
}

/** What the product composes; in a context that holds it all. */
export function composer(recallTokens: number) {
  const context = createContext({ maxMessages: WINDOW, recallTokens });
  const composed = createComposer({ systemPrompt: SYSTEM, budget: { tokens: () => 100_000 }, context, clock: Date });
  return (history: readonly ChatMessage[], text: string) => {
    const message = { text, author: { id: 'asker', name: 'Asker' }, locale: 'en', sentAt: Date.now() } as const;
    return composed.compose({ history, message, shared: true });
  };
}

/** LangChain's `trimMessages`: the newest messages within a number of tokens. What it keeps does not depend on the question. */
export function trimmed(maxTokens: number): Way {
  const keptOf = new WeakMap<readonly ChatMessage[], Promise<readonly string[]>>();
  const keep = async (history: readonly ChatMessage[]) => {
    const messages = history.map(({ role, content }) =>
      role === 'user' ? new HumanMessage(content) : new AIMessage(content),
    );
    const tokenCounter = (some: readonly { readonly text: string }[]) =>
      some.reduce((sum, message) => sum + tokensOf(message.text), 0);
    const kept = await trimMessages(messages, { strategy: 'last', startOn: 'human', maxTokens, tokenCounter });
    return kept.map((message) => message.text);
  };
  return async (history, text) => {
    const kept = keptOf.get(history) ?? keep(history);
    keptOf.set(history, kept);
    const contents = await kept;
    return { messages: new Set(contents), tokens: totalOf([SYSTEM, ...contents, text]) };
  };
}

function totalOf(texts: readonly string[]): number {
  return texts.reduce((sum, text) => sum + tokensOf(text), 0);
}

export const everything: Way = async (history, text) => {
  const contents = history.map(({ content }) => content);
  return {
    messages: new Set(contents),
    tokens: [SYSTEM, ...contents, text].reduce((sum, each) => sum + tokensOf(each), 0),
  };
};

/** BM25 as textbooks have it, over whole words: the window, and the best messages within the same number of estimated tokens. */
export function plainBm25(recallTokens: number): Way {
  const wordsIn = new WeakMap<readonly ChatMessage[], readonly (readonly string[])[]>();
  return async (history, text) => {
    const documents =
      wordsIn.get(history) ??
      history.slice(0, -WINDOW).map(({ content, author = '' }) => wordsOf(`${author} ${content}`));
    wordsIn.set(history, documents);
    const average = documents.reduce((sum, { length }) => sum + length, 0) / documents.length;
    const scores = documents.map(() => 0);
    for (const word of new Set(wordsOf(text))) {
      const counts = documents.map((document) => document.filter((each) => each === word).length);
      const holding = counts.filter((count) => count > 0).length;
      const rarity = Math.log(1 + (documents.length - holding + 0.5) / (holding + 0.5));
      for (const [index, count] of counts.entries()) {
        const length = 0.25 + (0.75 * (documents[index]?.length ?? 0)) / average;
        scores[index] = (scores[index] ?? 0) + (rarity * count * 2.2) / (count + 1.2 * length);
      }
    }
    const shown = history.slice(-WINDOW).map(({ content }) => content);
    let left = recallTokens;
    for (const { index } of scores
      .map((score, index) => ({ score, index }))
      .sort((one, other) => other.score - one.score)) {
      const content = history[index]?.content ?? '';
      if (scores[index] === 0 || estimateTokens(content) > left) continue;
      left -= estimateTokens(content);
      shown.push(content);
    }
    return {
      messages: new Set(shown),
      tokens: [SYSTEM, ...shown, text].reduce((sum, each) => sum + tokensOf(each), 0),
    };
  };
}

function wordsOf(text: string): readonly string[] {
  return text.toLowerCase().match(/[a-z0-9]+/g) ?? [];
}
