/** The crash runs in their short form; `npm run test:crash` has the long one. */
import { beforeAll, describe, expect, test } from 'vitest';
import { builtReplica } from './built-replica.ts';
import { runCrash } from './run.ts';
import { shortRuns } from './runs.ts';

beforeAll(builtReplica, 180_000);

describe('nothing is lost, doubled, out of order or half', () => {
  test.each(shortRuns(20_261_122))(
    '$name',
    async (run) => {
      const { complaints, output, ...verdict } = await runCrash(run);
      expect(complaints, output).toEqual([]);
      const messages = 36 + 3 * run.guests * (run.store === 'sqlite' ? 2 : 3);
      expect(verdict).toMatchObject({ messages, duplicates: 0, outOfOrder: 0, stuck: 0, halves: 0, differing: 0 });
      if (run.forgetShare === undefined) {
        expect(verdict.answered + verdict.failedSaid + verdict.lostToFailover).toBe(messages);
      }
    },
    240_000,
  );
});
