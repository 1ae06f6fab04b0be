import { Redis } from 'ioredis';
import { afterAll, beforeAll, describe, expect, inject, onTestFinished, test, vi } from 'vitest';
import { baseSession, personOf } from '../../src/core/session.ts';
import { keyspace } from '../../src/memory/redis/keys.ts';
import {
  answerOf,
  finish,
  LIMITS,
  messageOf,
  offerNew,
  runTurn,
  sessionOf,
  takeHead,
} from '../contracts/store/support.ts';
import { describeConversationStore, describeStoreDeadlines } from '../contracts/store.contract.ts';
import { startRedisCluster } from '../support/redis-cluster.ts';
import { type RedisServer, startRedis } from '../support/redis-server.ts';
import { makeRedisFixture } from './redis-fixture.ts';

describeConversationStore('Redis', makeRedisFixture(inject('redisUrl')));
describeStoreDeadlines('Redis', makeRedisFixture(inject('redisUrl')));

describe('the generation', () => {
  test('keeps a turn out of memory after a forget even when its inbox was lost', async () => {
    const fixture = await makeRedisFixture(inject('redisUrl'))({
      ...LIMITS,
      observer: { badElement() {}, error() {} },
    });
    const session = sessionOf();
    const { store } = fixture;
    await offerNew(store, messageOf(session, 'm1'));
    const { lease, message } = await takeHead(store, session);
    await fixture.redis.del(keyspace(fixture.prefix).session(session).inbox);
    await store.forget(session);
    expect(await store.commit(lease, message, answerOf('one'))).toBe('forgotten');
    expect(await store.history(session)).toBeUndefined();
    await fixture.close();
  });
});

describe('keys in Redis', () => {
  test('each live as long as docs/keys.md says, and none for ever', async () => {
    const fixture = await makeRedisFixture(inject('redisUrl'))({
      ...LIMITS,
      observer: { badElement() {}, error() {} },
    });
    const session = sessionOf();
    const { store } = fixture;
    const own = keyspace(fixture.prefix).session(session);
    const day = 86_400;
    const ttl = (key: string) => fixture.redis.ttl(key);
    /** Redis counts down in seconds: what was set a moment ago may have lost one. */
    const around = (seconds: number) => expect.toSatisfy((left: number) => left <= seconds && left > seconds - 60);

    await runTurn(store, messageOf(session, 'm1'));
    expect([await ttl(own.list), await ttl(own.meta)]).toEqual([around(1_800), around(3_600)]);
    await offerNew(store, messageOf(session, 'm2'));
    for (const key of [own.inbox, own.turn('m2')]) expect(await ttl(key), key).toEqual(around(day));
    expect(await ttl(own.turn('m1'))).toEqual(around(3_600));
    expect(await ttl(keyspace(fixture.prefix).seenAt(session, 'm2'))).toEqual(around(day));

    await store.setTtl(session, 600);
    expect([await ttl(own.list), await ttl(own.meta)]).toEqual([around(600), around(3_600)]);
    expect(await ttl(own.ttl)).toEqual(around(90 * day));
    await store.setTtl(session, LIMITS.maxTtl);
    expect(await ttl(own.ttl)).toEqual(around(90 * day));
    await store.forget(session);
    expect(await ttl(own.meta)).toEqual(around(7 * day));

    const ada = personOf(session, 'ada');
    await store.facts.keep(session, ada, { id: 'aaaaaaaa', text: 'one', saidAt: Date.now() - 10 * day * 1_000 });
    await store.facts.propose(session, ada, { id: 'bbbbbbbb', text: 'two', saidAt: Date.now() });
    for (const key of [own.facts, own.fact('aaaaaaaa')]) expect(await ttl(key), key).toEqual(around(20 * day));
    expect(await ttl(own.fact('bbbbbbbb'))).toEqual(around(600));

    await store.stats();
    const forEver = ['live', 'lengths', 'total', 'pending'].map((name) => `{conversations}:${name}`);
    for (const key of await fixture.keys()) {
      if (!forEver.some((name) => key.endsWith(name))) expect(await ttl(key), key).toBeGreaterThan(0);
    }
    await fixture.close();
  });
});

