/** The indexes of waiting work, and the heartbeats of workers. Global keys in their own slot. */
import { z } from 'zod';
import type { Beats, WorkIndex } from '../../core/store.ts';
import { parseStoredSession } from '../elements.ts';
import { replies, toStoreError } from './client.ts';
import type { RedisContext } from './context.ts';

/** Maximum number of conversations in one scan. */
const MOST_DUE = 100;
/** Milliseconds until a beat expires unless it is renewed. */
const BEAT_MS = 4_000;
/** Milliseconds for which turns continue after a beat was sent: a second less than others wait. */
const LIFE_MS = 3_000;

const strings = z.array(z.string());
const headReply = z.union([z.tuple([]), z.tuple([z.string()])]);

export function createWorkIndex({ redis, keys, call, inBackground, oneServer }: RedisContext): WorkIndex {
  return {
    markPending: (sessionIds) =>
      call('markPending', async () => {
        if (sessionIds.length > 0) await redis.markPending(keys.pending, ...sessionIds);
      }),

    countPending: () => call('countPending', () => redis.zcard(keys.pending)),

    takeDue: () =>
      call('takeDue', async () => {
        const flat = strings.parse(await redis.takeDue(keys.pending, MOST_DUE));
        const found = [];
        for (let index = 0; index + 1 < flat.length; index += 2) {
          const member = flat[index] ?? '';
          const sessionId = parseStoredSession(member);
          if (sessionId !== undefined) found.push({ sessionId, mark: flat[index + 1] ?? '' });
          // A malformed member would come up in every scan.
          else inBackground('takeDue', () => redis.zrem(keys.pending, member));
        }
        return found;
      }),

    heads: (sessionIds) =>
      call('heads', async () => {
        if (sessionIds.length === 0) return [];
        const commands = sessionIds.map((id): [string, string] => [keys.session(id).list, keys.session(id).inbox]);
        let found: unknown[];
        if (oneServer) {
          const pipeline = redis.pipeline();
          for (const [list, inbox] of commands) pipeline.headOfInbox(list, inbox);
          found = await replies(pipeline);
        } else {
          found = await Promise.all(commands.map(([list, inbox]) => redis.headOfInbox(list, inbox)));
        }
        return found.map((reply) => {
          const [owner] = headReply.parse(reply);
          return owner === undefined ? 'empty' : { owner: owner === '' ? undefined : owner };
        });
      }),

    clearPending: ({ sessionId, mark }) =>
      call('clearPending', async () => void (await redis.clearPending(keys.pending, sessionId, mark))),

    ready: (sessionId, first = false) =>
      call('ready', async () => {
        // The time since when it waits, by this process' clock. A wrong clock only changes the order.
        if (first) await redis.zadd(keys.ready, 0, sessionId);
        else await redis.zadd(keys.ready, 'NX', Date.now(), sessionId);
      }),

    countReady: () => call('countReady', () => redis.zcard(keys.ready)),

    pop: (count) =>
      call('pop', async () => {
        const flat = await redis.zpopmin(keys.ready, count);
        return flat.flatMap((member, index) => (index % 2 === 0 ? (parseStoredSession(member) ?? []) : []));
      }),
  };
}

export function createBeats({ redis, keys, call }: RedisContext): Beats {
  return {
    lifeMs: LIFE_MS,
    begin: (incarnation, listing) =>
      call('beat', async () => (await redis.set(keys.beat(incarnation), listing, 'PX', BEAT_MS, 'NX')) === 'OK'),
    renew: (incarnation, listing) =>
      call('beat', async () => {
        const key = keys.beat(incarnation);
        try {
          return (await redis.set(key, listing, 'PX', BEAT_MS, 'XX')) === 'OK' ? 'renewed' : 'gone';
        } catch (thrown) {
          const refused = toStoreError(thrown);
          if (refused.code !== 'store_full') throw thrown;
          return (await redis.renewBeat(key, listing, BEAT_MS)) === 1 ? { refused } : 'gone';
        }
      }),
    end: (incarnation) => call('beat', async () => void (await redis.del(keys.beat(incarnation)))),
    read: (incarnations) =>
      call('readBeats', async () => {
        if (incarnations.length === 0) return [];
        const listings = await redis.mget(incarnations.map((incarnation) => keys.beat(incarnation)));
        return listings.map((listing) => listing ?? undefined);
      }),
  };
}
