/** Tests the permissions of the Redis user on unused keys. */
import { encodeSession } from '../../core/session.ts';
import type { RedisClient } from '../../redis/connection.ts';
import type { Keyspace } from './keys.ts';

/** Seconds until such a key expires. */
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

/** One key of each family, so that permissions for only some keys are detected. */
function families(keys: Keyspace): string[] {
  const place = { platform: 'check', channel: 'check' };
  return [
    keys.session(encodeSession({ place, user: 'check' })).list,
    ...[keys.seen(place, 'check'), keys.notes(place), keys.place(place)],
    ...[keys.person({ platform: 'check', user: 'check' }), keys.channels('check').talked, keys.pending],
    `${keys.limits}:check`,
  ];
}

/** Each is refused with NOPERM if the permission is missing. The last one makes the connection unusable for anything else. */
export const RIGHTS: readonly ((redis: RedisClient, keys: Keyspace) => Promise<unknown>)[] = [
  (redis, keys) => redis.set(`${keys.pending}:check`, '1', 'EX', SCRATCH_S),
  (redis, keys) => Promise.all(families(keys).map((key) => redis.exists(key))),
  (redis, keys) => redis.eval(SCRIPT, 1, `${keys.pending}:check`, SCRATCH_S),
  (redis, keys) => redis.zpopmin(`${keys.pending}:check`, 1),
  (redis, keys) => redis.publish(`${keys.signals}:check`, '{}'),
  (redis, keys) => redis.subscribe(`${keys.signals}:check`),
];
