/** What a replica asks of Redis when nobody talks to it, and what a turn leaves there. Here a wait is what is measured. */
import { setTimeout as delay } from 'node:timers/promises';
import { Redis } from 'ioredis';
import { createRedisStore } from '../../src/memory/redis/store.ts';
import { serverAt } from '../../src/redis/target.ts';
import { startRedis } from '../../test/support/redis-server.ts';
import { printNumber } from '../print.ts';
import type { Bar, BenchContext, Table } from '../report.ts';
import { productSettings } from '../turns/product.ts';
import type { Programs } from '../turns/programs.ts';
import { connectionsOf, withRedisUse } from '../turns/redis-use.ts';
import { SEED_OPTIONS, seed } from './seed.ts';

const MOST_COMMANDS = 2.5;
const MOST_CONNECTIONS = 2;
const MOST_BYTES = 300;
/** Milliseconds for what the start leaves to do. */
const SETTLE_MS = 5_000;
const HOUR_MS = 3_600_000;

export interface ReplicaOptions {
  /** Milliseconds that nothing happens for. */
  readonly idleMs: number;
  readonly turns: number;
  readonly judged: boolean;
  readonly progress: BenchContext['progress'];
}

export async function measureReplica(
  programs: Programs,
  { idleMs, turns, judged, progress }: ReplicaOptions,
): Promise<{ readonly table: Table; readonly bars: readonly Bar[] }> {
  const redis = await startRedis();
  try {
    progress(`a replica on Redis that does nothing for ${idleMs / 1_000} s`);
    const product = await programs.startProduct({
      ...{ ...productSettings('http://127.0.0.1:1/v1'), REDIS_URL: redis.url },
    });
    let perSecond: number;
    let connections: number;
    try {
      if (judged) await delay(SETTLE_MS);
      const [ms, { commands }] = await withRedisUse(redis.url, async () => {
        const since = performance.now();
        await delay(idleMs);
        return performance.now() - since;
      });
      perSecond = commands / (ms / 1_000);
      connections = await connectionsOf(redis.url);
    } finally {
      await product.stop();
    }
    progress(`what ${turns} turns leave`);
    const bytes = await bytesLeft(redis.url, turns);
    const bar = (name: string, most: number, value: number): Bar => {
      return { name, wanted: `<= ${most}`, measured: printNumber(value), holds: judged ? value <= most : 'not judged' };
    };
    return {
      table: {
        title: 'A replica and its Redis',
        note:
          `Commands: INFO commandstats over ${idleMs / 1_000} s in which nobody talks to the bot, those inside of scripts included. Bytes: ` +
          `MEMORY USAGE of what is kept of ${turns} turns for longer than an hour, their conversations and the indexes aside.`,
        columns: ['', 'figure'],
        rows: [
          ['commands a second, idle', perSecond],
          ['connections', connections],
          ['bytes of a turn after an hour', bytes],
        ],
      },
      bars: [
        bar('commands a second of an idle replica', MOST_COMMANDS, perSecond),
        bar('connections of a replica to one Redis', MOST_CONNECTIONS, connections),
        bar('bytes of Redis that stay of a completed turn after an hour', MOST_BYTES, bytes),
      ],
    };
  } finally {
    await redis.stop();
  }
}

/** Bytes a turn of its record and its idempotency keys, as far as they live for longer than an hour. */
async function bytesLeft(url: string, turns: number): Promise<number> {
  const admin = new Redis(url, { protocol: 2 });
  try {
    await admin.flushall();
    const store = await createRedisStore({
      ...{ ...SEED_OPTIONS, redis: serverAt(url), prefix: 'conversation', allowEviction: false, warn() {} },
    });
    await seed(store, turns);
    await store.close();
    let bytes = 0;
    for (const key of await admin.keys('*')) {
      const ofATurn = key.startsWith('seen:') || key.includes(':turn:');
      if (ofATurn && (await admin.pttl(key)) > HOUR_MS) bytes += (await admin.memory('USAGE', key, 'SAMPLES', 0)) ?? 0;
    }
    return bytes / turns;
  } finally {
    admin.disconnect();
  }
}
