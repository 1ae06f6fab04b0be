/** Far ends that say one thing only, for tests of what the bot makes of it. */
import { once } from 'node:events';
import { createServer as createHttpServer } from 'node:http';
import { createServer, type Server } from 'node:net';

export interface FarEnd {
  readonly port: number;
  close(): Promise<void>;
}

/** A Redis of this version that knows how to say so and nothing else. */
export async function startOldRedis(version: string): Promise<FarEnd> {
  const info = `# Server\r\nredis_version:${version}\r\nloading:0\r\n`;
  const server = createServer((socket) => {
    socket.on('error', () => {});
    socket.on('data', (data) => {
      // A client sends arrays of bulk strings; one answer is due for each.
      for (const [, name = ''] of data.toString().matchAll(/\*\d+\r\n\$\d+\r\n(\w+)\r\n/g)) {
        socket.write(name.toLowerCase() === 'info' ? `$${info.length}\r\n${info}\r\n` : '+OK\r\n');
      }
    });
  });
  return await listening(server);
}

export interface ApiAnswer {
  readonly status: number;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: object;
}

/** A Web API that answers every request with this. */
export async function startApi({ status, headers = {}, body = {} }: ApiAnswer): Promise<FarEnd> {
  const server = createHttpServer((request, response) => {
    request.resume();
    response.writeHead(status, { 'content-type': 'application/json', connection: 'close', ...headers });
    response.end(JSON.stringify(body));
  });
  return await listening(server);
}

async function listening(server: Server): Promise<FarEnd> {
  await once(server.listen(0, '127.0.0.1'), 'listening');
  const address = server.address();
  if (address === null || typeof address === 'string') throw new Error('There is no port.');
  return {
    port: address.port,
    async close() {
      const closed = once(server, 'close');
      server.close();
      await closed;
    },
  };
}
