/** Where a streamed message ends and the next begins. What is streamed can't be taken back, so only new text is cut. */
import { seamOf, sizeOf } from '../split.ts';
import { PART_LIMIT } from './render.ts';

/** From this size on a message ends at the next line end outside of code, in bytes. */
const SOFT_LIMIT = 8_000;

const SPLIT = { limit: PART_LIMIT, measure: 'utf8' } as const;

/** How much of the new text still goes into the message. */
export interface Cut {
  /** Goes into this message, the line that closes a code fence included. */
  readonly text: string;
  /** How many UTF-16 units of the new text that is. */
  readonly taken: number;
  /** The message ends here. */
  readonly ends: boolean;
  /** What the next message begins with: a code fence that goes on. */
  readonly head: string;
}

/**
 * @param shown what the message holds already
 * @param fresh the text behind it
 * @param mustEnd the message is as old as it may get: it ends where a line or a word does
 */
export function cutStream(shown: string, fresh: string, mustEnd: boolean): Cut {
  if (!mustEnd && bytes(shown) + bytes(fresh) <= SOFT_LIMIT)
    return { text: fresh, taken: fresh.length, ends: false, head: '' };
  const calm = mustEnd ? undefined : firstCalmEnd(shown, fresh);
  if (calm !== undefined) return endAt(shown, fresh, calm);
  if (!mustEnd && fits(shown, fresh, fresh.length)) return { text: fresh, taken: fresh.length, ends: false, head: '' };
  return endAt(shown, fresh, lastEnd(shown, fresh));
}

function endAt(shown: string, fresh: string, taken: number): Cut {
  const part = fresh.slice(0, taken);
  const { tail, head } = seamOf(shown + part, SPLIT);
  return { text: part + tail, taken, ends: true, head };
}

/** The first line end behind the soft limit where no code fence is open. */
function firstCalmEnd(shown: string, fresh: string): number | undefined {
  for (let at = fresh.indexOf('\n'); at !== -1; at = fresh.indexOf('\n', at + 1)) {
    const end = at + 1;
    if (!fits(shown, fresh, end)) return undefined;
    const text = shown + fresh.slice(0, end);
    if (bytes(text) > SOFT_LIMIT && seamOf(text, SPLIT).tail === '') return end;
  }
  return undefined;
}

/** The last place that fits: behind a line, else behind a space, else anywhere between characters. */
function lastEnd(shown: string, fresh: string): number {
  let most = fresh.length;
  while (most > 0 && !fits(shown, fresh, most)) most -= 1;
  const room = fresh.slice(0, most);
  const line = room.lastIndexOf('\n') + 1;
  if (line > 0) return line;
  const space = room.search(/\s\S*$/) + 1;
  if (space > 0) return space;
  return /[\uD800-\uDBFF]$/.test(room) ? most - 1 : most;
}

function fits(shown: string, fresh: string, end: number): boolean {
  const text = shown + fresh.slice(0, end);
  return bytes(text) + bytes(seamOf(text, SPLIT).tail) <= PART_LIMIT;
}

function bytes(text: string): number {
  return sizeOf(text, 'utf8');
}
