/** What is done to the bot while people talk to it. Each runs until `over` says so and gives the number of faults. */
import { setTimeout as sleep } from 'node:timers/promises';
import { Redis } from 'ioredis';
import type { Replica } from './replicas.ts';
import { sessionOf, type World } from './world.ts';

/** Something that was done to the bot, when (Unix milliseconds), and to which replica where it was one. */
export interface Fault {
  readonly at: number;
  readonly kind: 'kill' | 'redis' | 'failover' | 'sleep' | 'deploy' | 'queue';
  readonly replica?: string;
}

export type ChaosReport = Fault[];

export type Chaos = (world: World, over: () => boolean, report: ChaosReport) => Promise<void>;

async function pause(world: World, over: () => boolean, fromMs: number, toMs: number): Promise<boolean> {
  const until = Date.now() + fromMs + world.random() * (toMs - fromMs);
  while (Date.now() < until && !over()) await sleep(50);
  return !over();
}

function pick({ replicas, random }: World): Replica | undefined {
  return replicas.alive[Math.floor(random() * replicas.alive.length)];
}

async function kill(world: World, report: ChaosReport): Promise<void> {
  const victim = pick(world);
  if (victim === undefined) return;
  report.push({ at: Date.now(), kind: 'kill', replica: victim.name });
  await victim.kill9();
  await world.replicas.start();
}

/** kill -9 of one at random, and a new one in its place. */
export const killing: Chaos = async (world, over, report) => {
  while (await pause(world, over, 500, 3_000)) await kill(world, report);
};

/** kill -9 of Redis and of replicas in turn, both restarted. */
export const killingRedisToo: Chaos = async (world, over, report) => {
  while (await pause(world, over, 1_000, 4_000)) {
    if (world.random() < 0.5) await kill(world, report);
    await world.redis?.kill9();
    report.push({ at: Date.now(), kind: 'redis' });
    await world.redis?.restart();
  }
};

/** Redis is away for longer than the lock while the workers live: five times, since each takes its time. */
export const redisAway: Chaos = async (world, over, report) => {
  while (report.length < 5 && (await pause(world, over, 3_000, 6_000))) {
    await world.redis?.kill9();
    report.push({ at: Date.now(), kind: 'redis' });
    await sleep(10_000);
    await world.redis?.restart();
  }
};

/** Failovers in one run: each takes seconds in which nothing is stored. */
const MOST_FAILOVERS = 12;

/** A primary is killed, hangs or hands over, slots move, the network goes silent: one after the other, each until all is well again. */
export const failingOver: Chaos = async (world, over, report) => {
  const faults = world.topology?.faults ?? [];
  // Each of them in every run, however short.
  const first = Math.floor(world.random() * faults.length);
  let next = first;
  while (next < first + MOST_FAILOVERS && (await pause(world, over, 2_000, 5_000))) {
    const conversation = sessionOf(Math.floor(world.random() * 10)).id;
    report.push({ at: Date.now(), kind: 'failover' });
    await faults[next % faults.length]?.(conversation);
    // What it cost may show until here.
    report.push({ at: Date.now(), kind: 'failover' });
    next += 1;
  }
};

/** A worker sleeps for longer than its lock and wakes up in the middle of what it did. */
export const sleeping: Chaos = async (world, over, report) => {
  while (await pause(world, over, 2_000, 4_000)) {
    const victim = pick(world);
    victim?.signal('SIGSTOP');
    report.push({ at: Date.now(), kind: 'sleep' });
    await sleep(15_000);
    victim?.signal('SIGCONT');
  }
};

/** A rolling deploy that never ends: SIGTERM, and a new one in its place. */
export const deploying: Chaos = async (world, over, report) => {
  while (await pause(world, over, 1_000, 3_000)) {
    const victim = pick(world);
    const next = world.replicas.start();
    victim?.signal('SIGTERM');
    report.push({ at: Date.now(), kind: 'deploy' });
    await Promise.all([victim?.exited, next]);
  }
};

/** What is made again by itself is deleted: who waits for a free slot, and the signs of life of all workers. */
export const losingTheQueue: Chaos = async (world, over, report) => {
  if (world.redis === undefined) return;
  const redis = new Redis(world.redis.url);
  while (await pause(world, over, 1_000, 3_000)) {
    const keys = ['{conversations}:ready', ...(await redis.keys('{conversations}:beat:*'))];
    await redis.del(keys);
    report.push({ at: Date.now(), kind: 'queue' });
    if (world.random() < 0.3) await kill(world, report);
  }
  redis.disconnect();
};

/** The one process of the embedded store is killed and started again; it lives long enough for a turn to end now and then. */
export const killingTheOnlyOne: Chaos = async (world, over, report) => {
  while (await pause(world, over, 1_500, 5_000)) await kill(world, report);
};

/** No fault of the processes: what else is wrong is enough. */
export const peace: Chaos = async () => {};
