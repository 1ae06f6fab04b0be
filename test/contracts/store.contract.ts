/**
 * What every driver of the ConversationStore must do. A driver's own test makes the fixture and calls
 * {@link describeConversationStore}; one whose fixture can let time pass also calls `describeStoreDeadlines`.
 */
import { describe } from 'vitest';
import { describeAreas } from './store/areas.ts';
import { describeBounds } from './store/bounds.ts';
import { describeChannels } from './store/channels.ts';
import { describeCommits } from './store/commits.ts';
import { describeConcurrency } from './store/concurrency.ts';
import { describeExpiry } from './store/expiry.ts';
import { describeFacts } from './store/facts.ts';
import { describeFiles } from './store/files.ts';
import { describeNotes } from './store/flags.ts';
import { describeForgetting } from './store/forgetting.ts';
import { describeInboxes } from './store/inboxes.ts';
import { describeLeases } from './store/leases.ts';
import { describeModel } from './store/model.ts';
import { describePeople } from './store/people.ts';
import { describeReading } from './store/reading.ts';
import { describeRemoving } from './store/removing.ts';
import { describeRunning } from './store/running.ts';
import { describeStatistics } from './store/statistics.ts';
import type { MakeFixture } from './store/support.ts';
import { useStore } from './store/support.ts';
import { describeTokens } from './store/tokens.ts';
import { describeTtl } from './store/ttl.ts';

export { describeStoreDeadlines } from './store/deadlines.ts';
export type { AgingFixture, MakeFixture } from './store/support.ts';

/** Runs the whole contract on the driver `name`. `makeFixture` is called once for every test. */
export function describeConversationStore(name: string, makeFixture: MakeFixture): void {
  describe(`the ConversationStore on ${name}`, () => {
    const harness = useStore(makeFixture);
    describeInboxes(harness);
    describeLeases(harness);
    describeTokens(harness);
    describeRunning(harness);
    describeCommits(harness);
    describeBounds(harness);
    describeReading(harness);
    describeTtl(harness);
    describeExpiry(harness);
    describeForgetting(harness);
    describeRemoving(harness);
    describePeople(harness);
    describeAreas(harness);
    describeStatistics(harness);
    describeChannels(harness);
    describeNotes(harness);
    describeFacts(harness);
    describeFiles(harness);
    describeConcurrency(harness);
    describeModel(harness);
  });
}
