/** What a Redis user must be allowed, tried on keys that nobody uses. */
import { encodeSession } from '../../core/session.ts';
import type { RedisClient } from '../../redis/connection.ts';
import type { Keyspace } from './keys.ts';

/** Seconds that such a key lives at most. */
const SCRATCH_S = 5;

/** One command of each kind that scripts use, on one key. */
const SCRIPT = `
local key = KEYS[1]
redis.call('DEL', key)
redis.call('RPUSH', key, '1')
redis.call('EXPIRE', key, ARGV[1])
redis.call('LRANGE', key, 0, -1)
redis.call('DEL', key)
redis.call('HSET', key, 'a', '1')
redis.call('HGETALL', key)
redis.call('DEL', key)
redis.call('ZADD', key, 1, 'a')
redis.call('ZRANGEBYSCORE', key, 0, 1)
redis.call('DEL', key)
redis.call('TIME')
return redis.call('EXISTS', key)
`;

/** A key of each family, so that a right to some of the keys only is found out. */
function families(keys: Keyspace): string[] {
  const place = { platform: 'check', channel: 'check' };
  return [
    keys.session(encodeSession({ place, user: 'check' })).list,
    ...[keys.seen(place, 'check'), keys.notes(place), keys.place(place)],
    ...[keys.person({ platform: 'check', user: 'check' }), keys.channels('check').talked, keys.pending],
    `${keys.limits}:check`,
  ];
}

/** Each is refused with NOPERM where the right is missing. The last one leaves the connection good for nothing else. */
export const RIGHTS: readonly ((redis: RedisClient, keys: Keyspace) => Promise<unknown>)[] = [
  (redis, keys) => redis.set(`${keys.pending}:check`, '1', 'EX', SCRATCH_S),
  (redis, keys) => Promise.all(families(keys).map((key) => redis.exists(key))),
  (redis, keys) => redis.eval(SCRIPT, 1, `${keys.pending}:check`, SCRATCH_S),
  (redis, keys) => redis.zpopmin(`${keys.pending}:check`, 1),
  (redis, keys) => redis.publish(`${keys.signals}:check`, '{}'),
  (redis, keys) => redis.subscribe(`${keys.signals}:check`),
];
