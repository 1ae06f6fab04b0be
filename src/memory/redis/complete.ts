/** Completes a turn and claims the next one of the conversation in the same step. */
import { z } from 'zod';
import type { CompleteResult, Turns } from '../../core/store.ts';
import { claimedReply, readClaimedHead } from './claim.ts';
import type { RedisContext } from './context.ts';

const completeReply = z.union([
  z.tuple([z.literal('fenced')]),
  z.tuple([z.literal('left'), z.number()]),
  z.tuple([z.literal('claimed'), z.number(), ...claimedReply]),
]);

export function createCompleting(context: RedisContext, turnBudgetS: number): Pick<Turns, 'complete'> {
  const { redis, keys, options, call, inBackground, oneServer } = context;

  return {
    complete: ({ sessionId, turnId, token }, next) =>
      call('complete', async (): Promise<CompleteResult> => {
        const own = keys.session(sessionId);
        const scriptKeys = [own.list, own.inbox, own.people, ...(oneServer ? [keys.pending] : [])];
        // Read before the inbox is seen empty: a message in between changes the score.
        const score = oneServer ? null : await redis.zscore(keys.pending, sessionId);
        const reply = completeReply.parse(
          await redis.completeTurn(
            ...[scriptKeys.length, ...scriptKeys, token, turnId, next ?? '', turnBudgetS],
            ...[options.window ?? options.maxMessages, sessionId],
          ),
        );
        switch (reply[0]) {
          case 'fenced':
            return { kind: 'fenced' };
          case 'left':
            if (reply[1] === 0 && score !== null) {
              inBackground('clearPending', () => redis.clearPending(keys.pending, sessionId, score));
            }
            return { kind: 'left', waiting: reply[1] };
          case 'claimed': {
            const [, ...claimed] = reply;
            const turn = await readClaimedHead(context, sessionId, next ?? '', claimed, turnBudgetS);
            return turn === undefined ? { kind: 'left', waiting: 1 } : { kind: 'claimed', turn };
          }
        }
      }),
  };
}
