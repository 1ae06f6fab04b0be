/** The store on Redis as operators run it: Sentinels that fail over, a Cluster that fails over and moves slots. Real processes. */
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Redis } from 'ioredis';
import { afterEach, describe, expect, test, vi } from 'vitest';
import { newFactId } from '../../src/core/facts.ts';
import { personOf, type SessionId } from '../../src/core/session.ts';
import { keyspace } from '../../src/memory/redis/keys.ts';
import { checkServer, type ServerCheck } from '../../src/memory/redis/server-check.ts';
import { createRedisStore, openStore, type RedisStore } from '../../src/memory/redis/store.ts';
import { createRedisConnections, type RedisConnections } from '../../src/redis/connection.ts';
import type { RedisTarget } from '../../src/redis/target.ts';
import {
  answerOf,
  contents,
  finish,
  LIMITS,
  messageOf,
  offerNew,
  runTurn,
  sessionOf,
  tryClaim,
} from '../contracts/store/support.ts';
import { makeCertificate } from '../support/certificate.ts';
import { startCluster } from '../support/cluster.ts';
import { freePort } from '../support/free-port.ts';
import { asked, PRIMARY, replicated, startSentinel, startSentinelGroup } from '../support/redis-sentinels.ts';
import { type RedisServer, startRedis } from '../support/redis-server.ts';
import { clusterAt, sentinelsAt } from './redis-fixture.ts';

vi.setConfig({ testTimeout: 180_000 });
/** Only bounds what never happens. */
const PATIENTLY = { timeout: 60_000, interval: 50 };
const observer = { badElement() {}, error() {} };
const wrongly = (message: RegExp) => ({ code: 'config_invalid', message: expect.stringMatching(message) });

const ending: (() => Promise<void>)[] = [];
afterEach(async () => {
  for (const end of ending.splice(0).reverse()) await end();
});
function keep<T extends { stop(): Promise<void> }>(made: T): T {
  ending.push(() => made.stop());
  return made;
}

function check(redis: RedisTarget, more: Partial<ServerCheck> = {}): Promise<void> {
  return checkServer({ redis, prefix: 'conversation', allowEviction: false, warn() {}, ...more });
}

async function makeFolder(): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'recollect-topologies-'));
  ending.push(() => rm(folder, { recursive: true, force: true }));
  return folder;
}

/** A store on connections that tell of themselves. */
async function openOn(
  redis: RedisTarget,
  waitReplicas = 0,
): Promise<{ store: RedisStore; connections: RedisConnections }> {
  const connections = createRedisConnections(redis, () => {});
  const store = await openStore(connections, { ...LIMITS, observer, prefix: 'conversation', waitReplicas });
  ending.push(async () => {
    connections.close();
    await store.close();
  });
  return { store, connections };
}

/** As a platform delivers a message until it is acknowledged. */
async function enqueueUntilTaken(store: RedisStore, ...args: Parameters<typeof messageOf>): Promise<void> {
  await vi.waitFor(() => store.enqueue(messageOf(...args)), PATIENTLY);
}

