/** Whole turns, and turns that are cut to fit. */
import { cutInTheMiddle } from '../../core/cut-text.ts';
import type { HistoryMessage } from '../../core/ports.ts';

/** A person's message and the answer to it. */
export interface Turn<M extends HistoryMessage> {
  readonly question: M;
  readonly answer: M;
}

/**
 * Halves without their other half (left over where a stored element could not be read) are left out: servers with strict chat
 * templates refuse a request in which two messages of one role follow each other, and an answer must not be shown as the
 * answer to something else.
 */
export function wholeTurns<M extends HistoryMessage>(history: readonly M[]): readonly Turn<M>[] {
  return history.flatMap((question, index): Turn<M>[] => {
    const answer = history[index + 1];
    if (question.role !== 'user' || answer?.role !== 'assistant' || question.turn !== answer.turn) return [];
    return [{ question, answer }];
  });
}

/** Least estimated tokens that are worth showing of a half that is cut, its marks included. */
const LEAST_OF_A_HALF = 24;

/**
 * The turn within a number of estimated tokens: a half that is too long is cut in the middle, where a mark shows it. Undefined
 * where not even the least of both halves fits.
 */
export function cutTurn<M extends HistoryMessage>(
  { question, answer }: Turn<M>,
  tokens: number,
  cost: (message: HistoryMessage) => number,
): Turn<M> | undefined {
  const whole = [cost(question), cost(answer)] as const;
  if (whole[0] + whole[1] <= tokens) return { question, answer };
  const least = [Math.min(whole[0], LEAST_OF_A_HALF), Math.min(whole[1], LEAST_OF_A_HALF)] as const;
  if (least[0] + least[1] > tokens) return undefined;
  // The shorter half keeps what it has, up to one half of the room.
  const half = Math.floor(tokens / 2);
  const ofQuestion = Math.min(whole[0], Math.max(half, tokens - whole[1], least[0]), tokens - least[1]);
  const cutQuestion = cutMessage(question, ofQuestion, cost);
  const cutAnswer = cutMessage(answer, tokens - cost(cutQuestion), cost);
  return cost(cutQuestion) + cost(cutAnswer) <= tokens ? { question: cutQuestion, answer: cutAnswer } : undefined;
}

function cutMessage<M extends HistoryMessage>(
  message: M,
  tokens: number,
  cost: (message: HistoryMessage) => number,
): M {
  if (cost(message) <= tokens) return message;
  const frame = cost({ ...message, content: '' });
  return { ...message, content: cutInTheMiddle(message.content, tokens - frame) };
}
