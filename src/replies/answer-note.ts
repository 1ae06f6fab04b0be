/** The note under an incomplete answer. It is shown but not stored. */
import type { ReplyEnd } from '../core/types.ts';
import type { Texts } from '../i18n/messages.ts';
import { withClosedFence } from './markdown/code-fences.ts';

/** Undefined if the answer is complete or the turn ended without one. */
export function answerNote(end: ReplyEnd, texts: Pick<Texts, 'stopped' | 'cut'>): string | undefined {
  if (end.kind !== 'answered') return undefined;
  if (end.stopped) return texts.stopped;
  return end.cut === undefined ? undefined : texts.cut[end.cut];
}

/** `text` followed by the note, outside of any code block. */
export function appendNote(text: string, end: ReplyEnd, texts: Pick<Texts, 'stopped' | 'cut'>): string {
  const note = answerNote(end, texts);
  return note === undefined ? text : `${withClosedFence(text)}\n\n${note}`;
}
