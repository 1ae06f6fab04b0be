/** One process for each contender, and runs of turns in them. */
import type { z } from 'zod';
import { interleave } from '../figures.ts';
import { type Child, startChild } from './child.ts';
import { CONTENDERS, type Contender, type PerContender, perContender } from './contender.ts';
import { type Job, type Plan, ranReply } from './jobs.ts';
import { redisCpu, startOver, type World } from './world.ts';

export type Clients = PerContender<Child>;
export type Rounds = Parameters<typeof interleave>[1];
export type RanOnce = z.infer<typeof ranReply>;

/** What a run of turns came to. */
export interface Ran {
  readonly turnsPerSecond: number;
  /** Microseconds of CPU a turn. */
  readonly clientCpu: number;
  readonly redisCpu: number;
}

/** Sends a job to a client; what it answers depends on the job. */
export function ask(client: Child, job: Job): Promise<unknown> {
  return client.ask(job);
}

/** Starts all contenders, each in a process of its own with one connection, and ends them afterwards. */
export async function withClients<T>(url: string, use: (clients: Clients) => Promise<T>): Promise<T> {
  const clients = perContender((contender) => startChild('client.ts', [contender, url]));
  try {
    // One that still starts would disturb the others, and its greetings would be counted as theirs.
    await Promise.all(Object.values(clients).map((client) => ask(client, { job: 'flush' })));
    return await use(clients);
  } finally {
    await Promise.all(Object.values(clients).map((client) => client.kill()));
  }
}

/** All contenders run the plan, interleaved; `around` is put around each run. */
export async function runAll(
  world: World,
  clients: Clients,
  plan: Plan,
  rounds: Rounds,
  around: (ran: () => Promise<RanOnce>) => Promise<RanOnce> = (run) => run(),
): Promise<PerContender<readonly Ran[]>> {
  const candidate = (contender: Contender) => async (): Promise<Ran> => {
    const client = clients[contender];
    await startOver(world.admin);
    await ask(client, { job: 'prepare', plan });
    const before = await redisCpu(world.admin);
    const { seconds, cpuSeconds } = await around(async () => ranReply.parse(await ask(client, { job: 'run' })));
    const used = (await redisCpu(world.admin)) - before;
    return {
      turnsPerSecond: plan.turns / seconds,
      clientCpu: (cpuSeconds / plan.turns) * 1e6,
      redisCpu: (used / plan.turns) * 1e6,
    };
  };
  const results = await interleave(CONTENDERS.map(candidate), rounds);
  return perContender((contender) => results[CONTENDERS.indexOf(contender)] ?? []);
}
