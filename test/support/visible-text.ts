/** What people may read of the reply to a message once all is over: what memory holds of it, or why there is nothing. */
import { asksToRemember } from '../../src/core/remember-hint.ts';
import type { ChatMessage } from '../../src/core/types.ts';
import { ERROR_CODES } from '../../src/errors.ts';
import { messagesIn } from '../../src/i18n/messages.ts';
import { CUT_TEXT } from './model.ts';

const { failed, forgotten, stopped, cut, rememberHint } = messagesIn('en');
const FAILURES = ERROR_CODES.map((code) => failed[code]);

/** Parts are cut at blanks, and platforms render the rest. */
const squeeze = (text: string) => text.replace(/\s+/g, '');

/** What the model says to this. */
export const answerTo = (text: string) => `echo: ${text}`;

/** Whether it is the answer as memory holds it. */
export function isAnswer(text: string, to: string): boolean {
  return squeeze(text) === squeeze(answerTo(to));
}

/** Whether it is the answer as people read it: the note about /remember may be under it, once, if that was asked for. */
export function showsAnswer(text: string, to: string): boolean {
  return isAnswer(text, to) || (asksToRemember(to) && squeeze(text) === squeeze(answerTo(to) + rememberHint));
}

/** It says, alone or behind what was written before, that there will be no answer. */
export function saysFailed(text: string): boolean {
  return FAILURES.some((failure) => text.trimEnd().endsWith(failure));
}

/** The answer to a command that could not be run. */
export function isTrouble(text: string): boolean {
  return FAILURES.includes(text.trim());
}

export function saysForgotten(text: string): boolean {
  return text.trim() === forgotten;
}

/**
 * Whether what is read is neither what memory holds, with a note that belongs to it, nor a failure that is told (behind
 * what the model had said by then), nor that all was forgotten.
 * @param said the person's message
 * @param answer the stored half that answers it, if it is stored
 */
export function differsFromMemory(read: string, said: string, answer: ChatMessage | undefined): boolean {
  if (answer !== undefined) {
    const { content } = answer;
    const note = answer.stopped === true ? stopped : answer.cut === undefined ? '' : cut[answer.cut];
    // Over HTTP the note comes beside the text. A whole answer may have the one of /remember, once.
    const notes = ['', note, ...(note === '' && asksToRemember(said) ? [rememberHint] : [])];
    return notes.every((each) => squeeze(read) !== squeeze(content + each));
  }
  if (saysForgotten(read)) return false;
  const failure = FAILURES.find((text) => read.trimEnd().endsWith(text));
  if (failure === undefined) return true;
  const before = squeeze(read.trimEnd().slice(0, -failure.length));
  return ![answerTo(said), CUT_TEXT].some((spoken) => squeeze(spoken).startsWith(before));
}
