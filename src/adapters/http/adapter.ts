/** HTTP as a platform like the others: callers are people, their user_id is the place, the response is the reply. */
import { randomBytes } from 'node:crypto';
import type { AddressInfo } from 'node:net';
import { z } from 'zod';
import type { BotPort } from '../../core/bot-port.ts';
import { BotError } from '../../errors.ts';
import { createAnnouncedReply } from '../../replies/announced-reply.ts';
import type { Adapter } from '../adapter.ts';
import type { MountedRoutes } from '../mounted-routes.ts';
import { createHttpApp, type HttpGuards } from './app.ts';
import type { HttpDeps, HttpTimings } from './deps.ts';
import { isLoopback } from './guard.ts';
import type { HttpLimits } from './schemas.ts';
import { type HttpServer, listen } from './server.ts';
import { createWaitingCallers } from './waiting-callers.ts';

export interface HttpAdapterOptions
  extends HttpLimits,
    Pick<HttpDeps, 'bodies' | 'store' | 'metrics' | 'refused' | 'platforms' | 'coreMessages' | 'logger' | 'clock'>,
    Pick<HttpGuards, 'apiKey'> {
  readonly host: string;
  /** 0: any free one. */
  readonly port: number;
  /** How long a plain POST /chat waits for the answer before it gets 202. */
  readonly httpTimeoutMs: number;
  readonly timings?: Partial<HttpTimings>;
  /** Another adapter's pages, served from here. */
  readonly mounted?: MountedRoutes;
}

export interface HttpAdapter extends Adapter {
  /** Where it listens; undefined before the start and after the stop. */
  address(): AddressInfo | undefined;
}

const TIMINGS = { pollMs: 1000, heartbeatMs: 15_000, healthMs: 2000 };

/** For responses that are being written when the server stops. */
const CLOSE_GRACE_MS = 1000;

const replyTarget = z.object({ platform: z.literal('http') });

/** @throws BotError `config_invalid` when it would listen to the network without an API key. */
export function createHttpAdapter(options: HttpAdapterOptions): HttpAdapter {
  const { host, port, apiKey, httpTimeoutMs, timings, mounted, ...rest } = options;
  const { minTtl, maxTtl, defaultTtl, maxMessageChars, ...deps } = rest;
  const local = isLoopback(host);
  if (!local && apiKey === undefined) {
    throw new BotError('config_invalid', `To listen on ${host}, set API_KEY; or set HOST to 127.0.0.1.`);
  }
  const callers = createWaitingCallers();
  let bot: BotPort | undefined;
  let server: HttpServer | undefined;

  return {
    platform: 'http',
    address: () => server?.address,
    async start(given) {
      bot = given;
      const app = createHttpApp(
        {
          ...deps,
          bot: given,
          callers,
          limits: { minTtl, maxTtl, defaultTtl, maxMessageChars },
          timings: { ...TIMINGS, answerMs: httpTimeoutMs, ...timings },
        },
        { local, ...(apiKey === undefined ? {} : { apiKey }), ...(mounted === undefined ? {} : { mounted }) },
      );
      server = await listen(app, host, port);
    },
    async openReply(target, { sessionId, turnId, lease }) {
      replyTarget.parse(target);
      return createAnnouncedReply({
        async announce(event) {
          // A turn left over from before a restart may begin ahead of `start`: its caller, if any, looks by themselves.
          if (bot === undefined)
            throw new BotError('platform_unavailable', 'The HTTP adapter has not started.', { retryable: true });
          await bot.announce(sessionId, turnId, event);
        },
        lease,
        stream: randomBytes(6).toString('base64url'),
        onLost: (error) => deps.logger.debug({ session: sessionId, turn: turnId, err: error }, 'live event lost'),
      });
    },
    async stopIntake() {
      callers.close();
    },
    async stop() {
      callers.dismiss();
      await server?.close(CLOSE_GRACE_MS);
      server = undefined;
    },
  };
}
