/** The registry of channels on Redis, as far as only Redis can show it: what time does to its keys. */
import { describe, expect, inject, test } from 'vitest';
import { KEEP_CHANNEL_MS } from '../../src/core/channels.ts';
import { keyspace } from '../../src/memory/redis/keys.ts';
import { LIMITS } from '../contracts/store/support.ts';
import { runs } from '../support/tier.ts';
import { makeRedisFixture } from './redis-fixture.ts';

const makeFixture = makeRedisFixture(inject('redisUrl'));

describe('the registry of channels on Redis', () => {
  test('leaves out what is overdue, and takes it out of all keys with the next talk', async () => {
    const fixture = await makeFixture({ ...LIMITS, observer: { badElement() {}, error() {} } });
    const { redis, store } = fixture;
    const keys = keyspace(fixture.prefix).channels('discord');
    await store.channels.watch('discord', { id: 'a', about: null, cursor: '1' });
    await store.channels.watch('discord', { id: 'b', about: null, cursor: '1' });
    await redis.zincrby(keys.talked, -KEEP_CHANNEL_MS, 'a');
    expect((await store.channels.watched('discord')).map(({ id }) => id)).toEqual(['b']);
    await store.channels.advance('discord', new Map([['a', '2']]));
    expect(await redis.hget(keys.cursor, 'a')).toBe('1'.padStart(20, '0'));
    await store.channels.watch('discord', { id: 'b', about: null, cursor: '2' });
    expect(await redis.hkeys(keys.cursor)).toEqual(['b']);
    expect(await redis.hkeys(keys.about)).toEqual(['b']);
    await fixture.close();
  });

  const count = runs(300_000);
  test(`reads, advances and empties a registry of ${count} channels`, { timeout: 180_000 }, async () => {
    const fixture = await makeFixture({ ...LIMITS, observer: { badElement() {}, error() {} } });
    const { redis, store } = fixture;
    const keys = keyspace(fixture.prefix).channels('discord');
    const ids = Array.from({ length: count }, (_, index) => String(10 ** 17 + index));
    const now = Date.now();
    for (let from = 0; from < ids.length; from += 10_000) {
      const some = ids.slice(from, from + 10_000);
      await redis.zadd(keys.talked, ...some.flatMap((id) => [now, id]));
      await redis.hset(keys.about, ...some.flatMap((id) => [id, '{"guild":"1","direct":false}']));
      await redis.hset(keys.cursor, ...some.flatMap((id) => [id, '1'.padStart(20, '0')]));
    }
    expect(new Set((await store.channels.watched('discord')).map(({ id }) => id))).toEqual(new Set(ids));
    await store.channels.advance('discord', new Map(ids.map((id) => [id, '2'])));
    expect((await store.channels.watched('discord')).filter(({ cursor }) => cursor !== '2')).toEqual([]);
    await store.channels.unwatch('discord', ids);
    expect(await store.channels.watched('discord')).toEqual([]);
    await fixture.close();
  });

  test('has no key that lives for ever, and all keys in one slot', async () => {
    const fixture = await makeFixture({ ...LIMITS, observer: { badElement() {}, error() {} } });
    const { redis, store } = fixture;
    await store.channels.watch('discord', { id: 'a', about: null, cursor: '1' });
    const keys = Object.values(keyspace(fixture.prefix).channels('discord'));
    for (const key of keys) {
      expect(await redis.pttl(key)).toBeGreaterThan(KEEP_CHANNEL_MS - 60_000);
      expect(/\{([^}]*)\}/.exec(key)?.[1]).toBe('channels:discord');
    }
    expect(await redis.exists(...keys)).toBe(keys.length);
    await fixture.close();
  });
});
