/** Keys that a broken writer or a person with redis-cli left: they are passed over, and nobody else's conversation waits for them. */
import type { Redis } from 'ioredis';
import { afterEach, beforeEach, describe, expect, inject, test, vi } from 'vitest';
import { type Keyspace, keyspace, type SessionKeys } from '../../src/memory/redis/keys.ts';
import { fromElement } from '../../src/memory/redis/record.ts';
import {
  answerOf,
  contents,
  finish,
  LIMITS,
  messageOf,
  offerNew,
  runTurn,
  sessionOf,
  takeHead,
} from '../contracts/store/support.ts';
import { makeRedisFixture, type RedisFixture } from './redis-fixture.ts';

const session = sessionOf();
const place = { platform: 'slack', workspace: 'T1', channel: 'C1' };
const ada = { platform: 'slack', workspace: 'T1', user: 'ada' };
/** No whole number that Redis counts on with, in the ways there are. */
const NO_NUMBERS = ['', 'abc', '1.5', 'inf', 'nan', '1e300', '99999999999999999999', '\u0000', ' 5'];
const LATER = Date.now() + 1e10;

let fixture: RedisFixture;
let redis: Redis;
let keys: Keyspace;
let own: SessionKeys;

beforeEach(async () => {
  fixture = await makeRedisFixture(inject('redisUrl'))({ ...LIMITS, observer: { badElement() {}, error() {} } });
  redis = fixture.redis;
  keys = keyspace(fixture.prefix);
  own = keys.session(session);
});
afterEach(() => fixture.close());

/** Two messages are offered around the damage; both get their turn, once, and all can be forgotten. */
async function expectWhole(damageBefore: () => Promise<unknown>, damageAfter: () => Promise<unknown>): Promise<void> {
  const { store } = fixture;
  await damageBefore();
  await offerNew(store, messageOf(session, 'm1'));
  await damageAfter();
  await offerNew(store, messageOf(session, 'm2'));
  for (const id of ['m1', 'm2']) {
    const { lease, message } = await takeHead(store, session);
    expect(message.id).toBe(id);
    expect(await store.check(lease)).toMatchObject({ state: 'held' });
    expect(await store.commit(lease, message, answerOf(`answer to ${id}`))).toBe('committed');
    expect(await finish(store, lease)).toBe(id === 'm1' ? 1 : 0);
  }
  expect(await contents(store, session)).toEqual(['text of m1', 'answer to m1', 'text of m2', 'answer to m2']);
  expect(await store.ttl(session)).toMatchObject({ effective: LIMITS.defaultTtl });
  expect(await store.setTtl(session, 600)).toMatchObject({ choice: 600 });
  expect(await store.forget(session)).toMatchObject({ messages: 4 });
  expect(await contents(store, session)).toEqual([]);
}

const nothing = async () => undefined;

describe('an author whom nobody can be', () => {
  test.each(['', 'x'.repeat(129), '\ud800'])('in a stored message, by the id %j', async (authorId) => {
    const { store } = fixture;
    await runTurn(store, messageOf(session, 'm1'));
    const [element = '{}'] = await redis.lrange(own.list, -1, -1);
    await redis.rpush(own.list, JSON.stringify({ ...JSON.parse(element), authorId }));
    await redis.del(own.people);
    await runTurn(store, messageOf(session, 'm2'));
    expect(await contents(store, session)).toContain('text of m2');
    await store.erase({ platform: 'slack', workspace: 'T1' });
    expect(await redis.exists(own.list, own.people)).toBe(0);
  });
});