test('a turn renews what has to outlive its conversation', async () => {
  const day = 86_400;
  const fixture = await makeRedisFixture(inject('redisUrl'))({
    ...LIMITS,
    maxTtl: 60 * day,
    observer: { badElement() {}, error() {} },
  });
  onTestFinished(() => fixture.close());
  const { store, redis } = fixture;
  const keys = keyspace(fixture.prefix);
  const [outside, thread] = [sessionOf(), sessionOf({ thread: '17.1' })];
  const [choice, choiceOfThread] = [keys.session(outside).ttl, keys.session(thread).ttl];
  const generation = keys.session(thread).meta;
  const person = keys.person({ platform: 'slack', workspace: 'T1', user: 'ada' });

  await store.setTtl(outside, 600);
  await store.setTtl(thread, 50 * day);
  await store.forget(thread);
  for (const key of [choice, choiceOfThread, generation, person]) await redis.expire(key, 100);
  await runTurn(store, messageOf(thread, 'm1'));
  const around = (seconds: number) => expect.toSatisfy((left: number) => left <= seconds && left > seconds - 60);
  expect(await redis.ttl(choice)).toEqual(around(90 * day));
  expect(await redis.ttl(choiceOfThread)).toEqual(around(100 * day));
  expect(await redis.ttl(generation)).toBeGreaterThanOrEqual(7 * day - 60);
  // Who erases all they have finds the choice too.
  await store.ping();
  expect(await redis.ttl(person)).toBeGreaterThanOrEqual(100 * day - 60);
});

describe('a conversation of one turn at most', () => {
  test('counts the turns that the cap dropped', async () => {
    const fixture = await makeRedisFixture(inject('redisUrl'))({
      ...LIMITS,
      maxMessages: 2,
      observer: { badElement() {}, error() {} },
    });
    const session = sessionOf();
    for (const id of ['m1', 'm2', 'm3']) await runTurn(fixture.store, messageOf(session, id));
    expect(await fixture.store.conversationStats(session)).toMatchObject({ messages: 2, turns: 3, tokens: 21 });
    await fixture.close();
  });
});

test('a conversation that an earlier version stored, without its size, is held to the bounds with its next turn', async () => {
  const fixture = await makeRedisFixture(inject('redisUrl'))({
    ...{ ...LIMITS, maxBytes: 10_000 },
    observer: { badElement() {}, error() {} },
  });
  onTestFinished(() => fixture.close());
  const { store, redis } = fixture;
  const session = sessionOf();
  const own = keyspace(fixture.prefix).session(session);
  const speak = (id: string) => runTurn(store, messageOf(session, id, { text: 'x'.repeat(3_000) }));
  for (const id of ['m1', 'm2', 'm3']) await speak(id);
  await redis.hdel(own.meta, 'bytes', 'sized');
  await redis.rpush(own.list, ...(await redis.lrange(own.list, 0, 3)));
  await speak('m4');
  const sources = (await store.history(session))?.messages.map(({ source }) => source);
  expect(sources).toEqual(['m1', 'm1', 'm2', 'm2', 'm4', 'm4']);
  const elements = await redis.lrange(own.list, 0, -1);
  const bytes = elements.reduce((sum, element) => sum + Buffer.byteLength(element), 0);
  expect(await redis.hmget(own.meta, 'bytes', 'sized')).toEqual([String(bytes), '6']);
});

/**
 * A server in cluster mode refuses a script whose declared keys have more than one slot. It says nothing of names that a
 * script makes itself (the turn records'), so those are read from the server's own monitor.
 */
