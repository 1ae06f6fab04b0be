/** Completes a turn and claims the next one of the conversation in the same step. */
import type { CompleteResult, Turns } from '../../core/store.ts';
import { claimHead, held, save } from './claim.ts';
import type { SqliteContext } from './context.ts';
import type { Tables } from './tables.ts';

export function createCompleting(context: SqliteContext, tables: Tables): Pick<Turns, 'complete'> {
  const { inbox, participants } = tables;

  return {
    complete: (lease, next) =>
      context.write('complete', (now): CompleteResult => {
        const { sessionId } = lease;
        const record = held(tables, lease, now);
        if (record === undefined) return { kind: 'fenced' };
        if (record.state !== 'finished') {
          const { answer, unread, ...rest } = record;
          // Keeps the owner, so that a repeated call is recognised.
          save(tables, lease, { ...rest, state: 'finished' }, now);
          const head = inbox.head(sessionId, now);
          if (head?.message?.turnId === lease.turnId) inbox.remove(head.seq);
          // This was the last copy of the text of turns that failed or were trimmed.
          context.textDeleted('soon');
        }
        if (next !== undefined) {
          const claimed = claimHead(context, tables, sessionId, next, undefined, now);
          if (claimed.kind === 'claimed') return claimed;
        }
        const waiting = inbox.count(sessionId, now);
        if (waiting === 0) {
          inbox.clear(sessionId);
          participants.dropIfOver(sessionId);
        }
        return { kind: 'left', waiting };
      }),
  };
}
