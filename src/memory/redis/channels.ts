/** The registry of channels in Redis: three keys per platform, in their own slot. */
import { z } from 'zod';
import { type Channels, KEEP_CHANNEL_MS, type WatchedChannel } from '../../core/channels.ts';
import { isJsonValue } from '../../core/types.ts';
import { readCursor, storedCursor } from '../cursors.ts';
import { replies } from './client.ts';
import type { RedisContext } from './context.ts';

/**
 * Channels per command. A registry may have 100,000 of them; that many arguments would overflow the call stack, and one command must
 * not block Redis for long.
 */
const PAGE = 1_000;

/** The script's reply: the next position, then each channel's id, when the bot was last addressed (Unix milliseconds), data, cursor. */
const page = z.tuple(
  [z.string()],
  z.tuple([z.string(), z.coerce.number(), z.string().nullable(), z.string().nullable()]),
);

export function createRedisChannels({ redis, keys, call }: RedisContext): Channels {
  return {
    async watch(platform, { id, about, cursor }) {
      const own = keys.channels(platform);
      const fields = [id, JSON.stringify(about), storedCursor(cursor), KEEP_CHANNEL_MS];
      await call('watchChannel', () => redis.watchChannel(own.talked, own.about, own.cursor, ...fields));
    },

    advance: (platform, cursors) =>
      call('advanceChannels', async () => {
        const own = keys.channels(platform);
        for (const some of pagesOf([...cursors])) {
          const pairs = some.flatMap(([id, cursor]) => [id, storedCursor(cursor)]);
          await redis.advanceChannels(own.talked, own.cursor, KEEP_CHANNEL_MS, ...pairs);
        }
      }),

    watched: (platform) =>
      call('watchedChannels', async () => {
        const own = keys.channels(platform);
        const found = new Map<string, readonly [talkedAt: number, channel: WatchedChannel]>();
        // A scan returns everything that is present throughout, possibly twice.
        let position = '0';
        do {
          const reply = await redis.watchedChannels(own.talked, own.about, own.cursor, position, PAGE, KEEP_CHANNEL_MS);
          const [next, ...channels] = page.parse(reply);
          position = next;
          for (const [id, talkedAt, text, stored] of channels) {
            const about = jsonOf(text);
            const cursor = readCursor(stored ?? '');
            if (about !== undefined && cursor !== undefined) found.set(id, [talkedAt, { id, about, cursor }]);
          }
        } while (position !== '0');
        return [...found.values()].sort(([one], [other]) => other - one).map(([, channel]) => channel);
      }),

    unwatch: (platform, gone) =>
      call('unwatchChannels', async () => {
        const own = keys.channels(platform);
        for (const ids of pagesOf(gone)) {
          await replies(
            redis
              .multi()
              .zrem(own.talked, ...ids)
              .hdel(own.about, ...ids)
              .hdel(own.cursor, ...ids),
          );
        }
      }),
  };
}

function pagesOf<T>(all: readonly T[]): readonly (readonly T[])[] {
  return Array.from({ length: Math.ceil(all.length / PAGE) }, (_, index) =>
    all.slice(index * PAGE, (index + 1) * PAGE),
  );
}

function jsonOf(text: string | null): WatchedChannel['about'] | undefined {
  if (text === null) return undefined;
  try {
    const parsed: unknown = JSON.parse(text);
    return isJsonValue(parsed) ? parsed : undefined;
  } catch {
    return undefined;
  }
}
