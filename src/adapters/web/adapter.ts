/** The playground: the bot on one page, on the same turns as the platforms. Its routes are served by the HTTP adapter. */
import { randomBytes } from 'node:crypto';
import { Hono } from 'hono';
import { z } from 'zod';
import type { BotPort } from '../../core/bot-port.ts';
import type { Clock } from '../../core/ports.ts';
import { BotError } from '../../errors.ts';
import { createAnnouncedReply } from '../../replies/announced-reply.ts';
import type { Adapter } from '../adapter.ts';
import type { MountedRoutes } from '../mounted-routes.ts';
import { announce } from './announcements.ts';
import { addPage, isPagePath } from './page.ts';
import { addRoutes, type RouteDeps } from './routes.ts';
import { SAMPLE_MS, type Samples } from './samples.ts';

export interface WebAdapterOptions
  extends Pick<RouteDeps, 'scope' | 'store' | 'model' | 'maxMessageLength' | 'bodies' | 'coreMessages' | 'logger'> {
  readonly samples: Samples;
  readonly clock: Pick<Clock, 'now'>;
  /** Milliseconds between looks at a shown conversation when nothing is announced. */
  readonly pollMs?: number;
}

export interface WebAdapter extends Adapter {
  readonly routes: MountedRoutes;
}

const POLL_MS = 2_000;
const HEARTBEAT_MS = 15_000;

const replyTarget = z.object({ platform: z.literal('web') });

export function createWebAdapter({ samples, pollMs = POLL_MS, ...options }: WebAdapterOptions): WebAdapter {
  const { clock, logger } = options;
  const app = new Hono();
  const ending = new AbortController();
  let bot: BotPort | undefined;
  let open = true;
  let sampling: NodeJS.Timeout | undefined;

  const started = (): BotPort => {
    if (bot === undefined) throw new BotError('platform_unavailable', 'The playground has not started.');
    return bot;
  };

  addPage(app);
  addRoutes(app, {
    ...options,
    bot: started,
    samples,
    isOpen: () => open,
    ending: ending.signal,
    pollMs,
    heartbeatMs: HEARTBEAT_MS,
  });

  return {
    platform: 'web',
    routes: { app, isOpen: isPagePath },
    async start(given) {
      bot = given;
      void samples.take(given.stats, clock.now());
      sampling = setInterval(() => void samples.take(given.stats, clock.now()), SAMPLE_MS);
    },
    async openReply(target, { sessionId, turnId, lease }) {
      replyTarget.parse(target);
      const reply = createAnnouncedReply({
        // A turn left over from before a restart may begin ahead of `start`: pages that wait look by themselves.
        announce: async (event) => started().announce(sessionId, turnId, event),
        lease,
        stream: randomBytes(6).toString('base64url'),
        onLost: (error) => logger.debug({ session: sessionId, turn: turnId, err: error }, 'live event lost'),
      });
      return {
        ...reply,
        async end(end) {
          await reply.end(end);
          if (bot !== undefined && lease.alive()) await announce(bot, logger, sessionId, { kind: 'web.changed' });
        },
      };
    },
    async stopIntake() {
      open = false;
    },
    async stop() {
      clearInterval(sampling);
      ending.abort();
    },
  };
}
