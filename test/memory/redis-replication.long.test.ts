/** REDIS_WAIT_REPLICAS where the primary changes between a write and its confirmation. Real servers. */
import { afterEach, expect, test, vi } from 'vitest';
import type { SessionId } from '../../src/core/session.ts';
import { keyspace } from '../../src/memory/redis/keys.ts';
import { openReplication, type Replication } from '../../src/memory/redis/replication.ts';
import { openStore, type RedisStore } from '../../src/memory/redis/store.ts';
import { createRedisConnections } from '../../src/redis/connection.ts';
import { type RedisTarget, serverAt } from '../../src/redis/target.ts';
import { answerOf, contents, LIMITS, messageOf, offerNew, sessionOf } from '../contracts/store/support.ts';
import { startCluster } from '../support/cluster.ts';
import { startNetwork } from '../support/network.ts';
import { asked, replicated } from '../support/redis-sentinels.ts';
import { type RedisServer, startRedis } from '../support/redis-server.ts';
import { clusterAt } from './redis-fixture.ts';

vi.setConfig({ testTimeout: 180_000 });
/** Only bounds what never happens. */
const PATIENTLY = { timeout: 60_000, interval: 50 };
const observer = { badElement() {}, error() {} };
const refused = (reason: RegExp) => ({
  code: 'store_unavailable',
  retryable: true,
  reason: expect.stringMatching(reason),
});
const KEYS = keyspace('conversation');

const ending: (() => unknown)[] = [];
afterEach(async () => {
  for (const end of ending.splice(0).reverse()) await end();
});

function connectionsTo(redis: RedisTarget) {
  const connections = createRedisConnections(redis, () => {});
  ending.push(() => connections.close());
  return connections;
}

async function openOn(redis: RedisTarget, waitReplicas = 1): Promise<RedisStore> {
  const store = await openStore(connectionsTo(redis), { ...LIMITS, observer, prefix: 'conversation', waitReplicas });
  ending.push(() => store.close());
  return store;
}

async function openReplicationOn(redis: RedisTarget): Promise<Replication> {
  const replication = await openReplication(connectionsTo(redis), KEYS, 1);
  ending.push(() => replication.close());
  return replication;
}

/** A primary with as many replicas, all in sync. */
async function startGroup(replicas: number): Promise<[RedisServer, ...RedisServer[]]> {
  const primary = await startRedis();
  ending.push(() => primary.stop());
  const group: [RedisServer, ...RedisServer[]] = [primary];
  for (let count = 0; count < replicas; count += 1) {
    const following = ['--replicaof', '127.0.0.1', String(primary.port), '--repl-diskless-sync-delay', '0'];
    const replica = await startRedis({ args: following });
    ending.push(() => replica.stop());
    group.push(replica);
  }
  await replicated(primary, replicas);
  return group;
}

/** What a server holds of a conversation's inbox. */
async function inboxOn({ port }: RedisServer, session: SessionId): Promise<unknown> {
  return await asked(port, (redis) => redis.llen(KEYS.session(session).inbox));
}

test('a replica that is being promoted: its old primary acknowledges nothing that only the others confirm', async () => {
  const [primary, heir, other] = await startGroup(2);
  const store = await openOn(serverAt(primary.url));
  const session = sessionOf();
  await offerNew(store, messageOf(session, 'm1'));
  await replicated(primary, 2);

  // What a Sentinel does first; the old primary and its other replica hear of it a second or more later
  // (sentinelFailoverSendSlaveOfNoOne and sentinelFailoverReconfNextSlave of Redis' src/sentinel.c).
  await asked(heir?.port ?? 0, (redis) => redis.replicaof('NO', 'ONE'));
  await expect(store.enqueue(messageOf(session, 'm2'))).rejects.toMatchObject(refused(/a replica has just left/));
  expect(await inboxOn(other ?? primary, session)).toBe(2);
  expect(await inboxOn(heir ?? primary, session)).toBe(1);
  await store.beats.begin('test.1', '1;');
  expect(await store.beats.renew('test.1', '1;')).toMatchObject({ refused: refused(/a replica has just left/) });
  // Nobody promoted it: it was down, and is missed no longer, or comes back.
  await asked(heir?.port ?? 0, (redis) => redis.replicaof('127.0.0.1', primary.port));
  await vi.waitFor(() => store.enqueue(messageOf(session, 'm2')), PATIENTLY);
});

