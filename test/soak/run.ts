/** One soak run: people talk, things fail, everything is brought to its end, the judge speaks. */
import { setTimeout as sleep } from 'node:timers/promises';
import type { ConversationStore } from '../../src/core/store.ts';
import type { ChatMessage } from '../../src/core/types.ts';
import { openRedisStore } from '../crash/world.ts';
import { seededRandom } from '../support/recording-faults.ts';
import { reign, type Struck } from './chaos.ts';
import type { Said } from './conversation.ts';
import { isSettled, judge, type Verdict } from './judge.ts';
import { type Samples, startSampling } from './samples.ts';
import { CHOSEN_TTL, type Outcome } from './surface.ts';
import { createTraffic, type Traffic } from './traffic.ts';
import { createWorld, type World } from './world.ts';

export interface SoakRun {
  /** How long people talk, in seconds. */
  readonly seconds: number;
  readonly seed: number;
  /** Messages per second. */
  readonly rate: number;
  readonly replicas: number;
  /** Faults follow each other closely, and what takes its time takes less. */
  readonly short: boolean;
}

export interface SoakResult extends Verdict {
  readonly said: readonly Said[];
  readonly conversations: number;
  /** In which people talked. */
  readonly talkedMs: number;
  /** From the last word to the last answer. */
  readonly drainedMs: number;
  readonly struck: readonly Struck[];
  /** Processes that were started. */
  readonly started: number;
  readonly slowestMs: number;
  /** Times that somebody should have said something, and all were waiting for an answer. */
  readonly missed: number;
  readonly samples: Samples;
  /** Live conversations at the end. */
  readonly live: number;
  /** The end of what the replicas printed, when there is something to complain of. */
  readonly output: string;
}

const LOOK_MS = 250;
/** Without an answer to anybody, once nothing fails any more: what is still open then is lost. */
const PATIENCE_MS = 60_000;
const SAMPLE_MS = { short: 1_000, long: 5_000 };

/** Tells how far a run is, now and then. */
export type Progress = (text: string) => void;

export async function runSoak(run: SoakRun, progress: Progress = () => {}, everyMs = 30_000): Promise<SoakResult> {
  const world = await createWorld(run.seed, run.replicas);
  const samples = startSampling(world.replicas.all, world.redis, run.short ? SAMPLE_MS.short : SAMPLE_MS.long);
  try {
    return await soak(run, world, samples, { progress, everyMs });
  } finally {
    await samples.stop();
    await world.close();
  }
}

async function soak(
  run: SoakRun,
  world: World,
  samples: Samples,
  { progress, everyMs }: { readonly progress: Progress; readonly everyMs: number },
): Promise<SoakResult> {
  const { surfaces, model, replicas } = world;
  const traffic = createTraffic({ surfaces, rate: run.rate, model, random: seededRandom(run.seed) });
  const struck: Struck[] = [];
  const watch = startWatching(world, traffic);
  const since = performance.now();
  const told = setInterval(() => progress(progressOf(traffic, struck, watch.open(), samples, since)), everyMs);
  try {
    const isTime = () => performance.now() - since >= run.seconds * 1_000;
    let over = false;
    const chaos = reign({ world, random: seededRandom(run.seed + 1), short: run.short }, isTime, (one) =>
      struck.push(one),
    );
    // People go on for as long as things fail.
    const talk = traffic.run(() => over);
    await chaos.finally(() => {
      over = true;
    });
    await talk;
    const talkedMs = performance.now() - since;
    await replicas.untilUp();
    await untilDrained(watch);
    const drainedMs = performance.now() - since - talkedMs;
    await samples.stop();
    const findings = await examine(world, traffic, watch.look());
    return {
      ...{ ...findings, said: traffic.said, conversations: traffic.conversations.length, missed: traffic.missed },
      ...{ talkedMs, drainedMs, struck, started: replicas.started, samples },
      slowestMs: Math.max(0, ...traffic.said.map(({ at, settledAt = at }) => settledAt - at)),
      output: findings.complaints.length > 0 ? replicas.output() : '',
    };
  } finally {
    clearInterval(told);
    watch.stop();
  }
}

