/** Where a streamed message ends and the next begins. Streamed text can't be taken back, so only new text is cut. Pure. */
import { type Fence, fenceLimits, scanLine, seamOf, sizeOf } from '../../../replies/markdown/code-fences.ts';
import { PART_LIMIT } from './render.ts';

/** From this size on, in bytes, a message ends at the next end of a line outside of code. */
const SOFT_LIMIT = 8_000;

const SPLIT = { limit: PART_LIMIT, measure: 'utf8' } as const;

/** How much of the new text goes into the message. */
export interface Cut {
  /** What to append to this message, including a line that closes a code fence. */
  readonly text: string;
  /** How many UTF-16 units of the new text that uses. */
  readonly used: number;
  /** The message ends here. */
  readonly ends: boolean;
  /** The beginning of the next message: reopens a code fence, or is empty. */
  readonly head: string;
}

/**
 * The cost depends on the size of a message, not on how much text is waiting.
 * @param shown what the message holds already
 * @param fresh the text that continues it
 * @param mustEnd the message has reached its maximum age: it ends at the end of a line or a word
 */
export function cutStream(shown: string, fresh: string, mustEnd: boolean): Cut {
  // A UTF-16 unit takes at least one byte, so no more than this can fit.
  const near = fresh.slice(0, PART_LIMIT + 1);
  const whole = { text: near, used: near.length, ends: false, head: '' };
  if (!mustEnd && bytes(shown) + bytes(near) <= SOFT_LIMIT) return whole;
  const lineEnd = mustEnd ? undefined : firstLineEnd(shown, near);
  if (lineEnd !== undefined) return endAt(shown, near, lineEnd);
  if (!mustEnd && fits(shown, near, near.length)) return whole;
  return endAt(shown, near, lastEnd(shown, near));
}

function endAt(shown: string, fresh: string, used: number): Cut {
  const part = fresh.slice(0, used);
  const { tail, head } = seamOf(shown + part, SPLIT);
  return { text: part + tail, used, ends: true, head };
}

/** The first end of a line after the soft limit where no code fence is open. Reads each line once. */
function firstLineEnd(shown: string, fresh: string): number | undefined {
  const limits = fenceLimits(PART_LIMIT);
  const text = shown + fresh;
  let open: Fence | undefined;
  let size = 0;
  let start = 0;
  for (let at = text.indexOf('\n'); at !== -1; at = text.indexOf('\n', start)) {
    const line = text.slice(start, at);
    size += bytes(line) + 1;
    if (size > PART_LIMIT) return undefined;
    open = scanLine(open, line, limits);
    start = at + 1;
    if (start > shown.length && size > SOFT_LIMIT && open === undefined) return start - shown.length;
  }
  return undefined;
}

/** The last end of a line that fits, else of a word, else of a character. */
function lastEnd(shown: string, fresh: string): number {
  const fitting = fresh.slice(0, mostThatFits(shown, fresh));
  const line = fitting.lastIndexOf('\n') + 1;
  if (line > 0) return line;
  const space = fitting.search(/\s\S*$/) + 1;
  if (space > 0) return space;
  return /[\uD800-\uDBFF]$/.test(fitting) ? fitting.length - 1 : fitting.length;
}

/** Bisects by bytes alone; then shortens for the line that closes a code fence, which is short. */
function mostThatFits(shown: string, fresh: string): number {
  const left = PART_LIMIT - bytes(shown);
  let least = 0;
  let most = fresh.length;
  while (least < most) {
    const middle = Math.ceil((least + most) / 2);
    if (bytes(fresh.slice(0, middle)) <= left) least = middle;
    else most = middle - 1;
  }
  while (least > 0 && !fits(shown, fresh, least)) least -= 1;
  return least;
}

function fits(shown: string, fresh: string, end: number): boolean {
  const text = shown + fresh.slice(0, end);
  return bytes(text) + bytes(seamOf(text, SPLIT).tail) <= PART_LIMIT;
}

function bytes(text: string): number {
  return sizeOf(text, 'utf8');
}