describe('Sentinels', () => {
  test('name the primary; after its death the one that they promote, and nothing is stored twice', async () => {
    const group = keep(await startSentinelGroup());
    const redis = sentinelsAt(group.sentinels);
    await check(redis);
    const { store, connections } = await openOn(redis);
    const other = connections.openSubscriber('other');
    ending.push(async () => other.disconnect());
    const session = sessionOf();
    await runTurn(store, messageOf(session, 'm1'));
    await offerNew(store, messageOf(session, 'm2'));

    const old = await group.primary();
    await replicated(old, 2);
    await old.kill9();
    await expect.poll(() => connections.health().ok, PATIENTLY).toBe(false);
    await group.promoted(old);
    await expect.poll(() => connections.health(), PATIENTLY).toEqual({ ok: true });
    await enqueueUntilTaken(store, session, 'm3');
    await enqueueUntilTaken(store, session, 'm3');
    expect(await store.waiting(session)).toEqual(['m2', 'm3']);
    expect(await contents(store, session)).toEqual(['text of m1', 'answer to m1']);
    expect(await other.ping()).toBe('PONG');
  });

  test('a primary that hangs is given up too', async () => {
    const group = keep(await startSentinelGroup());
    const { store, connections } = await openOn(sentinelsAt(group.sentinels));
    const session = sessionOf();
    await runTurn(store, messageOf(session, 'm1'));
    const old = await group.primary();
    await replicated(old, 2);
    process.kill(old.pid, 'SIGSTOP');
    await group.promoted(old);
    await enqueueUntilTaken(store, session, 'm2');
    process.kill(old.pid, 'SIGCONT');
    await expect.poll(() => connections.health(), PATIENTLY).toEqual({ ok: true });
    expect(await store.waiting(session)).toEqual(['m2']);
  });

  test('a planned failover is followed though no connection is cut', async () => {
    const group = keep(await startSentinelGroup());
    const { store } = await openOn(sentinelsAt(group.sentinels));
    const session = sessionOf();
    await runTurn(store, messageOf(session, 'm1'));
    const old = await group.primary();
    await replicated(old, 2);
    const sentinel = new Redis(group.ports[0] ?? 0, '127.0.0.1', { protocol: 2, enableReadyCheck: false });
    ending.push(async () => sentinel.disconnect());
    await sentinel.call('SENTINEL', 'FAILOVER', PRIMARY);
    await group.promoted(old);
    await enqueueUntilTaken(store, session, 'm2');
    expect(await contents(store, session)).toHaveLength(2);
  });

  test.each([
    { waitReplicas: 0, lost: ['m2', 'm3', 'm4'] },
    { waitReplicas: 1, lost: [] },
  ])(
    'REDIS_WAIT_REPLICAS=$waitReplicas and a replication link that is cut before the primary dies: $lost is lost',
    async ({ waitReplicas, lost }) => {
      const group = keep(await startSentinelGroup());
      const { store } = await openOn(sentinelsAt(group.sentinels), waitReplicas);
      const session = sessionOf();
      await store.enqueue(messageOf(session, 'm1'));
      const old = await group.primary();
      await replicated(old, 2);
      // The replicas are refused when they connect again (https://redis.io/docs/latest/operate/oss_and_stack/management/replication/).
      const admin = new Redis(old.url, { protocol: 2 });
      await admin.call('ACL', 'SETUSER', 'default', '-psync', '-sync');
      await admin.call('CLIENT', 'KILL', 'TYPE', 'REPLICA');
      await expect.poll(() => admin.info('replication'), PATIENTLY).toContain('connected_slaves:0');
      admin.disconnect();

      const acknowledged: string[] = [];
      for (const id of ['m2', 'm3', 'm4']) {
        const enqueued = store.enqueue(messageOf(session, id)).then(() => acknowledged.push(id));
        if (waitReplicas === 0) await enqueued;
        else await expect(enqueued).rejects.toMatchObject({ code: 'store_unavailable', retryable: true });
      }
      if (waitReplicas > 0) {
        // What each replica writes every second anyway, so /health tells.
        await store.beats.begin('test.1', '1;');
        expect(await store.beats.renew('test.1', '1;')).toMatchObject({
          refused: { reason: expect.stringMatching(/too few replicas/) },
        });
      }
      await old.kill9();
      await group.promoted(old);
      await vi.waitFor(() => store.ping(), PATIENTLY);
      const left = await store.waiting(session);
      expect(left).toContain('m1');
      expect(acknowledged.filter((id) => !left.includes(id))).toEqual(lost);
      // A platform delivers again what nobody acknowledged.
      for (const id of ['m2', 'm3', 'm4']) await enqueueUntilTaken(store, session, id);
      expect(await store.waiting(session)).toEqual(['m1', 'm2', 'm3', 'm4']);
    },
  );

  test('users, passwords of both layers, and TLS of the servers', async () => {
    const primary = await startPrimary();
    const admin = new Redis(primary.url, { protocol: 2 });
    await admin.call('ACL', 'SETUSER', 'bot', 'on', '>of-bot', '~*', '&*', '+@all');
    await admin.config('SET', 'requirepass', 'of-redis');
    admin.disconnect();
    const lines = ['requirepass of-sentinel', `sentinel auth-pass ${PRIMARY} of-redis`];
    const sentinel = keep(await startSentinel(primary.port, { lines }));
    const at = (access: object, sentinelAccess: object) =>
      sentinelsAt(`127.0.0.1:${sentinel.port}`, {
        access: { tls: false, ...access },
        sentinelAccess: { tls: false, ...sentinelAccess },
      });
    const right = { username: 'bot', password: 'of-bot' };
    await vi.waitFor(() => check(at(right, { password: 'of-sentinel' })), 30_000);
    await expect(check(at(right, {}))).rejects.toMatchObject(wrongly(/wants a password: set REDIS_SENTINEL_PASSWORD/));
    await expect(check(at(right, { password: 'wrong' }))).rejects.toMatchObject(
      wrongly(/refuses the user name or the password in REDIS_SENTINEL_USER and REDIS_SENTINEL_PASSWORD/),
    );
    await expect(check(at({}, { password: 'of-sentinel' }))).rejects.toMatchObject(
      wrongly(/wants a password: set REDIS_PASSWORD/),
    );
    await expect(check(at({ ...right, tls: true }, { password: 'of-sentinel' }))).rejects.toMatchObject(
      wrongly(/REDIS_MASTER leads to a port that does not speak TLS: take REDIS_TLS out/),
    );
    const store = await createRedisStore({
      ...{ ...LIMITS, observer, redis: at(right, { password: 'of-sentinel' }), prefix: 'conversation' },
      ...{ allowEviction: false, warn() {} },
    });
    await store.ping();
    await store.close();
  });

  test('TLS of both layers, with a CA of one’s own', async () => {
    const folder = await makeFolder();
    const { cert, key } = await makeCertificate(folder, 'IP:127.0.0.1');
    const [serverPort, sentinelPort] = [await freePort(), await freePort()];
    const files = ['--tls-cert-file', cert, '--tls-key-file', key, '--tls-ca-cert-file', cert];
    await startPrimary('--tls-port', String(serverPort), ...files, '--tls-auth-clients', 'no');
    // The Sentinel speaks TLS with the server, and names its TLS port.
    const lines = [`tls-port ${sentinelPort}`, 'tls-auth-clients no', 'tls-replication yes'];
    const about = [`tls-cert-file ${cert}`, `tls-key-file ${key}`, `tls-ca-cert-file ${cert}`];
    keep(await startSentinel(serverPort, { lines: [...lines, ...about] }));
    const ca = await readFile(cert, 'utf8');
    const over = (server: boolean, sentinel: boolean, trusted: string | undefined) =>
      sentinelsAt(`127.0.0.1:${sentinelPort}`, {
        access: { tls: server },
        sentinelAccess: { tls: sentinel },
        ...(trusted !== undefined && { ca: trusted }),
      });
    await vi.waitFor(() => check(over(true, true, ca)), 30_000);
    const { store, connections } = await openOn(over(true, true, ca));
    const session = sessionOf();
    await runTurn(store, messageOf(session, 'm1'));
    expect(await contents(store, session)).toHaveLength(2);
    expect(connections.health()).toEqual({ ok: true });
    await expect(check(over(true, true, undefined))).rejects.toMatchObject(wrongly(/REDIS_TLS_CA/));
    await expect(check(over(false, true, ca))).rejects.toMatchObject(wrongly(/REDIS_TLS/));
    await expect(check(over(true, false, ca))).rejects.toMatchObject(wrongly(/REDIS_SENTINEL_TLS/));
  });

  test('what is no Sentinel, and a name that they do not know', async () => {
    const primary = await startPrimary();
    const sentinel = keep(await startSentinel(primary.port));
    await expect(check(sentinelsAt(`127.0.0.1:${primary.port}`))).rejects.toMatchObject(
      wrongly(new RegExp(`REDIS_SENTINELS leads to a server that is no Sentinel \\(127.0.0.1:${primary.port}\\)`)),
    );
    const one = `127.0.0.1:${sentinel.port}`;
    await vi.waitFor(
      () => expect(check(sentinelsAt(one, { primary: 'other' }))).rejects.toMatchObject(wrongly(/REDIS_MASTER names/)),
      30_000,
    );
    // One that does not answer is told of, and the next one asked.
    const warnings: string[] = [];
    const warn = (text: string) => void warnings.push(text);
    await check(sentinelsAt(`127.0.0.1:${await freePort()},${one}`), { warn });
    expect(warnings).toEqual([expect.stringMatching(/ECONNREFUSED/), expect.stringMatching(/min-replicas-to-write 1/)]);
    await expect(check(sentinelsAt(`127.0.0.1:${await freePort()}`))).rejects.toMatchObject({
      code: 'store_unavailable',
    });
  });

  test('a primary that needs a replica for its writes is not warned of', async () => {
    const primary = await startPrimary('--min-replicas-to-write', '1', '--min-replicas-max-lag', '2');
    const sentinel = keep(await startSentinel(primary.port));
    const warnings: string[] = [];
    const at = sentinelsAt(`127.0.0.1:${sentinel.port}`);
    await vi.waitFor(() => check(at, { warn: (text) => void warnings.push(text) }), 30_000);
    expect(warnings).toEqual([]);
  });
});

