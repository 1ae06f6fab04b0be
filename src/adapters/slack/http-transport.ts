/** Slack's deliveries over HTTP, at /slack/events: verified and parsed by Bolt's receiver, on a server of our own. */
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import { HTTPModuleFunctions, HTTPReceiver, isRawBodyError, type Logger as SlackLogger } from '@slack/bolt';
import type { Clock, Logger } from '../../core/ports.ts';
import { BotError, toBotError } from '../../errors.ts';
import type { SlackTransport } from './transport.ts';

export interface HttpTransportOptions {
  readonly signingSecret: string;
  readonly host: string;
  readonly port: number;
  readonly clock: Pick<Clock, 'now'>;
  readonly logger: Logger;
  readonly slackLogger: SlackLogger;
}

const EVENTS_PATH = '/slack/events';
/** How far Slack's clock and ours may differ, in seconds (docs.slack.dev, verifying requests). */
const MAX_SKEW_S = 300;
/** Between looks for connections that have become idle while the server closes, in milliseconds. */
const CLOSING_LOOK_MS = 25;
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

  const server = createServer((request, response) => {
    if (stopped) return answer(response, 503);
    // Bolt refuses old requests but takes those from the future.
    if (request.method === 'POST' && !isTimely(request)) return answer(response, 401);
    void receive(request, response);
  });

  /** Bolt looks into a body before it catches anything: one that is JSON's null would end the process. Never rejects. */
  async function receive(request: IncomingMessage, response: ServerResponse): Promise<void> {
    try {
      if (request.method === 'POST' && (await isNull(request))) return answer(response, 400);
    } catch (thrown) {
      // The rest of the body is not read, so nothing else can come over this connection.
      response.setHeader('Connection', 'close');
      return answer(response, isRawBodyError(thrown) ? thrown.statusCode : 400);
    }
    try {
      receiver.requestListener(request, response);
    } catch {
      // Another path, or another method.
      answer(response, 404);
    }
  }

  function isTimely({ headers }: IncomingMessage): boolean {
    const stamp = headers['x-slack-request-timestamp'];
    if (typeof stamp !== 'string' || !/^\d{1,12}$/.test(stamp)) return false;
    return Math.abs(clock.now() / 1000 - Number(stamp)) <= MAX_SKEW_S;
  }

  async function stopIntake(): Promise<void> {
    if (!listening) return;
    listening = false;
    stopped = true;
    const closed = new Promise<void>((resolve) => server.close(() => resolve()));
    const sweep = setInterval(() => server.closeIdleConnections(), CLOSING_LOOK_MS);
    const deadline = setTimeout(() => server.closeAllConnections(), CLOSING_GRACE_MS);
    await closed;
    clearInterval(sweep);
    clearTimeout(deadline);
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

/** Reads the body, and leaves it where Bolt finds it. What is no JSON Bolt refuses by itself. @throws RawBodyError, when it is too large */
async function isNull(request: IncomingMessage): Promise<boolean> {
  const buffered = await HTTPModuleFunctions.bufferIncomingMessage(request, HTTPModuleFunctions.defaultBodyLimit);
  try {
    return HTTPModuleFunctions.parseHTTPRequestBody(buffered) === null;
  } catch {
    return false;
  }
}

function answer(response: ServerResponse, status: number): void {
  if (response.headersSent) return;
  response.writeHead(status);
  response.end();
}
