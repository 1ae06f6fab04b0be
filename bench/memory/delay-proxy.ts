/**
 * A network between client and Redis, as a process: `delay-proxy.ts <target port> <milliseconds each way>`. What comes is
 * passed on in its order after that time. Asked by IPC, it tells its port and what it has seen.
 */
import { once } from 'node:events';
import { connect, createServer, type Socket } from 'node:net';
import { z } from 'zod';
import { serve } from './child.ts';
import type { proxyReply } from './jobs.ts';

/** Passes data on after `delayMs`, in order. Timers of Node are late by up to a millisecond; what is due goes out at once. */
function delayed(delayMs: number, pass: (data: Buffer) => void): (data: Buffer) => void {
  const waiting: { readonly due: number; readonly data: Buffer }[] = [];
  const flush = () => {
    const now = performance.now();
    for (let next = waiting[0]; next !== undefined && next.due <= now; next = waiting[0]) {
      waiting.shift();
      pass(next.data);
    }
    const [next] = waiting;
    if (next !== undefined) setTimeout(flush, next.due - now);
  };
  return (data) => {
    waiting.push({ due: performance.now() + delayMs, data });
    if (waiting.length === 1) setTimeout(flush, delayMs);
  };
}

const [target, delayMs] = z.tuple([z.coerce.number(), z.coerce.number()]).parse(process.argv.slice(2));
let roundTrips = 0;

function join(client: Socket): void {
  const upstream = connect(target, '127.0.0.1');
  let answered = true;
  const toRedis = delayed(delayMs, (data) => upstream.write(data));
  const toClient = delayed(delayMs, (data) => {
    answered = true;
    client.write(data);
  });
  client.on('data', (data) => {
    if (answered) roundTrips += 1;
    answered = false;
    toRedis(data);
  });
  upstream.on('data', toClient);
  for (const socket of [client, upstream]) {
    socket.setNoDelay(true);
    socket.on('error', () => {});
    socket.on('close', () => {
      client.destroy();
      upstream.destroy();
    });
  }
}

const server = createServer(join);
await once(server.listen(0, '127.0.0.1'), 'listening');
const { port } = z.object({ port: z.number() }).parse(server.address());
serve(async (): Promise<z.infer<typeof proxyReply>> => {
  const { user, system } = process.cpuUsage();
  return { port, roundTrips, cpuSeconds: (user + system) / 1e6 };
});
