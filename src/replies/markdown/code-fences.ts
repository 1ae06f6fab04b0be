/**
 * Code fences of Markdown, line by line: by CommonMark's rules, but lenient about indentation in lists, as models write it and
 * platforms show it. And how a fence that is open at the end of one message is closed, and opened again in the next.
 */

/** An open code fence. */
export interface Fence {
  /** The beginning of each of its lines: quote marks, and spaces in place of list markers. */
  readonly prefix: string;
  /** The run of backticks or tildes. */
  readonly marker: string;
  /** First word of the info string. */
  readonly language: string;
  /** Levels of quotes that it is in. */
  readonly quotes: number;
  /** Columns between the last quote mark and the marker. */
  readonly indent: number;
}

/** Longer lines count as text, not as fences. This limits what closing and reopening may take. */
export interface FenceLimits {
  readonly prefix: number;
  readonly marker: number;
  /** A longer language is left out where the fence is reopened. */
  readonly language: number;
  /** The longest closing line, with the line break before it. */
  readonly tail: number;
}

/** For parts of this size: a sixteenth for each piece, so that most of a part is text. Real fences are shorter than 32. */
export function fenceLimits(partLimit: number): FenceLimits {
  const each = Math.max(4, Math.min(32, Math.floor(partLimit / 16)));
  return { prefix: each, marker: each, language: 2 * each, tail: 1 + 2 * each };
}

const OPENING = /^((?:[ \t]*>|[ \t]*(?:[-*+]|\d{1,9}[.)])[ \t])*[ \t]*)(`{3,}|~{3,})(.*)$/s;

/** The fence that is open after `line` (without its line break), if `open` was open before it. */
export function scanLine(open: Fence | undefined, line: string, limits: FenceLimits): Fence | undefined {
  if (open !== undefined) {
    const content = insideQuotes(line, open.quotes);
    if (content !== undefined) return closes(open, content) ? undefined : open;
    // The quote has ended, and the fence in it.
  }
  return line.includes('```') || line.includes('~~~') ? openedBy(line, limits) : undefined;
}

/** The line after `quotes` quote marks; undefined if it has fewer. */
function insideQuotes(line: string, quotes: number): string | undefined {
  let content = line;
  for (let depth = 0; depth < quotes; depth += 1) {
    const mark = /^[ \t]*>/.exec(content);
    if (mark === null) return undefined;
    content = content.slice(mark[0].length);
  }
  return content;
}

function closes(open: Fence, content: string): boolean {
  const match = /^([ \t]*)(`{3,}|~{3,})\s*$/.exec(content);
  if (match === null) return false;
  const [, indent = '', marker = ''] = match;
  return marker[0] === open.marker[0] && marker.length >= open.marker.length && indent.length <= open.indent + 3;
}

function openedBy(line: string, limits: FenceLimits): Fence | undefined {
  const match = OPENING.exec(line);
  if (match === null) return undefined;
  const [, before = '', marker = '', info = ''] = match;
  if (before.length > limits.prefix || marker.length > limits.marker) return undefined;
  // "```code```" on one line is inline code, not a fence.
  if (marker.startsWith('`') && info.includes('`')) return undefined;
  const prefix = before.replace(/[^>\t]/g, ' ');
  return {
    prefix,
    marker,
    language: /\S+/.exec(info)?.[0] ?? '',
    quotes: prefix.split('>').length - 1,
    indent: prefix.length - (prefix.lastIndexOf('>') + 1),
  };
}

/** `utf16`: JavaScript's length (Discord's and Slack's characters are never more). `utf8`: bytes. */
export type Measure = 'utf16' | 'utf8';

/** Size of a text in units of `measure`. */
export function sizeOf(text: string, measure: Measure): number {
  return measure === 'utf8' ? Buffer.byteLength(text) : text.length;
}

/** Closes a code fence that is open at the end, so that text can be appended. */
export function withClosedFence(text: string): string {
  const open = openFence(text, fenceLimits(Number.MAX_SAFE_INTEGER));
  return open === undefined ? text : text + tailOf(open, text);
}

/** What closes the fence that is open at the end of this text (`tail`) and what opens it again in the next part (`head`). */
export function seamOf(
  text: string,
  { limit, measure = 'utf16' }: { readonly limit: number; readonly measure?: Measure },
): { tail: string; head: string } {
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

/** The line that opens the fence again. @param midLine The part begins within a line. */
export function headOf(fence: Fence, midLine: boolean, measure: Measure, limits: FenceLimits): string {
  const language = sizeOf(fence.language, measure) <= limits.language ? fence.language : '';
  // In a quote, the rest of a line needs its quote marks again. Otherwise the quote, and the fence in it, would end.
  const rest = midLine && fence.quotes > 0 ? fence.prefix : '';
  return `${fence.prefix}${fence.marker}${language}\n${rest}`;
}

/** The line that closes the fence after `body`. */
export function tailOf(fence: Fence, body: string): string {
  return `${body.endsWith('\n') ? '' : '\n'}${fence.prefix}${fence.marker}`;
}
