/** What the sections of the memory part share: a Redis of their own and what it tells of itself. */
import { setTimeout as sleep } from 'node:timers/promises';
import { Redis } from 'ioredis';
import { startRedis } from '../../test/support/redis-server.ts';
import type { Bar, BenchContext, Table } from '../report.ts';

export interface Section {
  readonly tables: readonly Table[];
  readonly bars: readonly Bar[];
}

export interface World {
  readonly context: BenchContext;
  readonly url: string;
  readonly port: number;
  /** For looking at the server; no client's. */
  readonly admin: Redis;
}

/**
 * Starts a Redis for some sections: append-only file, synced every second, as docs/operations.md asks for. The file is
 * not rewritten by itself, since that would hit one contender and not another.
 */
export async function withRedis<T>(context: BenchContext, use: (world: World) => Promise<T>): Promise<T> {
  const server = await startRedis({ args: ['--auto-aof-rewrite-percentage', '0'] });
  const admin = new Redis(server.url);
  try {
    return await use({ context, url: server.url, port: server.port, admin });
  } finally {
    admin.disconnect();
    await server.stop();
  }
}

/**
 * Empties Redis and its append-only file. In a file that only grows, a run would pay for the disk that still writes what the
 * runs before have left behind.
 */
export async function startOver(admin: Redis): Promise<void> {
  await admin.flushall();
  await admin.bgrewriteaof();
  const rewrites = async () =>
    (await infoNumber(admin, 'persistence', 'aof_rewrite_in_progress')) +
    (await infoNumber(admin, 'persistence', 'aof_rewrite_scheduled'));
  while ((await rewrites()) > 0) await sleep(5);
}

/** A number of INFO. */
export async function infoNumber(admin: Redis, section: string, name: string): Promise<number> {
  const value = new RegExp(`^${name}:([\\d.]+)`, 'm').exec(await admin.info(section))?.[1];
  if (value === undefined) throw new Error(`INFO ${section} of this Redis has no ${name}.`);
  return Number(value);
}

/** Seconds of CPU that Redis has used, all its threads. */
export async function redisCpu(admin: Redis): Promise<number> {
  return (await infoNumber(admin, 'cpu', 'used_cpu_user')) + (await infoNumber(admin, 'cpu', 'used_cpu_sys'));
}

/** Resolves when no other connection is left, and so all that was sent by others has been run. */
export async function untilAlone(admin: Redis): Promise<void> {
  while ((await infoNumber(admin, 'clients', 'connected_clients')) > 1) await sleep(5);
}
