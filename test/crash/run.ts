/** One crash run: people talk, chaos reigns, the judge speaks. */
import { setTimeout as sleep } from 'node:timers/promises';
import { toSessionId } from '../../src/core/session.ts';
import type { ChatMessage } from '../../src/core/types.ts';
import type { ModelOptions } from '../support/model.ts';
import type { FaultRates } from '../support/recording-faults.ts';
import type { Chaos, ChaosReport } from './chaos.ts';
import { isSettled, judge, type Said, type Verdict } from './judge.ts';
import { createWorld, sessionOf, type World } from './world.ts';

export interface CrashRun {
  readonly name: string;
  readonly store: 'redis' | 'sqlite';
  readonly conversations: number;
  /** Per conversation. */
  readonly messages: number;
  readonly replicas: number;
  readonly seed: number;
  readonly chaos: Chaos;
  readonly model?: ModelOptions;
  readonly platformFaults?: FaultRates;
  /** Share of the messages after which the person forgets the conversation while its answer is being written. */
  readonly forgetShare?: number;
  /** Share of the acks that get lost, so that the message comes again under a new event id. */
  readonly ackLostShare?: number;
  /** Longest pause of a person between two messages, milliseconds. */
  readonly pauseMs?: number;
}

/** Tells how far a run is, now and then. */
export type Progress = (text: string) => void;

/** Milliseconds without any sign of progress after which a run is called stuck. */
const PATIENCE_MS = 60_000;

export interface CrashResult extends Verdict {
  readonly seconds: number;
  /** The end of what the replicas printed, when there is something to complain of. */
  readonly output: string;
}

export async function runCrash(run: CrashRun, progress: Progress = () => {}): Promise<CrashResult> {
  const world = await createWorld({
    store: run.store,
    seed: run.seed,
    ...(run.model && { model: run.model }),
    // A /forget delivered again because its ack took long may run after the next message was answered, and rightly forget it.
    ...(run.forgetShare === undefined ? {} : { ackTimeoutMs: 30_000 }),
  });
  const since = Date.now();
  const report: ChaosReport = [];
  const said: Said[] = [];
  const watch = setInterval(() => {
    const open = said.filter((one) => !isSettled(world.platform, one)).length;
    progress(`${run.name}: ${said.length} said, ${open} open, ${report.length} faults`);
  }, 5_000);
  try {
    for (let count = 0; count < run.replicas; count += 1) await world.replicas.start();
    world.platform.faults.setRates(run.platformFaults ?? {});
    world.platform.ackLostRate = run.ackLostShare ?? 0;
    let over = false;
    const chaos = run.chaos(world, () => over, report);
    await Promise.all(Array.from({ length: run.conversations }, (_, number) => talk(world, run, number, said)));
    await untilSettled(world, said);
    over = true;
    await chaos;
    const crashes = [...world.replicas.crashes];
    await Promise.all(world.replicas.alive.map((replica) => replica.kill9()));
    const verdict = judge(said, world, await readMemory(world, run), report);
    const complaints = [...verdict.complaints, ...crashes.map((crash) => `crash: ${crash}`)];
    const seconds = Math.round((Date.now() - since) / 1_000);
    return { ...verdict, complaints, seconds, output: complaints.length > 0 ? world.replicas.output() : '' };
  } finally {
    clearInterval(watch);
    await world.close();
  }
}

/** One person in one conversation: a message, a pause, the next, without waiting for answers. */
async function talk(world: World, run: CrashRun, conversation: number, said: Said[]): Promise<void> {
  const { platform, random } = world;
  const { parts } = sessionOf(conversation);
  const where = {
    workspace: parts.place.workspace ?? '',
    channel: parts.place.channel,
    user: parts.user,
    direct: false,
  };
  const acks: Promise<unknown>[] = [];
  const own: Said[] = [];
  for (let number = 0; number < run.messages; number += 1) {
    await sleep(random() * (run.pauseMs ?? 1_500));
    const { id, acked } = platform.say({ ...where, text: textOf(conversation, number) });
    const one = { conversation, number, id, text: textOf(conversation, number), forgotten: false };
    own.push(one);
    said.push(one);
    acks.push(acked);
    if (random() < (run.forgetShare ?? 0)) {
      await acked;
      await sleep(random() * 400);
      // What was taken before the forget was acked may be answered or not; what comes later must be.
      for (const before of own) before.forgotten = true;
      await platform.command(where, 'forget').acked;
    }
  }
  await Promise.all(acks);
}

/** Every tenth conversation has messages whose answers need two parts. */
function textOf(conversation: number, number: number): string {
  const text = `message ${number} of conversation ${conversation}`;
  return conversation % 10 === 9 ? `${text} ${'and so it goes on '.repeat(150)}` : text;
}

async function untilSettled({ platform }: World, said: readonly Said[]): Promise<void> {
  let open = [...said];
  let progressAt = Date.now();
  while (open.length > 0 && Date.now() - progressAt < PATIENCE_MS) {
    await sleep(200);
    const left = open.filter((one) => !isSettled(platform, one));
    if (left.length < open.length) progressAt = Date.now();
    open = left;
  }
}

async function readMemory(world: World, run: CrashRun): Promise<Map<number, readonly ChatMessage[]>> {
  const store = await world.openStore();
  const memory = new Map<number, readonly ChatMessage[]>();
  for (let number = 0; number < run.conversations; number += 1) {
    memory.set(number, (await store.history(toSessionId(sessionOf(number).id)))?.messages ?? []);
  }
  await store.close();
  return memory;
}
