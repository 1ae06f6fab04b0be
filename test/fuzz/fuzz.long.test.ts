/**
 * Whatever comes in from outside: no crash, no unhandled rejection, no stuck turn, no 500. A few hundred inputs an edge in
 * `npm run test:long`; `npm run test:fuzz` has 10,000 each, `-- --seed N` repeats a run.
 */
import { expect, test } from 'vitest';
import { builtBot } from '../support/built-bot.ts';
import type { FuzzEdge } from './edge.ts';
import { fuzzCommands } from './edges/commands.ts';
import { fuzzDiscord } from './edges/discord.ts';
import { fuzzElements } from './edges/elements.ts';
import { fuzzEnvironment } from './edges/environment.ts';
import { fuzzHttp } from './edges/http.ts';
import { fuzzSlack } from './edges/slack.ts';

const EDGES: Readonly<Record<string, FuzzEdge>> = {
  http: fuzzHttp,
  slack: fuzzSlack,
  discord: fuzzDiscord,
  commands: fuzzCommands,
  elements: fuzzElements,
  environment: fuzzEnvironment,
};
const runs = Number(process.env.FUZZ_RUNS ?? 200);
/** The same inputs in each `npm run test:long`; the long form draws new ones. */
const seed = Number(process.env.FUZZ_SEED ?? 2);
/** Of the first complaints, and of the last, where what the bot itself said of them is. */
const SHOWN = 10;

test.each(Object.entries(EDGES))('%s', { timeout: 120_000 + runs * 100 }, async (name, fuzz) => {
  const { outcomes, complaints } = await fuzz({ runs, seed, build: await builtBot() });
  const became = [...outcomes].sort(([, a], [, b]) => b - a).map(([outcome, count]) => `${count} ${outcome}`);
  if (process.env.FUZZ_RUNS !== undefined)
    process.stdout.write(`${name}, ${runs} inputs, seed ${seed}: ${became.join(', ')}\n`);
  const shown = complaints.filter((_, index) => index < SHOWN || index >= complaints.length - SHOWN);
  expect(shown, `${complaints.length} of ${runs} inputs with seed ${seed}`).toEqual([]);
});
