/** The registry of channels in the embedded store. */
import { z } from 'zod';
import { type Channels, KEEP_CHANNEL_MS, type WatchedChannel } from '../../core/channels.ts';
import { isJsonValue } from '../../core/types.ts';
import { readCursor, storedCursor } from '../cursors.ts';
import { parseJson } from '../elements.ts';
import type { SqliteContext } from './context.ts';

const channel = z.object({ id: z.string(), about: z.custom<WatchedChannel['about']>(isJsonValue), cursor: z.string() });
/** Undefined if the entry is corrupt: it must not hide the others. */
const row = z
  .object({ id: z.string(), about: z.string(), cursor: z.string() })
  .transform(
    ({ id, about, cursor }): WatchedChannel | undefined =>
      channel.safeParse({ id: parseJson(id), about: parseJson(about), cursor: readCursor(cursor) }).data,
  );

export function createSqliteChannels({ db, read, write }: SqliteContext): Channels {
  const upsert = db.change(
    `INSERT INTO channel (platform, id, about, cursor, expires_at) VALUES (?1, ?2, ?3, ?4, ?5)
     ON CONFLICT (platform, id) DO UPDATE SET about = ?3, cursor = max(cursor, ?4), expires_at = ?5`,
  );
  const move = db.change(
    'UPDATE channel SET cursor = ?3 WHERE platform = ?1 AND id = ?2 AND cursor < ?3 AND expires_at > ?4',
  );
  const select = db.query(
    'SELECT id, about, cursor FROM channel WHERE platform = ? AND expires_at > ? ORDER BY expires_at DESC',
    row,
  );
  const remove = db.change('DELETE FROM channel WHERE platform = ? AND id = ?');

  return {
    watch: (platform, { id, about, cursor }) =>
      write('watchChannel', (now) => {
        upsert(platform, JSON.stringify(id), JSON.stringify(about), storedCursor(cursor), now + KEEP_CHANNEL_MS);
      }),
    advance: (platform, cursors) =>
      write('advanceChannels', (now) => {
        for (const [id, cursor] of cursors) move(platform, JSON.stringify(id), storedCursor(cursor), now);
      }),
    watched: (platform) =>
      read('watchedChannels', (now) => select.all(platform, now).filter((found) => found !== undefined)),
    unwatch: (platform, ids) =>
      write('unwatchChannels', () => {
        for (const id of ids) remove(platform, JSON.stringify(id));
      }),
  };
}
