/**
 * Socket Mode with our own reconnecting: Bolt's client waits 5 s whenever Slack asks it to reconnect, and ends the process (by an
 * unhandled rejection) if Slack can't be reached then, or sends an envelope without an event.
 */
import { type Logger as SlackLogger, SocketModeReceiver } from '@slack/bolt';
import { z } from 'zod';
import type { Logger } from '../../../core/ports.ts';
import { BotError, toBotError } from '../../../errors.ts';
import { backoff } from '../../../lib/backoff.ts';
import { delay } from '../../../lib/delay.ts';
import { withTimeout } from '../../../lib/timeout.ts';
import type { Timers } from '../../../lib/timers.ts';
import { toPlatformError } from '../api/clients.ts';
import type { SlackReceiver } from './bolt.ts';
import { createSocketWatch, SILENT_MS } from './socket-watch.ts';

export interface SocketReceiverOptions {
  readonly appToken: string;
  readonly apiUrl: string | undefined;
  readonly logger: Logger;
  readonly slackLogger: SlackLogger;
  readonly timers: Timers;
}

/** For the request for a connection and Slack's hello, together. Milliseconds. */
const CONNECT_MS = 15_000;
const REQUEST_MS = 10_000;
/** The delay after a failed attempt; it doubles with each further one. Milliseconds. */
const FIRST_RETRY_MS = 250;
const MAX_RETRY_MS = 10_000;

/**
 * Slack allows an app ten connections, and closes an eleventh before its hello (docs.slack.dev/apis/events-api/using-socket-mode;
 * slackapi/bolt-js#2238, #2021). A connection becomes free when a replica ends, or when Slack finds one dead. Milliseconds until
 * the next attempt.
 */
const TOO_MANY_RETRY_MS = 30_000;
const TOO_MANY =
  'Slack allows an app ten Socket Mode connections, and all are in use. Run at most ten replicas, or use HTTP: ' +
  'set SLACK_SIGNING_SECRET instead of SLACK_APP_TOKEN (docs/slack.md).';

const tooManyShape = z.object({ type: z.literal('disconnect'), reason: z.literal('too_many_websockets') });
const envelopeShape = z.object({
  envelope_id: z.string(),
  type: z.literal('events_api'),
  payload: z.unknown().optional(),
});
const addressShape = z.object({ url: z.string() });
const eventShape = z.object({ event: z.object({ type: z.string() }) });

/**
 * `connecting` until there is a connection or the receiver is stopped; each loop that connects has an object of its own, so that
 * only the newest goes on. `closed` before the start and after a start that failed.
 */
type SocketState = { readonly kind: 'closed' | 'connecting' | 'open' | 'stopped' };

