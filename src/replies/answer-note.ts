/** The note under an answer that is not whole. It is shown, and never a part of what is remembered. */
import type { ReplyEnd } from '../core/types.ts';
import type { Texts } from '../i18n/messages.ts';
import { withClosedFence } from './markdown/split.ts';

/** Undefined where the answer is whole, or the turn ended without one. */
export function noteOf(end: ReplyEnd, texts: Pick<Texts, 'stopped' | 'cut'>): string | undefined {
  if (end.kind !== 'answered') return undefined;
  if (end.stopped) return texts.stopped;
  return end.cut === undefined ? undefined : texts.cut[end.cut];
}

/** `text` as a platform shows it at the end of this reply: with the note behind it, outside of any code block. */
export function withNote(text: string, end: ReplyEnd, texts: Pick<Texts, 'stopped' | 'cut'>): string {
  const note = noteOf(end, texts);
  return note === undefined ? text : `${withClosedFence(text)}\n\n${note}`;
}