describe('a Cluster that changes', () => {
  test('a primary is killed: /health tells, its replica takes over, nothing is stored twice', async () => {
    const cluster = keep(await startCluster());
    const { store, connections } = await openOn(clusterAt(cluster.nodes));
    const subscriber = connections.openSubscriber('subscriber');
    ending.push(async () => subscriber.disconnect());
    subscriber.on('ready', () => void subscriber.subscribe('news').catch(() => {}));
    const heard: string[] = [];
    subscriber.on('message', (_, text: string) => heard.push(text));
    const sessions = Array.from({ length: 9 }, (_, index) => sessionOf({ channel: `C${index}` }));
    for (const session of sessions) await runTurn(store, messageOf(session, 'm1'));
    const [old] = cluster.servers;
    if (old === undefined) throw new Error('There is no server.');
    await replicated(old, 1);
    await old.kill9();
    await expect
      .poll(() => connections.health(), PATIENTLY)
      .toEqual({ ok: false, reason: expect.stringMatching(/^connection "store" to Redis is down: /) });
    for (const session of sessions) {
      await enqueueUntilTaken(store, session, 'm2');
      await enqueueUntilTaken(store, session, 'm2');
    }
    for (const session of sessions) {
      expect(await store.waiting(session)).toEqual(['m2']);
      expect(await contents(store, session)).toEqual(['text of m1', 'answer to m1']);
    }
    await expect.poll(() => connections.health(), PATIENTLY).toEqual({ ok: true });
    // What is published on any node is heard on every other.
    await vi.waitFor(async () => {
      await asked(cluster.ports[1] ?? 0, (redis) => redis.publish('news', 'good'));
      expect(heard).toContain('good');
    }, PATIENTLY);
  });

  test('a primary hangs and keeps its connections: it is given up, and the conversations of the others go on meanwhile', async () => {
    const cluster = keep(await startCluster());
    const { store, connections } = await openOn(clusterAt(cluster.nodes));
    const sessions = Array.from({ length: 9 }, (_, index) => sessionOf({ channel: `C${index}` }));
    for (const session of sessions) await runTurn(store, messageOf(session, 'm1'));
    const slotOf = async (key: string) =>
      Number(await asked(cluster.ports[0] ?? 0, (redis) => redis.cluster('KEYSLOT', key)));
    const ownerOf = async (key: string) => cluster.owner(await slotOf(key));
    const keys = keyspace('conversation');
    const index = await ownerOf(keys.pending);
    const owners = await Promise.all(sessions.map((session) => ownerOf(keys.session(session).list)));
    const old = owners.find((owner) => owner !== index);
    if (old === undefined) throw new Error('All conversations are beside the indexes.');
    await replicated(old, 1);
    process.kill(old.pid, 'SIGSTOP');
    ending.push(async () => void process.kill(old.pid, 'SIGCONT'));
    for (const [at, session] of sessions.entries()) {
      if (owners[at] !== old) await store.enqueue(messageOf(session, 'm2'));
    }
    // Its replica is connected to before anybody asks for what it has.
    await expect.poll(() => connections.health().ok, PATIENTLY).toBe(false);
    await expect.poll(() => connections.health(), PATIENTLY).toEqual({ ok: true });
    for (const session of sessions) await enqueueUntilTaken(store, session, 'm2');
    process.kill(old.pid, 'SIGCONT');
    for (const session of sessions) {
      await enqueueUntilTaken(store, session, 'm2');
      expect(await vi.waitFor(() => store.waiting(session), PATIENTLY)).toEqual(['m2']);
      expect(await contents(store, session)).toEqual(['text of m1', 'answer to m1']);
    }
  });

  test('TLS of every node, with a CA of one’s own; after the death of a primary too', async () => {
    const tls = await makeCertificate(await makeFolder(), 'IP:127.0.0.1');
    const cluster = keep(await startCluster({ tls }));
    const target = { ...clusterAt(cluster.tlsNodes), access: { tls: true } };
    const ca = await readFile(tls.cert, 'utf8');
    await check({ ...target, ca });
    await expect(check(target)).rejects.toMatchObject(wrongly(/REDIS_TLS_CA/));
    await expect(check(clusterAt(cluster.tlsNodes))).rejects.toMatchObject(wrongly(/REDIS_TLS/));
    const { store, connections } = await vi.waitFor(() => openOn({ ...target, ca }), PATIENTLY);
    const sessions = Array.from({ length: 6 }, (_, index) => sessionOf({ channel: `C${index}` }));
    for (const session of sessions) await runTurn(store, messageOf(session, 'm1'));
    const [old] = cluster.servers;
    if (old === undefined) throw new Error('There is no server.');
    await replicated(old, 1);
    await old.kill9();
    for (const session of sessions) await enqueueUntilTaken(store, session, 'm2');
    for (const session of sessions) expect(await store.waiting(session)).toEqual(['m2']);
    await expect.poll(() => connections.health(), PATIENTLY).toEqual({ ok: true });
  });

  test('slots move while their conversations go on: each step succeeds or may be made again, and none is made by half', async () => {
    const cluster = keep(await startCluster({ replicas: 0 }));
    const { store } = await openOn(clusterAt(cluster.nodes));
    const session = sessionOf();
    await runTurn(store, messageOf(session, 'm0'));
    const [anybody, ...others] = cluster.servers;
    const key = keyspace('conversation').session(session).list;
    const slot = Number(await asked(anybody?.port ?? 0, (redis) => redis.cluster('KEYSLOT', key)));
    let moving = true;
    const moves = (async () => {
      for (const to of [...others, ...cluster.servers]) await cluster.move(slot, to);
      moving = false;
    })();
    const ids = ['m0'];
    while (moving || ids.length < 10) {
      const id = `m${ids.length}`;
      await enqueueUntilTaken(store, session, id);
      const claimed = await vi.waitFor(() => tryClaim(store, session), PATIENTLY);
      if (claimed === undefined) throw new Error(`${id} is not there.`);
      const { lease, message } = claimed;
      const committed = await vi.waitFor(() => store.commit(lease, message, answerOf(`answer to ${id}`)), PATIENTLY);
      expect(['committed', 'known']).toContain(committed);
      await vi.waitFor(() => finish(store, lease), PATIENTLY);
      ids.push(id);
    }
    await moves;
    expect(await store.waiting(session)).toEqual([]);
    const all = ids.flatMap((id) => [`text of ${id}`, `answer to ${id}`]);
    expect(await contents(store, session)).toEqual(all.slice(-LIMITS.maxMessages));
  });
});

