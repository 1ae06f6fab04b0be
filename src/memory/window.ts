/** The window: how much of a conversation's memory the model sees. */
import { AIMessage, type BaseMessage, HumanMessage, trimMessages } from '@langchain/core/messages';
import type { HistoryMessage, MemoryWindow } from '../core/ports.ts';
import { estimateTokens } from '../core/tokens.ts';

export interface WindowOptions {
  /** Most messages shown; as only whole turns are, an odd number counts as the even one below it. */
  readonly maxMessages: number;
  /** Most estimated tokens of the whole request: of these messages and of what is reserved for its other parts. */
  readonly maxTokens: number;
}

/** What a chat format adds to each message: its role and its separators (OpenAI: 3, and 1 for the role). */
const TOKENS_PER_MESSAGE = 4;

/** Estimated tokens of one message of a request, the speaker's name included. */
export function messageTokens(message: Pick<HistoryMessage, 'content' | 'author'>): number {
  return TOKENS_PER_MESSAGE + estimateTokens(message.content) + estimateTokens(message.author ?? '');
}

/**
 * Cuts by messages, then by tokens (LangChain's `trimMessages`), always between two turns: a window never starts with an
 * assistant's half. Halves without their other half (left over where a stored element could not be read) are not shown,
 * because servers with strict chat templates refuse a request in which two messages of one role follow each other, and
 * an answer must not be shown as the answer to something else.
 *
 * A turn too large for the bound hides itself and everything before it: what is shown has no gaps.
 */
export function createWindow(options: WindowOptions): MemoryWindow {
  return {
    async view(history, reserved = 0) {
      const turns = wholeTurns(history);
      const newest = turns.slice(Math.max(0, turns.length - options.maxMessages));
      const shown = await newestWithin(newest, options.maxTokens - reserved);
      return { messages: shown, tokens: sum(shown.map(messageTokens)) };
    },
  };
}

/** The messages that form turns: a person's message followed at once by the answer to it. */
function wholeTurns<M extends HistoryMessage>(history: readonly M[]): readonly M[] {
  return history.filter((message, index) =>
    message.role === 'user' ? isTurn(message, history[index + 1]) : isTurn(history[index - 1], message),
  );
}

function isTurn(question: HistoryMessage | undefined, answer: HistoryMessage | undefined): boolean {
  return question?.role === 'user' && answer?.role === 'assistant' && question.turn === answer.turn;
}

/** The longest tail within the bound that begins with a person's message. */
async function newestWithin<M extends HistoryMessage>(turns: readonly M[], maxTokens: number): Promise<readonly M[]> {
  // trimMessages counts ever shorter tails and hands out copies: each message's tokens are taken by its index, which the
  // copies keep as their id, so that every text is read once; its result is a tail, so its length says where to cut.
  const tokens = turns.map(messageTokens);
  const trimmed = await trimMessages(
    turns.map(({ role }, index) => (role === 'user' ? new HumanMessage(at(index)) : new AIMessage(at(index)))),
    {
      strategy: 'last',
      startOn: 'human',
      maxTokens,
      tokenCounter: (messages: BaseMessage[]) => sum(messages.map(({ id }) => tokens[Number(id)] ?? 0)),
    },
  );
  return turns.slice(turns.length - trimmed.length);
}

function at(index: number): { content: string; id: string } {
  return { content: '', id: String(index) };
}

function sum(numbers: readonly number[]): number {
  return numbers.reduce((total, number) => total + number, 0);
}
