/** What another process has used: its CPU time and its memory, as the operating system counts them. */
import { execFile } from 'node:child_process';
import { readFile } from 'node:fs/promises';
import { promisify } from 'node:util';
import { z } from 'zod';

export interface Usage {
  /** User and system time of all threads since the start, in milliseconds. */
  readonly cpuMs: number;
  readonly rssBytes: number;
}

/** Linux counts in hundredths of a second wherever Node runs (USER_HZ, proc(5)). */
const TICK_MS = 10;

export async function usageOf(pid: number): Promise<Usage> {
  return process.platform === 'linux' ? await ofProc(pid) : await ofPs(pid);
}

async function ofProc(pid: number): Promise<Usage> {
  const [stat, status] = await Promise.all([
    readFile(`/proc/${pid}/stat`, 'utf8'),
    readFile(`/proc/${pid}/status`, 'utf8'),
  ]);
  // The name of the program, in parentheses, may hold anything; behind it the state is the third field, utime the fourteenth.
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
  const ticks = z.coerce.number().parse(fields[11]) + z.coerce.number().parse(fields[12]);
  const kilobytes = z.coerce.number().parse(/^VmRSS:\s+(\d+) kB$/m.exec(status)?.[1]);
  return { cpuMs: ticks * TICK_MS, rssBytes: kilobytes * 1024 };
}

/** `[[days-]hours:]minutes:seconds[.hundredths] kilobytes`. */
const PS_LINE = /^\s*(?:(?:(\d+)-)?(\d+):)?(\d+):(\d+(?:\.\d+)?)\s+(\d+)\s*$/;

async function ofPs(pid: number): Promise<Usage> {
  const { stdout } = await promisify(execFile)('ps', ['-o', 'time=,rss=', '-p', String(pid)]);
  const match = PS_LINE.exec(stdout);
  if (match === null) throw new Error(`ps gave what nobody can read: ${stdout}`);
  const [days = 0, hours = 0, minutes = 0, seconds = 0, kilobytes = 0] = match
    .slice(1)
    .map((text) => Number(text ?? 0));
  return { cpuMs: (((days * 24 + hours) * 60 + minutes) * 60 + seconds) * 1_000, rssBytes: kilobytes * 1024 };
}
