/**
 * Sessions of the gateway that may still be started. Discord grants 1,000 a day (more to bots of many servers) to all processes
 * of a bot together; whoever goes on identifying beyond them has their token reset.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import { SimpleIdentifyThrottler, type WebSocketOptions } from 'discord.js';
import { z } from 'zod';
import type { Logger } from '../../../core/ports.ts';

type BuildIdentifyThrottler = NonNullable<WebSocketOptions['buildIdentifyThrottler']>;

/** What `GET /gateway/bot` answers: https://docs.discord.com/developers/events/gateway#get-gateway-bot */
const gatewayInfo = z.object({
  /** The connections that Discord recommends, and sometimes demands. */
  shards: z.number().int().positive(),
  session_start_limit: z.object({
    remaining: z.number(),
    /** Milliseconds until all of them may be started again. */
    reset_after: z.number(),
    /** Sessions that may be started in 5 s. */
    max_concurrency: z.number().int().positive(),
  }),
});
export type GatewayInfo = z.infer<typeof gatewayInfo>;

const BASE_MS = 60_000;
/** Of a start of up to `max_concurrency` sessions: 5 s, and up to 1.5 s by which discord.js spreads them. */
const STEP_MS = 6_000;
/** Other processes start sessions, too: what was read before that is asked again. */
const FRESH_MS = 5_000;
const LEAST_WAIT_MS = 1_000;

export function readGatewayInfo(answer: unknown): GatewayInfo {
  return gatewayInfo.parse(answer);
}

/** Milliseconds that a login of so many connections may take. */
export function loginLimit(shards: number, { session_start_limit: { max_concurrency } }: GatewayInfo): number {
  return BASE_MS + STEP_MS * Math.ceil(shards / max_concurrency);
}

/**
 * Resolves when `needed` sessions may be started, with what Discord said then.
 * @throws what `read` and `wait` throw
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
    const seconds = Math.ceil(reset_after / 1_000);
    log.warn(
      { remaining, needed: needed(info), seconds },
      'Discord lets this bot start no more sessions for now; it is not connected until it may (restarts use them up, too)',
    );
    await wait(Math.max(LEAST_WAIT_MS, reset_after));
  }
}

/** For the `ws` options of a client: lets a connection identify when that is allowed, also when a session is lost later. */
export function createIdentifyThrottler(log: Logger): BuildIdentifyThrottler {
  return async (manager) => {
    const { session_start_limit: limit } = await manager.fetchGatewayInformation();
    const pace = new SimpleIdentifyThrottler(limit.max_concurrency);
    let remaining = limit.remaining;
    let readAt = performance.now();
    /** Taken, and not begun yet: Discord does not count them. */
    let promised = 0;
    const read = async () => {
      const fresh = performance.now() - readAt < FRESH_MS && remaining > 0;
      const info = readGatewayInfo(await manager.fetchGatewayInformation(!fresh));
      if (fresh) return { ...info, session_start_limit: { ...info.session_start_limit, remaining } };
      readAt = performance.now();
      remaining = info.session_start_limit.remaining - promised;
      return { ...info, session_start_limit: { ...info.session_start_limit, remaining } };
    };
    return {
      async waitForIdentify(shard, signal) {
        const wait = async (ms: number) => void (await sleep(ms, undefined, { signal, ref: false }));
        // All connections may ask at once: what one of them takes, none of the others may find there again.
        do {
          await untilStartsSuffice(() => 1, read, wait, log);
        } while (remaining < 1);
        remaining -= 1;
        promised += 1;
        try {
          await pace.waitForIdentify(shard, signal);
        } finally {
          promised -= 1;
        }
      },
    };
  };
}
