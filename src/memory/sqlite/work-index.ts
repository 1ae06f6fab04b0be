/** Where work waits, and which workers live. There is one process: what only it has to know stays in it. */
import type { SessionId } from '../../core/session.ts';
import type { Beats, WorkIndex } from '../../core/store.ts';
import { headOf } from './claim.ts';
import type { SqliteContext } from './context.ts';
import type { Tables } from './tables.ts';

/** Conversations that one look takes at most. */
const MOST_DUE = 100;
/** Beats for each write that finds out whether the store takes anything. */
const RENEWALS_A_WRITE = 2;

export function createWorkIndex(context: SqliteContext, tables: Tables): WorkIndex {
  const { read, write } = context;
  const { inbox } = tables;
  /** In the order in which they are taken. After a restart it is made again from the notes. */
  let ready: SessionId[] = [];

  return {
    markPending: (sessionIds) =>
      write('markPending', (now) => {
        for (const sessionId of sessionIds) inbox.markPending(sessionId, now);
      }),
    countPending: () => read('countPending', (now) => inbox.countPending(now)),
    takeDue: () => write('takeDue', (now) => inbox.takeDue(MOST_DUE, now)),
    heads: (sessionIds) =>
      write('heads', (now) => sessionIds.map((sessionId) => headOf(context, tables, sessionId, now) ?? 'empty')),
    clearPending: (due) => write('clearPending', () => inbox.clearPending(due)),
    async ready(sessionId, first = false) {
      if (first) ready = [sessionId, ...ready.filter((other) => other !== sessionId)];
      else if (!ready.includes(sessionId)) ready.push(sessionId);
    },
    countReady: async () => ready.length,
    pop: async (count) => ready.splice(0, count),
  };
}

/** Every other process that had the store open has ended: its tokens have no beat. */
export function createBeats({ db, write }: SqliteContext, { inbox }: Tables): Beats {
  const mark = db.change('INSERT OR REPLACE INTO beat (id, at) VALUES (1, ?)');
  let renewals = 0;
  const listings = new Map<string, string>();
  return {
    lifeMs: Number.POSITIVE_INFINITY,
    begin: (incarnation, listing) =>
      write('beat', (now) => {
        if (listings.has(incarnation)) return false;
        listings.set(incarnation, listing);
        // Messages left by the previous process are due at once.
        inbox.allDue(now);
        return true;
      }),
    async renew(incarnation, listing) {
      if (!listings.has(incarnation)) return 'gone';
      listings.set(incarnation, listing);
      renewals += 1;
      // Each is synced to the disk, which may be a card that wears out.
      if (renewals % RENEWALS_A_WRITE === 0) await write('beat', (now) => void mark(now));
      return 'renewed';
    },
    async end(incarnation) {
      listings.delete(incarnation);
    },
    read: async (incarnations) => incarnations.map((incarnation) => listings.get(incarnation)),
  };
}
