/** A bot that is measured, in its world, and what is measured of it. */
import { percentile } from '../figures.ts';
import { closedLoop, type Talk } from './closed-loop.ts';
import type { Programs } from './programs.ts';
import { usageOf } from './usage.ts';

export interface Subject {
  readonly name: string;
  readonly pid: number;
  /** Of the Redis that the bot has for itself. */
  readonly redisPid?: number;
  readonly talk: Talk;
  /** What the bot printed, for a run that failed. */
  output(): string;
  stop(): Promise<void>;
}

/** One way to talk to bots: the product and what it is compared with, all alive at the same time. */
export interface Surface {
  readonly title: string;
  readonly note: string;
  /** The bare bot is the last one. */
  start(programs: Programs, modelUrl: string): Promise<readonly Subject[]>;
}

/** One round of one bot. */
export interface Round {
  readonly turnsPerSecond: number;
  readonly p50Ms: number;
  readonly p99Ms: number;
  readonly cpuMsPerTurn: number;
  /** Undefined without a Redis of its own. */
  readonly redisCpuMsPerTurn: number | undefined;
  readonly rssBytes: number;
}

/** After so long without an end a round has failed; nothing that works takes a fraction of it. */
const ROUND_WITHIN_MS = 60_000;

export async function measure(subject: Subject, conversations: number, ms: number): Promise<Round> {
  const { pid, redisPid, talk } = subject;
  const usages = () => Promise.all([usageOf(pid), redisPid === undefined ? undefined : usageOf(redisPid)]);
  const [before, redisBefore] = await usages();
  const { turns, elapsedMs, latenciesMs } = await within(subject, closedLoop(talk, conversations, ms));
  const [after, redisAfter] = await usages();
  return {
    turnsPerSecond: (turns / elapsedMs) * 1_000,
    p50Ms: percentile(latenciesMs, 50),
    p99Ms: percentile(latenciesMs, 99),
    cpuMsPerTurn: (after.cpuMs - before.cpuMs) / turns,
    redisCpuMsPerTurn:
      redisBefore === undefined || redisAfter === undefined
        ? undefined
        : (redisAfter.cpuMs - redisBefore.cpuMs) / turns,
    rssBytes: after.rssBytes,
  };
}

/** @throws when it takes too long, or goes wrong, with what the bot printed last */
async function within<T>({ name, output }: Subject, task: Promise<T>): Promise<T> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(new Error('Not all messages were answered.')), ROUND_WITHIN_MS);
  });
  try {
    return await Promise.race([task, late]);
  } catch (cause) {
    throw new Error(`${name}: a round failed. It printed:\n${output().slice(-4_000)}`, { cause });
  } finally {
    clearTimeout(timer);
  }
}
