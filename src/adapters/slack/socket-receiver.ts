/**
 * Socket Mode, with the connecting done here: Bolt's client waits for 5 s after each of Slack's requests to connect anew, and
 * ends the process (by an unhandled rejection) when Slack can't be reached then or sends an envelope without an event.
 */
import { type Logger as SlackLogger, SocketModeReceiver } from '@slack/bolt';
import { z } from 'zod';
import type { Logger } from '../../core/ports.ts';
import { BotError, toBotError } from '../../errors.ts';
import { backoff } from '../../lib/backoff.ts';
import { delay } from '../../lib/delay.ts';
import { withTimeout } from '../../lib/timeout.ts';
import type { Timers } from '../../lib/timers.ts';
import { toPlatformError } from './platform-error.ts';
import type { SlackTransport } from './receiver.ts';
import { createSocketWatch, SILENT_MS } from './socket-watch.ts';

export interface SocketTransportOptions {
  readonly appToken: string;
  readonly apiUrl: string | undefined;
  readonly logger: Logger;
  readonly slackLogger: SlackLogger;
  readonly timers: Timers;
}

/** From the request for a connection to Slack's hello, at most; milliseconds. */
const CONNECT_MS = 15_000;
const REQUEST_MS = 10_000;
/** The wait after a failed attempt, doubled with each further one; milliseconds. */
const FIRST_RETRY_MS = 250;
const MAX_RETRY_MS = 10_000;

/**
 * Slack gives an app ten connections, and ends an eleventh before it says hello (docs.slack.dev/apis/events-api/using-socket-mode;
 * slackapi/bolt-js#2238, #2021). One is free again when a replica ends, or one of theirs is found dead: until then it is asked
 * now and then. Milliseconds.
 */
const CROWDED_RETRY_MS = 30_000;
const CROWDED =
  'Slack allows an app ten Socket Mode connections, and all are taken. Run at most ten replicas, or use HTTP: ' +
  'set SLACK_SIGNING_SECRET in place of SLACK_APP_TOKEN (docs/slack.md).';

const crowdedShape = z.object({ type: z.literal('disconnect'), reason: z.literal('too_many_websockets') });
const envelopeShape = z.object({
  envelope_id: z.string(),
  type: z.literal('events_api'),
  payload: z.unknown().optional(),
});
const addressShape = z.object({ url: z.string() });
const eventShape = z.object({ event: z.object({ type: z.string() }) });

