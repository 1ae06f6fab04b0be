/** Notes in the embedded store. */
import { z } from 'zod';
import type { Notes } from '../../core/notes.ts';
import { encodePlace } from '../../core/session.ts';
import type { SqliteContext } from './context.ts';

const row = z.object({ expires_at: z.number() });

export function createSqliteNotes({ db, read, write }: SqliteContext): Notes {
  const select = db.query('SELECT expires_at FROM note WHERE place = ? AND name = ? AND expires_at > ?', row);
  const upsert = db.change(
    `INSERT INTO note (place, name, expires_at) VALUES (?1, ?2, ?3)
     ON CONFLICT (place, name) DO UPDATE SET expires_at = ?3`,
  );
  const remove = db.change('DELETE FROM note WHERE place = ? AND name = ?');
  const expire = db.change('DELETE FROM note WHERE expires_at <= ?');

  return {
    note: (place, name, ms) =>
      write('note', (now) => {
        expire(now);
        const key = [encodePlace(place), JSON.stringify(name)] as const;
        const known = select.one(...key, now) !== undefined;
        upsert(...key, now + ms);
        return !known;
      }),
    noted: (place, name) =>
      read('noted', (now) => select.one(encodePlace(place), JSON.stringify(name), now) !== undefined),
    drop: (place, name) => write('dropNote', () => void remove(encodePlace(place), JSON.stringify(name))),
  };
}
