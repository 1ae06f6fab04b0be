/**
 * Splits Markdown into parts that are short enough for one message each. A code fence that is open at the end of a part is
 * closed there and opened again, with its language, in the next.
 *
 * Parts are stable while a text grows: each cut depends only on the shortest beginning of the text that does not fit, so text
 * that is added later never changes an earlier part, and its message need not be edited. The price: a text that ends within a
 * few characters of the limit, just after a closing fence, may need one more part.
 */

import { BotError } from '../../errors.ts';
import { beginsWith } from '../../lib/begins-with.ts';
import {
  type Fence,
  type FenceLimits,
  fenceLimits,
  headOf,
  type Measure,
  scanLine,
  sizeOf,
  tailOf,
} from './code-fences.ts';

export interface SplitOptions {
  /** Longest part, added fence lines included, in units of `measure`; at least {@link MIN_LIMIT}. */
  readonly limit: number;
  /** Default: `utf16`. */
  readonly measure?: Measure;
}

/**
 * One part. `head + body + tail` is posted. `lead` is blank text before it that is not posted. All `lead + body`, joined, are
 * the original text (without blank text at its end).
 */
export interface MarkdownPart {
  readonly lead: string;
  /** The line that reopens a code fence, or empty. */
  readonly head: string;
  readonly body: string;
  /** The line that closes a code fence, or empty. */
  readonly tail: string;
}

/**
 * How many positions are examined for a cut within a line, each of which reads the line, and how many units are read ahead.
 * More would only matter in the opening line of a fence, or in masses of blank lines.
 */
const MAX_TRIES = 256;

/** With a lower limit the added fence lines leave no room for text. */
const MIN_LIMIT = 64;

/**
 * Splits at paragraphs, lines, spaces or ends of sentences if possible; never within a surrogate pair, and within a character
 * of several code points only if that alone is too long. Blank text has no parts. No part is blank.
 * @throws BotError `internal` for a limit below {@link MIN_LIMIT}.
 */
export function splitMarkdown(text: string, options: SplitOptions): readonly MarkdownPart[] {
  return createSplitter(options)(text);
}

/**
 * {@link splitMarkdown} for a text that grows. If a text begins with the previous one, only what may change is read again, and
 * unchanged parts are the same objects. The returned function
 * @throws BotError `internal` for a limit below {@link MIN_LIMIT}.
 */
export function createSplitter(options: SplitOptions): (text: string) => readonly MarkdownPart[] {
  const { limit, measure = 'utf16' } = options;
  const limits = fenceLimits(limit);
  let parts: MarkdownPart[] = [];
  /** Where the next part begins, and the beginning of the text that decided it. */
  let at = 0;
  let decidedBy = '';
  let open: Fence | undefined;
  let lead = '';

  function partOf(text: string, end: number, head: string, tail: string): MarkdownPart | undefined {
    const body = text.slice(at, at + end);
    if (head === '' && body.trim() === '') return undefined;
    return { lead, head, body, tail };
  }

  return (text) => {
    if (!(limit >= MIN_LIMIT)) throw new BotError('internal', `A part needs a limit of at least ${MIN_LIMIT}.`);
    if (!beginsWith(text, decidedBy)) {
      [parts, at, decidedBy, open, lead] = [[], 0, '', undefined, ''];
    }
    for (;;) {
      const midLine = at > 0 && text[at - 1] !== '\n';
      const head = open === undefined ? '' : headOf(open, midLine, measure, limits);
      const window = createWindow(text, at, { head, open, midLine, limit, measure, limits });
      const overflow = window.firstOverflow();
      const end = overflow === undefined ? text.length - at : chooseCut(window, overflow);
      const after = window.fenceAt(end);
      const body = text.slice(at, at + end);
      const part = partOf(text, end, head, after === undefined ? '' : tailOf(after, body));
      // The rest may still grow: it is read again.
      if (overflow === undefined) return part === undefined || end === 0 ? [...parts] : [...parts, part];
      decidedBy = text.slice(0, at + overflow);
      at += end;
      open = after;
      lead = part === undefined ? lead + body : '';
      if (part !== undefined) parts.push(part);
    }
  };
}

