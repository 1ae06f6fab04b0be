/** How long the last messages take to read from short and from long conversations. */
import { figureOf, ratioOf } from '../figures.ts';
import { printFigure } from '../print.ts';
import { ask, type Clients } from './clients.ts';
import { KEEPERS, perContender, TITLES, WINDOW } from './contender.ts';
import { type Plan, readReply } from './jobs.ts';
import type { Section, World } from './world.ts';

/** Readings of a conversation of each length that make one round. */
const CALLS = 300;

/** Contenders that read differently. */
const READERS = KEEPERS.filter((contender) => contender !== 'recollect-whole');

export async function measureReading({ context: { short, progress } }: World, clients: Clients): Promise<Section> {
  const lengths = short ? [20, 100] : [20, 200, 2_000];
  const rounds = short ? 1 : 5;
  const times = perContender((): number[][] => lengths.map(() => []));
  progress('reading');
  for (const contender of READERS) {
    for (const [index, length] of lengths.entries()) {
      await ask(clients[contender], { job: 'fill', plan: conversationOf(index, length) });
    }
  }
  const conversations = lengths.map((_, index) => index + 1);
  for (let round = 0; round <= rounds; round += 1) {
    for (const contender of READERS) {
      const calls = short ? 10 : CALLS;
      const medians = readReply.parse(await ask(clients[contender], { job: 'read', conversations, calls }));
      // The first round only warms up.
      if (round > 0) for (const [index, median] of medians.entries()) times[contender][index]?.push(median);
    }
  }
  const own = times.recollect;
  const ratio = ratioOf(own.at(-1) ?? [], own[0] ?? []);
  return {
    tables: [
      {
        title: `Reading the last ${WINDOW} messages`,
        note: `Microseconds of one reading, messages of 400 bytes; one call after the other, the lengths in turn. The tutorial way and @langchain/redis read all there is. Median of ${rounds} rounds, each the median of ${CALLS} readings. The cap on stored messages (2,000 by default) is lifted for this.`,
        columns: ['', ...lengths.map((length) => `${length} stored`)],
        rows: READERS.map((contender) => [TITLES[contender], ...times[contender].map(figureOf)]),
      },
    ],
    bars: [
      {
        name: `read of the last ${WINDOW} at ${lengths.at(-1)} stored against ${lengths[0]}`,
        wanted: '<= 1.2x',
        measured: printFigure(ratio, 'x'),
        holds: short ? 'not judged' : ratio.median <= 1.2,
      },
    ],
  };
}

/** One conversation that long, written by one client. */
function conversationOf(index: number, messages: number): Plan {
  return { workers: 1, turns: messages / 2, each: messages / 2, bytes: 400, first: index + 1 };
}
