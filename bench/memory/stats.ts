/** Figures of the whole service at many conversations, and what everybody else sees of Redis meanwhile. */
import type { Redis } from 'ioredis';
import { figureOf } from '../figures.ts';
import { printFigure, printNumber } from '../print.ts';
import type { Figure } from '../report.ts';
import { type Child, startChild } from './child.ts';
import { type Pings, pingsReply } from './jobs.ts';
import { openStore } from './recollect.ts';
import { checkSeed, seedStore, seedTutorial } from './seed.ts';
import { logCommands, longestCommand } from './slowlog.ts';
import { openTutorial } from './tutorial.ts';
import type { Section, World } from './world.ts';

const CALLS = 50;

interface Asked {
  readonly conversations: number;
  /** Of one asking. */
  readonly ms: Figure;
  /** The longest command of Redis in one asking: meanwhile it did nothing else. */
  readonly blockedMs: Figure;
  readonly pings: Pings;
}

export async function measureStats(world: World): Promise<Section> {
  const { context, admin, url } = world;
  const sizes = context.short ? [1_000] : [10_000, 100_000, 1_000_000];
  const pinger = startChild('pinger.ts', [url]);
  try {
    await checkSeed(admin, url);
    await logCommands(admin);
    const idle = await pinging(pinger, () => new Promise((resolve) => setTimeout(resolve, context.short ? 50 : 1_000)));
    const own = await askStore(world, pinger, sizes);
    const others = await askTutorial(world, pinger, sizes);
    const largest = own.at(-1);
    if (largest === undefined) throw new Error('Nothing was measured.');
    return {
      tables: [statsTable(own, others, idle)],
      bars: [
        {
          name: `stats at ${printNumber(largest.conversations)} conversations`,
          wanted: '<= 5 ms, Redis blocked <= 1 ms',
          measured: `${printFigure(largest.ms, ' ms')}, blocked ${printFigure(largest.blockedMs, ' ms')}`,
          holds: context.short ? 'not judged' : largest.ms.median <= 5 && largest.blockedMs.median <= 1,
        },
      ],
    };
  } finally {
    await pinger.kill();
  }
}

async function askStore({ context, admin, url }: World, pinger: Child, sizes: readonly number[]): Promise<Asked[]> {
  const { store } = await openStore(url);
  const asked: Asked[] = [];
  let there = 0;
  for (const size of sizes) {
    context.progress(`seeding ${size} conversations`);
    await seedStore(admin, there + 1, size - there);
    there = size;
    context.progress(`figures of ${size} conversations`);
    asked.push(
      await observe(admin, pinger, size, CALLS, async () => {
        const { conversations, messages } = await store.stats();
        expectCount(conversations, messages, size);
      }),
    );
  }
  await store.close();
  await admin.flushall();
  return asked;
}

async function askTutorial({ context, admin, url }: World, pinger: Child, sizes: readonly number[]): Promise<Asked[]> {
  const client = await openTutorial(url);
  const asked: Asked[] = [];
  let there = 0;
  for (const size of sizes) {
    context.progress(`figures of ${size} conversations, tutorial way`);
    await seedTutorial(admin, there + 1, size - there);
    there = size;
    asked.push(
      await observe(admin, pinger, size, 1, async () => {
        const { conversations, messages } = await client.stats();
        expectCount(conversations, messages, size);
      }),
    );
  }
  await client.close();
  await admin.flushall();
  return asked;
}

/** A wrong count would make the fastest way the best. */
function expectCount(conversations: number, messages: number, wanted: number): void {
  if (conversations !== wanted || messages !== 2 * wanted) {
    throw new Error(
      `${conversations} conversations and ${messages} messages were counted, of ${wanted} and ${2 * wanted}.`,
    );
  }
}

async function observe(
  admin: Redis,
  pinger: Child,
  conversations: number,
  calls: number,
  ask: () => Promise<void>,
): Promise<Asked> {
  const times: number[] = [];
  const blocked: number[] = [];
  const pings = await pinging(pinger, async () => {
    for (let call = 0; call < calls; call += 1) {
      const longest = await longestCommand(admin, async () => {
        const from = performance.now();
        await ask();
        times.push(performance.now() - from);
      });
      blocked.push(longest);
    }
  });
  return { conversations, ms: figureOf(times), blockedMs: figureOf(blocked), pings };
}

/** What PINGs on another connection, of another process, take while something is done. */
async function pinging(pinger: Child, action: () => Promise<unknown>): Promise<Pings> {
  await pinger.ask({});
  await action();
  return pingsReply.parse(await pinger.ask({}));
}

function statsTable(own: readonly Asked[], others: readonly Asked[], idle: Pings) {
  const row = (title: string, { conversations, ms, blockedMs, pings }: Asked) => [
    title,
    conversations,
    ms,
    blockedMs,
    pings.worst,
  ];
  return {
    title: 'Figures of the service',
    note: `Milliseconds. recollect: ${CALLS} askings, which count conversations, messages, today's turns and tokens. Tutorial way: KEYS, then LLEN of each key, one after the other; once. Blocked: the longest command of an asking in Redis' own log (nothing above 0.05 ms shows as 0). Worst PING: of another process that asks all the time; with nothing else going on it was ${printNumber(idle.worst)} ms, which is what the machine adds.`,
    columns: ['', 'conversations', 'one asking', 'Redis blocked', 'worst PING'],
    rows: own.flatMap((asked, index) => {
      const other = others[index];
      return [row('recollect', asked), ...(other === undefined ? [] : [row('tutorial way', other)])];
    }),
  };
}
