/** How the service is doing: /stats, /health, /metrics. */
import type { Hono } from 'hono';
import { BotError, toBotError } from '../../errors.ts';
import { raceTimeout } from '../../lib/timeout.ts';
import type { HttpDeps } from './deps.ts';
import { isoTime, renderStats } from './render.ts';

export function addServiceRoutes(app: Hono, deps: HttpDeps): void {
  const { bot, metrics, store, timings, clock, logger, platforms = () => [] } = deps;

  app.get('/stats', async (c) => c.json(renderStats(await bot.stats.stats())));

  app.get('/health', async (c) => {
    const redis = (state: 'connected' | 'disconnected') => (store === 'redis' ? state : 'not configured');
    try {
      const known = bot.health();
      if (!known.ok) {
        const state = redis(known.reachable ? 'connected' : 'disconnected');
        return c.json({ status: 'unhealthy', redis: state, error: known.reason, timestamp: isoTime(clock.now()) }, 503);
      }
      await raceTimeout(timings.healthMs, bot.ping(), () => {
        throw new BotError('store_unavailable', `No answer within ${timings.healthMs} ms.`);
      });
      const timestamp = isoTime(clock.now());
      const deaf = platforms().find(({ ok }) => !ok);
      if (deaf === undefined) return c.json({ status: 'healthy', redis: redis('connected'), timestamp });
      const error = `${deaf.platform}: ${deaf.detail ?? 'no messages can be received'}`;
      return c.json({ status: 'unhealthy', redis: redis('connected'), error, timestamp }, 503);
    } catch (error) {
      // Anybody may ask this route, so the error's own text (with addresses, perhaps) goes to the log only.
      logger.warn({ err: error }, 'store does not answer');
      const { code, reason } = toBotError(error);
      const text = `The store does not answer: ${reason ?? code}`;
      const timestamp = isoTime(clock.now());
      return c.json({ status: 'unhealthy', redis: redis('disconnected'), error: text, timestamp }, 503);
    }
  });

  // The version is that of the text format: https://prometheus.io/docs/instrumenting/exposition_formats/
  app.get('/metrics', async (c) =>
    c.body(await metrics(), 200, { 'Content-Type': 'text/plain; version=0.0.4; charset=utf-8' }),
  );
}
