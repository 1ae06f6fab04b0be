/**
 * Tables of Markdown as Discord can show them: it renders none, pipes stay pipes. What fits becomes a code block with columns in
 * line; what is too wide for a screen becomes a list, row by row. Text in code blocks stays as it is.
 */

import { type Fence, type FenceLimits, scanLine } from './code-fences.ts';

/** Columns that a code block shows without breaking its lines, on a desktop. */
const MAX_WIDTH = 80;
const GAP = '  ';
/** Of a table that is shown as one: its rows are filled up to its columns, and a list repeats its headings in each row. */
const MAX_COLUMNS = 30;
const MAX_HEADING = 200;
/** What it may be longer than as it was written: by a factor, and in UTF-16 units behind that. */
const MAX_GROWTH = 4;
const FREE_GROWTH = 4_000;

/**
 * @param complete False while the text grows: then a table at its end, or what may become one, is left out until it is whole.
 */
export function withTables(text: string, complete: boolean, limits: FenceLimits): string {
  if (!text.includes('|')) return text;
  const lines = text.split('\n');
  // The last one may go on, or the one behind a line break.
  const known = complete ? lines.length : lines.length - 1;
  const shown: string[] = [];
  let open: Fence | undefined;
  for (let at = 0; at < lines.length; ) {
    const line = lines[at] ?? '';
    const end = open === undefined ? endOfTable(lines, at, known) : at;
    if (end > at) {
      if (!complete && end >= known) return [...shown, ''].join('\n');
      shown.push(bounded(lines.slice(at, end)));
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

/** Behind the last row of the table that begins with this line; the same position where none does. */
function endOfTable(lines: readonly string[], at: number, known: number): number {
  const [head, rule] = [lines[at] ?? '', lines[at + 1] ?? ''];
  if (at + 1 >= known || !head.includes('|') || !rule.includes('-') || !rule.includes('|')) return at;
  const columns = cellsOf(rule);
  const headings = cellsOf(head);
  if (!columns.every((cell) => /^:?-+:?$/.test(cell)) || columns.length !== headings.length) return at;
  if (headings.length > MAX_COLUMNS || headings.some(({ length }) => length > MAX_HEADING)) return at;
  let end = at + 2;
  while (end < known && lines[end]?.includes('|') === true) end += 1;
  return end;
}

/** A pipe within a cell has a backslash before it. */
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

/** As it was written where it would become many times as long. */
function bounded(table: readonly string[]): string {
  const source = table.join('\n');
  const text = rendered(table);
  return text.length > MAX_GROWTH * source.length + FREE_GROWTH ? source : text;
}

function rendered([head = '', rule = '', ...body]: readonly string[]): string {
  const headings = cellsOf(head);
  const toRight = cellsOf(rule).map((cell) => cell.endsWith(':') && !cell.startsWith(':'));
  const rows = body.map((line) => {
    const cells = cellsOf(line);
    return headings.map((_, column) => cells[column] ?? '');
  });
  const plain = [headings, ...rows].map((row) => row.map(plainCell));
  const widths = headings.map((_, column) => Math.max(3, ...plain.map((row) => widthOf(row[column] ?? ''))));
  const total = widths.reduce((sum, width) => sum + width, GAP.length * (widths.length - 1));
  if (total > MAX_WIDTH) return rows.map((row) => asList(headings, row)).join('\n');
  const inLine = (row: readonly string[]) =>
    row
      .map((cell, column) => {
        const blank = ' '.repeat(Math.max(0, (widths[column] ?? 0) - widthOf(cell)));
        return toRight[column] === true ? blank + cell : cell + blank;
      })
      .join(GAP)
      .trimEnd();
  const [first = [], ...others] = plain;
  const line = widths.map((width) => '-'.repeat(width)).join(GAP);
  return ['```', inLine(first), line, ...others.map(inLine), '```'].join('\n');
}

function asList(headings: readonly string[], row: readonly string[]): string {
  const [first = '', ...others] = row;
  const title = first === '' ? '' : `**${first.replaceAll('**', '')}**`;
  const lines = others.flatMap((cell, index) => (cell === '' ? [] : [`${headings[index + 1] ?? ''}: ${cell}`]));
  return [`- ${title || (headings[0] ?? '')}`, ...lines.map((line) => `  - ${line}`)].join('\n');
}

/** Within code no markup is shown as such. */
function plainCell(cell: string): string {
  return cell
    .replace(/\[([^[\]]*)\]\(([^()\s]*)\)/g, '$1 ($2)')
    .replace(/<br ?\/?>/gi, ' ')
    .replace(/\*\*|`/g, '');
}

const WIDE =
  /^(?:[\u1100-\u115F\u2E80-\uA4CF\uAC00-\uD7A3\uF900-\uFAFF\uFE30-\uFE4F\uFF00-\uFF60\uFFE0-\uFFE6]|\p{Emoji_Presentation})$/u;

/** Columns that a text takes in code: Chinese characters and emoji take two. */
function widthOf(text: string): number {
  let width = 0;
  for (const character of text) {
    if (/^[\p{M}\p{Cf}]$/u.test(character)) continue;
    width += WIDE.test(character) ? 2 : 1;
  }
  return width;
}
