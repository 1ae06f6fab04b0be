/** What a program uses while nothing happens. Here a wait is what is measured. */
import { setTimeout as delay } from 'node:timers/promises';
import { usageOf } from '../turns/usage.ts';

export interface Idle {
  readonly rssBytes: number;
  /** Milliseconds of CPU time a second. */
  readonly cpuMsPerSecond: number;
}

/** Lets `ms` milliseconds pass for what the start left to do, and looks at as many more. */
export async function idleOf(pid: number, ms: number): Promise<Idle> {
  await delay(ms);
  const before = await usageOf(pid);
  const since = performance.now();
  await delay(ms);
  const after = await usageOf(pid);
  const seconds = (performance.now() - since) / 1_000;
  return { rssBytes: after.rssBytes, cpuMsPerSecond: (after.cpuMs - before.cpuMs) / seconds };
}