describe('on a server in cluster mode', () => {
  let server: RedisServer | undefined;
  let url = '';

  beforeAll(async () => {
    server = await startRedisCluster();
    url = server.url;
  });
  afterAll(() => server?.stop());

  test('a script over two slots is refused', async () => {
    const redis = new Redis(url);
    await expect(redis.eval('return 1', 2, '{a}', '{b}')).rejects.toThrow(/CROSSSLOT/);
    redis.disconnect();
  });

  test('every key that a script touches has the hash tag of its declared keys', async () => {
    const fixture = await makeRedisFixture(url, { clustered: true })({
      ...LIMITS,
      observer: { badElement() {}, error() {} },
    });
    const client = new Redis(url);
    const monitor = await client.monitor();
    const seen: { readonly by: string; readonly command: readonly string[] }[] = [];
    monitor.on('monitor', (_time: string, command: string[], source: string) => seen.push({ by: source, command }));

    const session = sessionOf({ thread: '17.1' });
    const { store } = fixture;
    for (const id of ['m1', 'm2', 'm3', 'm4']) await offerNew(store, messageOf(session, id));
    await store.enqueue(messageOf(session, 'm1', { idempotencyKeys: ['m1', 'other'] }));
    const { lease, message } = await takeHead(store, session);
    await store.saveMessageRef(lease, 1, { intentAt: 1 });
    await store.countFailure(lease);
    await store.requestStop(session, 'm1');
    await store.commit(lease, message, answerOf('one'));
    await finish(store, lease);
    await store.fail((await takeHead(store, session)).lease, 'internal');
    await store.amend(session, 'm3', 'edited');
    await store.setTtl(session, 600);
    await store.removeTurns(session, { source: 'm3' });
    const ada = personOf(session, 'ada');
    const base = baseSession(session);
    await store.facts.propose(base, ada, { id: 'aaaaaaaa', text: 'one', saidAt: 1 });
    await store.facts.keep(base, ada, { id: 'bbbbbbbb', text: 'two', saidAt: Date.now() });
    await takeHead(store, session);
    await store.facts.confirm(base, 'aaaaaaaa');
    await store.facts.removeAll(base);
    await store.forget(session);
    await store.stats();
    await store.ping();

    const tag = (key: string | undefined) => /\{([^}]*)\}/.exec(key ?? '')?.[1];
    await vi.waitFor(() => expect(seen.some(({ command }) => command[0]?.toLowerCase() === 'ping')).toBe(true), 15_000);
    const touched = new Map<string, number>();
    let declared: string | undefined;
    for (const { by, command } of seen) {
      const [name = '', key] = command;
      if (/^eval(sha)?$/i.test(name)) declared = tag(command[3]);
      if (by !== 'lua' || name.toLowerCase() === 'time') continue;
      expect(tag(key), command.join(' ')).toBe(declared);
      touched.set(key ?? '', (touched.get(key ?? '') ?? 0) + 1);
    }
    for (const name of [':turn:', ':fact:']) {
      expect([...touched.keys()].filter((key) => key.includes(name))).not.toHaveLength(0);
    }
    expect(touched.size).toBeGreaterThan(15);
    monitor.disconnect();
    client.disconnect();
    await fixture.close();
  });
});