describe('a number that is none', () => {
  test.each([
    ['a TTL choice', (value: string) => redis.set(own.ttl, value)],
    ['a generation', (value: string) => redis.hset(own.meta, 'gen', value)],
    ['the turns of a conversation', (value: string) => redis.hset(own.meta, 'turns', value)],
    ['the tokens of a conversation', (value: string) => redis.hset(own.meta, 'tokens', value)],
    ['the messages of all', (value: string) => redis.set(keys.total, value)],
    ['the length of a conversation', (value: string) => redis.hset(keys.lengths, session, value)],
  ])('in place of %s is written over', async (_, damage) => {
    for (const value of NO_NUMBERS) {
      await expectWhole(() => damage(value), nothing);
      expect(await fixture.store.stats()).toMatchObject({ pending: 0 });
      await redis.del(...(await fixture.keys()));
    }
  });

  test.each(['attempt', 'takeovers', 'failures', 'startedAt', 'owner', 'intent:1', 'editedAt'])(
    'in the record of a turn (%s) stops nobody',
    async (field) => {
      for (const value of NO_NUMBERS) {
        await expectWhole(nothing, () => redis.hset(own.turn('m1'), field, value));
        await redis.del(...(await fixture.keys()));
      }
    },
  );

  test('in place of a generation, behind an offer: what was offered before counts as forgotten, the rest goes on', async () => {
    const { store } = fixture;
    await offerNew(store, messageOf(session, 'm1'));
    await redis.hset(own.meta, 'gen', 'abc');
    await offerNew(store, messageOf(session, 'm2'));
    const first = await takeHead(store, session);
    expect(await store.commit(first.lease, first.message, answerOf('one'))).toBe('forgotten');
    await finish(store, first.lease);
    const second = await takeHead(store, session);
    expect(await store.commit(second.lease, second.message, answerOf('two'))).toBe('committed');
  });
});

test('a place index that is none is made anew, and what lists a conversation has its time', async () => {
  const { store } = fixture;
  await redis.set(own.place, 'no index');
  await runTurn(store, messageOf(session, 'm1'));
  expect(await store.conversationsAt(place)).toEqual([session]);
  for (const key of [own.list, own.meta, own.place]) expect(await redis.ttl(key), key).toBeGreaterThan(0);
});

test('a record that was lost while its turn ran fences its worker, and the next one makes it anew', async () => {
  const { store } = fixture;
  await offerNew(store, messageOf(session, 'm1'));
  const { lease, message } = await takeHead(store, session);
  await redis.del(own.turn('m1'));
  expect(await store.saveMessageRef(lease, 1, { intentAt: 1 })).toBe(false);
  expect(await store.countFailure(lease)).toBeUndefined();
  expect(await store.commit(lease, message, answerOf('one'))).toBe('fenced');
  expect(await redis.exists(own.turn('m1'))).toBe(0);
  const next = await takeHead(store, session);
  expect(next.record).toMatchObject({ state: 'running', attempt: 1 });
  expect(await redis.ttl(own.turn('m1'))).toBeGreaterThan(0);
  expect(await store.commit(next.lease, next.message, answerOf('one'))).toBe('committed');
});

test('a message that an earlier version stored is answered', async () => {
  const { store } = fixture;
  await offerNew(store, messageOf(session, 'm1', { idempotencyKeys: ['m1', 'event 1'] }));
  const [element = ''] = await redis.lrange(own.inbox, 0, -1);
  const [, skeleton = '{}', ...rest] = element.split('\n');
  const { idempotencyKeys, ...others } = JSON.parse(skeleton);
  const old = ['3', JSON.stringify({ ...others, dedupeIds: idempotencyKeys }), ...rest].join('\n');
  await redis.lset(own.inbox, 0, old);
  await redis.hset(own.turn('m1'), 'gen', '3', 'fence', '7', 'state', 'running');
  const { lease, message, record } = await takeHead(store, session);
  expect(message.idempotencyKeys).toEqual(['m1', 'event 1']);
  expect(record).toMatchObject({ state: 'running', takeovers: 1 });
  expect(await store.commit(lease, message, answerOf('one'))).toBe('committed');
});

describe('a message that waits since before files had a line of their own', () => {
  const names = ['plan.pdf', 'a.png'];
  beforeEach(async () => {
    await offerNew(fixture.store, messageOf(session, 'm1', { text: 'read it' }));
    const [element = ''] = await redis.lrange(own.inbox, 0, -1);
    const [generation = '', skeleton = '', text = ''] = element.split('\n');
    const aside = JSON.stringify({ name: 'Ada', attachments: names });
    await redis.lset(own.inbox, 0, [generation, skeleton, text, aside].join('\n'));
  });

  test('still has the names of its files', async () => {
    const { message } = await takeHead(fixture.store, session);
    expect(message).toMatchObject({ text: 'read it', attachments: names.map((name) => ({ name })) });
  });

  test('keeps them when its text is edited, and loses them when its files are', async () => {
    const later = Date.now() + 1;
    expect(await fixture.store.amend(session, 'm1', 'read this', later)).toBe('amended');
    const stored = async () => fromElement((await redis.lindex(own.inbox, 0)) ?? '');
    expect(await stored()).toMatchObject({ text: 'read this', attachments: names.map((name) => ({ name })) });
    expect(await fixture.store.amend(session, 'm1', 'read that', later + 1, [{ name: 'b.txt' }])).toBe('amended');
    expect(await stored()).toMatchObject({ text: 'read that', attachments: [{ name: 'b.txt' }] });
  });
});

