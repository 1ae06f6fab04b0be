/** Flags in the embedded store. */
import { z } from 'zod';
import type { Flags } from '../../core/flags.ts';
import {
  encodePlace,
  encodeTeam,
  type Person,
  type Place,
  parseSessionId,
  type SessionId,
  type Team,
} from '../../core/session.ts';
import { parseStoredSession } from '../elements.ts';
import type { SqliteContext } from './context.ts';
import { afterPrefix } from './conversations.ts';
import type { SqliteDatabase } from './database.ts';

export interface FlagTable {
  /** Removes the flags of a conversation. */
  removeOf(session: SessionId): void;
  /** Removes the flags of a place, or of all places of a workspace, but not those of conversations there. */
  removeAt(where: Place | Team): void;
  /** The person's own conversations with flags. */
  ofPerson(person: Person): SessionId[];
}

const expiryRow = z.object({ expires_at: z.number() });
const aboutRow = z.object({ about: z.string() }).transform((row) => parseStoredSession(row.about));

export function createFlagTable(db: SqliteDatabase): FlagTable {
  const removeAll = db.change('DELETE FROM note WHERE about = ?');
  const removeRange = db.change('DELETE FROM note WHERE about >= ? AND about < ?');
  const selectRange = db.query('SELECT DISTINCT about FROM note WHERE about >= ? AND about < ?', aboutRow);

  return {
    removeOf: (session) => void removeAll(session),
    removeAt(where) {
      if ('channel' in where) return void removeAll(encodePlace(where));
      const prefix = `${encodeTeam(where)}:`;
      removeRange(prefix, afterPrefix(prefix));
    },
    ofPerson({ platform, workspace, user }) {
      const prefix = workspace === undefined ? `{${platform}:` : `{${encodeTeam({ platform, workspace })}:`;
      return selectRange.all(prefix, afterPrefix(prefix)).flatMap((session) => {
        if (session === undefined) return [];
        const parsed = parseSessionId(session);
        return parsed.user === user && parsed.place.workspace === workspace ? [session] : [];
      });
    },
  };
}

export function createSqliteFlags({ db, read, write }: SqliteContext, table: FlagTable): Flags {
  const select = db.query('SELECT expires_at FROM note WHERE about = ? AND name = ? AND expires_at > ?', expiryRow);
  const upsert = db.change(
    `INSERT INTO note (about, name, expires_at) VALUES (?1, ?2, ?3)
     ON CONFLICT (about, name) DO UPDATE SET expires_at = ?3`,
  );
  const remove = db.change('DELETE FROM note WHERE about = ? AND name = ?');
  const keyOf = (about: Place | SessionId, name: string) =>
    [typeof about === 'string' ? about : encodePlace(about), JSON.stringify(name)] as const;

  return {
    set: (about, name, ms) =>
      write('setFlag', (now) => {
        const key = keyOf(about, name);
        const known = select.one(...key, now) !== undefined;
        upsert(...key, now + ms);
        return !known;
      }),
    has: (about, name) => read('hasFlag', (now) => select.one(...keyOf(about, name), now) !== undefined),
    drop: (about, name) => write('dropFlag', () => void remove(...keyOf(about, name))),
    ofPerson: (person, name) =>
      read('flagsOfPerson', (now) =>
        table.ofPerson(person).filter((session) => select.one(...keyOf(session, name), now) !== undefined),
      ),
  };
}
