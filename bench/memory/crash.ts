/** Clients killed with turns in flight: halves of turns and immortal keys that are left. */
import { setTimeout as sleep } from 'node:timers/promises';
import { startChild } from './child.ts';
import { ask } from './clients.ts';
import { KEEPERS, type Keeper, TITLES } from './contender.ts';
import { inspect, type Stored } from './stored.ts';
import { type Section, untilAlone, type World } from './world.ts';

const IN_FLIGHT = 64;
/** Longest time from the first turns to the kill, which comes at any moment. */
const KILL_WITHIN_MS = 150;

export async function killClients(world: World): Promise<Section> {
  const { short, progress } = world.context;
  const kills = short ? 1 : 12;
  const models = short ? [0] : [0, 20];
  const left = new Map<string, Stored[]>();
  for (const modelMs of models) {
    for (let kill = 1; kill <= kills; kill += 1) {
      progress(`kill ${kill} of ${kills}, a model of ${modelMs} ms`);
      for (const contender of KEEPERS.filter((it) => it !== 'recollect')) {
        const found = await killOne(world, contender, modelMs);
        left.set(`${contender} ${modelMs}`, [...(left.get(`${contender} ${modelMs}`) ?? []), found]);
      }
    }
  }
  const sum = (contender: Keeper, modelMs: number, what: keyof Stored) =>
    (left.get(`${contender} ${modelMs}`) ?? []).reduce((total, it) => total + it[what], 0);
  const own = (what: keyof Stored) => models.reduce((total, ms) => total + sum('recollect-whole', ms, what), 0);
  return {
    tables: [
      {
        title: `${kills} SIGKILLs of a client with ${IN_FLIGHT} turns in flight`,
        note: `Halves of turns and keys without an expiry that are left, all ${kills} kills together: by the milliseconds that the model takes.`,
        columns: ['', ...models.flatMap((ms) => [`halves, ${ms} ms`, `immortal keys, ${ms} ms`])],
        rows: KEEPERS.filter((it) => it !== 'recollect').map((it) => [
          TITLES[it],
          ...models.flatMap((ms) => [sum(it, ms, 'halves'), sum(it, ms, 'immortal')]),
        ]),
      },
    ],
    bars: [
      {
        name: `half turns and immortal keys after ${kills * models.length} SIGKILLs with ${IN_FLIGHT} turns in flight`,
        wanted: '0 and 0',
        measured: `${own('halves')} and ${own('immortal')}`,
        holds: own('halves') === 0 && own('immortal') === 0,
      },
    ],
  };
}

async function killOne({ admin, url }: World, contender: Keeper, modelMs: number): Promise<Stored> {
  await admin.flushall();
  const client = startChild('client.ts', [contender, url]);
  await ask(client, { job: 'endless', plan: { workers: IN_FLIGHT, bytes: 200, first: 1 }, modelMs });
  // The moment of the kill is part of the experiment.
  await sleep(Math.random() * KILL_WITHIN_MS);
  await client.kill();
  // What the dead client had sent is still read and run by Redis; then its connection is gone.
  await untilAlone(admin);
  return await inspect(admin);
}
