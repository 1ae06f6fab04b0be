/** Slack's deliveries over HTTP, at /slack/events: the signature is checked here, on a server of our own; Bolt parses the body. */
import { createHmac, timingSafeEqual } from 'node:crypto';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import { HTTPModuleFunctions, HTTPReceiver, type Logger as SlackLogger } from '@slack/bolt';
import type { Clock, Logger } from '../../../core/ports.ts';
import { BotError, toBotError } from '../../../errors.ts';
import { closeServer } from '../../../lib/close-server.ts';
import type { SlackReceiver } from './bolt.ts';

export interface HttpReceiverOptions {
  readonly signingSecret: string;
  readonly host: string;
  readonly port: number;
  readonly clock: Pick<Clock, 'now'>;
  readonly logger: Logger;
  readonly slackLogger: SlackLogger;
}

const EVENTS_PATH = '/slack/events';
/** Limits for the headers and for a whole request; Slack itself waits 3 s for the answer. Milliseconds. */
const HEADERS_MS = 5_000;
const REQUEST_MS = 15_000;
/** How often the server looks for requests that exceed them. Milliseconds. */
const LIMITS_CHECK_MS = 1_000;
const MAX_CONNECTIONS = 2_000;
/** How long requests may continue when the server closes; Slack waits 3 s. Milliseconds. */
const CLOSING_GRACE_MS = 3_000;

export function createHttpReceiver(options: HttpReceiverOptions): SlackReceiver {
  const { clock, logger, host, port } = options;
  const receiver = new HTTPReceiver({
    signingSecret: options.signingSecret,
    endpoints: [EVENTS_PATH],
    logger: options.slackLogger,
    // Not stored, so not acked: Slack sends it again.
    processEventErrorHandler: async ({ error, response }) => {
      logger.warn({ code: toBotError(error).code }, 'delivery not stored');
      answer(response, 503);
      return false;
    },
    // Called when nobody acks in time. Bolt would answer 404, which would mean that the path is wrong.
    unhandledRequestHandler: ({ response }) => answer(response, 503),
  });
  let state: 'new' | 'listening' | 'stopped' = 'new';

  const readBody = createBodyReader(options.signingSecret, clock);
  const limits = {
    headersTimeout: HEADERS_MS,
    requestTimeout: REQUEST_MS,
    connectionsCheckingInterval: LIMITS_CHECK_MS,
  };
  const server = createServer(limits, (request, response) => {
    if (state === 'stopped') return answer(response, 503);
    if (request.method !== 'POST' || request.url?.split('?', 1)[0] !== EVENTS_PATH) return answer(response, 404);
    void receive(request, response);
  });
  server.maxConnections = MAX_CONNECTIONS;

  /** Bolt parses a body before it checks the signature, so it only gets bodies that Slack has signed. Never rejects. */
  async function receive(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const body = await readBody(request);
    if (typeof body === 'number') {
      // The rest of the body is not read, so the connection cannot be used again.
      response.setHeader('Connection', 'close');
      return answer(response, body);
    }
    // Bolt only knows the type without parameters.
    request.headers['content-type'] = mediaType(request.headers['content-type']) ?? '';
    const buffered = Object.assign(request, { rawBody: body });
    // Bolt reads fields of the body outside of its error handling: JSON's null would end the process.
    if (isNull(buffered)) return answer(response, 400);
    try {
      receiver.requestListener(buffered, response);
    } catch {
      answer(response, 404);
    }
  }

  return {
    receiver,
    async start() {
      await new Promise<void>((resolve, reject) => {
        server.once('error', (cause) => {
          const fix = 'Set SLACK_PORT to a free port, and HOST to an address of this machine.';
          reject(new BotError('config_invalid', `Cannot listen for Slack on ${host}:${port}. ${fix}`, { cause }));
        });
        server.listen(port, host, resolve);
      });
      state = 'listening';
    },
    async stop() {
      if (state !== 'listening') return;
      state = 'stopped';
      await closeServer(server, CLOSING_GRACE_MS);
    },
    health: () =>
      state === 'listening' ? { ok: true } : { ok: false, detail: 'Not listening for Slack’s deliveries.' },
  };
}

