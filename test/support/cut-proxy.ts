/** A TCP proxy in front of a server that can lose what the server answers, as a network does at the worst moment. */
import { connect, createServer, type Socket } from 'node:net';

export interface CutProxy {
  readonly port: number;
  /**
   * From now on requests still reach the server, and its first answer is thrown away and the connection cut. Resolves when
   * that has happened; connections made afterwards work.
   */
  cutNextAnswer(): Promise<void>;
  close(): Promise<void>;
}

/** Listens on a free loopback port and passes everything on to `target`, a port of 127.0.0.1. */
export async function startCutProxy(target: number): Promise<CutProxy> {
  const sockets = new Set<Socket>();
  let onCut: (() => void) | undefined;
  const server = createServer((client) => {
    const upstream = connect(target, '127.0.0.1');
    for (const socket of [client, upstream]) {
      sockets.add(socket);
      socket.on('error', () => {});
      socket.on('close', () => {
        sockets.delete(socket);
        client.destroy();
        upstream.destroy();
      });
    }
    client.on('data', (data) => upstream.write(data));
    upstream.on('data', (data) => {
      if (onCut === undefined) {
        client.write(data);
        return;
      }
      const done = onCut;
      onCut = undefined;
      client.destroy();
      done();
    });
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const address = server.address();
  if (address === null || typeof address === 'string') throw new Error('The proxy has no port.');
  const { port } = address;
  return {
    port,
    cutNextAnswer: () =>
      new Promise((resolve) => {
        onCut = resolve;
      }),
    async close() {
      for (const socket of sockets) socket.destroy();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}
