/** A process that asks Redis for a PING, one after the other, between two requests: `pinger.ts <url>`. */
import { Redis } from 'ioredis';
import { z } from 'zod';
import { percentile } from '../figures.ts';
import { serve } from './child.ts';
import type { pingsReply } from './jobs.ts';

const redis = new Redis(z.string().parse(process.argv[2]));
await redis.ping();

let times: number[] = [];
let running = Promise.resolve();
let stop = new AbortController();

async function ask(signal: AbortSignal): Promise<void> {
  while (!signal.aborted) {
    const from = performance.now();
    await redis.ping();
    times.push(performance.now() - from);
  }
}

/** The first request begins, the second one ends and tells, and so on. */
serve(async (): Promise<z.infer<typeof pingsReply> | undefined> => {
  if (times.length === 0) {
    stop = new AbortController();
    running = ask(stop.signal);
    return undefined;
  }
  stop.abort();
  await running;
  const sorted = times.toSorted((a, b) => a - b);
  times = [];
  return { count: sorted.length, median: percentile(sorted, 50), worst: sorted.at(-1) ?? 0 };
});
