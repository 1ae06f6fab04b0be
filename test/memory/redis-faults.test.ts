/** What the store does when Redis is away, full, set up wrongly, or when nobody knows whether a script ran. */
import { Redis } from 'ioredis';
import { afterEach, beforeEach, describe, expect, inject, test, vi } from 'vitest';
import { personOf } from '../../src/core/session.ts';
import type { StoreOptions } from '../../src/core/store.ts';
import { createRedisStore, openStore, type RedisStore, type RedisStoreOptions } from '../../src/memory/redis/store.ts';
import { createRedisConnections } from '../../src/redis/connection.ts';
import { serverAt } from '../../src/redis/target.ts';
import {
  answerOf,
  contents,
  finish,
  LIMITS,
  messageOf,
  newToken,
  offerNew,
  runTurn,
  sessionOf,
  takeHead,
  tryClaim,
} from '../contracts/store/support.ts';
import { type CutProxy, startCutProxy } from '../support/cut-proxy.ts';
import { type RedisServer, startRedis, WRITES_AT_ONCE } from '../support/redis-server.ts';
import { makeRedisFixture } from './redis-fixture.ts';

const session = sessionOf();
const ada = personOf(session, 'ada');
const observer = { badElement() {}, error() {} };
const options: StoreOptions = { ...LIMITS, observer };
const unavailable = { name: 'BotError', code: 'store_unavailable', retryable: true };

function open(url: string, more: Partial<RedisStoreOptions> = {}): Promise<RedisStore> {
  return createRedisStore({
    ...options,
    redis: serverAt(url),
    prefix: 'conversation',
    allowEviction: false,
    warn() {},
    ...more,
  });
}

describe('Redis going away and coming back', () => {
  let server: RedisServer;
  let store: RedisStore;

  beforeEach(async () => {
    server = await startRedis({ args: WRITES_AT_ONCE });
    store = await open(server.url);
  });
  afterEach(async () => {
    await store.close();
    await server.stop();
  });

  test('calls fail with a clear error, then work again without a restart, and nothing acknowledged is lost', async () => {
    await runTurn(store, messageOf(session, 'm1'));
    await offerNew(store, messageOf(session, 'm2'));
    await server.kill9();
    for (const call of [
      () => store.ping(),
      () => store.history(session),
      () => store.enqueue(messageOf(session, 'm3')),
      () => tryClaim(store, session),
      () => store.stats(),
    ]) {
      await expect(call()).rejects.toMatchObject(unavailable);
    }

    await server.restart();
    await vi.waitFor(() => store.ping(), 15_000);
    expect(await contents(store, session)).toEqual(['text of m1', 'answer to m1']);
    expect(await store.waiting(session)).toEqual(['m2']);
    const { lease, message } = await takeHead(store, session);
    expect(await store.commit(lease, message, answerOf('two'))).toBe('committed');
  });

  test('a server that hangs is an error in bounded time too', async () => {
    process.kill(server.pid, 'SIGSTOP');
    await expect(store.history(session)).rejects.toMatchObject(unavailable);
    process.kill(server.pid, 'SIGCONT');
    await vi.waitFor(() => store.ping(), 15_000);
  });

  test('a start without Redis says so', async () => {
    await server.kill9();
    await expect(open(server.url)).rejects.toMatchObject({ code: 'store_unavailable' });
    await server.restart();
    await vi.waitFor(() => store.ping(), 15_000);
  });
});

