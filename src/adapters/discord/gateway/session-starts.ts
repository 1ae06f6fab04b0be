/**
 * Session starts (identifies). Discord allows 1,000 a day, more for bots in many servers, to all processes of a bot together.
 * It resets the token of a bot that exceeds the limit. https://docs.discord.com/developers/events/gateway#identifying
 */
import { setTimeout as sleep } from 'node:timers/promises';
import { SimpleIdentifyThrottler, type WebSocketOptions } from 'discord.js';
import { z } from 'zod';
import type { Logger } from '../../../core/ports.ts';

type BuildIdentifyThrottler = NonNullable<WebSocketOptions['buildIdentifyThrottler']>;

/** The response to `GET /gateway/bot`. https://docs.discord.com/developers/events/gateway#get-gateway-bot */
const gatewayInfo = z.object({
  /** The number of shards that Discord recommends. */
  shards: z.number().int().positive(),
  session_start_limit: z.object({
    remaining: z.number(),
    /** Milliseconds until the limit is reset. */
    reset_after: z.number(),
    /** Identifies allowed per 5 s. */
    max_concurrency: z.number().int().positive(),
  }),
});
export type GatewayInfo = z.infer<typeof gatewayInfo>;

const BASE_MS = 60_000;
/** For each group of `max_concurrency` identifies: 5 s, and the up to 1.5 s that discord.js (SimpleIdentifyThrottler) adds. */
const STEP_MS = 6_000;
/** The limit is read again after this time: other processes start sessions, too. */
const MAX_AGE_MS = 5_000;
const MIN_WAIT_MS = 1_000;

export function readGatewayInfo(answer: unknown): GatewayInfo {
  return gatewayInfo.parse(answer);
}

/** Milliseconds that a login of this many shards may take. */
export function loginTimeout(shards: number, { session_start_limit: { max_concurrency } }: GatewayInfo): number {
  return BASE_MS + STEP_MS * Math.ceil(shards / max_concurrency);
}

/**
 * Waits until `needed` sessions may be started. Gives the limit as it is then.
 * @throws as `read` and `wait` do
 */
export async function untilStartsSuffice(
  needed: (info: GatewayInfo) => number,
  read: () => Promise<GatewayInfo>,
  wait: (ms: number) => Promise<void>,
  log: Logger,
): Promise<GatewayInfo> {
  for (;;) {
    const info = await read();
    const { remaining, reset_after } = info.session_start_limit;
    if (remaining >= needed(info)) return info;
    const until = new Date(Date.now() + reset_after).toISOString();
    log.warn(
      { remaining, needed: needed(info), until },
      `not enough session starts left at Discord; will connect after ${until} (each restart of the bot uses some up)`,
    );
    await wait(Math.max(MIN_WAIT_MS, reset_after));
  }
}

/** For the `ws` options of a client. Every identify waits for its turn, also when a session is lost later. */
export function createIdentifyThrottler(log: Logger): BuildIdentifyThrottler {
  return async (manager) => {
    const { session_start_limit: limit } = await manager.fetchGatewayInformation();
    const pace = new SimpleIdentifyThrottler(limit.max_concurrency);
    let remaining = limit.remaining;
    let readAt = performance.now();
    /** Reserved by shards that have not identified yet, so Discord does not count them. */
    let reserved = 0;
    const read = async () => {
      const fresh = performance.now() - readAt < MAX_AGE_MS && remaining > 0;
      const info = readGatewayInfo(await manager.fetchGatewayInformation(!fresh));
      if (fresh) return { ...info, session_start_limit: { ...info.session_start_limit, remaining } };
      readAt = performance.now();
      remaining = info.session_start_limit.remaining - reserved;
      return { ...info, session_start_limit: { ...info.session_start_limit, remaining } };
    };
    return {
      async waitForIdentify(shard, signal) {
        const wait = async (ms: number) => void (await sleep(ms, undefined, { signal, ref: false }));
        // All shards may ask at the same time. None may get what another has reserved.
        do {
          await untilStartsSuffice(() => 1, read, wait, log);
        } while (remaining < 1);
        remaining -= 1;
        reserved += 1;
        try {
          await pace.waitForIdentify(shard, signal);
        } finally {
          reserved -= 1;
        }
      },
    };
  };
}
