/** Where a streamed message ends and the next begins. What is streamed can't be taken back, so only new text is cut. */
import { type Fence, fenceLimits, scanLine } from '../../replies/markdown/code-fences.ts';
import { seamOf, sizeOf } from '../../replies/markdown/split.ts';
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
 * What it costs depends on the size of a message, not on how much text is waiting.
 * @param shown what the message holds already
 * @param fresh the text behind it
 * @param mustEnd the message is as old as it may get: it ends where a line or a word does
 */
export function cutStream(shown: string, fresh: string, mustEnd: boolean): Cut {
  // A unit is a byte at least: of what is longer than a message, no more can go in.
  const near = fresh.slice(0, PART_LIMIT + 1);
  const whole = { text: near, taken: near.length, ends: false, head: '' };
  if (!mustEnd && bytes(shown) + bytes(near) <= SOFT_LIMIT) return whole;
  const calm = mustEnd ? undefined : firstCalmEnd(shown, near);
  if (calm !== undefined) return endAt(shown, near, calm);
  if (!mustEnd && fits(shown, near, near.length)) return whole;
  return endAt(shown, near, lastEnd(shown, near));
}

function endAt(shown: string, fresh: string, taken: number): Cut {
  const part = fresh.slice(0, taken);
  const { tail, head } = seamOf(shown + part, SPLIT);
  return { text: part + tail, taken, ends: true, head };
}

/** The first line end behind the soft limit where no code fence is open. Reads each line once. */
function firstCalmEnd(shown: string, fresh: string): number | undefined {
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

/** The last place that fits: behind a line, else behind a space, else anywhere between characters. */
function lastEnd(shown: string, fresh: string): number {
  const room = fresh.slice(0, mostThatFits(shown, fresh));
  const line = room.lastIndexOf('\n') + 1;
  if (line > 0) return line;
  const space = room.search(/\s\S*$/) + 1;
  if (space > 0) return space;
  return /[\uD800-\uDBFF]$/.test(room) ? room.length - 1 : room.length;
}

/** By halving where only the bytes count; then the line that closes a fence, which is short, may take a few more. */
function mostThatFits(shown: string, fresh: string): number {
  const room = PART_LIMIT - bytes(shown);
  let least = 0;
  let most = fresh.length;
  while (least < most) {
    const middle = Math.ceil((least + most) / 2);
    if (bytes(fresh.slice(0, middle)) <= room) least = middle;
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