describe('the answer of a script that ran is lost', () => {
  let proxy: CutProxy;
  let fixture: Awaited<ReturnType<ReturnType<typeof makeRedisFixture>>>;
  let store: RedisStore;

  beforeEach(async () => {
    fixture = await makeRedisFixture(inject('redisUrl'))(options);
    proxy = await startCutProxy(Number(new URL(inject('redisUrl')).port));
    store = await open(`redis://127.0.0.1:${proxy.port}`, { prefix: fixture.prefix });
  });
  afterEach(async () => {
    await store.close();
    await proxy.close();
    await fixture.close();
  });

  /** Makes a call whose answer is lost: it fails, and it took effect. */
  async function lose(call: () => Promise<unknown>): Promise<void> {
    const cut = proxy.cutNextAnswer();
    await expect(call()).rejects.toMatchObject(unavailable);
    await cut;
    await vi.waitFor(() => store.ping(), 15_000);
  }

  test('an offer made again is a duplicate and stored once', async () => {
    const message = messageOf(session, 'm1');
    await lose(() => store.enqueue(message));
    expect(await store.enqueue(message)).toMatchObject({ kind: 'duplicate', turnId: 'm1' });
    expect(await store.waiting(session)).toEqual(['m1']);
    expect(await store.countPending()).toBe(1);
  });

  test('a commit made again is known and stored once', async () => {
    await offerNew(store, messageOf(session, 'm1'));
    const { lease, message } = await takeHead(store, session);
    await lose(() => store.commit(lease, message, answerOf('one')));
    expect(await store.commit(lease, message, answerOf('one'))).toBe('known');
    expect(await contents(store, session)).toEqual(['text of m1', 'one']);
    expect(await store.record(session, 'm1')).toMatchObject({ state: 'answered', answer: 'one' });
  });

  test('a finish made again removes nobody else', async () => {
    await offerNew(store, messageOf(session, 'm1'));
    await offerNew(store, messageOf(session, 'm2'));
    const { lease, message } = await takeHead(store, session);
    await store.commit(lease, message, answerOf('one'));
    await lose(() => finish(store, lease));
    expect(await finish(store, lease)).toBe(1);
    expect(await store.waiting(session)).toEqual(['m2']);
  });

  test('a take made again is a takeover of the same turn', async () => {
    await offerNew(store, messageOf(session, 'm1'));
    const token = newToken();
    await lose(() => store.claim(session, token, undefined));
    expect(await store.claim(session, token, undefined)).toMatchObject({
      turn: { record: { attempt: 1, takeovers: 0 } },
    });
    expect((await takeHead(store, session)).record).toMatchObject({ attempt: 2, takeovers: 1 });
  });

  test('an enqueue that claims, made again, is given the same turn', async () => {
    const token = newToken();
    const message = messageOf(session, 'm1');
    await lose(() => store.enqueue(message, { token }));
    expect(await store.enqueue(message, { token })).toMatchObject({
      kind: 'claimed',
      turn: { record: { attempt: 1 } },
    });
    expect(await store.waiting(session)).toEqual(['m1']);
  });

  test('a completion that claims the next turn, made again, is given the same one', async () => {
    const next = newToken();
    for (const id of ['m1', 'm2', 'm3']) await offerNew(store, messageOf(session, id));
    const { lease } = await takeHead(store, session);
    await lose(() => store.complete(lease, next));
    expect(await store.complete(lease, next)).toMatchObject({
      ...{ kind: 'claimed', turn: { lease: { turnId: 'm2', token: next }, record: { attempt: 1 } } },
    });
    expect(await store.waiting(session)).toEqual(['m2', 'm3']);
  });

  test('a failure and a message ref, saved again, are saved once', async () => {
    await offerNew(store, messageOf(session, 'm1'));
    const { lease } = await takeHead(store, session);
    await lose(() => store.saveMessageRef(lease, 1, { intentAt: 5 }));
    expect(await store.saveMessageRef(lease, 1, { intentAt: 5 })).toBe(true);
    await lose(() => store.fail(lease, 'model_timeout'));
    expect(await store.fail(lease, 'model_timeout')).toBe(true);
    expect(await store.record(session, 'm1')).toMatchObject({
      state: 'failed',
      messageRefs: new Map([[1, { intentAt: 5 }]]),
    });
  });

  test('a turn that was given back has no owner, whether or not its worker heard of it', async () => {
    await offerNew(store, messageOf(session, 'm1'));
    const { lease } = await takeHead(store, session);
    await lose(() => store.requeue(lease));
    expect(await store.heads([session])).toEqual([{ owner: undefined }]);
    expect((await takeHead(store, session)).record).toMatchObject({ attempt: 2, takeovers: 0 });
  });

  test('a forget made again erases nothing more', async () => {
    await runTurn(store, messageOf(session, 'm1'));
    await lose(() => store.forget(session));
    expect(await store.forget(session)).toEqual({ conversations: 0, messages: 0, waiting: 0, facts: 0 });
  });
});

describe('a server that is set up wrongly', () => {
  test('one that may evict keys is refused, unless that is accepted', async () => {
    const server = await startRedis({ args: ['--maxmemory-policy', 'allkeys-lru'] });
    await expect(open(server.url)).rejects.toMatchObject({ code: 'store_evicting', message: /noeviction/ });
    const store = await open(server.url, { allowEviction: true });
    await store.ping();
    await store.close();
    await server.stop();
  });

  test('one without an append-only file is warned of, also where CONFIG is forbidden', async () => {
    const server = await startRedis({ args: ['--appendonly', 'no', '--rename-command', 'CONFIG', ''] });
    const warnings: string[] = [];
    const store = await open(server.url, { warn: (message) => warnings.push(message) });
    expect(warnings).toEqual([expect.stringMatching(/append-only/)]);
    await store.close();
    await server.stop();
  });
});

