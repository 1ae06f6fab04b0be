/**
 * `npm run soak -- --minutes N`: the bot under load from both platforms and HTTP while everything around it fails, for as long
 * as you like; `--seed N` draws the same faults again. It keeps every message until the end, so hours are fine and weeks are
 * not. Exits non-zero when anything was lost, doubled, out of order or half.
 */
import { readOptions, type SoakOptions, USAGE } from './options.ts';
import { reportOf } from './report.ts';
import { runSoak } from './run.ts';

const COMPLAINTS_SHOWN = 50;
const print = (line: string) => process.stdout.write(`${line}\n`);

async function main({ minutes, verbose, ...options }: SoakOptions): Promise<number> {
  print(`seed ${options.seed}, ${options.rate} messages/s, ${options.replicas} replicas, ${minutes} minutes`);
  const run = { ...options, seconds: minutes * 60, short: false };
  const result = await runSoak(run, print, verbose ? 5_000 : 30_000);
  print(reportOf(result));
  const { complaints } = result;
  if (complaints.length === 0) return 0;
  print(`\n${complaints.length} complaints (again with --seed ${options.seed}):`);
  for (const complaint of complaints.slice(0, COMPLAINTS_SHOWN)) print(`  ${complaint}`);
  for (const { at, kind } of result.struck) if (verbose) print(`  ${new Date(at).toISOString()} ${kind}`);
  if (verbose) print(result.output);
  return 1;
}

let options: SoakOptions;
try {
  options = readOptions(process.argv.slice(2), Date.now());
} catch (thrown) {
  process.stderr.write(`${thrown instanceof Error ? thrown.message : thrown}\n${USAGE}\n`);
  process.exit(2);
}
process.exit(await main(options));
