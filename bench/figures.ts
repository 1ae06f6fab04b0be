/** Statistics of the benchmarks: medians with their spread, percentiles, ratios of one run. */
import type { Figure } from './report.ts';

/** @param values at least one */
export function figureOf(values: readonly number[]): Figure {
  if (values.length === 0) throw new RangeError('a figure needs at least one value');
  const sorted = values.toSorted((a, b) => a - b);
  return { median: percentile(sorted, 50), lowest: sorted.at(0) ?? 0, highest: sorted.at(-1) ?? 0 };
}

/**
 * @param sorted ascending, at least one
 * @param percent 0 to 100; between two values it is interpolated
 */
export function percentile(sorted: readonly number[], percent: number): number {
  const at = ((sorted.length - 1) * percent) / 100;
  const below = sorted[Math.floor(at)] ?? 0;
  const above = sorted[Math.ceil(at)] ?? below;
  return below + (above - below) * (at - Math.floor(at));
}

/** Round by round, since what slows the machine in a round slows both. The lists have the same length. */
export function ratioOf(ours: readonly number[], theirs: readonly number[]): Figure {
  return figureOf(ours.map((value, round) => value / (theirs[round] ?? Number.NaN)));
}

/**
 * Runs each candidate once a round, in turn, so that all see the same machine; the order turns by one each round. The first
 * `warmups` rounds are not counted.
 * @returns for each candidate what its rounds gave, in the order of the candidates
 */
export async function interleave<Result>(
  candidates: readonly (() => Promise<Result>)[],
  { rounds, warmups }: { readonly rounds: number; readonly warmups: number },
): Promise<Result[][]> {
  const results = candidates.map((): Result[] => []);
  for (let round = 0; round < warmups + rounds; round += 1) {
    for (let step = 0; step < candidates.length; step += 1) {
      const which = (round + step) % candidates.length;
      const result = await candidates[which]?.();
      if (result !== undefined && round >= warmups) results[which]?.push(result);
    }
  }
  return results;
}