export function createSocketTransport(options: SocketTransportOptions): SlackTransport {
  const { logger, timers } = options;
  const receiver = new SocketModeReceiver({
    appToken: options.appToken,
    logger: options.slackLogger,
    autoReconnectEnabled: false,
    // The watch comes before it, and cuts a socket at once that this would ask to close for another half minute.
    serverPingTimeout: 2 * SILENT_MS,
    installerOptions: {
      clientOptions: {
        ...(options.apiUrl === undefined ? {} : { slackApiUrl: options.apiUrl }),
        ...{ retryConfig: { retries: 0 }, rejectRateLimitedCalls: true, timeout: REQUEST_MS },
      },
    },
    // Not stored, so not acked: Slack sends it again.
    processEventErrorHandler: async ({ error }) => {
      logger.warn({ code: toBotError(error).code }, 'a delivery was not taken');
      return false;
    },
  });
  const { client } = receiver;
  let connected = false;
  let stopped = false;
  let connecting: Promise<void> | undefined;
  const ending = new AbortController();
  let trouble: BotError | undefined;
  /** Slack has ended the connection as one too many. */
  let crowded = false;

  const watch = createSocketWatch({
    timers,
    silent() {
      connected = false;
      trouble = new BotError('platform_unavailable', `Nothing was heard of Slack for ${SILENT_MS / 1_000} s.`);
      logger.warn({ code: trouble.code, err: trouble.message }, 'Slack’s socket is silent, and renewed');
      // The first asks Slack to close it, which is not answered either; the second cuts it.
      client.websocket?.disconnect();
      client.websocket?.disconnect();
    },
    quiet() {
      logger.debug({}, 'Slack’s socket has brought nothing for a while, and is renewed');
      client.websocket?.disconnect();
    },
  });

  // What Slack has answered to the request for a connection.
  client.on('connected', (opened: unknown) => {
    connected = true;
    crowded = false;
    trouble = undefined;
    watch.opened(addressShape.parse(opened).url);
  });
  client.on('disconnected', () => {
    connected = false;
    watch.closed();
    if (!stopped && connecting === undefined) connecting = reconnect();
  });

  const [deliver] = client.listeners('ws_message');
  client.removeAllListeners('ws_message');
  client.on('ws_message', (data: unknown, isBinary: unknown) => {
    watch.received();
    if (typeof data === 'string' && isCrowded(data)) crowded = true;
    const envelope = typeof data === 'string' ? withoutEvent(data) : undefined;
    if (envelope === undefined) {
      Promise.resolve(deliver?.call(client, data, isBinary)).catch((thrown: unknown) => {
        logger.warn({ err: toBotError(thrown).message }, 'a message of the socket could not be read');
      });
      return;
    }
    // `app_rate_limited`, mostly. Slack wants its ack for this too.
    logger.warn({ kind: kindOf(envelope.payload) }, 'Slack sent news without an event');
    client.websocket?.send(JSON.stringify({ envelope_id: envelope.envelope_id, payload: {} }), () => {});
  });

  async function connect(): Promise<void> {
    crowded = false;
    try {
      await withTimeout(CONNECT_MS, timers, async () => {
        // It rejects with nothing when the connection closes before the hello.
        await client.start().catch((thrown: unknown) => {
          throw toPlatformError(thrown ?? new Error('The connection was closed.'));
        });
      });
    } catch (thrown) {
      client.websocket?.disconnect();
      throw crowded ? new BotError('platform_unavailable', CROWDED, { retryable: true, cause: thrown }) : thrown;
    }
  }

  async function reconnect(): Promise<void> {
    for (let failures = 0; !stopped && !connected; failures += 1) {
      try {
        // One that was open is ended in the same way.
        if (crowded && failures === 0) throw new BotError('platform_unavailable', CROWDED, { retryable: true });
        await connect();
      } catch (thrown) {
        trouble = toPlatformError(thrown);
        logger.warn({ code: trouble.code, err: trouble.message, failures }, 'Slack’s socket could not be opened');
        await delay(
          crowded ? CROWDED_RETRY_MS : backoff(failures + 1, MAX_RETRY_MS, FIRST_RETRY_MS),
          ending.signal,
          timers,
        );
      }
    }
    connecting = undefined;
    // It may have been closed again before the line above.
    if (!stopped && !connected) connecting = reconnect();
  }

  async function stop(): Promise<void> {
    if (stopped) return;
    stopped = true;
    ending.abort();
    if (!connected) return;
    // Bolt's own stop resolves with the socket still open.
    await client.disconnect();
  }

  return {
    receiver,
    async start() {
      connecting = connect();
      await connecting
        .catch((thrown: unknown) => {
          // Nothing is wrong with the settings, and a place may be free any moment: it waits, and /health says what for.
          if (!crowded) throw thrown;
        })
        .finally(() => {
          connecting = undefined;
        });
      if (!connected) connecting = reconnect();
    },
    stopIntake: stop,
    stop,
    health() {
      if (connected) return { ok: true };
      return { ok: false, detail: `Slack’s socket is not open${trouble === undefined ? '' : `: ${trouble.message}`}` };
    },
  };
}

/** Looked at before it is parsed: it is what few messages say. */
function isCrowded(text: string): boolean {
  if (text.length > 1_000 || !text.includes('too_many_websockets')) return false;
  try {
    return crowdedShape.safeParse(JSON.parse(text)).success;
  } catch {
    return false;
  }
}

/** An Events API envelope that holds no event, at which Bolt's client throws. */
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
