/** What a text needs to become a fact. */
import { MAX_FACT_LENGTH } from './facts.ts';

export type FactText =
  | { readonly kind: 'text'; readonly text: string }
  | { readonly kind: 'empty' }
  | { readonly kind: 'long' };

const LINE_END = /\r\n|[\n\r\v\f\u0085\u2028\u2029]/;
/** Controls but the tab, and marks that are invisible or turn the direction of the text around them. */
const INVISIBLE = /(?!\t)[\p{Cc}\u200b\u200e\u200f\u202a-\u202e\u2060-\u2069\ufeff]/gu;

/**
 * The text as it is kept: well-formed, its lines ended by `\n`, without controls. Whether it is too long is decided by what was
 * given, since of a longer text no more may have been read.
 */
export function factText(given: string): FactText {
  if (given.length > MAX_FACT_LENGTH) return { kind: 'long' };
  const lines = given.replace(/\p{Surrogate}/gu, '\ufffd').split(LINE_END);
  const text = lines
    .map((line) => line.replace(INVISIBLE, ''))
    .join('\n')
    .trim();
  return text === '' ? { kind: 'empty' } : { kind: 'text', text };
}
