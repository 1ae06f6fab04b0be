/** TTL overrides. */
import { z } from 'zod';
import { baseSession, encodePerson, parseSessionId, personOf, type SessionId } from '../../core/session.ts';
import { parseStoredSession } from '../elements.ts';
import { keepChoiceMs } from './context.ts';
import type { SqliteDatabase } from './database.ts';

export interface ChoiceTable {
  /** The override of this conversation, or of its place by the same person, in seconds. */
  get(session: SessionId, now: number): number | undefined;
  /** The override of this conversation itself, in seconds. */
  own(session: SessionId, now: number): number | undefined;
  set(session: SessionId, seconds: number, now: number): void;
  remove(session: SessionId): void;
  /** Extends the retention of the overrides of this conversation and of its place, because they are in use. */
  renew(session: SessionId, now: number): void;
  /** The conversations of one (encoded) person that have an override. */
  ofPerson(person: string): SessionId[];
  deleteExpired(now: number): number;
}

/** Above any MAX_TTL. A greater number would make every later commit fail. */
const MOST_SECONDS = 1e10;
const choiceRow = z.object({ seconds: z.int().min(1).max(MOST_SECONDS).optional().catch(undefined) });
const sessionRow = z.object({ session: z.string() }).transform((row) => parseStoredSession(row.session));

export function createChoiceTable(db: SqliteDatabase): ChoiceTable {
  const select = db.query('SELECT seconds FROM choice WHERE session = ? AND expires_at > ?', choiceRow);
  const put = db.change('INSERT OR REPLACE INTO choice (session, person, seconds, expires_at) VALUES (?, ?, ?, ?)');
  const remove = db.change('DELETE FROM choice WHERE session = ?');
  const renew = db.change('UPDATE choice SET expires_at = ? WHERE session = ?');
  const selectPerson = db.query('SELECT session FROM choice WHERE person = ?', sessionRow);
  const expire = db.change('DELETE FROM choice WHERE expires_at <= ?');

  const get = (session: SessionId, now: number) => select.one(session, now)?.seconds;
  return {
    own: get,
    get: (session, now) => get(session, now) ?? get(baseSession(session), now),
    set(session, seconds, now) {
      const { user } = parseSessionId(session);
      const person = user === undefined ? null : encodePerson(personOf(session, user));
      put(session, person, seconds, now + keepChoiceMs(seconds));
    },
    remove: (session) => void remove(session),
    renew(session, now) {
      for (const id of new Set([session, baseSession(session)])) {
        const seconds = get(id, now);
        if (seconds !== undefined) renew(now + keepChoiceMs(seconds), id);
      }
    },
    ofPerson: (person) => selectPerson.all(person).filter((session) => session !== undefined),
    deleteExpired: (now) => expire(now),
  };
}
