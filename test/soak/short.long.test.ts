/** The soak run in its short form; `npm run soak` has the long one. */
import { expect, test } from 'vitest';
import { GATEWAY, HEAVY, LIGHT } from './faults.ts';
import { reportOf } from './report.ts';
import { runSoak } from './run.ts';

test('both platforms and HTTP at once, with every kind of fault: nothing is lost, doubled, out of order or half', async () => {
  const result = await runSoak({ seconds: 12, seed: 20_261_122, rate: 8, replicas: 2, short: true });
  const report = reportOf(result);
  expect(result.complaints, `${report}\n${result.output}`).toEqual([]);
  expect(result).toMatchObject({ lost: 0, doubled: 0, outOfOrder: 0, halves: 0, differing: 0 });
  expect(result.answered + result.failedSaid + result.forgotten).toBe(result.said.length);
  for (const platform of ['discord', 'slack', 'http']) {
    expect(result.said.filter((one) => one.platform === platform).length, report).toBeGreaterThan(2);
  }
  expect(new Set(result.struck.map(({ kind }) => kind))).toEqual(
    new Set(Object.keys({ ...HEAVY, ...GATEWAY, ...LIGHT })),
  );
}, 300_000);
