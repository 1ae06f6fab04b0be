import { expect, it } from 'vitest';
import type { ChatMessage } from '../../src/core/types.ts';
import { messagesIn } from '../../src/i18n/messages.ts';
import { answerTo, differsFromMemory, isAnswer, showsAnswer } from './visible-text.ts';

const ASKED = 'remember that I live in Oslo';
const NOTE = messagesIn('en').rememberHint;

function answer(content: string, more: Partial<ChatMessage> = {}): ChatMessage {
  return { role: 'assistant', content, timestamp: 0, turn: 'm1', source: 'm1', authorId: 'ada', ...more };
}

it('the note about /remember may be under an answer once, where it was asked for, and never in memory', () => {
  const plain = answerTo(ASKED);
  const read = `${plain}\n\n${NOTE}`;
  expect(differsFromMemory(plain, ASKED, answer(plain))).toBe(false);
  expect(differsFromMemory(read, ASKED, answer(plain))).toBe(false);
  expect(differsFromMemory(`${read}\n\n${NOTE}`, ASKED, answer(plain))).toBe(true);
  expect(differsFromMemory(`${answerTo('Hello')}\n\n${NOTE}`, 'Hello', answer(answerTo('Hello')))).toBe(true);
  expect(differsFromMemory(read, ASKED, answer(plain, { cut: 'time' }))).toBe(true);
  expect(differsFromMemory(plain, ASKED, answer(read))).toBe(true);
  expect([showsAnswer(read, ASKED), showsAnswer(plain, ASKED), isAnswer(read, ASKED)]).toEqual([true, true, false]);
  expect(showsAnswer(`${answerTo('Hello')}\n\n${NOTE}`, 'Hello')).toBe(false);
});
