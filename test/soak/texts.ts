/** How the bot's own words are told from answers. */
import { ERROR_CODES } from '../../src/errors.ts';
import { phrases } from '../../src/texts/phrases.ts';

const { failed, forgotten } = phrases('en');
const FAILURES = ERROR_CODES.map((code) => failed[code]);

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

/** Parts are cut at blanks, and platforms render the rest. */
const squeeze = (text: string) => text.replace(/\s+/g, '');

/** What the model says to this. */
export const answerTo = (text: string) => `echo: ${text}`;

export function isAnswer(text: string, to: string): boolean {
  return squeeze(text) === squeeze(answerTo(to));
}
