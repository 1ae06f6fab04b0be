/** Notes under answers that are shown once to a person. */
import type { Flags } from './flags.ts';
import type { Place, SessionId } from './session.ts';
import type { TurnId } from './types.ts';

/** Milliseconds for which a note is not shown again. */
const SHOWN_FOR_MS = 30 * 86_400_000;
/** Milliseconds for which a turn may still be delivered by another worker, or be asked for again. */
const TURN_MS = 86_400_000;

/** A note about a place or a conversation. */
export interface OnceNote {
  readonly about: Place | SessionId;
  readonly name: string;
  readonly turnId: TurnId;
}

/** Whether the note belongs under the answer of this turn, because none of an earlier turn had it. @throws BotError as the store does */
export async function takeNote({ about, name, turnId }: OnceNote, flags: Pick<Flags, 'set' | 'has'>): Promise<boolean> {
  // A worker that takes this turn over shows the note again, in the same message.
  if (await flags.has(about, shownUnder(name, turnId))) return true;
  const isFirst = await flags.set(about, name, SHOWN_FOR_MS);
  // In this order: a worker that dies in between leaves the note away, and nobody shows it twice.
  if (isFirst) await flags.set(about, shownUnder(name, turnId), TURN_MS);
  return isFirst;
}

/** Whether the note was put under the answer of this turn. @throws BotError as the store does */
export function hasNote({ about, name, turnId }: OnceNote, flags: Pick<Flags, 'has'>): Promise<boolean> {
  return flags.has(about, shownUnder(name, turnId));
}

function shownUnder(name: string, turnId: TurnId): string {
  return `${name}:${turnId}`;
}
