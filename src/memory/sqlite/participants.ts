/** The people of each conversation, for finding everything of a person. */
import { z } from 'zod';
import { encodePerson, type Person, type SessionId } from '../../core/session.ts';
import { parseStoredSession } from '../elements.ts';
import type { SqliteDatabase } from './database.ts';

export interface ParticipantTable {
  add(person: Person, session: SessionId): void;
  remove(person: Person, session: SessionId): void;
  /** Conversations that may have expired. */
  sessionsOf(person: Person): SessionId[];
  /** Removes the people of a conversation that has neither messages nor waiting messages. */
  dropIfOver(session: string): void;
}

const sessionRow = z.object({ session: z.string() }).transform((row) => parseStoredSession(row.session));

export function createParticipantTable(db: SqliteDatabase): ParticipantTable {
  const insert = db.change('INSERT OR IGNORE INTO participant (person, session) VALUES (?, ?)');
  const remove = db.change('DELETE FROM participant WHERE person = ? AND session = ?');
  const select = db.query('SELECT session FROM participant WHERE person = ?', sessionRow);
  const dropIfOver = db.change(
    `DELETE FROM participant WHERE session = ?1
     AND NOT EXISTS (SELECT 1 FROM conversation WHERE session = ?1) AND NOT EXISTS (SELECT 1 FROM inbox WHERE session = ?1)`,
  );
  return {
    add: (person, session) => void insert(encodePerson(person), session),
    remove: (person, session) => void remove(encodePerson(person), session),
    sessionsOf: (person) => select.all(encodePerson(person)).filter((session) => session !== undefined),
    dropIfOver: (session) => void dropIfOver(session),
  };
}
