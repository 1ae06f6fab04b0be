/**
 * Renders Markdown tables for Discord, which shows their source. A table that fits becomes a code block with aligned columns; one
 * that is too wide for a screen becomes a list, row by row. So do tables in block quotes. Code blocks stay as they are.
 */

import { type Fence, type FenceLimits, scanLine } from './code-fences.ts';

/** Columns of text that a code block shows without wrapping, on a desktop. */
const MAX_WIDTH = 80;
const GAP = '  ';
/** Larger tables keep their source: rows are padded to all columns, and a list repeats the headings in each row. */
const MAX_COLUMNS = 30;
const MAX_HEADING = 200;
/** How much longer than its source a rendered table may be: by this factor, and this many UTF-16 units. */
const MAX_GROWTH = 4;
const FREE_GROWTH = 4_000;

/**
 * @param complete False while the text grows. Then a table at its end, or a line that may become one, is left out until the table
 * is complete.
 */
export function renderTables(text: string, complete: boolean, limits: FenceLimits): string {
  if (!text.includes('|')) return text;
  const lines = text.split('\n');
  // The last line may continue, or the table after its line break.
  const known = complete ? lines.length : lines.length - 1;
  const shown: string[] = [];
  let open: Fence | undefined;
  for (let at = 0; at < lines.length; ) {
    const line = lines[at] ?? '';
    const table = open === undefined ? tableAt(lines, at, known) : [];
    if (table.length > 0) {
      const end = at + table.length;
      if (!complete && end >= known) return [...shown, ''].join('\n');
      shown.push(...bounded(table, quotePrefix(line)));
      at = end;
      continue;
    }
    if (!complete && open === undefined && line.includes('|') && at + 1 >= known) return [...shown, ''].join('\n');
    shown.push(line);
    open = scanLine(open, line, limits);
    at += 1;
  }
  return shown.join('\n');
}

/** The quote marks at the beginning of a line, with a space after the last one; empty outside of quotes. */
function quotePrefix(line: string): string {
  let end = 0;
  for (let at = 0; at < line.length; at += 1) {
    if (line[at] === '>') end = at + 1;
    else if (line[at] !== ' ' || at - end > 3) break;
  }
  if (end === 0) return '';
  return line[end] === ' ' ? line.slice(0, end + 1) : line.slice(0, end);
}

/** The lines of the table that begins here, without their quote marks; none if there is no table. */
function tableAt(lines: readonly string[], start: number, known: number): readonly string[] {
  if (start + 1 >= known || lines[start]?.includes('|') !== true || lines[start + 1]?.includes('|') !== true) return [];
  const depth = depthOf(lines[start] ?? '');
  /** Undefined for a line that is in fewer, or more, quotes than the first. */
  const contentOf = (line = '') => (depthOf(line) === depth ? line.slice(quotePrefix(line).length) : undefined);
  const [head, rule] = [contentOf(lines[start]), contentOf(lines[start + 1])];
  if (head === undefined || rule === undefined || !rule.includes('-')) return [];
  const columns = cellsOf(rule);
  const headings = cellsOf(head);
  if (!columns.every((cell) => /^:?-+:?$/.test(cell)) || columns.length !== headings.length) return [];
  if (headings.length > MAX_COLUMNS || headings.some(({ length }) => length > MAX_HEADING)) return [];
  const table = [head, rule];
  for (let at = start + 2; at < known; at += 1) {
    const row = contentOf(lines[at]);
    if (row?.includes('|') !== true) break;
    table.push(row);
  }
  return table;
}

function depthOf(line: string): number {
  return quotePrefix(line).split('>').length - 1;
}

/** A pipe in a cell is escaped by a backslash. */
function cellsOf(line: string): readonly string[] {
  const cells = [''];
  const text = line.trim();
  for (let at = text.startsWith('|') ? 1 : 0; at < text.length; at += 1) {
    const escaped = text[at] === '\\' && text[at + 1] === '|';
    if (escaped) at += 1;
    if (text[at] === '|' && !escaped) {
      if (at < text.length - 1) cells.push('');
    } else cells[cells.length - 1] += text[at] ?? '';
  }
  return cells.map((cell) => cell.trim());
}

/** The rendered table, in its quote; its source if it would become many times as long. */
function bounded(table: readonly string[], prefix: string): readonly string[] {
  const quoted = (lines: readonly string[]) => lines.map((line) => prefix + line);
  const [source, shown] = [quoted(table), quoted(rendered(table))];
  const isTooLong = shown.join('\n').length > MAX_GROWTH * source.join('\n').length + FREE_GROWTH;
  return isTooLong ? source : shown;
}

function rendered([head = '', rule = '', ...body]: readonly string[]): readonly string[] {
  const headings = cellsOf(head);
  const toRight = cellsOf(rule).map((cell) => cell.endsWith(':') && !cell.startsWith(':'));
  const rows = body.map((line) => {
    const cells = cellsOf(line);
    return headings.map((_, column) => cells[column] ?? '');
  });
  const plain = [headings, ...rows].map((row) => row.map(plainCell));
  const widths = headings.map((_, column) => Math.max(3, ...plain.map((row) => widthOf(row[column] ?? ''))));
  const total = widths.reduce((sum, width) => sum + width, GAP.length * (widths.length - 1));
  if (total > MAX_WIDTH) return rows.flatMap((row) => asList(headings, row));
  const aligned = (row: readonly string[]) =>
    row
      .map((cell, column) => {
        const blank = ' '.repeat(Math.max(0, (widths[column] ?? 0) - widthOf(cell)));
        return toRight[column] === true ? blank + cell : cell + blank;
      })
      .join(GAP)
      .trimEnd();
  const [first = [], ...others] = plain;
  const line = widths.map((width) => '-'.repeat(width)).join(GAP);
  return ['```', aligned(first), line, ...others.map(aligned), '```'];
}

function asList(headings: readonly string[], row: readonly string[]): readonly string[] {
  const [first = '', ...others] = row;
  const title = first === '' ? '' : `**${first.replaceAll('**', '')}**`;
  const lines = others.flatMap((cell, index) => (cell === '' ? [] : [`${headings[index + 1] ?? ''}: ${cell}`]));
  return [`- ${title || (headings[0] ?? '')}`, ...lines.map((line) => `  - ${line}`)];
}

/** A code block shows markup as it is, so it is removed. */
function plainCell(cell: string): string {
  return cell
    .replace(/\[([^[\]]*)\]\(([^()\s]*)\)/g, '$1 ($2)')
    .replace(/<br ?\/?>/gi, ' ')
    .replace(/\*\*|`/g, '');
}

const WIDE =
  /^(?:[\u1100-\u115F\u2E80-\uA4CF\uAC00-\uD7A3\uF900-\uFAFF\uFE30-\uFE4F\uFF00-\uFF60\uFFE0-\uFFE6]|\p{Emoji_Presentation})$/u;

/** Columns that a text takes in a code block: Chinese characters and emoji take two. */
function widthOf(text: string): number {
  let width = 0;
  for (const character of text) {
    if (/^[\p{M}\p{Cf}]$/u.test(character)) continue;
    width += WIDE.test(character) ? 2 : 1;
  }
  return width;
}