export function createSocketReceiver(options: SocketReceiverOptions): SlackReceiver {
  const { logger, timers } = options;
  const receiver = new SocketModeReceiver({
    appToken: options.appToken,
    logger: options.slackLogger,
    autoReconnectEnabled: false,
    // The watch acts earlier. Bolt would ask a dead socket to close, and wait another half minute for the answer.
    serverPingTimeout: 2 * SILENT_MS,
    installerOptions: {
      clientOptions: {
        ...(options.apiUrl === undefined ? {} : { slackApiUrl: options.apiUrl }),
        ...{ retryConfig: { retries: 0 }, rejectRateLimitedCalls: true, timeout: REQUEST_MS },
      },
    },
    // Not stored, so not acked: Slack sends it again.
    processEventErrorHandler: async ({ error }) => {
      logger.warn({ code: toBotError(error).code }, 'delivery not stored');
      return false;
    },
  });
  const { client } = receiver;
  let state: SocketState = { kind: 'closed' };
  const stopping = new AbortController();
  /** Why there is no connection. */
  let lastError: BotError | undefined;
  /** Whether Slack has closed the last connection because it was the eleventh. */
  let tooMany = false;

  const watch = createSocketWatch({
    timers,
    silent() {
      lastError = new BotError('platform_unavailable', `Slack sent nothing for ${SILENT_MS / 1_000} s.`);
      logger.warn({ code: lastError.code, err: lastError.message }, 'socket silent, reconnecting');
      // The first call asks Slack to close the socket, which stays unanswered; the second closes it.
      client.websocket?.disconnect();
      client.websocket?.disconnect();
    },
    idle() {
      logger.debug({}, 'socket idle, reconnecting');
      client.websocket?.disconnect();
    },
  });

  // Its argument is Slack's answer to apps.connections.open.
  client.on('connected', (opened: unknown) => {
    if (state.kind === 'stopped') {
      void client.disconnect();
      return;
    }
    state = { kind: 'open' };
    tooMany = false;
    lastError = undefined;
    watch.opened(addressShape.parse(opened).url);
  });
  client.on('disconnected', () => {
    watch.closed();
    // While it is connecting, a closed socket is a failed attempt.
    if (state.kind === 'open') void reconnect();
  });

  const [deliver] = client.listeners('ws_message');
  client.removeAllListeners('ws_message');
  client.on('ws_message', (data: unknown, isBinary: unknown) => {
    watch.received();
    if (typeof data === 'string' && isTooMany(data)) tooMany = true;
    const envelope = typeof data === 'string' ? withoutEvent(data) : undefined;
    if (envelope === undefined) {
      Promise.resolve(deliver?.call(client, data, isBinary)).catch((thrown: unknown) => {
        logger.warn({ err: toBotError(thrown).message }, 'could not read a socket message');
      });
      return;
    }
    // Usually `app_rate_limited`. Slack expects an ack for it too.
    logger.warn({ kind: kindOf(envelope.payload) }, 'envelope without an event');
    client.websocket?.send(JSON.stringify({ envelope_id: envelope.envelope_id, payload: {} }), () => {});
  });

  async function connect(): Promise<void> {
    tooMany = false;
    try {
      await withTimeout(CONNECT_MS, timers, async () => {
        // It rejects with undefined when the connection closes before the hello.
        await client.start().catch((thrown: unknown) => {
          throw toPlatformError(thrown ?? new Error('The connection was closed.'));
        });
      });
    } catch (thrown) {
      client.websocket?.disconnect();
      throw tooMany ? new BotError('platform_unavailable', TOO_MANY, { retryable: true, cause: thrown }) : thrown;
    }
  }

  /** Tries until there is a connection. */
  async function reconnect(): Promise<void> {
    const connecting: SocketState = { kind: 'connecting' };
    state = connecting;
    for (let failures = 0; state === connecting; failures += 1) {
      try {
        // Slack can also close an open connection for this reason.
        if (tooMany && failures === 0) throw new BotError('platform_unavailable', TOO_MANY, { retryable: true });
        await connect();
      } catch (thrown) {
        lastError = toPlatformError(thrown);
        logger.warn({ code: lastError.code, err: lastError.message, failures }, 'could not open the socket');
        const ms = tooMany ? TOO_MANY_RETRY_MS : backoff(failures + 1, MAX_RETRY_MS, FIRST_RETRY_MS);
        await delay(ms, stopping.signal, timers);
      }
    }
  }

  async function stop(): Promise<void> {
    const { kind } = state;
    state = { kind: 'stopped' };
    stopping.abort();
    // Bolt's own stop resolves with the socket still open.
    if (kind === 'open') await client.disconnect();
  }

  return {
    receiver,
    async start() {
      const connecting: SocketState = { kind: 'connecting' };
      state = connecting;
      try {
        await connect();
      } catch (thrown) {
        // With too many connections the settings are right, and one may become free: keep trying, and say so in /health.
        if (!tooMany) {
          if (state === connecting) state = { kind: 'closed' };
          throw thrown;
        }
      }
      if (state === connecting) void reconnect();
    },
    stop,
    health() {
      if (state.kind === 'open' && lastError === undefined) return { ok: true };
      return {
        ok: false,
        detail: `Slack’s socket is not open${lastError === undefined ? '' : `: ${lastError.message}`}`,
      };
    },
  };
}

/** Few messages are of this kind, so the text is searched before it is parsed. */
function isTooMany(text: string): boolean {
  if (text.length > 1_000 || !text.includes('too_many_websockets')) return false;
  try {
    return tooManyShape.safeParse(JSON.parse(text)).success;
  } catch {
    return false;
  }
}

/** An Events API envelope without an event, for which Bolt's client throws. */
function withoutEvent(text: string): z.infer<typeof envelopeShape> | undefined {
  let parsed: unknown;
  try {
    parsed = JSON.parse(text);
  } catch {
    return undefined;
  }
  const envelope = envelopeShape.safeParse(parsed);
  return envelope.success && !eventShape.safeParse(envelope.data.payload).success ? envelope.data : undefined;
}

function kindOf(payload: unknown): string {
  return z.object({ type: z.string() }).safeParse(payload).data?.type ?? 'unknown';
}
