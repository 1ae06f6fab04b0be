/** Figures of the service and of one conversation, from the indexes: never a scan. */
import { z } from 'zod';
import type { Stats } from '../../core/store.ts';
import { replies } from './client.ts';
import type { RedisContext } from './context.ts';

/** Overdue conversations that one call of the script sweeps: well under a millisecond of Redis. */
const SWEEP_BATCH = 200;
/** Calls of it that one request for figures makes at most; what is left is swept by the next. */
const MOST_BATCHES = 500;

/** Milliseconds for which the server's own figures hold: INFO walks all of them, and anybody may ask for /memstats. */
const SERVER_FRESH_MS = 5_000;

const sweepReply = z.tuple([z.number(), z.number(), z.number(), z.number()]);

/** `sweep` takes overdue conversations out of the indexes; figures begin with it. */
export function createRedisStats(context: RedisContext): Stats & { sweep(): Promise<unknown> } {
  const { redis, keys, call } = context;

  const sweep = async () => {
    for (let batch = 1; ; batch += 1) {
      const reply = await redis.sweepIndex(keys.live, keys.lengths, keys.total, SWEEP_BATCH);
      const [, conversations, messages, more] = sweepReply.parse(reply);
      if (more === 0 || batch === MOST_BATCHES) return { conversations, messages };
    }
  };

  let server: { readonly info: ReadonlyMap<string, string>; readonly at: number } | undefined;
  const serverInfo = async (): Promise<ReadonlyMap<string, string>> => {
    const now = performance.now();
    if (server !== undefined && now - server.at < SERVER_FRESH_MS) return server.info;
    const info = parseInfo(await redis.info());
    server = { info, at: now };
    return info;
  };

  return {
    sweep,

    stats: () =>
      call('stats', async () => {
        const day = keys.day(new Date().toISOString().slice(0, 10));
        const pipeline = redis.pipeline().hmget(day, 'turns', 'tokens').zcard(keys.pending);
        const [live, [today, pending], server] = await Promise.all([sweep(), replies(pipeline), serverInfo()]);
        const [turns, tokens] = z.array(z.string().nullable()).parse(today);
        const number = (name: string) => (server.has(name) ? Number(server.get(name)) : null);
        return {
          ...live,
          turnsToday: Number(turns ?? 0),
          tokensToday: Number(tokens ?? 0),
          pending: Number(pending),
          server: {
            store: 'redis' as const,
            version: server.get('redis_version') ?? 'unknown',
            usedMemoryBytes: number('used_memory'),
            usedMemoryHuman: server.get('used_memory_human') ?? null,
            connectedClients: number('connected_clients'),
          },
        };
      }),

    conversationStats: (sessionId) =>
      call('conversationStats', async () => {
        const own = keys.session(sessionId);
        const companions = [own.list, own.meta, own.generation, own.ttl, own.inbox, own.fence, own.people, own.notes];
        const pipeline = redis.pipeline().llen(own.list).hmget(own.meta, 'created', 'turns', 'tokens').pttl(own.list);
        for (const key of companions) pipeline.memory('USAGE', key, 'SAMPLES', 0);
        const [messages, meta, msLeft, ...sizes] = await replies(pipeline);
        if (messages === 0) return undefined;
        const [created, turns, tokens] = z.array(z.string().nullable()).parse(meta).map(Number);
        return {
          messages: Number(messages),
          turns: turns ?? 0,
          tokens: tokens ?? 0,
          bytes: sizes.reduce<number>((sum, size) => sum + Number(size ?? 0), 0),
          createdAt: created ?? 0,
          expiresInMs: Math.max(0, Number(msLeft)),
          key: own.list,
        };
      }),
  };
}

/** `name:value` lines of INFO. */
export function parseInfo(text: string): ReadonlyMap<string, string> {
  return new Map(
    text.split('\r\n').flatMap((line): [string, string][] => {
      const colon = line.indexOf(':');
      return colon < 1 || line.startsWith('#') ? [] : [[line.slice(0, colon), line.slice(colon + 1)]];
    }),
  );
}
