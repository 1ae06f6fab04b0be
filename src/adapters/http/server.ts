/** The Node server under the app: binds, answers what never becomes a request, and closes in bounded time. */
import { createServer } from 'node:http';
import type { AddressInfo, Socket } from 'node:net';
import { getRequestListener } from '@hono/node-server';
import type { Hono } from 'hono';
import { BotError } from '../../errors.ts';
import { closeServer } from '../../lib/close-server.ts';
import { refusalResponse } from './refuse.ts';

export interface HttpServer {
  /** Where it listens. */
  readonly address: AddressInfo;
  /** Listens no more; connections in use get `graceMs` to end what they are doing. */
  close(graceMs: number): Promise<void>;
}

/** What a client may take of the server. Times in milliseconds (https://nodejs.org/api/http.html#httpcreateserveroptions-requestlistener). */
export interface ConnectionLimits {
  /** For the lines before the body. */
  readonly headersTimeout: number;
  /** For a whole request; the answer may take as long as it does. */
  readonly requestTimeout: number;
  /** Between looks for requests that take longer. */
  readonly connectionsCheckingInterval: number;
  /** More are closed at once (https://nodejs.org/api/net.html#servermaxconnections). */
  readonly maxConnections: number;
}

/** Node itself would wait five minutes for a body, look every 30 s, and take connections until the process has no files left. */
const CONNECTION_LIMITS: ConnectionLimits = {
  headersTimeout: 10_000,
  requestTimeout: 30_000,
  connectionsCheckingInterval: 1_000,
  maxConnections: 2_000,
};

/**
 * Binds and resolves when listening. A kept connection may be idle for 5 s, as Node has it.
 * @throws BotError `config_invalid`, with the fix, when it cannot listen there.
 */
export async function listen(
  app: Pick<Hono, 'fetch'>,
  host: string,
  port: number,
  { maxConnections, ...timeouts }: ConnectionLimits = CONNECTION_LIMITS,
): Promise<HttpServer> {
  const server = createServer(
    timeouts,
    getRequestListener(app.fetch, {
      hostname: host,
      // The globals belong to the whole process, not to one adapter.
      overrideGlobalObjects: false,
      errorHandler: () => refusalResponse({ status: 400, detail: 'The address or the Host header is malformed.' }),
    }),
  );
  server.maxConnections = maxConnections;
  server.on('clientError', answerClientError);
  await new Promise<void>((resolve, reject) => {
    server.once('error', (cause: NodeJS.ErrnoException) => reject(cannotListen(host, port, cause)));
    server.listen(port, host, resolve);
  });
  const address = server.address();
  if (address === null || typeof address === 'string') throw new BotError('internal', 'The server has no port.');
  return { address, close: (graceMs) => closeServer(server, graceMs) };
}

const CLIENT_ERRORS: Readonly<Record<string, readonly [status: string, detail: string]>> = {
  HPE_HEADER_OVERFLOW: ['431 Request Header Fields Too Large', 'The headers are too large.'],
  ERR_HTTP_REQUEST_TIMEOUT: ['408 Request Timeout', 'The request took too long to arrive.'],
};

/** Node would answer these without a body. */
function answerClientError(error: NodeJS.ErrnoException, socket: Socket): void {
  if (!socket.writable || error.code === 'ECONNRESET') {
    socket.destroy();
    return;
  }
  const [status, detail] = CLIENT_ERRORS[error.code ?? ''] ?? ['400 Bad Request', 'This is not a valid HTTP request.'];
  const body = JSON.stringify({ detail });
  socket.end(
    `HTTP/1.1 ${status}\r\nContent-Type: application/json\r\nContent-Length: ${body.length}\r\nConnection: close\r\n\r\n${body}`,
  );
}

function cannotListen(host: string, port: number, cause: NodeJS.ErrnoException): BotError {
  const fixes: Readonly<Record<string, string>> = {
    EADDRINUSE: 'Another program uses this port: stop it, or set PORT to a free one.',
    EACCES: 'This user is not allowed to: set PORT to 1024 or above.',
    EADDRNOTAVAIL: 'This machine has no such address: set HOST to one it has.',
  };
  const fix = fixes[cause.code ?? ''] ?? `Check HOST and PORT (${cause.message}).`;
  return new BotError('config_invalid', `Can't listen on ${host}:${port}. ${fix}`, { cause });
}
