/** A server on loopback that gives files as a test tells it. */
import { once } from 'node:events';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';

export interface FileServer {
  readonly origin: string;
  /** The requests so far, oldest first. */
  readonly requests: readonly IncomingMessage[];
  /** Connections so far, also those without a request. */
  connections(): number;
  close(): Promise<void>;
}

export async function startFileServer(
  respond: (response: ServerResponse, request: IncomingMessage) => void,
): Promise<FileServer> {
  const requests: IncomingMessage[] = [];
  let connections = 0;
  const server = createServer((request, response) => {
    requests.push(request);
    respond(response, request);
  });
  server.on('connection', () => {
    connections += 1;
  });
  await once(server.listen(0, '127.0.0.1'), 'listening');
  const address = server.address();
  if (address === null || typeof address === 'string') throw new Error('The server has no port.');
  return {
    origin: `http://127.0.0.1:${address.port}`,
    requests,
    connections: () => connections,
    async close() {
      server.close();
      server.closeAllConnections();
      await once(server, 'close');
    },
  };
}