/** Whether the body is JSON's null. What is not JSON, Bolt refuses itself. */
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

/** How far Slack's clock and ours may differ, in seconds (docs.slack.dev, verifying requests from Slack). */
const MAX_SKEW_S = 300;
/**
 * Longest body in bytes, the same as Bolt's. A message of 40,000 characters is in its event twice (text and blocks), an edited one
 * four times, and a character takes up to 12 bytes: about 2 MB, and more with shares.
 */
const MAX_BODY = 4 * 1024 * 1024;
/** All bodies that are being read at once, in bytes. */
const MAX_BODIES = 64 * 1024 * 1024;
/** Milliseconds for one body; Slack itself waits 3 s for the answer. */
const BODY_MS = 5_000;

const TYPES: ReadonlySet<string> = new Set(['application/json', 'application/x-www-form-urlencoded']);

/**
 * Reads bodies, and checks their signature over the bytes as they arrive, before anything parses them. The function gives the
 * body of a request that Slack has signed, else the HTTP status to refuse it with. It never rejects.
 */
function createBodyReader(signingSecret: string, clock: Pick<Clock, 'now'>) {
  /** Bytes in memory, of all bodies. */
  let buffered = 0;

  async function readBody(request: IncomingMessage): Promise<Buffer | number> {
    const { headers } = request;
    const hmac = createHmac('sha256', signingSecret).update(`v0:${headers['x-slack-request-timestamp']}:`);
    const chunks: Buffer[] = [];
    let length = 0;
    let late = false;
    const deadline = setTimeout(() => {
      late = true;
      request.destroy();
    }, BODY_MS);
    try {
      // Leaves the request open, so that a refusal can be answered.
      for await (const chunk of request.iterator({ destroyOnReturn: false })) {
        const bytes = Buffer.from(chunk);
        length += bytes.length;
        buffered += bytes.length;
        if (length > MAX_BODY) return 413;
        if (buffered > MAX_BODIES) return 503;
        hmac.update(bytes);
        chunks.push(bytes);
      }
    } catch {
      return late ? 408 : 400;
    } finally {
      clearTimeout(deadline);
      buffered -= length;
    }
    const expected = Buffer.from(`v0=${hmac.digest('hex')}`);
    const actual = Buffer.from(signatureOf(headers));
    return expected.length === actual.length && timingSafeEqual(expected, actual) ? Buffer.concat(chunks) : 401;
  }

  return async (request: IncomingMessage) => refusalByHeaders(request, clock) ?? (await readBody(request));
}

/** The status of a request that is refused by its headers alone. */
function refusalByHeaders({ headers }: IncomingMessage, clock: Pick<Clock, 'now'>): number | undefined {
  const type = mediaType(headers['content-type']);
  if (type === undefined || !TYPES.has(type) || (headers['content-encoding'] ?? 'identity') !== 'identity') return 415;
  const timestamp = headers['x-slack-request-timestamp'];
  if (typeof timestamp !== 'string' || !/^\d{1,12}$/.test(timestamp)) return 401;
  // Also timestamps in the future, which Bolt accepts: such a request could be replayed until then.
  if (Math.abs(clock.now() / 1000 - Number(timestamp)) > MAX_SKEW_S) return 401;
  if (!/^v0=[0-9a-f]{64}$/.test(signatureOf(headers))) return 401;
  return Number(headers['content-length'] ?? 0) > MAX_BODY ? 413 : undefined;
}

/** Without its parameters, in lower case. */
function mediaType(header: string | undefined): string | undefined {
  return header?.split(';', 1)[0]?.trim().toLowerCase();
}

function signatureOf(headers: IncomingMessage['headers']): string {
  const signature = headers['x-slack-signature'];
  return typeof signature === 'string' ? signature : '';
}
