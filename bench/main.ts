/**
 * `npm run bench`: the figures of docs/benchmarks.md.
 *
 *   --only memory,turns   these parts; default: all
 *   --short               the form of CI, on small numbers: its figures mean nothing
 *   --data PATH           the data of the part `recall`, which is left out without it
 *   --json                prints JSON and nothing else to stdout
 *   --check               names the bars that do not hold, and exits with 1 when there is one
 */
import { parseArgs } from 'node:util';
import { machineLine, printReport } from './print.ts';
import type { BenchPart, PartReport } from './report.ts';

/** Loaded when it is run: a part brings its own packages. */
const PARTS: Readonly<Record<string, () => Promise<BenchPart>>> = {
  memory: async () => (await import('./memory/part.ts')).runMemory,
  turns: async () => (await import('./turns.ts')).runTurns,
  footprint: async () => (await import('./footprint.ts')).runFootprint,
  recall: async () => (await import('./recall/part.ts')).runRecall,
  answers: async () => (await import('./answers.ts')).runAnswers,
};

interface Options {
  readonly parts: readonly string[];
  readonly short: boolean;
  readonly data: string | undefined;
  readonly json: boolean;
  readonly check: boolean;
}

/** @throws TypeError for what is no option or no part */
function readOptions(args: readonly string[]): Options {
  const { values } = parseArgs({
    args: [...args],
    options: {
      only: { type: 'string' },
      data: { type: 'string' },
      short: { type: 'boolean', default: false },
      json: { type: 'boolean', default: false },
      check: { type: 'boolean', default: false },
    },
  });
  const { only, data, ...flags } = values;
  const parts = only?.split(',') ?? Object.keys(PARTS).filter((part) => part !== 'recall' || data !== undefined);
  const unknown = parts.find((part) => !Object.hasOwn(PARTS, part));
  if (unknown !== undefined) {
    throw new TypeError(`There is no part '${unknown}'. The parts are ${Object.keys(PARTS).join(', ')}.`);
  }
  if (parts.includes('recall') && data === undefined) throw new TypeError("The part 'recall' needs --data PATH.");
  return { ...flags, data, parts };
}

async function run({ parts, short, data, json, check }: Options): Promise<void> {
  const reports: PartReport[] = [];
  const say = (line: string) => process.stderr.write(`${line}\n`);
  for (const name of parts) {
    const part = await PARTS[name]?.();
    if (part === undefined) continue;
    const report = await part({ short, data, progress: (line) => say(`${name}: ${line}`) });
    reports.push(report);
    if (!json) process.stdout.write(printReport(report));
  }
  if (json)
    process.stdout.write(`${JSON.stringify({ machine: machineLine(), short, parts: reports }, undefined, 2)}\n`);
  else process.stdout.write(`${machineLine()}${short ? ' Short form: its figures mean nothing.' : ''}\n`);
  if (!check) return;
  const missed = reports.flatMap(({ bars }) => bars).filter(({ holds }) => holds === false);
  for (const { name, wanted, measured } of missed)
    say(`does not hold: ${name}: wanted ${wanted}, measured ${measured}`);
  if (missed.length > 0) process.exitCode = 1;
}

try {
  await run(readOptions(process.argv.slice(2)));
} catch (error) {
  process.stderr.write(
    `${error instanceof TypeError ? error.message : error instanceof Error ? error.stack : error}\n`,
  );
  process.exitCode = 1;
}
