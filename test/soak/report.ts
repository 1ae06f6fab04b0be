/** A soak run as a table. */

import { groupBy } from './group.ts';
import type { SoakResult } from './run.ts';
import { courseOf } from './samples.ts';

/** Of the samples: the beginning, in which a process fills its caches. */
const WARM_UP = 0.25;
const MB = 2 ** 20;

export function reportOf(result: SoakResult): string {
  const { said, talkedMs, conversations, struck } = result;
  const seconds = talkedMs / 1_000;
  const count = (platform: string) => said.filter((one) => one.platform === platform).length;
  const rows: (readonly [string, string])[] = [
    ['minutes', `${(seconds / 60).toFixed(1)}, and ${Math.round(result.drainedMs / 1_000)} s until the last answer`],
    ['messages', `${said.length}: Discord ${count('discord')}, Slack ${count('slack')}, HTTP ${count('http')}`],
    ['conversations', String(conversations)],
    ['messages/s held', `${(said.length / seconds).toFixed(1)}; ${result.missed} times all waited for an answer`],
    ['faults', `${struck.length}, and ${result.started} processes started`],
    ...[...groupBy(struck, ({ kind }) => kind)].map(([kind, all]) => [`  ${kind}`, String(all.length)] as const),
    ['answered', String(result.answered)],
    ['failed and said so', String(result.failedSaid)],
    ['caught by /forget', String(result.forgotten)],
    ['lost', String(result.lost)],
    ['doubled', String(result.doubled)],
    ['out of order', String(result.outOfOrder)],
    ['halves', String(result.halves)],
    ['visible texts that differ from memory', String(result.differing)],
    ['slowest answer', `${(result.slowestMs / 1_000).toFixed(1)} s`],
    ...memoryRows(result),
  ];
  const width = Math.max(...rows.map(([name]) => name.length));
  return rows.map(([name, value]) => `${name.padEnd(width)}  ${value}`).join('\n');
}

function memoryRows({ samples, live }: SoakResult): readonly (readonly [string, string])[] {
  const rows = [...samples.processes].map(([name, all]) => {
    const warm = all.slice(Math.floor(all.length * WARM_UP));
    const rss = courseOf(warm.map(({ at, rssBytes }) => ({ at, value: rssBytes / MB })));
    const descriptors = courseOf(warm.map(({ at, descriptors: value }) => ({ at, value })));
    const text =
      rss === undefined
        ? 'too few samples'
        : `RSS ${rss.first.toFixed(0)} to ${rss.last.toFixed(0)} MB (${signed(rss.perMinute)} MB a minute), ` +
          `descriptors ${descriptors?.first} to ${descriptors?.last}`;
    return [name === 'r1' ? 'r1 (never killed)' : `${name} (its last process)`, text] as const;
  });
  const used = courseOf(samples.redis.map(({ at, usedBytes }) => ({ at, value: usedBytes / MB })));
  const keys = samples.redis.at(-1)?.keys ?? 0;
  if (used === undefined) return rows;
  const redis = `${used.first.toFixed(1)} to ${used.last.toFixed(1)} MB, ${keys} keys, ${live} live conversations`;
  return [...rows, ['Redis', redis]];
}

const signed = (value: number) => `${value < 0 ? '' : '+'}${value.toFixed(2)}`;
