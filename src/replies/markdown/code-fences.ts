/**
 * Code fences of Markdown, line by line: CommonMark's rules, but lenient about indentation in lists, as models write it
 * and as platforms show it.
 */

/** An open code fence. */
export interface Fence {
  /** What stands before each of its lines: quote marks, and spaces in place of list markers. */
  readonly prefix: string;
  /** The run of backticks or tildes. */
  readonly marker: string;
  /** First word of the info string. */
  readonly language: string;
  /** How many quotes it stands in. */
  readonly quotes: number;
  /** Columns before the marker, counted behind the last quote mark. */
  readonly indent: number;
}

/** Sizes beyond which a line is text and no fence: they bound what closing and opening again may take. */
export interface FenceLimits {
  readonly prefix: number;
  readonly marker: number;
  /** A longer language is left out when the fence is opened again. */
  readonly language: number;
  /** The longest closing line, with the line break before it. */
  readonly tail: number;
}

/** For parts of this size: a sixteenth for each piece, so that most of a part is text; nobody's fence is longer than 32. */
export function fenceLimits(partLimit: number): FenceLimits {
  const each = Math.max(4, Math.min(32, Math.floor(partLimit / 16)));
  return { prefix: each, marker: each, language: 2 * each, tail: 1 + 2 * each };
}

const OPENING = /^((?:[ \t]*>|[ \t]*(?:[-*+]|\d{1,9}[.)])[ \t])*[ \t]*)(`{3,}|~{3,})(.*)$/s;

/** The fence that is open behind `line` (without its line break), when `open` was open before it. */
export function scanLine(open: Fence | undefined, line: string, limits: FenceLimits): Fence | undefined {
  if (open !== undefined) {
    const content = insideQuotes(line, open.quotes);
    if (content !== undefined) return closes(open, content) ? undefined : open;
    // The quote has ended, and its fence with it.
  }
  return line.includes('```') || line.includes('~~~') ? openedBy(line, limits) : undefined;
}

/** The line behind `quotes` quote marks; undefined when it has fewer. */
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
  // "```code```" in one line is code within the line, not a fence.
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
