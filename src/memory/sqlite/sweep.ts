/** Removes expired data from the tables and the files. Expired data is never shown, even before it is removed. */
import { z } from 'zod';
import { KEEP_DAYS_MS, type SqliteContext } from './context.ts';
import type { Tables } from './tables.ts';

/** Conversations per transaction: a few milliseconds, so that no turn waits for long. */
const BATCH = 200;

export interface Sweep {
  /** Removes one batch, and empties the log if text was deleted since the last time. True if more has expired. */
  some(): Promise<boolean>;
  /** Removes everything that has expired. */
  all(): Promise<void>;
}

const dueRow = z.object({ due: z.number() });

export function createSweep(context: SqliteContext, tables: Tables): Sweep {
  const { db, read, write, textDeleted } = context;
  const { turns, inbox, conversations, choices, participants, facts } = tables;
  const selectDue = db.query(
    `SELECT EXISTS (SELECT 1 FROM conversation WHERE expires_at <= ?1)
         OR EXISTS (SELECT 1 FROM progress WHERE due_us IS NOT NULL AND inbox_expires_at <= ?1)
         OR EXISTS (SELECT 1 FROM turn WHERE expires_at <= ?1)
         OR EXISTS (SELECT 1 FROM seen WHERE expires_at <= ?1)
         OR EXISTS (SELECT 1 FROM choice WHERE expires_at <= ?1)
         OR EXISTS (SELECT 1 FROM note WHERE expires_at <= ?1)
         OR EXISTS (SELECT 1 FROM fact WHERE expires_at <= ?1)
         OR EXISTS (SELECT 1 FROM channel WHERE expires_at <= ?1)
         OR EXISTS (SELECT 1 FROM progress WHERE due_us IS NULL AND expires_at <= ?1) AS due`,
    dueRow,
  );
  const expireSeen = db.change('DELETE FROM seen WHERE expires_at <= ?');
  const expireNotes = db.change('DELETE FROM note WHERE expires_at <= ?');
  const expireChannels = db.change('DELETE FROM channel WHERE expires_at <= ?');
  const expireDays = db.change('DELETE FROM day WHERE date < ?');

  const sweepBatch = (now: number): boolean => {
    const over = conversations.overdue(now, BATCH);
    for (const session of over) conversations.drop(session);
    const abandoned = inbox.overdue(now, BATCH);
    for (const session of abandoned) inbox.clear(session);
    for (const session of [...over, ...abandoned]) participants.dropIfOver(session);
    const records = turns.deleteExpired(now);
    expireSeen(now);
    expireNotes(now);
    expireChannels(now);
    const overdueFacts = facts.deleteExpired(now);
    choices.deleteExpired(now);
    inbox.deleteExpiredProgress(now);
    expireDays(new Date(now - KEEP_DAYS_MS).toISOString().slice(0, 10));
    // A record may contain an answer that was never delivered.
    if (over.length + abandoned.length + records + overdueFacts > 0) textDeleted('now');
    return over.length === BATCH || abandoned.length === BATCH;
  };

  const some = async (): Promise<boolean> => {
    const due = await read('sweep', (now) => selectDue.one(now)?.due === 1);
    const more = due && (await write('sweep', sweepBatch));
    await read('sweep', () => context.scrub());
    return more;
  };

  return {
    some,
    async all() {
      while (await some());
    },
  };
}
