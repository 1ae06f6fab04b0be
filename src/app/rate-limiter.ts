/** Limits messages and commands per person (rate-limiter-flexible): across all replicas with Redis, otherwise in this process. */
import { type RateLimiterAbstract, RateLimiterMemory, RateLimiterRedis, RateLimiterRes } from 'rate-limiter-flexible';
import type { RateLimiter } from '../core/ports.ts';
import type { RedisClient } from '../redis/connection.ts';

export interface RateLimitOptions {
  readonly messages: number;
  /** The period of the limit in milliseconds. */
  readonly perMs: number;
}

export function createRateLimiter(
  { messages, perMs }: RateLimitOptions,
  shared?: { redis: RedisClient; prefix: string },
): RateLimiter {
  const limits = { points: messages, duration: perMs / 1_000 };
  const inMemory = new RateLimiterMemory(limits);
  const limiter: RateLimiterAbstract =
    shared === undefined
      ? inMemory
      : // While Redis is down, each process counts by itself; messages cannot be stored then anyway.
        new RateLimiterRedis({
          ...limits,
          storeClient: shared.redis,
          keyPrefix: shared.prefix,
          insuranceLimiter: inMemory,
          rejectIfRedisNotReady: true,
        });
  return {
    async take(person, points = 1) {
      try {
        await limiter.consume(person, points);
        return { ok: true };
      } catch (thrown) {
        if (!(thrown instanceof RateLimiterRes)) throw thrown;
        return { ok: false, retryAfterMs: thrown.msBeforeNext, first: thrown.consumedPoints - points <= messages };
      }
    },
    async giveBack(person) {
      await limiter.reward(person);
    },
  };
}
