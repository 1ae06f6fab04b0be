// `npm run test:fuzz`: the long form of test/fuzz, 10,000 inputs an edge. `-- --only http,slack` picks some, `--runs N` and
// `--seed N` repeat a run.
import { parseArgs } from 'node:util';
import { startVitest } from 'vitest/node';

const { values } = parseArgs({
  options: {
    only: { type: 'string', default: '' },
    runs: { type: 'string', default: '10000' },
    seed: { type: 'string', default: String(Date.now() % 1_000_000) },
  },
});
for (const name of ['runs', 'seed']) {
  if (!/^\d{1,9}$/.test(values[name])) throw new TypeError(`--${name} must be a whole number, not '${values[name]}'.`);
}
process.env.FUZZ_RUNS = values.runs;
process.env.FUZZ_SEED = values.seed;
const edges = values.only === '' ? {} : { testNamePattern: `^(${values.only.replaceAll(',', '|')})$` };
const vitest = await startVitest('test', ['test/fuzz/'], { ...edges, config: 'vitest.long.config.ts', watch: false });
await vitest.exit();