test('a connection that is made anew between a call and its confirmation confirms nothing', async () => {
  const [primary] = await startGroup(1);
  const { redis, confirmed } = await openReplicationOn(serverAt(primary.url));
  const call = (between: () => Promise<unknown>) =>
    confirmed(async (touch) => {
      touch(KEYS.pending);
      await redis.set('written', '1');
      await between();
      return 'done';
    });
  expect(await vi.waitFor(() => call(async () => {}), PATIENTLY)).toBe('done');
  const reconnected = async () => {
    const again = new Promise((resolve) => redis.once('ready', resolve));
    await asked(primary.port, (admin) => admin.call('CLIENT', 'KILL', 'TYPE', 'normal', 'SKIPME', 'yes'));
    await again;
  };
  await expect(call(reconnected)).rejects.toMatchObject(refused(/the connection to Redis changed/));
  expect(await vi.waitFor(() => call(async () => {}), PATIENTLY)).toBe('done');
});

test('while a slot moves, what was written on its new node is not confirmed by the replicas of its old one', async () => {
  const cluster = await startCluster();
  ending.push(() => cluster.stop());
  const { redis, confirmed } = await openReplicationOn(clusterAt(cluster.nodes));
  const { list } = KEYS.session(sessionOf());
  const slot = Number(await asked(cluster.ports[0] ?? 0, (one) => one.cluster('KEYSLOT', list)));
  const from = await cluster.owner(slot);
  const to = cluster.servers.slice(0, 3).find((server) => server !== from) ?? from;
  const idOf = async ({ port }: RedisServer) => String(await asked(port, (one) => one.cluster('MYID')));
  const [source, target] = [await idOf(from), await idOf(to)];
  await asked(to.port, (one) => one.cluster('SETSLOT', slot, 'IMPORTING', source));
  await asked(from.port, (one) => one.cluster('SETSLOT', slot, 'MIGRATING', target));

  const write = () =>
    confirmed((touch) => {
      touch(list);
      // There is no such key yet, so that the old node answers ASK.
      return redis.incr(list);
    });
  await expect(write()).rejects.toMatchObject(refused(/the connection to Redis changed/));
  for (const { port } of [to, from]) await asked(port, (one) => one.cluster('SETSLOT', slot, 'NODE', target));
  expect(await vi.waitFor(write, PATIENTLY)).toBeGreaterThan(1);
});

test('a replica that is behind is promoted: of two workers with one turn only the one that claimed it there goes on', async () => {
  const [primary, heir] = await startGroup(1);
  if (heir === undefined) throw new Error('There is no replica.');
  const network = await startNetwork(primary.port);
  ending.push(() => network.close());
  const first = await openOn(serverAt(`redis://127.0.0.1:${network.port}`), 0);
  const session = sessionOf();
  await first.enqueue(messageOf(session, 'm1'));
  await first.beats.begin('known.1', '1;');
  await replicated(primary, 1);

  // From here on the primary is alone with what it is told.
  await asked(heir.port, (redis) => redis.replicaof('NO', 'ONE'));
  const mine = await first.claim(session, 'known.1:1', undefined);
  if (mine.kind !== 'claimed') throw new Error('m1 was not claimed.');
  const { lease, message } = mine.turn;
  expect(await first.saveMessageRef(lease, 0, { id: 'posted' })).toBe(true);
  await first.beats.begin('unknown.1', '1;');
  await first.beats.renew('known.1', '2;1');
  network.moveTo(heir.port);
  await primary.kill9();
  await vi.waitFor(() => first.ping(), PATIENTLY);

  const second = await openOn(serverAt(heir.url), 0);
  expect(await second.heads([session])).toEqual([{ owner: undefined }]);
  const theirs = await second.claim(session, 'other.1:1', undefined);
  if (theirs.kind !== 'claimed') throw new Error('m1 was not claimed again.');
  expect(theirs.turn.record).toMatchObject({ attempt: 1, takeovers: 0 });

  expect(await first.saveMessageRef(lease, 1, { id: 'another' })).toBe(false);
  expect(await first.countFailure(lease)).toBeUndefined();
  expect(await first.commit(lease, message, answerOf('of the first'))).toBe('fenced');
  expect(await first.fail(lease, 'internal')).toBe(false);
  expect(await first.requeue(lease)).toBe(false);
  expect(await first.complete(lease, 'known.1:2')).toEqual({ kind: 'fenced' });
  expect(await first.check(lease)).toMatchObject({ state: 'lost' });
  expect(await first.beats.renew('unknown.1', '1;')).toBe('gone');
  expect(await first.beats.renew('known.1', '2;1')).toBe('renewed');

  expect(await second.commit(theirs.turn.lease, message, answerOf('of the second'))).toBe('committed');
  expect(await second.complete(theirs.turn.lease)).toEqual({ kind: 'left', waiting: 0 });
  expect(await contents(second, session)).toEqual(['text of m1', 'of the second']);
});
