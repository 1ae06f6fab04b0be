/** The turn protocol before a worker comes: offering, finding, editing and listing what waits. */
import { z } from 'zod';
import { encodePlace, personOf, placeTag } from '../../core/session.ts';
import type { EnqueueResult, TurnRef, Turns } from '../../core/store.ts';
import type { IncomingMessage } from '../../core/types.ts';
import { parseStoredSession } from '../elements.ts';
import { KEEP_MS, type SqliteContext } from './context.ts';
import { tombstone } from './inbox.ts';
import { forgotten, newTurn } from './records.ts';
import type { Tables } from './tables.ts';

export type Offers = Pick<
  Turns,
  'enqueue' | 'locate' | 'waiting' | 'amend' | 'pending' | 'countPending' | 'claimSweep'
>;

const seenRow = z.object({ session: z.string(), turn: z.string() }).transform((row): TurnRef | undefined => {
  const sessionId = parseStoredSession(row.session);
  return sessionId === undefined ? undefined : { sessionId, turnId: row.turn };
});

export function createOffers(context: SqliteContext, tables: Tables): Offers {
  const { db, options, read, write, textDeleted } = context;
  const { turns, inbox, participants } = tables;
  const selectSeen = db.query('SELECT session, turn FROM seen WHERE place = ? AND id = ? AND expires_at > ?', seenRow);
  const insertSeen = db.change(
    `INSERT INTO seen (place, id, session, turn, expires_at) VALUES (?1, ?2, ?3, ?4, ?5)
     ON CONFLICT (place, id) DO UPDATE SET session = ?3, turn = ?4, expires_at = ?5 WHERE expires_at <= ?6`,
  );
  const claim = db.change(
    `INSERT INTO claim (name, until_at) VALUES (?1, ?2)
     ON CONFLICT (name) DO UPDATE SET until_at = ?2 WHERE until_at <= ?3`,
  );

  const find = (place: string, idempotencyKeys: readonly string[], now: number): TurnRef | undefined => {
    for (const id of idempotencyKeys) {
      const known = selectSeen.one(place, JSON.stringify(id), now);
      if (known !== undefined) return known;
    }
    return undefined;
  };

  /** Claims those ids that nobody has. */
  const claimIds = ({ sessionId, idempotencyKeys }: IncomingMessage, located: TurnRef, now: number) => {
    for (const id of idempotencyKeys) {
      const values = [placeTag(sessionId), JSON.stringify(id), located.sessionId, located.turnId, now + KEEP_MS, now];
      insertSeen(...values);
    }
  };

  return {
    enqueue: (message) =>
      write('offer', (now): EnqueueResult => {
        const { sessionId, turnId, author } = message;
        const own = { sessionId, turnId };
        const recorded = turns.get(sessionId, turnId, now) === undefined ? undefined : own;
        const known = find(placeTag(sessionId), message.idempotencyKeys, now) ?? recorded;
        if (known !== undefined) {
          // Its conversation is noted as pending for as long as anything waits: note and inbox change together here.
          claimIds(message, known, now);
          return { kind: 'duplicate', ...known };
        }
        const ahead = inbox.count(sessionId, now);
        if (ahead >= options.maxWaiting) return { kind: 'full', waiting: ahead };
        if (ahead === 0) inbox.clear(sessionId);
        const progress = inbox.progress(sessionId, now);
        claimIds(message, own, now);
        turns.put(sessionId, turnId, newTurn(progress.generation), now);
        inbox.keep(sessionId, progress, now);
        inbox.push(message, now);
        participants.add(personOf(sessionId, author.id), sessionId);
        return { kind: 'queued', ahead };
      }),

    locate: (place, idempotencyKeys) => read('locate', (now) => find(encodePlace(place), idempotencyKeys, now)),

    waiting: (sessionId) =>
      read('waiting', (now) => inbox.entries(sessionId, now).flatMap(({ message }) => message?.turnId ?? [])),

    amend: (sessionId, source, text) =>
      write('amend', (now) => {
        for (const { seq, message } of inbox.entries(sessionId, now)) {
          if (message?.id !== source) continue;
          const record =
            turns.get(sessionId, message.turnId, now) ?? newTurn(inbox.progress(sessionId, now).generation);
          if (record.state === 'forgotten') return 'unknown';
          if (record.state !== 'queued') return 'running';
          if (text === null) {
            inbox.replace(seq, tombstone(message));
            turns.put(sessionId, message.turnId, forgotten(record), now);
          } else {
            inbox.replace(seq, { ...message, text });
          }
          textDeleted('now');
          return 'amended';
        }
        return 'unknown';
      }),

    pending: (limit, after) => read('pending', (now) => inbox.pending(limit, after, now)),
    countPending: () => read('countPending', (now) => inbox.countPending(now)),
    claimSweep: (ms) => write('claimSweep', (now) => claim('sweep', now + ms, now) === 1),
  };
}
