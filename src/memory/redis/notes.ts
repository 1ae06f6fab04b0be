/** Notes on Redis: a key each, in the slot of their place. */
import type { Notes } from '../../core/notes.ts';
import type { RedisContext } from './context.ts';

export function createRedisNotes({ redis, keys, call }: RedisContext): Notes {
  return {
    note: (place, name, ms) =>
      call('note', async () => (await redis.set(keys.note(place, name), '1', 'PX', ms, 'GET')) === null),
    noted: (place, name) => call('noted', async () => (await redis.exists(keys.note(place, name))) === 1),
    drop: (place, name) => call('dropNote', async () => void (await redis.del(keys.note(place, name)))),
  };
}
