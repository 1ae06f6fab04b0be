/** What a part of the benchmarks tells: tables to read, and bars that hold or do not. Plain data; `--json` prints it as it is. */

/** A measured number with its spread over the rounds of the run. */
export interface Figure {
  readonly median: number;
  readonly lowest: number;
  readonly highest: number;
}

/** A cell is words, or a figure; a figure is rounded for people only when it is printed. */
export type Cell = string | number | Figure;

export interface Table {
  readonly title: string;
  /** What was done, how often, and the unit of the figures. One or two sentences. */
  readonly note: string;
  readonly columns: readonly string[];
  readonly rows: readonly (readonly Cell[])[];
}

/** A line that must hold, of the design's bars. */
export interface Bar {
  readonly name: string;
  /** For people: '>= 1.1x', '0'. */
  readonly wanted: string;
  /** For people: '1.43x (1.31x to 1.52x)'. */
  readonly measured: string;
  /** The short form doesn't judge what depends on the machine's speed. */
  readonly holds: boolean | 'not judged';
}

export interface PartReport {
  readonly part: string;
  readonly tables: readonly Table[];
  readonly bars: readonly Bar[];
}

/** What a part is handed. */
export interface BenchContext {
  /** The form of CI: the same code on small numbers, so that it cannot rot; its figures mean nothing. */
  readonly short: boolean;
  /** A file with public data that a part works on (`--data`). */
  readonly data?: string | undefined;
  /** Tells how far it is; goes to stderr. */
  progress(line: string): void;
}

export type BenchPart = (context: BenchContext) => Promise<PartReport>;