/**
 * The posted text of a part. A `cursor` (the sign that the text still grows) is placed at the end of the text, inside an open
 * fence, but never on the line of a fence. It takes at most one unit more than its size.
 */
export function textOf(part: MarkdownPart, cursor = ''): string {
  if (cursor === '') return part.head + part.body + part.tail;
  const shown = part.body.trimEnd();
  const lastLine = shown.slice(shown.lastIndexOf('\n') + 1);
  const breaks = lastLine === '' || /`{3}|~{3}/.test(lastLine) ? '\n' : '';
  return part.head + shown + breaks + cursor + part.body.slice(shown.length) + part.tail;
}

interface Frame {
  readonly head: string;
  readonly open: Fence | undefined;
  readonly midLine: boolean;
  readonly limit: number;
  readonly measure: Measure;
  readonly limits: FenceLimits;
}

/** The text that may go into one part, and what is known of each position in it, in UTF-16 units. */
interface Window {
  readonly text: string;
  /** Positions at which lines begin, from 0. */
  readonly lines: readonly number[];
  /** Where the line of this position begins. A position after a line break belongs to the next line. */
  lineAt(position: number): number;
  /** The fence that is open if the part ends at this position. */
  fenceAt(position: number): Fence | undefined;
  /** Whether a part that ends at this position is short enough. */
  fits(position: number): boolean;
  /** The end of the shortest beginning that does not fit; undefined if everything fits. */
  firstOverflow(): number | undefined;
}

function createWindow(text: string, at: number, frame: Frame): Window {
  const { head, open, midLine, limit, measure, limits } = frame;
  // A UTF-16 unit counts at least one in either measure, so one more than the limit never fits.
  const content = text.slice(at, at + limit + 1);
  const rest = head.slice(head.indexOf('\n') + 1);
  const lines = [0];
  const fences: (Fence | undefined)[] = [open];
  const scan = (line: number, end: number): Fence | undefined => {
    // The first line may be the rest of a line. It is read as it will be shown.
    const shown = (line === 0 && midLine ? rest : '') + content.slice(lines[line], end);
    return scanLine(fences[line], shown, limits);
  };
  for (let end = content.indexOf('\n'); end !== -1; end = content.indexOf('\n', end + 1)) {
    fences.push(scan(lines.length - 1, end));
    lines.push(end + 1);
  }
  const sizes = prefixSizes(content, measure);
  const headSize = sizeOf(head, measure);

  /** Binary search: a part may have thousands of lines, and each position may be asked for. */
  const lineIndexAt = (position: number): number => {
    let low = 0;
    let high = lines.length - 1;
    while (low < high) {
      const middle = Math.ceil((low + high) / 2);
      if ((lines[middle] ?? 0) <= position) low = middle;
      else high = middle - 1;
    }
    return low;
  };
  const fenceAt = (position: number): Fence | undefined => {
    const line = lineIndexAt(position);
    // A line of which nothing is in the part yet does not count (as an empty line it would end a quote, and a fence in it).
    return lines[line] === position ? fences[line] : scan(line, position);
  };
  const sizeAt = (position: number): number => {
    const fence = fenceAt(position);
    const tail = fence === undefined ? 0 : tailOf(fence, content.slice(position - 1, position)).length;
    return headSize + (sizes[position] ?? Number.POSITIVE_INFINITY) + tail;
  };
  return {
    text: content,
    lines,
    lineAt: (position) => lines[lineIndexAt(position)] ?? 0,
    fenceAt,
    fits: (position) => sizeAt(position) <= limit,
    firstOverflow() {
      for (let position = 1; position <= content.length; position += 1) {
        const least = headSize + (sizes[position] ?? 0);
        if (least + limits.tail > limit && sizeAt(position) > limit) return position;
      }
      return undefined;
    },
  };
}

function prefixSizes(text: string, measure: Measure): readonly number[] {
  const sizes = [0];
  let size = 0;
  for (let index = 0; index < text.length; index += 1) {
    const code = text.charCodeAt(index);
    const afterHigh = index > 0 && isHighSurrogate(text.charCodeAt(index - 1));
    if (measure === 'utf16' || code < 0x80) size += 1;
    else if (code < 0x800) size += 2;
    else if (code >= 0xdc00 && code <= 0xdfff && afterHigh) size += 1;
    else size += 3;
    sizes.push(size);
  }
  return sizes;
}

/** Where to end the part. It reads nothing at or after `overflow`, which keeps the cut stable. */
function chooseCut(window: Window, overflow: number): number {
  const half = overflow / 2;
  let paragraph = 0;
  let outside = 0;
  let inside = 0;
  for (const [index, position] of window.lines.entries()) {
    if (index === 0 || position >= overflow || !window.fits(position)) continue;
    const fence = window.fenceAt(position);
    if (fence === undefined) {
      outside = position;
      const before = window.text.slice(window.lines[index - 1], position);
      if (before.trim() === '') paragraph = position;
    } else if (fence === window.fenceAt(window.lines[index - 1] ?? 0) && !mayClose(window, position, overflow)) {
      // Neither after a line that opens a fence nor before one that closes it: that would show an empty fence.
      inside = position;
    }
  }
  const space = lastSpace(window, overflow);
  for (const position of [paragraph, outside, inside, space]) if (position >= half) return position;
  return Math.max(outside, inside) || space || hardCut(window, overflow);
}

function mayClose(window: Window, position: number, overflow: number): boolean {
  return /^[\s>]*[`~]/.test(window.text.slice(position, Math.min(overflow, position + MAX_TRIES)));
}

