/** How much the processes and Redis hold, over the run. */
import { readdir, readFile } from 'node:fs/promises';
import { Redis } from 'ioredis';
import type { RedisServer } from '../support/redis-server.ts';
import type { Replica } from './replicas.ts';

export interface ProcessSample {
  /** Unix milliseconds. */
  readonly at: number;
  readonly pid: number;
  readonly rssBytes: number;
  /** Open file descriptors. */
  readonly descriptors: number;
}

export interface RedisSample {
  readonly at: number;
  readonly usedBytes: number;
  readonly keys: number;
}

/** How a value went from its first sample behind the warm-up to its last. */
export interface Course {
  readonly first: number;
  readonly last: number;
  /** By least squares. */
  readonly perMinute: number;
}

export interface Samples {
  /** Of the process that ran last, by the name of its replica. */
  readonly processes: ReadonlyMap<string, readonly ProcessSample[]>;
  readonly redis: readonly RedisSample[];
  stop(): Promise<void>;
}

/** Undefined: the process is gone, or this is no Linux. */
export async function sampleProcess(pid: number): Promise<ProcessSample | undefined> {
  try {
    const status = await readFile(`/proc/${pid}/status`, 'utf8');
    const kilobytes = /^VmRSS:\s+(\d+) kB$/m.exec(status)?.[1];
    if (kilobytes === undefined) return undefined;
    const descriptors = (await readdir(`/proc/${pid}/fd`)).length;
    return { at: Date.now(), pid, rssBytes: Number(kilobytes) * 1_024, descriptors };
  } catch {
    return undefined;
  }
}

/** Undefined: fewer than two samples. */
export function courseOf(points: readonly { readonly at: number; readonly value: number }[]): Course | undefined {
  const [first, last] = [points[0], points.at(-1)];
  if (first === undefined || last === undefined || first === last) return undefined;
  const minutes = points.map(({ at }) => (at - first.at) / 60_000);
  const mean = (values: readonly number[]) => values.reduce((sum, value) => sum + value, 0) / values.length;
  const [meanAt, meanValue] = [mean(minutes), mean(points.map(({ value }) => value))];
  const covariance = mean(points.map(({ value }, index) => ((minutes[index] ?? 0) - meanAt) * (value - meanValue)));
  const variance = mean(minutes.map((minute) => (minute - meanAt) ** 2));
  return { first: first.value, last: last.value, perMinute: variance === 0 ? 0 : covariance / variance };
}

export function startSampling(replicas: readonly Replica[], server: RedisServer, everyMs: number): Samples {
  const processes = new Map<string, ProcessSample[]>();
  const redis: RedisSample[] = [];
  const client = new Redis(server.url, { protocol: 2, enableOfflineQueue: false, maxRetriesPerRequest: 0 });
  client.on('error', () => undefined);
  let work = Promise.resolve();

  async function sample(): Promise<void> {
    for (const { name, pid } of replicas) {
      const taken = pid === undefined ? undefined : await sampleProcess(pid);
      if (taken === undefined) continue;
      const before = processes.get(name) ?? [];
      processes.set(name, before.at(-1)?.pid === taken.pid ? [...before, taken] : [taken]);
    }
    // Away now and then: that is what the run is about.
    const answers = await Promise.all([client.info('memory'), client.dbsize()]).catch(() => undefined);
    if (answers === undefined) return;
    const [info, keys] = answers;
    redis.push({ at: Date.now(), usedBytes: Number(/^used_memory:(\d+)/m.exec(info)?.[1] ?? 0), keys });
  }

  const timer = setInterval(() => {
    work = work.then(sample);
  }, everyMs);
  return {
    processes,
    redis,
    async stop() {
      clearInterval(timer);
      await work.then(sample);
      client.disconnect();
    },
  };
}
