/** The replica of the crash runs, compiled once for all test files of a run: two compilers at once write over what runs. */
import { onceInTheRun } from '../support/built-bot.ts';
import { buildReplica } from './replicas.ts';

/** @throws when it does not compile, in every file that asks */
export async function builtReplica(): Promise<void> {
  await onceInTheRun('replica', async () => {
    await buildReplica();
    return {};
  });
}
