/** A Redis Cluster on loopback: real processes that fail over and move slots. */
import { Redis } from 'ioredis';
import { freePort } from './free-port.ts';
import { asked, until } from './redis-sentinels.ts';
import { type RedisServer, startRedis, WRITES_AT_ONCE } from './redis-server.ts';

const SLOTS = 16_384;

export interface RedisCluster {
  /** As REDIS_CLUSTER takes them. */
  readonly nodes: string;
  /** The same for TLS; empty without. */
  readonly tlsNodes: string;
  readonly ports: readonly number[];
  /** Primaries first, then one replica of each. */
  readonly servers: readonly RedisServer[];
  /** The primary that has the slot now, as a server other than `unasked` sees it. */
  owner(slot: number, unasked?: RedisServer): Promise<RedisServer>;
  /** Resolves when all slots are served, as all servers that live see it. */
  whole(): Promise<void>;
  /** Moves a slot with its keys to another primary, a few keys at a time; what is asked for meanwhile gets ASK and TRYAGAIN. */
  move(slot: number, to: RedisServer): Promise<void>;
  stop(): Promise<void>;
}

export interface RedisClusterOptions {
  /** Default: 3. */
  readonly primaries?: number;
  /** Of each primary. Default: 1. */
  readonly replicas?: number;
  readonly args?: readonly string[];
  /** With TLS between the nodes, and on a port of its own for clients: a certificate for 127.0.0.1 that signs itself. */
  readonly tls?: { readonly cert: string; readonly key: string };
  /** Milliseconds of silence after which a node calls another one down. Default: 2,000. */
  readonly nodeTimeoutMs?: number;
}

export async function startCluster(options: RedisClusterOptions = {}): Promise<RedisCluster> {
  const { primaries: count = 3, replicas = 1, args = [], nodeTimeoutMs = 2_000, tls } = options;
  const servers: RedisServer[] = [];
  const buses: number[] = [];
  const tlsPorts: number[] = [];
  const stop = async () => {
    for (const server of servers.splice(0)) await server.stop();
  };
  const start = async () => {
    // The bus listens on port + 10,000 by default: among the ephemeral ports, where an outgoing connection may sit.
    const bus = await freePort();
    const own = ['--cluster-enabled', 'yes', '--cluster-port', String(bus)];
    const files =
      tls === undefined ? [] : ['--tls-cert-file', tls.cert, '--tls-key-file', tls.key, '--tls-ca-cert-file', tls.cert];
    const secure: string[] = [];
    if (tls !== undefined) {
      const port = await freePort();
      tlsPorts.push(port);
      secure.push(
        '--tls-port',
        String(port),
        '--tls-auth-clients',
        'no',
        '--tls-cluster',
        'yes',
        '--tls-replication',
        'yes',
      );
    }
    const timing = ['--cluster-node-timeout', String(nodeTimeoutMs), '--repl-diskless-sync-delay', '0'];
    servers.push(await startRedis({ args: [...WRITES_AT_ONCE, ...own, ...files, ...secure, ...timing, ...args] }));
    buses.push(bus);
  };
  try {
    for (let index = 0; index < count * (1 + replicas); index += 1) await start();
    const all = [...servers];
    const primaries = all.slice(0, count);
    for (const [index, server] of primaries.entries()) {
      const from = Math.floor((index * SLOTS) / count);
      const to = Math.floor(((index + 1) * SLOTS) / count) - 1;
      await on(server, (redis) => redis.cluster('ADDSLOTSRANGE', from, to));
    }
    for (const [index, server] of all.entries()) {
      await on(server, (redis) => redis.call('CLUSTER', 'SET-CONFIG-EPOCH', String(index + 1)));
      // Nodes that speak TLS with each other know each other by their TLS ports.
      const [port, bus] = [tlsPorts[0] ?? primaries[0]?.port ?? server.port, buses[0]];
      await on(server, (redis) => redis.call('CLUSTER', 'MEET', '127.0.0.1', String(port), String(bus)));
    }
    const whole = async () => {
      for (const server of all) await until(`the Cluster is whole for ${server.port}`, () => isWhole(server));
    };
    for (const server of all) {
      const knows = `cluster_known_nodes:${all.length}\r`;
      await until(`${server.port} knows all nodes`, async () =>
        String(await asked(server.port, (redis) => redis.cluster('INFO'))).includes(knows),
      );
    }
    for (const [index, replica] of all.slice(count).entries()) {
      const primary = primaries[index % count];
      if (primary === undefined) continue;
      const id = await idOf(primary);
      await on(replica, (redis) => redis.cluster('REPLICATE', id));
      await until(`${replica.port} follows`, async () =>
        String(await asked(replica.port, (redis) => redis.info('replication'))).includes('master_link_status:up'),
      );
    }
    await whole();
    const owner = async (slot: number, unasked?: RedisServer): Promise<RedisServer> => {
      for (const server of all) {
        if (server === unasked) continue;
        const { port } = server;
        const ranges = await asked(port, (redis) => redis.cluster('SLOTS'));
        if (!Array.isArray(ranges)) continue;
        const range = ranges.find(([from, to]) => from <= slot && slot <= to);
        const found = all.find((server) => server.port === range?.[2]?.[1]);
        if (found !== undefined) return found;
      }
      throw new Error(`Nobody has slot ${slot}.`);
    };
    return {
      nodes: all.map(({ port }) => `127.0.0.1:${port}`).join(','),
      tlsNodes: tlsPorts.map((port) => `127.0.0.1:${port}`).join(','),
      ports: all.map(({ port }) => port),
      servers: all,
      owner,
      whole,
      move: async (slot, to) => moveSlot(slot, await owner(slot), to, all),
      stop,
    };
  } catch (error) {
    await stop();
    throw error;
  }
}

/** As redis-cli --cluster reshard does it: https://redis.io/docs/latest/commands/cluster-setslot/#redis-cluster-live-resharding-explained */
async function moveSlot(slot: number, from: RedisServer, to: RedisServer, all: readonly RedisServer[]): Promise<void> {
  if (from === to) return;
  const [source, target] = [await idOf(from), await idOf(to)];
  await on(to, (redis) => redis.cluster('SETSLOT', slot, 'IMPORTING', source));
  await on(from, (redis) => redis.cluster('SETSLOT', slot, 'MIGRATING', target));
  await on(from, async (redis) => {
    for (;;) {
      const keys = await redis.cluster('GETKEYSINSLOT', slot, 5);
      if (!Array.isArray(keys) || keys.length === 0) return;
      await redis.call('MIGRATE', '127.0.0.1', String(to.port), '', '0', '5000', 'KEYS', ...keys.map(String));
    }
  });
  for (const server of [to, from, ...all.filter((one) => one !== to && one !== from)]) {
    // A replica refuses it, and hears of it from its primary.
    await asked(server.port, (redis) => redis.cluster('SETSLOT', slot, 'NODE', target));
  }
}

async function isWhole(server: RedisServer): Promise<boolean> {
  const state = await asked(server.port, (redis) => redis.cluster('INFO'));
  return state === undefined || String(state).includes('cluster_state:ok');
}

async function idOf(server: RedisServer): Promise<string> {
  return await on(server, async (redis) => String(await redis.cluster('MYID')));
}

async function on<T>({ port }: RedisServer, use: (redis: Redis) => Promise<T>): Promise<T> {
  const redis = new Redis(port, '127.0.0.1', { protocol: 2 });
  try {
    return await use(redis);
  } finally {
    redis.disconnect();
  }
}
