/**
 * `npm run test:crash`: the long crash runs. `-- --only kill,asleep` picks some, `--seed N` repeats a run, `--times N` runs each
 * N times, `--verbose`
 * tells how far it is. Exits non-zero unless nothing was doubled, out of order, stuck or half.
 */
import { parseArgs } from 'node:util';
import { buildReplica } from './replicas.ts';
import { type CrashResult, runCrash } from './run.ts';
import { longRuns } from './runs.ts';

const { values } = parseArgs({
  options: {
    only: { type: 'string' },
    seed: { type: 'string', default: String(Date.now() % 1_000_000) },
    verbose: { type: 'boolean', default: false },
    times: { type: 'string', default: '1' },
  },
});
const only = values.only?.split(',');
const print = (line: string) => process.stdout.write(`${line}\n`);

function report(name: string, seed: number, result: CrashResult): void {
  const { messages, answered, failedSaid, faults, takenOver, slowestTakeoverMs, seconds } = result;
  const { duplicates, outOfOrder, stuck, halves, differing, complaints, output } = result;
  const { acknowledged, lostToFailover, longestPauseMs } = result;
  print(
    `${name.padEnd(16)} seed ${seed}: ${messages} messages, ${answered} answered, ${failedSaid} failed and said so, ` +
      `${faults} kills or faults, ${takenOver} taken over (slowest ${slowestTakeoverMs} ms behind the last fault), ${seconds} s; ` +
      `duplicates ${duplicates}, out of order ${outOfOrder}, stuck ${stuck}, halves ${halves}, ` +
      `${differing} visible texts that differ from memory; acknowledged ${acknowledged}, lost to a failover ${lostToFailover}, ` +
      `longest pause ${longestPauseMs} ms`,
  );
  for (const complaint of complaints.slice(0, 20)) print(`  ${complaint}`);
  if (complaints.length > 0) print(output);
}

await buildReplica();
let bad = 0;
for (let time = 0; time < Number(values.times); time += 1) {
  const seed = Number(values.seed) + time;
  for (const run of longRuns(seed).filter(
    ({ name }) => only === undefined || only.some((one) => name === one || name.startsWith(`${one}-`)),
  )) {
    const result = await runCrash(run, values.verbose ? print : undefined);
    report(run.name, seed, result);
    if (result.complaints.length > 0 || result.slowestTakeoverMs > 10_000) bad += 1;
  }
}
process.exit(bad === 0 ? 0 : 1);
