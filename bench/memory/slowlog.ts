/** What holds Redis, by its own log of slow commands. */
import type { Redis } from 'ioredis';
import { z } from 'zod';

/** Of the log: id, time, microseconds, command, … */
const slowlog = z.array(z.tuple([z.number(), z.number(), z.number(), z.array(z.string())]).rest(z.unknown()));

/** Has Redis log all that takes longer than what it costs to log it. */
export async function logCommands(admin: Redis): Promise<void> {
  await admin.config('SET', 'slowlog-log-slower-than', 50, 'slowlog-max-len', 1_000_000);
}

/** The longest command of what is done, in milliseconds; 0 where nothing was logged. */
export async function longestCommand(admin: Redis, action: () => Promise<unknown>): Promise<number> {
  await admin.slowlog('RESET');
  await action();
  const entries = slowlog
    .parse(await admin.slowlog('GET', -1))
    // Its own commands and those of a pinger are no part of it.
    .filter(([, , , [name = '']]) => !['slowlog', 'config', 'ping'].includes(name.toLowerCase()));
  return Math.max(0, ...entries.map(([, , micros]) => micros)) / 1_000;
}
