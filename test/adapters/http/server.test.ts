/** What a client may take of the server: slow headers, slow bodies, connections without end. Real sockets. */
import { once } from 'node:events';
import { connect, type Socket } from 'node:net';
import { Hono } from 'hono';
import { expect, onTestFinished, test, vi } from 'vitest';
import { listen } from '../../../src/adapters/http/server.ts';
import { keepAlive } from '../../../src/lib/keep-alive.ts';

const LIMITS = { headersTimeout: 200, requestTimeout: 400, connectionsCheckingInterval: 20, maxConnections: 3 };

async function startServer() {
  const app = new Hono();
  app.onError(() => new Response(null, { status: 400 }));
  app.post('/', async (c) => c.text(await c.req.text()));
  const server = await listen(app, '127.0.0.1', 0, LIMITS);
  onTestFinished(() => server.close(0));
  return async (text: string): Promise<Socket> => {
    const socket = connect(server.address.port, '127.0.0.1');
    socket.on('error', () => {});
    onTestFinished(() => void socket.destroy());
    await once(socket, 'connect');
    socket.write(text);
    return socket;
  };
}

async function readAll(socket: Socket): Promise<string> {
  let text = '';
  for await (const data of socket) text += String(data);
  return text;
}

test.each([
  ['headers that never end', 'POST / HTTP/1.1\r\nHost: localhost\r\n'],
  ['a body that never comes', 'POST / HTTP/1.1\r\nHost: localhost\r\nContent-Length: 5\r\n\r\n'],
  ['a body that never ends', 'POST / HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\n\r\n1\r\na\r\n'],
])('%s are not waited for, and the connection is closed', async (_, text) => {
  const open = await startServer();
  expect(await readAll(await open(text))).toMatch(/^HTTP\/1\.1 408 /);
});

test('connections above the limit are closed, and those below it still answered', async () => {
  const open = await startServer();
  const held = [await open('POST'), await open('POST')];
  const third = await open('POST / HTTP/1.1\r\nHost: localhost\r\nContent-Length: 2\r\nConnection: close\r\n\r\n');
  expect(await readAll(await open('POST'))).toBe('');
  third.write('ok');
  expect(await readAll(third)).toMatch(/^HTTP\/1\.1 200 .*\r\n\r\nok$/s);
  for (const socket of held) socket.destroy();
});

test('a reader who does not read gets one heartbeat, not a heap of them', async () => {
  vi.useFakeTimers();
  onTestFinished(() => void vi.useRealTimers());
  const written: string[] = [];
  const stop = keepAlive({ write: (text) => new Promise(() => written.push(String(text))) }, 10);
  await vi.advanceTimersByTimeAsync(1_000);
  stop();
  expect(written).toEqual([': keep-alive\n\n']);
});
