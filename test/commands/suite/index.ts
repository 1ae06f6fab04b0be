/** Every command, run on a real store of the driver `name`. */
import { describe } from 'vitest';
import { type MakeFixture, useStore } from '../../contracts/store/support.ts';
import { describeFacts } from './facts.ts';
import { describeForget } from './forget.ts';
import { describeHelp } from './help.ts';
import { describeHistory } from './history.ts';
import { describeMemstats } from './memstats.ts';
import { describeReach } from './reach.ts';
import { MAX_MESSAGES } from './support.ts';
import { describeTtlCommand } from './ttl.ts';
import { describeUnknownThread } from './unknown-thread.ts';

export function describeCommands(name: string, makeFixture: MakeFixture): void {
  describe(`the memory commands on ${name}`, () => {
    const harness = useStore((options) => makeFixture({ ...options, maxMessages: MAX_MESSAGES }));
    describeHistory(harness);
    describeForget(harness);
    describeFacts(harness);
    describeTtlCommand(harness);
    describeMemstats(harness);
    describeHelp(harness);
    describeUnknownThread(harness);
    describeReach(harness);
  });
}
