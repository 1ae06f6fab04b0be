/** That the model cannot see images is noted under one answer of a conversation; under the others the note would only be a repetition. */
import type { Flags } from './flags.ts';
import { hasNote, type OnceNote, takeNote } from './once.ts';
import type { SessionId } from './session.ts';
import type { ReplyEnd, TurnId, UnreadFile } from './types.ts';

interface OfTurn {
  readonly sessionId: SessionId;
  readonly turnId: TurnId;
}

/** The end of a reply, without the note if an earlier answer had it. A store that cannot be asked means the note. */
export async function withVisionNoteOnce(
  end: ReplyEnd,
  turn: OfTurn,
  flags: Pick<Flags, 'set' | 'has'>,
): Promise<ReplyEnd> {
  if (end.kind !== 'answered' || !isAboutVision(end.unread)) return end;
  const isShown = await takeNote(noteOf(turn), flags).catch(() => true);
  if (isShown) return end;
  const { unread: _, ...without } = end;
  return without;
}

/** Whether the files that an answer was made without are noted under it. @throws BotError as the store does */
export async function hasUnreadNote(
  unread: readonly UnreadFile[] | undefined,
  turn: OfTurn,
  flags: Pick<Flags, 'has'>,
): Promise<boolean> {
  return !isAboutVision(unread) || (await hasNote(noteOf(turn), flags));
}

/** Whether nothing else is to be said than that the model cannot see images. */
function isAboutVision(unread: readonly UnreadFile[] = []): boolean {
  return unread.length > 0 && unread.every(({ why }) => why === 'no_vision');
}

function noteOf({ sessionId, turnId }: OfTurn): OnceNote {
  return { about: sessionId, name: 'vision-note', turnId };
}
