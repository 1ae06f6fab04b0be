/** What the turns of a surface are asked for, and whether they reach it. */
import { figureOf } from '../figures.ts';
import { printNumber } from '../print.ts';
import type { Bar, Figure } from '../report.ts';
import type { Round, Targets } from './subject.ts';

/** At so many conversations the costs of a turn are judged. */
const BUSY = 32;

/** @param rounds of the bot on Redis, with so many conversations at once */
export function targetBars(
  title: string,
  { ofBare, commands, redisCpuMs, publishes }: Targets,
  { atOnce, ratio, rounds }: { readonly atOnce: number; readonly ratio: Figure; readonly rounds: readonly Round[] },
): Bar[] {
  const bars: Bar[] = [];
  const share = ofBare[atOnce];
  if (share !== undefined) {
    bars.push({
      name: `${title}, ${atOnce} at once: turns a second, of the bare bot's`,
      wanted: `>= ${share}`,
      measured: print(ratio),
      holds: ratio.median >= share,
    });
  }
  if (atOnce !== BUSY) return bars;
  const atMost = (name: string, most: number | undefined, pick: (round: Round) => number | undefined) => {
    const values = rounds.flatMap((round) => pick(round) ?? []);
    if (most === undefined || values.length === 0) return;
    const figure = figureOf(values);
    bars.push({
      name: `${title}: ${name}`,
      wanted: `<= ${most}`,
      measured: print(figure),
      holds: figure.median <= most,
    });
  };
  atMost('Redis commands a turn', commands, ({ redis }) => redis?.commands);
  atMost('PUBLISH a turn', publishes, ({ redis }) => redis?.publishes);
  atMost('milliseconds of Redis CPU a turn', redisCpuMs, ({ redis }) => redis?.cpuMs);
  return bars;
}

function print({ median, lowest, highest }: Figure): string {
  return `${printNumber(median)} (${printNumber(lowest)} to ${printNumber(highest)})`;
}
