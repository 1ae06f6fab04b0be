/** The registry of channels on Redis: three keys a platform, in a slot of their own. */
import { z } from 'zod';
import { type Channels, KEEP_CHANNEL_MS, type WatchedChannel } from '../../core/channels.ts';
import { isJsonValue } from '../../core/types.ts';
import { readCursor, storedCursor } from '../cursors.ts';
import { replies } from './client.ts';
import type { RedisContext } from './context.ts';

const ids = z.array(z.string());
const values = z.array(z.string().nullable());

export function createRedisChannels({ redis, keys, call }: RedisContext): Channels {
  return {
    async watch(platform, { id, about, cursor }) {
      const own = keys.channels(platform);
      const fields = [id, JSON.stringify(about), storedCursor(cursor), KEEP_CHANNEL_MS];
      await call('watchChannel', () => redis.watchChannel(own.talked, own.about, own.cursor, ...fields));
    },

    async advance(platform, cursors) {
      if (cursors.size === 0) return;
      const own = keys.channels(platform);
      const pairs = [...cursors].flatMap(([id, cursor]) => [id, storedCursor(cursor)]);
      await call('advanceChannels', () => redis.advanceChannels(own.talked, own.cursor, KEEP_CHANNEL_MS, ...pairs));
    },

    watched: (platform) =>
      call('watchedChannels', async () => {
        const own = keys.channels(platform);
        const found = ids.parse(await redis.watchedChannels(own.talked, KEEP_CHANNEL_MS));
        if (found.length === 0) return [];
        const pipeline = redis
          .pipeline()
          .hmget(own.about, ...found)
          .hmget(own.cursor, ...found);
        const [abouts = [], cursors = []] = (await replies(pipeline)).map((reply) => values.parse(reply));
        return found.flatMap((id, index): WatchedChannel[] => {
          const about = jsonOf(abouts[index]);
          const cursor = readCursor(cursors[index] ?? '');
          return about === undefined || cursor === undefined ? [] : [{ id, about, cursor }];
        });
      }),

    unwatch: (platform, gone) =>
      call('unwatchChannels', async () => {
        if (gone.length === 0) return;
        const own = keys.channels(platform);
        await replies(
          redis
            .multi()
            .zrem(own.talked, ...gone)
            .hdel(own.about, ...gone)
            .hdel(own.cursor, ...gone),
        );
      }),
  };
}

function jsonOf(text: string | null | undefined): WatchedChannel['about'] | undefined {
  if (text == null) return undefined;
  try {
    const parsed: unknown = JSON.parse(text);
    return isJsonValue(parsed) ? parsed : undefined;
  } catch {
    return undefined;
  }
}
