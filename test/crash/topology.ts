/** Redis as operators run it, in a crash run: several servers, of which one may fail while the others take over. */
import { Redis } from 'ioredis';
import { toSessionId } from '../../src/core/session.ts';
import { keyspace } from '../../src/memory/redis/keys.ts';
import type { RedisTarget } from '../../src/redis/target.ts';
import { clusterAt, sentinelsAt } from '../memory/redis-fixture.ts';
import { startCluster } from '../support/cluster.ts';
import { startNetwork } from '../support/network.ts';
import {
  asked,
  PRIMARY,
  replicated,
  type SentinelGroup,
  startSentinelGroup,
  until,
} from '../support/redis-sentinels.ts';
import { type RedisServer, startRedis, WRITES_AT_ONCE } from '../support/redis-server.ts';

export type TopologyKind = 'sentinels' | 'cut' | 'cluster' | 'address';

export interface Topology {
  /** For the bot. */
  readonly settings: Readonly<Record<string, string>>;
  readonly target: RedisTarget;
  /** What may go wrong; each resolves when a primary serves all keys again. */
  readonly faults: readonly ((conversation: string) => Promise<void>)[];
  stop(): Promise<void>;
}

/** Milliseconds that the network is silent: longer than a connection is waited for. */
const SILENT_MS = 4_000;
/** Milliseconds that a primary goes on without its replicas. */
const CUT_MS = 3_000;
/** An isolated primary must not go on: docs/operations.md. */
const NEEDS_A_REPLICA = ['--min-replicas-to-write', '1', '--min-replicas-max-lag', '2'];

export function startTopology(kind: TopologyKind): Promise<Topology> {
  switch (kind) {
    case 'sentinels':
      return onSentinels();
    case 'cut':
      return cutFromReplicas();
    case 'cluster':
      return onCluster();
    case 'address':
      return behindOneAddress();
  }
}

const pause = (ms: number) => new Promise((resolve) => setTimeout(resolve, ms));

/** Resolves when both replicas follow the primary that the Sentinels name. */
async function settle(group: SentinelGroup): Promise<void> {
  const primary = await group.primary();
  await until('both replicas follow', async () => {
    const info = String(await asked(primary.port, (redis) => redis.info('replication')));
    return [...info.matchAll(/state=online/g)].length === 2;
  });
  await replicated(primary, 1);
}

async function onSentinels(): Promise<Topology> {
  const group = await startSentinelGroup({ args: NEEDS_A_REPLICA });
  const settled = () => settle(group);
  return {
    settings: { REDIS_SENTINELS: group.sentinels, REDIS_MASTER: PRIMARY },
    target: sentinelsAt(group.sentinels),
    faults: [
      async () => {
        const old = await group.primary();
        await old.kill9();
        await group.promoted(old);
        await old.restart();
        await settled();
      },
      async () => {
        const old = await group.primary();
        process.kill(old.pid, 'SIGSTOP');
        await group.promoted(old);
        process.kill(old.pid, 'SIGCONT');
        await settled();
      },
      async () => {
        const old = await group.primary();
        const begun = await asked(group.ports[0] ?? 0, (it) => it.call('SENTINEL', 'FAILOVER', PRIMARY));
        // Refused for a while after the last one.
        if (begun !== undefined) await group.promoted(old).catch(() => {});
        await settled();
      },
    ],
    stop: group.stop,
  };
}

/** The primary goes on without replicas for a while and dies then: what it has taken meanwhile, no other server has. */
async function cutFromReplicas(): Promise<Topology> {
  const group = await startSentinelGroup();
  return {
    settings: { REDIS_SENTINELS: group.sentinels, REDIS_MASTER: PRIMARY },
    target: sentinelsAt(group.sentinels),
    faults: [
      async () => {
        const old = await group.primary();
        // The replicas are refused when they connect again; a restart makes it forget that.
        await asked(old.port, (redis) => redis.call('ACL', 'SETUSER', 'default', '-psync', '-sync'));
        await asked(old.port, (redis) => redis.call('CLIENT', 'KILL', 'TYPE', 'REPLICA'));
        await pause(CUT_MS);
        await old.kill9();
        await group.promoted(old);
        await old.restart();
        await settle(group);
      },
    ],
    stop: group.stop,
  };
}

async function onCluster(): Promise<Topology> {
  const cluster = await startCluster();
  const slotOf = async (conversation: string) => {
    const key = keyspace('conversation').session(toSessionId(conversation)).list;
    const [first] = cluster.servers;
    const live = cluster.servers.map(({ port }) => asked(port, (redis) => redis.cluster('KEYSLOT', key)));
    const slots = (await Promise.all(live)).filter((slot) => slot !== undefined);
    if (first === undefined || slots[0] === undefined) throw new Error('No node answers.');
    return Number(slots[0]);
  };
  const takenOver = async (slot: number, old: RedisServer) => {
    await until('another node has the slot', async () => (await cluster.owner(slot, old)) !== old);
  };
  const replicasFollow = () =>
    until('each primary has its replica', async () => {
      for (const { port } of cluster.servers) {
        const info = String(await asked(port, (redis) => redis.info('replication')));
        if (!info.includes('role:master') ? !info.includes('master_link_status:up') : false) return false;
      }
      return true;
    });
  return {
    settings: { REDIS_CLUSTER: cluster.nodes },
    target: clusterAt(cluster.nodes),
    faults: [
      async (conversation) => {
        const slot = await slotOf(conversation);
        const old = await cluster.owner(slot);
        await old.kill9();
        await takenOver(slot, old);
        await old.restart();
        await cluster.whole();
        await replicasFollow();
      },
      async (conversation) => {
        const slot = await slotOf(conversation);
        const owner = await cluster.owner(slot);
        const others = await Promise.all([0, 6_000, 12_000].map((one) => cluster.owner(one)));
        await cluster.move(slot, others.find((other) => other !== owner) ?? owner);
      },
      async (conversation) => {
        const slot = await slotOf(conversation);
        const old = await cluster.owner(slot);
        for (const { port } of cluster.servers) {
          const info = String(await asked(port, (redis) => redis.info('replication')));
          if (!info.includes(`master_port:${old.port}\r`)) continue;
          await asked(port, (redis) => redis.cluster('FAILOVER'));
          await takenOver(slot, old);
        }
        await replicasFollow();
      },
    ],
    stop: cluster.stop,
  };
}

/** Two servers that swap their roles behind one address, and a network that goes silent. */
async function behindOneAddress(): Promise<Topology> {
  const one = await startRedis({ args: WRITES_AT_ONCE });
  const following = ['--replicaof', '127.0.0.1', String(one.port), '--repl-diskless-sync-delay', '0'];
  const two = await startRedis({ args: [...WRITES_AT_ONCE, ...following] });
  const network = await startNetwork(one.port);
  let primary = one;
  const inSync = () => replicated(primary, 1);
  await inSync();
  const url = `redis://127.0.0.1:${network.port}`;
  return {
    settings: { REDIS_URL: url },
    target: { kind: 'server', url },
    faults: [
      async () => {
        await inSync();
        const admin = new Redis(primary.url, { protocol: 2 });
        await admin.call('FAILOVER');
        await until('the roles are swapped', async () => (await admin.info('replication')).includes('role:slave'));
        admin.disconnect();
        primary = primary === one ? two : one;
        network.moveTo(primary.port);
        await inSync();
      },
      async () => {
        network.loseNew(true);
        network.loseOpen();
        await pause(SILENT_MS);
        network.loseNew(false);
      },
    ],
    async stop() {
      await network.close();
      await two.stop();
      await one.stop();
    },
  };
}
