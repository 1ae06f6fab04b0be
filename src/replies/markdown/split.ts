/**
 * Splits Markdown into parts that a platform takes as messages of their own. An open code fence is closed at the end of a
 * part and opened again, with its language, in the next.
 *
 * The parts are stable while a text grows: each cut is a function of the shortest beginning of the text that does not fit
 * any more, so text that is streamed in later never changes an earlier part, whose message need not be edited again. The
 * price: a text that ends within a few characters of the limit, just after a closing fence, may take one part more.
 */

import { BotError } from '../../errors.ts';
import { beginsWith } from '../../lib/begins-with.ts';
import { type Fence, type FenceLimits, fenceLimits, scanLine } from './code-fences.ts';

/** `utf16`: JavaScript's length (Discord's and Slack's characters are never more). `utf8`: bytes. */
export type Measure = 'utf16' | 'utf8';

export interface SplitOptions {
  /** Longest part, added fence lines included, in units of `measure`; at least {@link MIN_LIMIT}. */
  readonly limit: number;
  /** Default: `utf16`. */
  readonly measure?: Measure;
}

/**
 * One part: `head + body + tail` is what is posted. `lead` is blank text before it that is not posted, so that
 * `lead + body` of all parts, joined, is the original text (up to blank text at its end).
 */
export interface MarkdownPart {
  readonly lead: string;
  /** The line that opens a code fence again, or nothing. */
  readonly head: string;
  readonly body: string;
  /** The line that closes an open code fence, or nothing. */
  readonly tail: string;
}

/**
 * Places in a row at which a line's break is weighed, which reads the line, and units that are read ahead for it: more only
 * matter in a fence's own line, whose words nobody misses, or in a heap of blank ones.
 */
const MAX_TRIES = 256;

/** Below this the added fence lines leave no room for text. */
const MIN_LIMIT = 64;

/** Size of a text in units of `measure`. */
export function sizeOf(text: string, measure: Measure): number {
  return measure === 'utf8' ? Buffer.byteLength(text) : text.length;
}

/**
 * Splits at paragraphs, lines, spaces or sentence ends where it can, never within a surrogate pair, nor within a character
 * of several code points unless that alone is too long. Blank text has no parts; no part is blank.
 * @throws BotError `internal` for a limit below {@link MIN_LIMIT}.
 */
export function splitMarkdown(text: string, options: SplitOptions): readonly MarkdownPart[] {
  return createSplitter(options)(text);
}

/**
 * {@link splitMarkdown} for a text that grows: of one that begins with the text before, only what may still change is read,
 * and parts that stay as they are come as the same objects. What it returns
 * @throws BotError `internal` for a limit below {@link MIN_LIMIT}.
 */
