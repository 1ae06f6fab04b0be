/** The turn protocol in the embedded store (docs/turns.md). Each operation is one transaction. */
import type { Turns } from '../../core/store.ts';
import { createClaiming } from './claim.ts';
import { createCommitting } from './commit.ts';
import { createCompleting } from './complete.ts';
import type { SqliteContext } from './context.ts';
import { createEnqueueing } from './enqueue.ts';
import type { Tables } from './tables.ts';

export function createSqliteTurns(context: SqliteContext, tables: Tables): Turns {
  return {
    ...createEnqueueing(context, tables),
    ...createClaiming(context, tables),
    ...createCommitting(context, tables),
    ...createCompleting(context, tables),
  };
}
