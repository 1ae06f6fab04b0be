/** The network between a process and a server on loopback: a virtual address that can be moved, and all the ways to go silent. */
import { connect, createServer, type Socket } from 'node:net';

export interface Network {
  readonly port: number;
  /** New connections lead to this port of 127.0.0.1 from now on; those that are open stay where they are. */
  moveTo(target: number): void;
  /** Nothing passes over the connections that are open, in either direction, and neither end is told. New ones work. */
  loseOpen(): void;
  /** The same for new ones while it is true: they are accepted, and silent. */
  loseNew(lost: boolean): void;
  /** From now on a connection that carries nothing for so many milliseconds is lost in this way. */
  forgetIdleAfter(ms: number): void;
  /** Connections that were ever made. */
  made(): number;
  close(): Promise<void>;
}

export async function startNetwork(target: number): Promise<Network> {
  let leadsTo = target;
  let losesNew = false;
  let idleMs = Number.POSITIVE_INFINITY;
  let made = 0;
  const sockets = new Set<Socket>();
  const links = new Set<{ lost: boolean }>();

  const server = createServer((client) => {
    made += 1;
    const upstream = connect(leadsTo, '127.0.0.1');
    const link = { lost: losesNew };
    links.add(link);
    let usedAt = performance.now();
    const pass = (to: Socket) => (data: Buffer) => {
      if (performance.now() - usedAt > idleMs) link.lost = true;
      usedAt = performance.now();
      if (!link.lost) to.write(data);
    };
    client.on('data', pass(upstream));
    upstream.on('data', pass(client));
    for (const [socket, other] of [
      [client, upstream],
      [upstream, client],
    ] as const) {
      sockets.add(socket);
      socket.on('error', () => {});
      socket.on('close', () => {
        sockets.delete(socket);
        if (!link.lost) other.destroy();
      });
    }
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const address = server.address();
  if (address === null || typeof address === 'string') throw new Error('The network has no port.');
  return {
    port: address.port,
    moveTo(port) {
      leadsTo = port;
    },
    loseOpen() {
      for (const link of links) link.lost = true;
    },
    loseNew(lost) {
      losesNew = lost;
    },
    forgetIdleAfter(ms) {
      idleMs = ms;
    },
    made: () => made,
    async close() {
      for (const socket of sockets) socket.destroy();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}