describe('a Cluster with REDIS_WAIT_REPLICAS', () => {
  test('confirms each write on the replica of its own node, and refuses where there is none', async () => {
    const cluster = keep(await startCluster());
    const { store } = await openOn(clusterAt(cluster.nodes), 1);
    const sessions = Array.from({ length: 6 }, (_, index) => sessionOf({ channel: `C${index}` }));
    await Promise.all(sessions.map((session) => runTurn(store, messageOf(session, `${session}`))));
    const telling = (session: SessionId, text: string) =>
      store.facts.keep(session, personOf(session, 'ada'), { id: newFactId(), text, saidAt: Date.now() });
    for (const session of sessions) {
      expect(await contents(store, session)).toHaveLength(2);
      expect(await telling(session, 'one')).toMatchObject({ kind: 'kept' });
    }
    for (const { port, kill9 } of cluster.servers) {
      if (String(await asked(port, (redis) => redis.info('replication'))).includes('role:slave')) await kill9();
    }
    for (const session of sessions) {
      const unconfirmed = { code: 'store_unavailable', retryable: true };
      await expect(store.forget(session)).rejects.toMatchObject(unconfirmed);
      expect(await contents(store, session)).toEqual([]);
      await expect(telling(session, 'two')).rejects.toMatchObject(unconfirmed);
      expect(await store.facts.list(session)).toMatchObject([{ text: 'one' }, { text: 'two' }]);
      await expect(store.facts.removeAll(session)).rejects.toMatchObject(unconfirmed);
      expect(await store.facts.list(session)).toEqual([]);
    }
  });
});

