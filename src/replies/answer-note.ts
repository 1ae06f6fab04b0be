/** The note under an answer. It is shown but not stored. */
import { cleanName } from '../core/names.ts';
import type { ReplyEnd } from '../core/types.ts';
import type { Texts } from '../i18n/messages.ts';
import { withClosedFence } from './markdown/code-fences.ts';

type NoteTexts = Pick<Texts, 'stopped' | 'cut' | 'rememberHint' | 'filesUnread'>;

/** Why the answer is incomplete, which files it was made without, or how to have something kept. Undefined for most answers. */
export function answerNote(end: ReplyEnd, texts: NoteTexts): string | undefined {
  if (end.kind !== 'answered') return undefined;
  const unread =
    end.unread === undefined
      ? []
      : [texts.filesUnread(end.unread.map(({ name, why }) => ({ name: cleanName(name), why })))];
  if (end.stopped) return [texts.stopped, ...unread].join('\n');
  const cut = end.cut === undefined ? [] : [texts.cut[end.cut]];
  if (cut.length + unread.length > 0) return [...cut, ...unread].join('\n');
  return end.rememberHint === true ? texts.rememberHint : undefined;
}

/** `text` followed by the note, outside of any code block. */
export function appendNote(text: string, end: ReplyEnd, texts: NoteTexts): string {
  const note = answerNote(end, texts);
  return note === undefined ? text : `${withClosedFence(text)}\n\n${note}`;
}
