/** Figures of the service and of one conversation, from the indexes: never a scan. */
import { z } from 'zod';
import type { ServiceStats, Stats } from '../../core/store.ts';
import { primariesOf } from '../../redis/connection.ts';
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

  let server: { readonly figures: ServerFigures; readonly at: number } | undefined;
  const serverFigures = async (): Promise<ServerFigures> => {
    const now = performance.now();
    if (server !== undefined && now - server.at < SERVER_FRESH_MS) return server.figures;
    const figures = figuresOf(await Promise.all(primariesOf(redis).map((one) => one.info().then(parseInfo))));
    server = { figures, at: now };
    return figures;
  };

  return {
    sweep,

    stats: () =>
      call('stats', async () => {
        const day = keys.day(new Date().toISOString().slice(0, 10));
        const pipeline = redis.pipeline().hmget(day, 'turns', 'tokens').zcard(keys.pending);
        const [live, [today, pending], server] = await Promise.all([sweep(), replies(pipeline), serverFigures()]);
        const [turns, tokens] = z.array(z.string().nullable()).parse(today);
        return {
          ...live,
          turnsToday: Number(turns ?? 0),
          tokensToday: Number(tokens ?? 0),
          pending: Number(pending),
          server,
        };
      }),

    conversationStats: (sessionId) =>
      call('conversationStats', async () => {
        const own = keys.session(sessionId);
        const companions = [own.list, own.meta, own.ttl, own.inbox, own.people, own.sources, own.notes];
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

type ServerFigures = ServiceStats['server'];

/** Of one server, or the sums of all primaries of a Cluster. */
function figuresOf(infos: readonly ReadonlyMap<string, string>[]): ServerFigures {
  const sum = (name: string) => {
    const values = infos.flatMap((info) => (info.has(name) ? [Number(info.get(name))] : []));
    return values.length === 0 ? null : values.reduce((all, value) => all + value, 0);
  };
  const usedMemoryBytes = sum('used_memory');
  const [only] = infos;
  return {
    store: 'redis',
    version: only?.get('redis_version') ?? 'unknown',
    usedMemoryBytes,
    usedMemoryHuman: infos.length === 1 ? (only?.get('used_memory_human') ?? null) : humanBytes(usedMemoryBytes),
    connectedClients: sum('connected_clients'),
  };
}

/** As Redis writes it (bytesToHuman of its src/server.c): `1.50M`. */
function humanBytes(bytes: number | null): string | null {
  if (bytes === null) return null;
  const power = bytes < 1_024 ? 0 : Math.min(4, Math.floor(Math.log2(bytes) / 10));
  return power === 0 ? `${bytes}B` : `${(bytes / 1_024 ** power).toFixed(2)}${'BKMGT'[power]}`;
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
