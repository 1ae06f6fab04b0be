/**
 * How long a login may take, and when it may begin.
 * https://docs.discord.com/developers/events/gateway#session-start-limit-object
 */

import { expect, test } from 'vitest';
import { z } from 'zod';
import {
  loginTimeout,
  readGatewayInfo,
  untilStartsSuffice,
} from '../../../src/adapters/discord/gateway/session-starts.ts';
import { createLogger } from '../../../src/app/log.ts';

/** As the documentation shows it. https://docs.discord.com/developers/events/gateway#get-gateway-bot */
function gatewayBot(limit: { remaining?: number; max_concurrency?: number } = {}) {
  return readGatewayInfo({
    url: 'wss://gateway.discord.gg/',
    shards: 9,
    session_start_limit: { total: 1000, remaining: 999, reset_after: 14400000, max_concurrency: 1, ...limit },
  });
}

const logged = z.object({ until: z.string(), remaining: z.number(), needed: z.number(), msg: z.string() });

/**
 * The most that discord.js waits between two identifies of one key (shard modulo max_concurrency): 5 s, and up to 1.5 s more
 * (@discordjs/ws, SimpleIdentifyThrottler.waitForIdentify).
 */
const LONGEST_STEP_MS = 6_500;

test.each([
  [1, 1, 66_000],
  [14, 1, 144_000],
  [14, 16, 66_000],
  [64, 16, 84_000],
  [100, 1, 660_000],
])('a login of %i shards, %i at a time, is given %i ms', (shards, max_concurrency, expected) => {
  const timeout = loginTimeout(shards, gatewayBot({ max_concurrency }));
  expect(timeout).toBe(expected);
  expect(timeout).toBeGreaterThan((Math.ceil(shards / max_concurrency) - 1) * LONGEST_STEP_MS);
});

test('no login begins while too few session starts remain, and the log says until when', async () => {
  const answers = [gatewayBot({ remaining: 0 }), gatewayBot({ remaining: 8 }), gatewayBot({ remaining: 9 })];
  const waits: number[] = [];
  let printed = '';
  const write = (text: string) => {
    printed += text;
  };
  const before = Date.now();
  const info = await untilStartsSuffice(
    ({ shards }) => shards,
    async () => {
      const next = answers.shift();
      if (next === undefined) throw new Error('It was asked again although the starts suffice.');
      return next;
    },
    async (ms) => void waits.push(ms),
    createLogger({ level: 'warn', format: 'json', secrets: [] }, { write }),
  );
  expect([info.session_start_limit.remaining, answers.length, waits]).toEqual([9, 0, [14400000, 14400000]]);
  const [line = '{}'] = printed.split('\n');
  const { until, remaining, needed, msg } = logged.parse(JSON.parse(line));
  expect([remaining, needed]).toEqual([0, 9]);
  expect(Date.parse(until)).toBeGreaterThanOrEqual(before + 14400000);
  expect(msg).toContain(until);
});