export function createSplitter(options: SplitOptions): (text: string) => readonly MarkdownPart[] {
  const { limit, measure = 'utf16' } = options;
  const limits = fenceLimits(limit);
  let parts: MarkdownPart[] = [];
  /** Where the next part begins, and the beginning of the text by which that was decided. */
  let at = 0;
  let decidedBy = '';
  let open: Fence | undefined;
  let lead = '';

  function take(text: string, end: number, head: string, tail: string): MarkdownPart | undefined {
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
      const part = take(text, end, head, after === undefined ? '' : tailOf(after, body));
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
 * What is posted for a part. With a `mark` (the sign that more is to come) it stands at the end of the text but within an
 * open fence, and never on a fence's own line; it takes at most one unit more than its size.
 */
export function textOf(part: MarkdownPart, mark = ''): string {
  if (mark === '') return part.head + part.body + part.tail;
  const shown = part.body.trimEnd();
  const lastLine = shown.slice(shown.lastIndexOf('\n') + 1);
  const breaks = lastLine === '' || /`{3}|~{3}/.test(lastLine) ? '\n' : '';
  return part.head + shown + breaks + mark + part.body.slice(shown.length) + part.tail;
}

/** The text with its last code fence closed, so that something may be added behind it. */
export function withClosedFence(text: string): string {
  const open = openFence(text, fenceLimits(Number.MAX_SAFE_INTEGER));
  return open === undefined ? text : text + tailOf(open, text);
}

/** What closes the code fence that is open at the end of a part of this text, and what opens it again in the next part. */
export function seamOf(text: string, { limit, measure = 'utf16' }: SplitOptions): { tail: string; head: string } {
  const limits = fenceLimits(limit);
  const open = openFence(text, limits);
  if (open === undefined) return { tail: '', head: '' };
  return { tail: tailOf(open, text), head: headOf(open, !text.endsWith('\n'), measure, limits) };
}

function openFence(text: string, limits: FenceLimits): Fence | undefined {
  let open: Fence | undefined;
  const lines = text.split('\n');
  if (lines.at(-1) === '') lines.pop();
  for (const line of lines) open = scanLine(open, line, limits);
  return open;
}

function headOf(fence: Fence, midLine: boolean, measure: Measure, limits: FenceLimits): string {
  const language = sizeOf(fence.language, measure) <= limits.language ? fence.language : '';
  // Within a quote the rest of a line needs its quote mark again: without it the quote, and the fence with it, would end.
  const rest = midLine && fence.quotes > 0 ? fence.prefix : '';
  return `${fence.prefix}${fence.marker}${language}\n${rest}`;
}

function tailOf(fence: Fence, body: string): string {
  return `${body.endsWith('\n') ? '' : '\n'}${fence.prefix}${fence.marker}`;
}

interface Frame {
  readonly head: string;
  readonly open: Fence | undefined;
  readonly midLine: boolean;
  readonly limit: number;
  readonly measure: Measure;
  readonly limits: FenceLimits;
}

/** The text that may go into one part, with what is known of each position in it. Positions count UTF-16 units. */
interface Window {
  readonly text: string;
  /** Positions where a line begins, the first one (0) included. */
  readonly lines: readonly number[];
  /** Where the line begins that this position is in, the line behind a break at its end. */
  lineAt(position: number): number;
  /** The fence that is open when a part ends at this position. */
  fenceAt(position: number): Fence | undefined;
  /** A part that ends at this position is short enough. */
  fits(position: number): boolean;
  /** The end of the shortest beginning that does not fit; undefined when every beginning fits. */
  firstOverflow(): number | undefined;
}

function createWindow(text: string, at: number, frame: Frame): Window {
  const { head, open, midLine, limit, measure, limits } = frame;
  // A unit is at least one of either measure: one more than the limit never fits.
  const content = text.slice(at, at + limit + 1);
  const rest = head.slice(head.indexOf('\n') + 1);
  const lines = [0];
  const fences: (Fence | undefined)[] = [open];
  const scan = (line: number, end: number): Fence | undefined => {
    // The first line of a part may be the rest of a line: it is read as it will be shown.
    const shown = (line === 0 && midLine ? rest : '') + content.slice(lines[line], end);
    return scanLine(fences[line], shown, limits);
  };
  for (let end = content.indexOf('\n'); end !== -1; end = content.indexOf('\n', end + 1)) {
    fences.push(scan(lines.length - 1, end));
    lines.push(end + 1);
  }
  const sizes = prefixSizes(content, measure);
  const headSize = sizeOf(head, measure);

  /** By halving: a part may be thousands of lines, and each of its positions may be asked about. */
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
    // A line of which nothing is there yet says nothing (an empty one would end a quote, and its fence with it).
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

/** Where to end the part. It looks at nothing at or behind `overflow`: that is what keeps the cut where it is. */
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
      // Not behind a line that opens a fence nor before one that closes it: an empty fence would be shown.
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

/** The last place behind a space, or behind punctuation of scripts that write no spaces, that fits; 0 when there is none. */
function lastSpace(window: Window, overflow: number): number {
  let tries = MAX_TRIES;
  for (let position = overflow - 1; position > 0 && tries > 0; position -= 1) {
    const behind = /[^\S\n]|[。！？；，、：…]/.test(window.text[position - 1] ?? '');
    const before = /\S/.test(window.text[position] ?? '');
    if (!behind || !before) continue;
    tries -= 1;
    if (mayBreakLine(window, position, overflow) && window.fits(position)) return position;
  }
  return 0;
}

/** True when neither half of the line becomes a fence's line by the break. */
function mayBreakLine(window: Window, position: number, overflow: number): boolean {
  const rest = window.text.slice(position, Math.min(overflow, position + 40));
  if (/^[\s>*+\-\d.)]*[`~]/.test(rest)) return false;
  return window.fenceAt(position) === window.fenceAt(window.lineAt(position));
}

function hardCut(window: Window, overflow: number): number {
  const segmenter = new Intl.Segmenter(undefined, { granularity: 'grapheme' });
  const graphemes = new Set(Array.from(segmenter.segment(window.text.slice(0, overflow)), ({ index }) => index));
  // A code point of which only the first half is known here may belong to the character before it.
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
  throw new BotError('internal', 'No place to split a text.');
}

function isHighSurrogate(code: number): boolean {
  return code >= 0xd800 && code <= 0xdbff;
}
