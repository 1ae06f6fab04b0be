/** The turn protocol on Redis (docs/turns.md); each operation is one script on the place. */
import { TURN_BUDGET_MS } from '../../core/limits.ts';
import type { Turns } from '../../core/store.ts';
import { createClaiming } from './claim.ts';
import { type AppendTurn, createCommitting } from './commit.ts';
import { createCompleting } from './complete.ts';
import type { RedisContext } from './context.ts';
import { createEnqueueing } from './enqueue.ts';

export function createRedisTurns(context: RedisContext): Turns & AppendTurn {
  const turnBudgetS = Math.ceil((context.options.turnBudgetMs ?? TURN_BUDGET_MS) / 1_000);
  return {
    ...createEnqueueing(context, turnBudgetS),
    ...createClaiming(context, turnBudgetS),
    ...createCommitting(context),
    ...createCompleting(context, turnBudgetS),
  };
}