async function startPrimary(...args: string[]): Promise<RedisServer> {
  return keep(await startRedis({ args }));
}

describe('a Cluster', () => {
  test('is refused where it is none, is down, may evict, or its user lacks a right', async () => {
    const plain = await startPrimary();
    await expect(check(clusterAt(`127.0.0.1:${plain.port}`))).rejects.toMatchObject(
      wrongly(/REDIS_CLUSTER leads to a server that is no Cluster/),
    );
    const alone = await startPrimary('--cluster-enabled', 'yes', '--cluster-port', String(await freePort()));
    await expect(check(clusterAt(`127.0.0.1:${alone.port}`))).rejects.toMatchObject({
      code: 'store_unavailable',
      message: expect.stringMatching(/cluster_state:fail/),
    });
    const cluster = keep(await startCluster({ replicas: 0 }));
    await check(clusterAt(cluster.nodes));
    // The bot asks all primaries, not only the one that it was told of.
    const [first, , last] = cluster.servers;
    const admin = new Redis(last?.url ?? '', { protocol: 2 });
    ending.push(async () => admin.disconnect());
    await admin.config('SET', 'maxmemory-policy', 'allkeys-lru');
    const one = clusterAt(`127.0.0.1:${first?.port}`);
    await expect(check(one)).rejects.toMatchObject({ code: 'store_evicting' });
    await admin.config('SET', 'maxmemory-policy', 'noeviction');
    for (const server of cluster.servers) {
      const each = new Redis(server.url, { protocol: 2 });
      await each.call('ACL', 'SETUSER', 'bot', 'on', '>pw', '~mybot:*', '&mybot:*', '+@all', '-zadd');
      each.disconnect();
    }
    const access = { username: 'bot', password: 'pw', tls: false };
    const page = await readFile(new URL('../../docs/operations.md', import.meta.url), 'utf8');
    const rights = /^user recollect on >PASSWORD ~\* &\* (.*)$/m.exec(page)?.[1]?.split(' ') ?? [];
    const more = /a user also needs\s+((?:`\S+|\+\S+|\s)+`)/.exec(page)?.[1]?.match(/\+[\w|]+/g) ?? [];
    expect([rights.length, more.length]).toEqual([expect.toSatisfy((count: number) => count > 5), 3]);
    for (const server of cluster.servers) {
      const each = new Redis(server.url, { protocol: 2 });
      await each.call('ACL', 'SETUSER', 'least', 'on', '>pw', '~*', '&*', ...rights, ...more);
      each.disconnect();
    }
    await check({ ...one, access: { ...access, username: 'least' } });
    await expect(check({ ...one, access }, { prefix: 'mybot' })).rejects.toMatchObject(
      wrongly(/user of REDIS_USER lacks a right/),
    );
  });
});