/** What there is to say of it all, once nothing waits any more. */
async function examine({ redis, surfaces, model, replicas }: World, traffic: Traffic, seen: ReturnType<Watch['look']>) {
  const store = await openRedisStore(redis.url);
  try {
    const waiting = await untilIdle(store);
    const memory = await readMemory(store, traffic);
    const verdict = judge({ said: traffic.said, seen, memory, calls: model.journal() });
    const complaints = [
      ...verdict.complaints,
      ...waiting,
      ...(await ttlComplaints(store, traffic)),
      ...traffic.complaints,
      ...Object.values(surfaces).flatMap((surface) => surface.complaints()),
      ...model.refused().map((what) => `the model refused: ${what}`),
      ...replicas.crashes.map((what) => `crash: ${what}`),
    ];
    const { conversations: live } = await store.stats();
    return { ...verdict, complaints, live };
  } finally {
    await store.close();
  }
}

interface Watch {
  /** What people see now. */
  look(): (one: Said) => Outcome;
  /** Messages whose reply has not come to its end. */
  open(): readonly Said[];
  stop(): void;
}

/** Notes when each reply came to its end. */
function startWatching({ surfaces }: World, traffic: Traffic): Watch {
  const open = new Set<Said>();
  let known = 0;
  const look = () => {
    const looks = { discord: surfaces.discord.look(), slack: surfaces.slack.look(), http: surfaces.http.look() };
    return (one: Said) => looks[one.platform](one.id);
  };
  const timer = setInterval(() => {
    for (const one of traffic.said.slice(known)) open.add(one);
    known = traffic.said.length;
    if (open.size === 0) return;
    const seen = look();
    for (const one of open) {
      if (!isSettled(one, seen(one))) continue;
      one.settledAt = Date.now();
      open.delete(one);
    }
  }, LOOK_MS);
  return { look, open: () => [...open, ...traffic.said.slice(known)], stop: () => clearInterval(timer) };
}

async function untilDrained(watch: Watch): Promise<void> {
  let left = watch.open().length;
  let progressAt = performance.now();
  while (left > 0 && performance.now() - progressAt < PATIENCE_MS) {
    await sleep(LOOK_MS);
    const now = watch.open().length;
    if (now < left) progressAt = performance.now();
    left = now;
  }
}

/** Nothing waits any more: the judge counts what is final. */
async function untilIdle(store: ConversationStore): Promise<string[]> {
  const until = performance.now() + PATIENCE_MS;
  for (;;) {
    const pending = await store.countPending();
    if (pending === 0) return [];
    if (performance.now() > until) return [`messages still wait in ${pending} conversations`];
    await sleep(LOOK_MS);
  }
}

async function readMemory(store: ConversationStore, { conversations }: Traffic) {
  const memory = new Map<number, readonly ChatMessage[]>();
  for (const { number, said, sessionId } of conversations) {
    if (said.length > 0) memory.set(number, (await store.history(sessionId()))?.messages ?? []);
  }
  return memory;
}

async function ttlComplaints(store: ConversationStore, { conversations }: Traffic): Promise<string[]> {
  const complaints: string[] = [];
  for (const { number, habit, commanded, sessionId } of conversations) {
    if (habit !== 'ttl' || !commanded) continue;
    const { choice, expiresInMs = 0 } = await store.ttl(sessionId());
    if (choice !== CHOSEN_TTL || expiresInMs > CHOSEN_TTL * 1_000) {
      complaints.push(`conversation ${number} (${sessionId()}) has the TTL ${choice}, not the chosen one`);
    }
  }
  return complaints;
}

function progressOf(
  traffic: Traffic,
  struck: readonly Struck[],
  open: readonly Said[],
  samples: Samples,
  since: number,
) {
  const seconds = Math.round((performance.now() - since) / 1_000);
  const steady = samples.processes.get('r1')?.at(-1);
  const rss = steady === undefined ? '' : `, r1 ${Math.round(steady.rssBytes / 2 ** 20)} MB`;
  const oldest = Math.max(0, ...open.map(({ at }) => Date.now() - at));
  return (
    `${seconds} s: ${traffic.said.length} said in ${traffic.conversations.length} conversations, ${open.length} open ` +
    `(oldest ${Math.round(oldest / 1_000)} s), ${struck.length} faults, last "${struck.at(-1)?.kind ?? ''}"${rss}`
  );
}
