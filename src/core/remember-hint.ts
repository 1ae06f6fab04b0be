/**
 * When somebody asks in an ordinary message to be remembered something, a note under the answer says that /remember keeps it: nothing
 * is kept without that. It is shown once per person and place.
 */
import type { Flags } from './flags.ts';
import { hasNote, type OnceNote, takeNote } from './once.ts';
import { baseSession, isOwn, type SessionId } from './session.ts';
import type { IncomingMessage, ReplyEnd, TurnId } from './types.ts';

/** Longest beginning that is looked at, in UTF-16 units. */
const MAX_BEGIN = 80;
const ENGLISH =
  /^(?:(?:hey|please|pls|and|also|can you|could you|will you|always)[ ,]{1,2}){0,3}(?:remember|(?:do not|don['’]t) forget) that \S/i;
const CHINESE = /^(?:请|麻烦|帮我|你要|你|一定要|要|，|,| ){0,4}(?:记住|记得)[：:，, ]?(?!了|吗|什么)\S/;
/** "Do you remember that film?" asks something else, and so does "remember that film?". */
const QUESTION = /(?:吗|么|呢)?[?？]\s*$|吗\s*$/;
const REQUEST = /^(?:(?:hey|please)[ ,]{1,2}){0,2}(?:can|could|will) you\b/i;

/** Whether a message asks the bot to remember what it says. A guess: all that follows from it is a note. */
export function asksToRemember(text: string): boolean {
  const begin = text.trimStart().slice(0, MAX_BEGIN);
  if (!ENGLISH.test(begin) && !CHINESE.test(begin)) return false;
  return REQUEST.test(begin) || !QUESTION.test(text.slice(-MAX_BEGIN));
}

type HintedMessage = Pick<IncomingMessage, 'text' | 'isDirect'>;

/** The end of a reply, with the note if it belongs under this one. A store that cannot be asked means no note. */
export async function withRememberHint(
  end: ReplyEnd,
  message: HintedMessage,
  turn: { readonly sessionId: SessionId; readonly turnId: TurnId },
  flags: Pick<Flags, 'set' | 'has'>,
): Promise<ReplyEnd> {
  if (end.kind !== 'answered' || end.stopped || end.cut !== undefined || !mayHint(message, turn.sessionId)) return end;
  const isShown = await takeNote(noteOf(turn), flags).catch(() => false);
  return isShown ? { ...end, rememberHint: true } : end;
}

/** Whether the note belongs under the answer of a turn that was answered. @throws BotError as the store does */
export async function hasRememberHint(
  message: HintedMessage,
  turn: { readonly sessionId: SessionId; readonly turnId: TurnId },
  flags: Pick<Flags, 'has'>,
): Promise<boolean> {
  return mayHint(message, turn.sessionId) && (await hasNote(noteOf(turn), flags));
}

/** Where people share one conversation there is no /remember. */
function mayHint({ text, isDirect }: HintedMessage, sessionId: SessionId): boolean {
  return (isDirect || isOwn(sessionId)) && asksToRemember(text);
}

function noteOf({ sessionId, turnId }: { readonly sessionId: SessionId; readonly turnId: TurnId }): OnceNote {
  return { about: baseSession(sessionId), name: 'remember-hint', turnId };
}