describe('a server that takes no writes just now', () => {
  test.each([
    ['NOREPLICAS', (admin: Redis) => admin.config('SET', 'min-replicas-to-write', '1')],
    ['READONLY', (admin: Redis) => admin.replicaof('127.0.0.1', '1')],
    [
      'MASTERDOWN',
      async (admin: Redis) => {
        await admin.config('SET', 'replica-serve-stale-data', 'no');
        await admin.replicaof('127.0.0.1', '1');
      },
    ],
  ] as const)('%s: every step of a turn may be made again, and none is made by half', async (_, refuse) => {
    const server = await startRedis();
    const store = await open(server.url);
    const admin = new Redis(server.url, { protocol: 2 });
    await offerNew(store, messageOf(session, 'm1'));
    const { lease, message } = await takeHead(store, session);
    await refuse(admin);

    for (const call of [
      () => store.commit(lease, message, answerOf('one')),
      () => store.enqueue(messageOf(session, 'm2')),
      () => tryClaim(store, session),
      () => store.countFailure(lease),
      () => store.fail(lease, 'internal'),
      () => finish(store, lease),
      () => store.forget(session),
      () => store.beats.begin('test.1', '1;'),
    ]) {
      await expect(call()).rejects.toMatchObject(unavailable);
    }
    await admin.config('SET', 'min-replicas-to-write', '0');
    await admin.replicaof('NO', 'ONE');
    await vi.waitFor(() => store.markPending([session]), 15_000);
    expect(await store.commit(lease, message, answerOf('one'))).toBe('committed');
    expect(await store.waiting(session)).toEqual(['m1']);
    expect(await contents(store, session)).toEqual(['text of m1', 'one']);
    admin.disconnect();
    await store.close();
    await server.stop();
  });

  test('a turn that its script could not commit makes all connections look for the primary', async () => {
    const server = await startRedis();
    const connections = createRedisConnections(serverAt(server.url), () => {});
    const store = await openStore(connections, { ...options, prefix: 'conversation' });
    await offerNew(store, messageOf(session, 'm1'));
    const { lease, message } = await takeHead(store, session);
    const other = connections.open('other');
    await other.ping();
    const admin = new Redis(server.url, { protocol: 2 });
    await admin.replicaof('127.0.0.1', '1');

    await expect(store.commit(lease, message, answerOf('one'))).rejects.toMatchObject(unavailable);
    await expect
      .poll(() => connections.health())
      .toEqual({ ok: false, reason: expect.stringMatching(/is down: this Redis is a read-only replica/) });
    await admin.replicaof('NO', 'ONE');
    await expect.poll(() => connections.health()).toEqual({ ok: true });
    expect(await other.ping()).toBe('PONG');
    other.disconnect();
    admin.disconnect();
    connections.close();
    await store.close();
    await server.stop();
  });
});

describe('a server at its maxmemory', () => {
  test('new messages and answers are refused with a clear error; reading, failing, forgetting go on; facts likewise', async () => {
    const server = await startRedis();
    const store = await open(server.url);
    await runTurn(store, messageOf(session, 'm1'));
    await offerNew(store, messageOf(session, 'm2'));
    await offerNew(store, messageOf(session, 'm3'));
    const [kept, proposed, late] = ['aaaaaaaa', 'bbbbbbbb', 'cccccccc'].map((id) => ({
      id,
      text: id,
      saidAt: Date.now(),
    }));
    if (kept === undefined || proposed === undefined || late === undefined) throw new Error('Three facts.');
    await store.facts.keep(session, ada, kept);
    await store.facts.propose(session, ada, proposed);
    const admin = new Redis(server.url);
    await admin.config('SET', 'maxmemory', '1mb');

    const full = { name: 'BotError', code: 'store_full' };
    for (const refused of [store.facts.keep(session, ada, late), store.facts.confirm(session, proposed.id)]) {
      await expect(refused).rejects.toMatchObject(full);
    }
    expect(await store.facts.list(session)).toMatchObject([{ text: kept.text }]);
    await expect(store.enqueue(messageOf(session, 'm4'))).rejects.toMatchObject(full);
    expect(await contents(store, session)).toHaveLength(2);
    const { lease, message, facts } = await takeHead(store, session);
    expect(message.id).toBe('m2');
    expect(facts).toMatchObject([{ text: kept.text }]);
    expect(await store.facts.remove(session, kept.id)).toBe(true);
    expect(await store.facts.list(session)).toEqual([]);
    await expect(store.commit(lease, message, answerOf('two'))).rejects.toMatchObject(full);
    expect(await contents(store, session)).toHaveLength(2);
    expect(await store.fail(lease, 'store_full')).toBe(true);
    expect(await finish(store, lease)).toBe(1);
    expect(await store.removeTurns(session, { source: 'm1' })).toMatchObject({ messages: 2 });
    expect(await store.forget(session)).toMatchObject({ waiting: 1 });

    await admin.config('SET', 'maxmemory', '0');
    expect(await store.facts.confirm(session, proposed.id)).toMatchObject({ kind: 'kept' });
    await runTurn(store, messageOf(sessionOf({ user: 'bob' }), 'm5'));
    admin.disconnect();
    await store.close();
    await server.stop();
  });
});
