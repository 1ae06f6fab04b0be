/** The memory part: the product's store on Redis beside two other ways, and what the design asks of it. */
import type { BenchPart } from '../report.ts';
import { withClients } from './clients.ts';
import { tryCorrupt } from './corrupt.ts';
import { killClients } from './crash.ts';
import { talkAtOnce } from './pairs.ts';
import { measureReading } from './reading.ts';
import { measureRemoving } from './removing.ts';
import { retryUnknown } from './retry.ts';
import { measureSize } from './size.ts';
import { measureStats } from './stats.ts';
import { measureTurns } from './turns.ts';
import { type Section, withRedis } from './world.ts';

const FIGURES = [measureTurns, measureReading, measureSize];
const FAULTS = [measureStats, measureRemoving, killClients, talkAtOnce, retryUnknown, tryCorrupt];

export const runMemory: BenchPart = async (context) => {
  const sections: Section[] = [];
  await withRedis(context, (world) =>
    withClients(world.url, async (clients) => {
      for (const measure of FIGURES) sections.push(await measure(world, clients));
    }),
  );
  await withRedis(context, async (world) => {
    for (const attempt of FAULTS) sections.push(await attempt(world));
  });
  return {
    part: 'memory',
    tables: sections.flatMap(({ tables }) => tables),
    bars: sections.flatMap(({ bars }) => bars),
  };
};