test('whoever is erased is in the indexes before anything of theirs is stored or lives longer, and out of them behind it', async () => {
  // A server of its own: ioredis takes a line that comes together with the reply to MONITOR for an unknown reply.
  const server = await startRedis();
  onTestFinished(() => server.stop());
  const fixture = await makeRedisFixture(server.url)({ ...LIMITS, observer: { badElement() {}, error() {} } });
  onTestFinished(() => fixture.close());
  const { store, redis, prefix } = fixture;
  const shared = sessionOf({ user: undefined });
  const keys = keyspace(prefix);
  const own = keys.session(shared);
  const ada = { platform: 'slack', workspace: 'T1', user: 'ada' };
  const indexes = [keys.person(ada), keys.team(ada), keys.all({ ...ada, channel: 'C1' })];
  const monitor = await redis.monitor();
  onTestFinished(() => monitor.disconnect());
  let seen: string[] = [];
  monitor.on('monitor', (_time: string, [name = '', key = '']: string[]) => seen.push(`${name.toUpperCase()} ${key}`));

  /** What was done to these keys, in order, up to a mark of our own. */
  const order = async (action: () => Promise<unknown>, ...of: string[]): Promise<readonly number[]> => {
    seen = [];
    await action();
    await redis.get(`${prefix}:mark`);
    await vi.waitFor(() => expect(seen).toContain(`GET ${prefix}:mark`), 15_000);
    return of.map((command) => seen.indexOf(command));
  };
  const listed = indexes.map((index) => `ZADD ${index}`);
  const expectInOrder = (before: readonly number[], after: number) => {
    for (const position of before) expect(position).toBeGreaterThanOrEqual(0);
    expect(Math.max(...before)).toBeLessThan(after);
  };

  const offered = await order(() => offerNew(store, messageOf(shared, 'm1')), ...listed, `RPUSH ${own.inbox}`);
  expectInOrder(offered.slice(0, -1), offered.at(-1) ?? -1);
  const { lease, message } = await takeHead(store, shared);
  const longer = { ...message, ttl: 10 * 86_400 };
  const committed = await order(() => store.commit(lease, longer, answerOf('one')), ...listed, `RPUSH ${own.list}`);
  expectInOrder(committed.slice(0, -1), committed.at(-1) ?? -1);
  await fixture.advance(9 * 86_400_000);
  const given = await order(() => store.setTtl(shared, 20 * 86_400), ...listed, `PEXPIREAT ${own.list}`);
  expectInOrder(given.slice(0, -1), given.at(-1) ?? -1);
  const noted = await order(
    () => store.flags.set(shared, 'followed', 60 * 86_400_000),
    ...listed.slice(1),
    `ZADD ${own.notes}`,
  );
  expectInOrder(noted.slice(0, -1), noted.at(-1) ?? -1);
  const erased = await order(() => store.erase(ada), `LREM ${own.list}`, `ZREM ${indexes[0]}`);
  expectInOrder(erased.slice(0, 1), erased[1] ?? -1);
});

test('a turn names the processes that follow it, from the start or later, until it is finished', async () => {
  const fixture = await makeRedisFixture(inject('redisUrl'))({ ...LIMITS, observer: { badElement() {}, error() {} } });
  onTestFinished(() => fixture.close());
  const { store } = fixture;
  const session = sessionOf();
  await store.enqueue(messageOf(session, 'm1'), { follower: 'first' });
  const { lease, followers } = await takeHead(store, session);
  expect(followers).toEqual(['first']);
  expect(await store.follow(session, 'm1', 'second')).toBe(true);
  expect(await store.follow(session, 'm1', 'second')).toBe(true);
  expect(await store.check(lease)).toEqual({ state: 'held', followers: ['first', 'second'] });
  await finish(store, lease);
  expect(await store.follow(session, 'm1', 'third')).toBe(false);
  expect(await store.follow(session, 'unknown', 'third')).toBe(false);
  expect(await store.record(session, 'unknown')).toBeUndefined();
});

describe('figures', () => {
  test('that are asked for again and again walk all of the server’s own once', async () => {
    const server = await startRedis();
    onTestFinished(() => server.stop());
    const fixture = await makeRedisFixture(server.url)({ ...LIMITS, observer: { badElement() {}, error() {} } });
    await fixture.redis.config('RESETSTAT');
    const asked = [];
    for (let times = 0; times < 5; times += 1) asked.push(await fixture.store.stats());
    expect(new Set(asked.map(({ server: own }) => JSON.stringify(own))).size).toBe(1);
    expect(asked[0]?.server.version).toMatch(/^\d+\./);
    // The command that reads this is counted behind it.
    expect(await fixture.redis.info('commandstats')).toMatch(/^cmdstat_info:calls=1,/m);
    await fixture.close();
  });
});
