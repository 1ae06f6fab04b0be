/** Slack's deliveries over HTTP, at /slack/events: verified and parsed by Bolt's receiver, on a server of our own. */
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import { HTTPModuleFunctions, HTTPReceiver, type Logger as SlackLogger } from '@slack/bolt';
import type { Clock, Logger } from '../../core/ports.ts';
import { BotError, toBotError } from '../../errors.ts';
import { closeServer } from '../../lib/close-server.ts';
import type { SlackTransport } from './receiver.ts';
import { createSignedBodies, mediaType } from './signed-body.ts';

export interface HttpTransportOptions {
  readonly signingSecret: string;
  readonly host: string;
  readonly port: number;
  readonly clock: Pick<Clock, 'now'>;
  readonly logger: Logger;
  readonly slackLogger: SlackLogger;
}

const EVENTS_PATH = '/slack/events';
/** Whoever takes longer for the lines before the body, or for a whole request, is not Slack, which waits 3 s. Milliseconds. */
const HEADERS_MS = 5_000;
const REQUEST_MS = 15_000;
/** Between looks for requests that take longer. Milliseconds. */
const SLOW_LOOK_MS = 1_000;
const MAX_CONNECTIONS = 2_000;
/** Requests get this long to end when the server closes; Slack itself waits for 3 s. Milliseconds. */
const CLOSING_GRACE_MS = 3_000;

export function createHttpTransport(options: HttpTransportOptions): SlackTransport {
  const { clock, logger, host, port } = options;
  const receiver = new HTTPReceiver({
    signingSecret: options.signingSecret,
    endpoints: [EVENTS_PATH],
    logger: options.slackLogger,
    // Not stored, so not acked: Slack sends it again.
    processEventErrorHandler: async ({ error, response }) => {
      logger.warn({ code: toBotError(error).code }, 'a delivery was not taken');
      answer(response, 503);
      return false;
    },
    // Bolt would say 404, as if nobody lived here.
    unhandledRequestHandler: ({ response }) => answer(response, 503),
  });
  let listening = false;
  let stopped = false;

  const bodies = createSignedBodies({ signingSecret: options.signingSecret, clock });
  const limits = { headersTimeout: HEADERS_MS, requestTimeout: REQUEST_MS, connectionsCheckingInterval: SLOW_LOOK_MS };
  const server = createServer(limits, (request, response) => {
    if (stopped) return answer(response, 503);
    // Another path, or another method.
    if (request.method !== 'POST' || request.url?.split('?', 1)[0] !== EVENTS_PATH) return answer(response, 404);
    void receive(request, response);
  });
  server.maxConnections = MAX_CONNECTIONS;

  /** Bolt parses a body before it looks at its signature, so it is given none that Slack has not signed. Never rejects. */
  async function receive(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const body = await bodies.read(request);
    if (typeof body === 'number') {
      // The rest of the body is not read, so nothing else can come over this connection.
      response.setHeader('Connection', 'close');
      return answer(response, body);
    }
    const type = mediaType(request.headers['content-type']) ?? '';
    // Bolt knows it without parameters only.
    request.headers['content-type'] = type;
    const buffered = Object.assign(request, { rawBody: body });
    // Bolt looks into a body before it catches anything: one that is JSON's null would end the process.
    if (isNull(buffered)) return answer(response, 400);
    try {
      receiver.requestListener(buffered, response);
    } catch {
      answer(response, 404);
    }
  }

  async function stopIntake(): Promise<void> {
    if (!listening) return;
    listening = false;
    stopped = true;
    await closeServer(server, CLOSING_GRACE_MS);
  }

  return {
    receiver,
    async start() {
      await new Promise<void>((resolve, reject) => {
        server.once('error', (cause) => {
          const mend = 'Set SLACK_PORT to a free port, and HOST to an address that this machine has.';
          reject(new BotError('config_invalid', `Can't listen for Slack on ${host}:${port}. ${mend}`, { cause }));
        });
        server.listen(port, host, resolve);
      });
      listening = true;
    },
    stopIntake,
    stop: stopIntake,
    health: () => (listening ? { ok: true } : { ok: false, detail: 'Slack’s deliveries are not listened for.' }),
  };
}

/** What is no JSON Bolt refuses by itself. */
function isNull(request: Parameters<typeof HTTPModuleFunctions.parseHTTPRequestBody>[0]): boolean {
  try {
    return HTTPModuleFunctions.parseHTTPRequestBody(request) === null;
  } catch {
    return false;
  }
}

function answer(response: ServerResponse, status: number): void {
  if (response.headersSent || response.destroyed) return;
  response.writeHead(status);
  response.end();
}
