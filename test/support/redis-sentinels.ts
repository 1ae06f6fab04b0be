/** Redis Sentinels on loopback, with a primary and its replicas: real processes that fail over. */
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { Redis } from 'ioredis';
import { freePort } from './free-port.ts';
import { type GuardedProcess, startGuarded } from './guarded-process.ts';
import { findRedisBinary, HOW_TO_GET_REDIS } from './redis-binary.ts';
import { type RedisServer, startRedis, WRITES_AT_ONCE } from './redis-server.ts';

/** The name by which the Sentinels know the primary. */
export const PRIMARY = 'mine';
/** Only bounds what never happens. */
const PATIENCE_MS = 60_000;

export interface SentinelGroup {
  /** As REDIS_SENTINELS takes them. */
  readonly sentinels: string;
  readonly ports: readonly number[];
  /** The first one is the primary at the start. */
  readonly servers: readonly RedisServer[];
  /** The server that the Sentinels name as the primary now. */
  primary(): Promise<RedisServer>;
  /** Resolves when the Sentinels name another one than this, and it takes writes. */
  promoted(old: RedisServer): Promise<RedisServer>;
  stop(): Promise<void>;
}

export interface SentinelGroupOptions {
  /** Default: 2. */
  readonly replicas?: number;
  /** Default: 3. */
  readonly sentinels?: number;
  /** Further options of every server. */
  readonly args?: readonly string[];
  /** Further lines of every sentinel.conf. */
  readonly lines?: readonly string[];
  /** Milliseconds of silence after which a Sentinel calls a server down. Default: 1,000. */
  readonly downAfterMs?: number;
}

/** A Sentinel that watches the server on `port`. */
export async function startSentinel(
  port: number,
  {
    quorum = 1,
    downAfterMs = 1_000,
    lines = [],
  }: { quorum?: number; downAfterMs?: number; lines?: readonly string[] } = {},
): Promise<{ readonly port: number; readonly process: GuardedProcess; stop(): Promise<void> }> {
  const binary = await findRedisBinary();
  if (binary?.kind !== 'program') throw new Error(HOW_TO_GET_REDIS);
  const [folder, own] = [await mkdtemp(join(tmpdir(), 'recollect-sentinel-')), await freePort()];
  const file = join(folder, 'sentinel.conf');
  const about = [
    `sentinel monitor ${PRIMARY} 127.0.0.1 ${port} ${quorum}`,
    `sentinel down-after-milliseconds ${PRIMARY} ${downAfterMs}`,
    `sentinel failover-timeout ${PRIMARY} 5000`,
  ];
  await writeFile(file, [`port ${own}`, 'bind 127.0.0.1', `dir ${folder}`, ...about, ...lines, ''].join('\n'));
  const sentinel = await startGuarded(binary.path, [file, '--sentinel'], { cleanup: `rm -rf -- '${folder}'` });
  return {
    port: own,
    process: sentinel,
    async stop() {
      await sentinel.release();
      await rm(folder, { recursive: true, force: true });
    },
  };
}

export async function startSentinelGroup(options: SentinelGroupOptions = {}): Promise<SentinelGroup> {
  const { replicas = 2, sentinels: count = 3, args = [], lines = [], downAfterMs } = options;
  const ending: (() => Promise<void>)[] = [];
  const stop = async () => {
    for (const end of ending.splice(0).reverse()) await end();
  };
  try {
    const first = await startRedis({ args: [...WRITES_AT_ONCE, ...args] });
    ending.push(() => first.stop());
    const servers = [first];
    for (let index = 0; index < replicas; index += 1) {
      const following = ['--replicaof', '127.0.0.1', String(first.port), '--repl-diskless-sync-delay', '0'];
      const replica = await startRedis({ args: [...WRITES_AT_ONCE, ...following, ...args] });
      ending.push(() => replica.stop());
      servers.push(replica);
    }
    const online = `connected_slaves:${replicas}\r`;
    await until('the replicas are in sync', async () => {
      const info = String(await asked(first.port, (redis) => redis.info('replication')));
      return info.includes(online) && [...info.matchAll(/state=online/g)].length === replicas;
    });
    const ports: number[] = [];
    const quorum = Math.floor(count / 2) + 1;
    for (let index = 0; index < count; index += 1) {
      const sentinel = await startSentinel(first.port, { quorum, lines, ...(downAfterMs && { downAfterMs }) });
      ending.push(() => sentinel.stop());
      ports.push(sentinel.port);
    }

    const named = async (): Promise<RedisServer | undefined> => {
      for (const port of ports) {
        const address = await asked(port, (sentinel) => sentinel.call('SENTINEL', 'get-master-addr-by-name', PRIMARY));
        const found = servers.find((server) => Array.isArray(address) && String(server.port) === address[1]);
        if (found !== undefined) return found;
      }
      return undefined;
    };
    const knowsAll = async (port: number) => {
      const flat = await asked(port, (sentinel) => sentinel.call('SENTINEL', 'MASTER', PRIMARY));
      if (!Array.isArray(flat)) return false;
      const value = (name: string) => flat[flat.indexOf(name) + 1];
      return value('num-slaves') === String(replicas) && value('num-other-sentinels') === String(count - 1);
    };
    for (const port of ports) await until(`the Sentinel on ${port} knows all`, () => knowsAll(port));
    return {
      sentinels: ports.map((port) => `127.0.0.1:${port}`).join(','),
      ports,
      servers,
      async primary() {
        return (await named()) ?? first;
      },
      async promoted(old) {
        let next: RedisServer | undefined;
        await until('another primary', async () => {
          next = await named();
          if (next === undefined || next === old) return false;
          const info = await asked(next.port, (redis) => redis.info('replication'));
          return typeof info === 'string' && info.includes('role:master');
        });
        return next ?? old;
      },
      stop,
    };
  } catch (error) {
    await stop();
    throw error;
  }
}

/** Resolves when so many replicas have all that the server had written when it was called. */
export async function replicated(server: RedisServer, replicas: number): Promise<void> {
  const replication = async () => String(await asked(server.port, (redis) => redis.info('replication')));
  const written = Number(/^master_repl_offset:(\d+)/m.exec(await replication())?.[1]);
  await until('everything is replicated', async () => {
    const offsets = [...(await replication()).matchAll(/state=online,offset=(\d+)/g)].map(([, offset]) =>
      Number(offset),
    );
    return offsets.filter((offset) => offset >= written).length >= replicas;
  });
}

/** Asks a server once; undefined when it does not answer. */
export async function asked(port: number, ask: (redis: Redis) => Promise<unknown>): Promise<unknown> {
  const options = {
    protocol: 2,
    retryStrategy: null,
    enableReadyCheck: false,
    connectTimeout: 2_000,
    commandTimeout: 2_000,
  } as const;
  const redis = new Redis(port, '127.0.0.1', options);
  redis.on('error', () => {});
  try {
    return await ask(redis);
  } catch {
    return undefined;
  } finally {
    redis.disconnect();
  }
}

/** @throws when it does not come about */
export async function until(what: string, holds: () => Promise<boolean>): Promise<void> {
  const deadline = performance.now() + PATIENCE_MS;
  while (!(await holds())) {
    if (performance.now() > deadline) throw new Error(`Waited in vain: ${what}.`);
    await sleep(50);
  }
}
