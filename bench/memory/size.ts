/** Bytes of Redis that a conversation takes. */
import type { Redis } from 'ioredis';
import { printNumber } from '../print.ts';
import { ask, type Clients } from './clients.ts';
import { KEEPERS, type Keeper, perContender, TITLES } from './contender.ts';
import type { Plan } from './jobs.ts';
import { elementBytes } from './recollect.ts';
import { infoNumber, type Section, type World } from './world.ts';

const MESSAGES = 20;
/** Of a stored element, JSON and all: what the bar of the design counts. */
const ELEMENT = 400;
const BAR = 9 * 1_024;

export async function measureSize(world: World, clients: Clients): Promise<Section> {
  const { short, progress } = world.context;
  const conversations = short ? 32 : 1_024;
  progress(`size of ${conversations} conversations`);
  // The design counts bytes of the stored element; people count bytes of text.
  const sizes = [ELEMENT - elementBytes(0), ELEMENT];
  const bytes = perContender((): Size[] => []);
  for (const contender of KEEPERS) {
    // What the first ones leave in Redis itself is nobody's.
    await sizeOf(world, clients, contender, 32, ELEMENT);
    for (const size of sizes) bytes[contender].push(await sizeOf(world, clients, contender, conversations, size));
  }
  const own = bytes.recollect[0]?.keys ?? Number.NaN;
  return {
    tables: [
      {
        title: `Bytes of a conversation of ${MESSAGES} messages`,
        note: `${conversations} conversations, of each 32 people in 32 channels, by which all is divided. Keys: MEMORY USAGE of all keys there are, indexes included. Redis: by how much its used_memory grew, with its tables of keys and expiries. The second line of recollect is what is there within 24 hours of the turns: their records, idempotency keys and fences too.`,
        columns: ['', ...sizes.flatMap((size) => [`texts of ${size} bytes: keys`, 'Redis'])],
        rows: KEEPERS.map((contender) => [
          contender === 'recollect-whole'
            ? 'recollect, with the turn records of a day'
            : (TITLES[contender].split(':')[0] ?? ''),
          ...bytes[contender].flatMap(({ keys, used }) => [keys, used]),
        ]),
      },
    ],
    bars: [
      {
        name: `bytes of ${MESSAGES} messages stored in ${ELEMENT} bytes each, MEMORY USAGE with companions and index, turn records aside`,
        wanted: `<= 9 KB (${printNumber(BAR)} bytes)`,
        measured: `${printNumber(own)} bytes`,
        holds: short ? 'not judged' : own <= BAR,
      },
    ],
  };
}

/** Bytes a conversation. */
interface Size {
  readonly keys: number;
  readonly used: number;
}

async function sizeOf(
  { admin }: World,
  clients: Clients,
  contender: Keeper,
  conversations: number,
  bytes: number,
): Promise<Size> {
  const plan: Plan = { workers: 32, turns: (conversations * MESSAGES) / 2, each: MESSAGES / 2, bytes, first: 0 };
  await admin.flushall();
  const before = await infoNumber(admin, 'memory', 'used_memory');
  if (contender === 'recollect-whole') {
    await ask(clients[contender], { job: 'prepare', plan });
    await ask(clients[contender], { job: 'run' });
  } else {
    await ask(clients[contender], { job: 'fill', plan });
  }
  const used = (await infoNumber(admin, 'memory', 'used_memory')) - before;
  return { keys: (await usageOfKeys(admin)) / conversations, used: used / conversations };
}

async function usageOfKeys(admin: Redis): Promise<number> {
  const keys = await admin.keys('*');
  let sum = 0;
  for (let from = 0; from < keys.length; from += 1_000) {
    const sizes = keys.slice(from, from + 1_000).map((key) => admin.memory('USAGE', key, 'SAMPLES', 0));
    for (const size of await Promise.all(sizes)) sum += size ?? 0;
  }
  return sum;
}
