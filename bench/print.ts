/** Reports for people: aligned text that is Markdown too, so that a run can be pasted into docs/benchmarks.md as it is. */
import { availableParallelism, cpus, totalmem } from 'node:os';
import type { Bar, Cell, Figure, PartReport, Table } from './report.ts';

const HOLDS = new Map<Bar['holds'], string>([
  [true, 'yes'],
  [false, 'NO'],
  ['not judged', 'not judged'],
]);

/** One part, ready to print. */
export function printReport({ part, tables, bars }: PartReport): string {
  const sections = tables.map(printTable);
  if (bars.length > 0) sections.push(printBars(bars));
  return `## ${part}\n\n${sections.join('\n')}\n`;
}

/** What it was measured on. */
export function machineLine(): string {
  const model = cpus()[0]?.model.trim() ?? 'unknown';
  const memory = Math.round(totalmem() / 2 ** 30);
  return `Node ${process.versions.node}, ${process.platform} ${process.arch}, ${availableParallelism()} CPUs (${model}), ${memory} GB.`;
}

function printTable({ title, note, columns, rows }: Table): string {
  return `### ${title}\n\n${note}\n\n${grid([columns, ...rows.map((row) => row.map(printCell))])}`;
}

function printBars(bars: readonly Bar[]): string {
  const rows = bars.map(({ name, wanted, measured, holds }) => [name, wanted, measured, HOLDS.get(holds) ?? '']);
  return `### Bars\n\n${grid([['what', 'bar', 'measured', 'holds'], ...rows])}`;
}

/** Rounds to three digits, which is more than a benchmark knows. */
export function printNumber(value: number): string {
  if (!Number.isFinite(value)) return '–';
  if (Number.isInteger(value) || Math.abs(value) >= 100) return Math.round(value).toLocaleString('en');
  return String(Number(value.toPrecision(3)));
}

function printCell(cell: Cell): string {
  if (typeof cell === 'string') return cell;
  if (typeof cell === 'number') return printNumber(cell);
  return printFigure(cell);
}

/** Median, and between which two it lies. `unit` stands behind the median. */
export function printFigure(figure: Figure, unit = ''): string {
  return `${printNumber(figure.median)}${unit} (${printNumber(figure.lowest)} to ${printNumber(figure.highest)})`;
}

function grid(rows: readonly (readonly string[])[]): string {
  const cells = rows.map((row) => row.map((cell) => cell.replaceAll('|', '\\|')));
  const [head = []] = cells;
  const widths = head.map((_, column) => Math.max(3, ...cells.map((row) => row[column]?.length ?? 0)));
  const line = (row: readonly string[]) =>
    `| ${widths.map((width, at) => (row[at] ?? '').padEnd(width)).join(' | ')} |`;
  const rule = `| ${widths.map((width) => '-'.repeat(width)).join(' | ')} |`;
  return `${[line(head), rule, ...cells.slice(1).map(line)].join('\n')}\n`;
}
