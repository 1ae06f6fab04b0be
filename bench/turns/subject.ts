/** A bot that is measured, in its world, and what is measured of it. */
import type { RedisServer } from '../../test/support/redis-server.ts';
import { percentile } from '../figures.ts';
import { closedLoop, type Talk } from './closed-loop.ts';
import type { Programs } from './programs.ts';
import { withRedisUse } from './redis-use.ts';
import { usageOf } from './usage.ts';

export interface Subject {
  readonly name: string;
  readonly pid: number;
  /** The Redis that the bot has for itself. */
  readonly redis?: Pick<RedisServer, 'pid' | 'url'>;
  readonly talk: Talk;
  /** What the bot printed, for a run that failed. */
  output(): string;
  stop(): Promise<void>;
}

/** What the product on Redis is asked for. */
export interface Targets {
  /** Share of the bare bot's turns a second, by how many conversations go on at once. */
  readonly ofBare: Readonly<Record<number, number>>;
  /** Redis commands of a turn, those inside of scripts included. */
  readonly commands: number;
  /** Milliseconds of Redis' CPU time a turn with 32 conversations at once. */
  readonly redisCpuMs?: number;
  readonly publishes?: number;
}

/** One way to talk to bots: the product and what it is compared with, all alive at the same time. */
export interface Surface {
  readonly title: string;
  readonly note: string;
  /** Of the product on Redis, the first subject. */
  readonly targets?: Targets;
  /** The bare bot is the last one. */
  start(programs: Programs, modelUrl: string): Promise<readonly Subject[]>;
}

/** One round of one bot. */
export interface Round {
  readonly turnsPerSecond: number;
  readonly p50Ms: number;
  readonly p99Ms: number;
  readonly cpuMsPerTurn: number;
  /** What a turn asks of Redis; undefined without one of its own. */
  readonly redis: { readonly cpuMs: number; readonly commands: number; readonly publishes: number } | undefined;
  readonly rssBytes: number;
}

/** After so long without an end a round has failed; nothing that works takes a fraction of it. */
const ROUND_WITHIN_MS = 60_000;

export async function measure(subject: Subject, conversations: number, ms: number): Promise<Round> {
  const { pid, redis, talk } = subject;
  const usages = () => Promise.all([usageOf(pid), redis === undefined ? undefined : usageOf(redis.pid)]);
  const loop = () => within(subject, closedLoop(talk, conversations, ms));
  const [before, redisBefore] = await usages();
  const [{ turns, elapsedMs, latenciesMs }, use] =
    redis === undefined ? [await loop(), undefined] : await withRedisUse(redis.url, loop);
  const [after, redisAfter] = await usages();
  return {
    turnsPerSecond: (turns / elapsedMs) * 1_000,
    p50Ms: percentile(latenciesMs, 50),
    p99Ms: percentile(latenciesMs, 99),
    cpuMsPerTurn: (after.cpuMs - before.cpuMs) / turns,
    redis:
      redisBefore === undefined || redisAfter === undefined || use === undefined
        ? undefined
        : {
            cpuMs: (redisAfter.cpuMs - redisBefore.cpuMs) / turns,
            commands: use.commands / turns,
            publishes: use.publishes / turns,
          },
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
