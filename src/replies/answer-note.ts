/** The note under an answer. It is shown but not stored. */
import type { ReplyEnd } from '../core/types.ts';
import type { Texts } from '../i18n/messages.ts';
import { withClosedFence } from './markdown/code-fences.ts';

type NoteTexts = Pick<Texts, 'stopped' | 'cut' | 'rememberHint'>;

/** Why the answer is incomplete, or how to have something kept. Undefined for most answers. */
export function answerNote(end: ReplyEnd, texts: NoteTexts): string | undefined {
  if (end.kind !== 'answered') return undefined;
  if (end.stopped) return texts.stopped;
  if (end.cut !== undefined) return texts.cut[end.cut];
  return end.rememberHint === true ? texts.rememberHint : undefined;
}

/** `text` followed by the note, outside of any code block. */
export function appendNote(text: string, end: ReplyEnd, texts: NoteTexts): string {
  const note = answerNote(end, texts);
  return note === undefined ? text : `${withClosedFence(text)}\n\n${note}`;
}
