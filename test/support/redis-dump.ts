/** Everything that a Redis holds, as text: for tests that look for what must not be there. */
import { primariesOf, type RedisClient } from '../../src/redis/connection.ts';

/** Each key that matches the pattern with its value, whatever its type, by name. */
export async function dumpRedis(redis: RedisClient, pattern = '*'): Promise<string> {
  const parts: string[] = [];
  const keys = (await Promise.all(primariesOf(redis).map((primary) => primary.keys(pattern)))).flat();
  for (const key of keys.sort()) parts.push(key, JSON.stringify(await readKey(redis, key)));
  return parts.join('\n');
}

async function readKey(redis: RedisClient, key: string): Promise<unknown> {
  const type = await redis.type(key);
  switch (type) {
    case 'string':
      return redis.get(key);
    case 'list':
      return redis.lrange(key, 0, -1);
    case 'hash':
      return redis.hgetall(key);
    case 'set':
      return redis.smembers(key);
    case 'zset':
      return redis.zrange(key, '0', '-1', 'WITHSCORES');
    case 'stream':
      return redis.xrange(key, '-', '+');
    case 'none':
      return null;
    default:
      throw new Error(`Nobody here writes a ${type}: ${key}`);
  }
}