/** The last position that fits after a space, or after punctuation of scripts without spaces; 0 if there is none. */
function lastSpace(window: Window, overflow: number): number {
  let tries = MAX_TRIES;
  for (let position = overflow - 1; position > 0 && tries > 0; position -= 1) {
    const after = /[^\S\n]|[。！？；，、：…]/.test(window.text[position - 1] ?? '');
    const before = /\S/.test(window.text[position] ?? '');
    if (!after || !before) continue;
    tries -= 1;
    if (mayBreakLine(window, position, overflow) && window.fits(position)) return position;
  }
  return 0;
}

/** Whether neither half of the line would become the line of a fence. */
function mayBreakLine(window: Window, position: number, overflow: number): boolean {
  const rest = window.text.slice(position, Math.min(overflow, position + 40));
  if (/^[\s>*+\-\d.)]*[`~]/.test(rest)) return false;
  return window.fenceAt(position) === window.fenceAt(window.lineAt(position));
}

function hardCut(window: Window, overflow: number): number {
  const segmenter = new Intl.Segmenter(undefined, { granularity: 'grapheme' });
  const graphemes = new Set(Array.from(segmenter.segment(window.text.slice(0, overflow)), ({ index }) => index));
  // If only the first half of a code point is known here, it may belong to the character before it.
  const known = (position: number) => position < overflow - 1 || !isHighSurrogate(window.text.charCodeAt(position));
  const whole = (position: number) => known(position) && graphemes.has(position);
  const paired = (position: number) => !isHighSurrogate(window.text.charCodeAt(position - 1));
  const oldest = overflow - MAX_TRIES;
  const inText = (position: number) => position > oldest && whole(position) && mayBreakLine(window, position, overflow);
  for (const allowed of [inText, whole, paired]) {
    for (let position = overflow - 1; position > 0; position -= 1) {
      if (allowed(position) && window.fits(position)) return position;
    }
  }
  throw new BotError('internal', 'No position to split a text at.');
}

function isHighSurrogate(code: number): boolean {
  return code >= 0xd800 && code <= 0xdbff;
}