test('an answer in a record that is no element is shown as it is, rather than nothing', async () => {
  const { store } = fixture;
  await offerNew(store, messageOf(session, 'm1'));
  const { lease, message } = await takeHead(store, session);
  await store.commit(lease, message, answerOf('one'));
  expect(await store.record(session, 'm1')).toMatchObject({ answer: 'one' });
  await redis.hset(own.turn('m1'), 'answer', 'plain text');
  expect(await store.record(session, 'm1')).toMatchObject({ answer: 'plain text' });
});

describe('a member of an index that is no session', () => {
  test('of what waits is thrown out, and the others are found', async () => {
    const { store } = fixture;
    await redis.zadd(keys.pending, 1, 'no session');
    await offerNew(store, messageOf(session, 'm1'));
    await redis.zadd(keys.pending, 1, session);
    expect((await store.takeDue()).map(({ sessionId }) => sessionId)).toEqual([session]);
    await vi.waitFor(async () => expect(await redis.zscore(keys.pending, 'no session')).toBeNull(), 15_000);
  });

  test('of a person or a place is left out', async () => {
    const { store } = fixture;
    await runTurn(store, messageOf(session, 'm1'));
    await redis.zadd(keys.person(ada), LATER, 'no session');
    await redis.zadd(keys.place(place), LATER, 'no session');
    expect((await store.conversations(ada)).map(({ sessionId }) => sessionId)).toEqual([session]);
    expect(await store.conversationsAt(place)).toEqual([session]);
    expect(await store.export(ada)).toHaveLength(1);
    expect(await store.erase(ada)).toMatchObject({ messages: 2 });
  });
});

test('an idempotency key that leads nowhere is none', async () => {
  const { store } = fixture;
  await redis.set(keys.seen(place, 'm1'), 'garbage');
  expect(await store.locate(place, ['m1'])).toBeUndefined();
  await offerNew(store, messageOf(session, 'm1'));
  expect(await store.locate(place, ['m1'])).toEqual({ sessionId: session, turnId: 'm1' });
});

describe('facts that are none', () => {
  test.each<readonly [string, () => Promise<unknown>]>([
    ['an index of another type', () => redis.set(own.facts, 'no index')],
    ['a member that is no id', () => redis.zadd(own.facts, LATER, 'no id', LATER, 'proposed:no id', LATER, ':')],
    ['a text that is none of ours', () => redis.set(own.fact('aaaaaaaa'), 'no fact')],
    ['a text that is no JSON', () => redis.set(own.fact('aaaaaaaa'), '1\n"ada"\nno JSON')],
    [
      'a text of another type',
      async () => {
        await redis.del(own.fact('aaaaaaaa'));
        await redis.lpush(own.fact('aaaaaaaa'), 'no fact');
      },
    ],
    ['a text that is gone', () => redis.del(own.fact('aaaaaaaa'))],
  ])('are passed over: %s', async (_, damage) => {
    const { facts } = fixture.store;
    const told = (id: string) => ({ id, text: `text of ${id}`, saidAt: Date.now() });
    await facts.keep(session, ada, told('aaaaaaaa'));
    await expectWhole(damage, nothing);
    await facts.propose(session, ada, told('bbbbbbbb'));
    expect(await facts.confirm(session, 'bbbbbbbb')).toMatchObject({ kind: 'kept' });
    await facts.keep(session, ada, told('cccccccc'));
    expect((await facts.list(session)).map(({ id }) => id)).toEqual(expect.arrayContaining(['bbbbbbbb', 'cccccccc']));
    expect(await facts.remove(session, 'bbbbbbbb')).toBe(true);
    await fixture.store.erase(ada);
    expect(await facts.list(session)).toEqual([]);
    expect(await redis.exists(own.facts)).toBe(0);
  });
});
