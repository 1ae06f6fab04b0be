/** One crash run: people talk, chaos reigns, the judge speaks. */
import { setTimeout as sleep } from 'node:timers/promises';
import { toSessionId } from '../../src/core/session.ts';
import type { ConversationStore } from '../../src/core/store.ts';
import type { ChatMessage } from '../../src/core/types.ts';
import type { ModelOptions } from '../support/model.ts';
import type { FaultRates } from '../support/recording-faults.ts';
import type { Chaos, ChaosReport } from './chaos.ts';
import { fileTextOf, hasFile } from './files.ts';
import { isSettled, judge, type Said, type Verdict } from './judge.ts';
import { thingOf, writePast } from './past.ts';
import { createWorld, sessionOf, type World, type WorldOptions } from './world.ts';

export interface CrashRun {
  readonly name: string;
  readonly store: WorldOptions['store'];
  /** Of the bot, besides those of the world. */
  readonly settings?: WorldOptions['settings'];
  readonly conversations: number;
  /** Per conversation. */
  readonly messages: number;
  readonly replicas: number;
  readonly seed: number;
  readonly chaos: Chaos;
  /** Conversations on each of Slack, Discord and HTTP, besides; with messages like the others. */
  readonly guests: number;
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

/** Milliseconds. */
const DEFAULT_PAUSE_MS = 1_500;
/** Milliseconds without any sign of progress after which a run is called stuck. */
const PATIENCE_MS = 60_000;

export interface CrashResult extends Verdict {
  readonly seconds: number;
  /** Messages whose storing was acknowledged to the recording platform. */
  readonly acknowledged: number;
  /** Milliseconds from the acknowledgement of a message to the beginning of its reply, the longest. */
  readonly longestPauseMs: number;
  /** The end of what the replicas printed, when there is something to complain of. */
  readonly output: string;
}

export async function runCrash(run: CrashRun, progress: Progress = () => {}): Promise<CrashResult> {
  const world = await createWorld({
    store: run.store,
    platforms: run.guests > 0,
    seed: run.seed,
    ...(run.settings && { settings: run.settings }),
    ...(run.model && { model: run.model }),
    // A /forget delivered again because its ack took long may run after the next message was answered, and rightly forget it.
    ...(run.forgetShare === undefined ? {} : { ackTimeoutMs: 30_000 }),
  });
  const since = Date.now();
  const report: ChaosReport = [];
  const said: Said[] = [];
  const watch = setInterval(() => {
    const open = said.filter((one) => !isSettled(world.platform, one)).length + (world.guests?.open() ?? 0);
    progress(`${run.name}: ${said.length + (world.guests?.count ?? 0)} said, ${open} open, ${report.length} faults`);
  }, 5_000);
  try {
    await withStore(world, (store) => writePast(store, run.conversations));
    for (let count = 0; count < run.replicas; count += 1) await world.replicas.start();
    world.platform.faults.setRates(run.platformFaults ?? {});
    world.platform.ackLostRate = run.ackLostShare ?? 0;
    let over = false;
    const chaos = run.chaos(world, () => over, report);
    await Promise.all([
      ...Array.from({ length: run.conversations }, (_, number) => talk(world, run, number, said)),
      ...guestsTalk(world, run),
    ]);
    await untilSettled(world, said);
    over = true;
    await chaos;
    const crashes = [...world.replicas.crashes];
    await Promise.all(world.replicas.alive.map((replica) => replica.kill9()));
    const verdict = await judgeAll(world, run, said, report);
    const complaints = [...verdict.complaints, ...crashes.map((crash) => `crash: ${crash}`)];
    const seconds = Math.round((Date.now() - since) / 1_000);
    const acknowledged = said.filter(({ ackedAt }) => ackedAt !== undefined).length;
    const longestPauseMs = longestPause(world, said);
    return {
      ...verdict,
      complaints,
      seconds,
      acknowledged,
      longestPauseMs,
      output: complaints.length > 0 ? world.replicas.output() : '',
    };
  } finally {
    clearInterval(watch);
    await world.close();
  }
}

function longestPause({ platform }: World, said: readonly Said[]): number {
  const waits = said.map(({ id, ackedAt }) => (platform.visible(id)[0]?.postedAt ?? 0) - (ackedAt ?? 0));
  return Math.max(0, ...waits.filter((_, index) => said[index]?.ackedAt !== undefined));
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
    await sleep(random() * (run.pauseMs ?? DEFAULT_PAUSE_MS));
    const file = hasFile(number) ? { file: { name: 'notes.txt', text: fileTextOf(conversation, number) } } : {};
    const { id, acked } = platform.say({ ...where, text: textOf(conversation, number), ...file });
    const one: Said = { conversation, number, id, text: textOf(conversation, number), forgotten: false };
    void acked.then(() => {
      one.ackedAt = Date.now();
    });
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
  const text = `message ${number} of conversation ${conversation}, about the ${thingOf(number)}`;
  return conversation % 10 === 9 ? `${text} ${'and so it goes on '.repeat(150)}` : text;
}

function guestsTalk({ guests }: World, run: CrashRun): Promise<void>[] {
  if (guests === undefined) return [];
  const pauseMs = run.pauseMs ?? DEFAULT_PAUSE_MS;
  const each = Array.from({ length: run.guests }, () => run.messages);
  return each.flatMap((messages) => [
    guests.talk('slack', messages, pauseMs),
    guests.talk('http', messages, pauseMs),
    // The one process of the embedded store is away now and then, and what is said then in a place that is not known is not heard.
    ...(run.store === 'sqlite' ? [] : [guests.talk('discord', messages, pauseMs)]),
  ]);
}

/** What is acknowledged then is on a replica too, and no failover may cost it. */
function waitsForReplicas({ settings }: CrashRun): boolean {
  return Number(settings?.REDIS_WAIT_REPLICAS ?? 0) > 0;
}

/** What is said of all who talked. */
function judgeAll(world: World, run: CrashRun, said: readonly Said[], report: ChaosReport): Promise<Verdict> {
  const { guests, model } = world;
  return withStore(world, async (store) => {
    const calls = model.journal().filter((call) => guests?.asked(call) !== true);
    const verdict = judge(said, world, calls, await readMemory(store, run), report, !waitsForReplicas(run));
    if (guests === undefined) return verdict;
    const more = await guests.judge(store);
    return {
      ...verdict,
      messages: verdict.messages + guests.count,
      answered: verdict.answered + more.answered,
      failedSaid: verdict.failedSaid + more.failedSaid,
      duplicates: verdict.duplicates + more.doubled,
      outOfOrder: verdict.outOfOrder + more.outOfOrder,
      stuck: verdict.stuck + more.lost,
      halves: verdict.halves + more.halves,
      differing: verdict.differing + more.differing,
      complaints: [...verdict.complaints, ...more.complaints],
    };
  });
}

async function withStore<T>(world: World, action: (store: ConversationStore) => Promise<T>): Promise<T> {
  const store = await world.openStore();
  try {
    return await action(store);
  } finally {
    await store.close();
  }
}

async function untilSettled({ platform, guests }: World, said: readonly Said[]): Promise<void> {
  const count = () => said.filter((one) => !isSettled(platform, one)).length + (guests?.open() ?? 0);
  let open = count();
  let progressAt = Date.now();
  while (open > 0 && Date.now() - progressAt < PATIENCE_MS) {
    await sleep(200);
    const left = count();
    if (left < open) progressAt = Date.now();
    open = left;
  }
}

async function readMemory(
  store: ConversationStore,
  run: CrashRun,
): Promise<ReadonlyMap<number, readonly ChatMessage[]>> {
  const memory = new Map<number, readonly ChatMessage[]>();
  for (let number = 0; number < run.conversations; number += 1) {
    memory.set(number, (await store.history(toSessionId(sessionOf(number).id)))?.messages ?? []);
  }
  return memory;
}
