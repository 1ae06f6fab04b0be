/** What the bot needs when nobody talks to it: the time of its start, its memory, its store with many conversations in it. */
import { measureFull } from './footprint/full.ts';
import { measureReplica } from './footprint/replica.ts';
import { measureStarts } from './footprint/starts.ts';
import type { BenchPart } from './report.ts';
import { buildPrograms } from './turns/programs.ts';

/** The embedded store is for one process on a small machine, and syncs each step of a turn to its disk. */
const LONG_FULL = { onRedis: 100_000, embedded: 20_000, idleMs: 3_000 };
const SHORT_FULL = { onRedis: 200, embedded: 50, idleMs: 200 };

export const runFootprint: BenchPart = async ({ short, progress }) => {
  progress('building');
  const programs = await buildPrograms();
  try {
    const starts = await measureStarts(programs, {
      ...(short ? { rounds: 1, warmups: 0, idleMs: 200 } : { rounds: 5, warmups: 1, idleMs: 2_000 }),
      ...{ judged: !short, progress },
    });
    const full = await measureFull(programs, { ...(short ? SHORT_FULL : LONG_FULL), progress });
    const replica = await measureReplica(programs, {
      ...(short ? { idleMs: 200, turns: 50 } : { idleMs: 60_000, turns: 2_000 }),
      ...{ judged: !short, progress },
    });
    return {
      part: 'footprint',
      tables: [starts.table, replica.table, full],
      bars: [...starts.bars, ...replica.bars],
    };
  } finally {
    await programs.remove();
  }
};
