import { randomInt } from 'node:crypto';
import { once } from 'node:events';
import { createServer } from 'node:net';

/** Below the ephemeral ports of Linux (32768) and macOS (49152): no outgoing connection takes one while its server restarts. */
const FIRST_PORT = 20_000;
const PORTS_OF_A_WORKER = 3_000;
const WORKERS = 4;
/** Nobody listens on a port until its server has come up, or while it restarts: so each worker of vitest has ports of its own. */
const OWN_PORT = FIRST_PORT + (Number(process.env.VITEST_POOL_ID ?? 0) % WORKERS) * PORTS_OF_A_WORKER;

/** The same for those that this process has given out: their servers may be down just now. */
const given = new Set<number>();

/** A port of 127.0.0.1 that nobody listens on, for a server that must come back on the same one. */
export async function freePort(): Promise<number> {
  for (;;) {
    const port = randomInt(OWN_PORT, OWN_PORT + PORTS_OF_A_WORKER);
    if (given.has(port)) continue;
    const server = createServer();
    try {
      await once(server.listen(port, '127.0.0.1'), 'listening');
    } catch {
      continue;
    }
    given.add(port);
    // A long run asks for more than there are.
    for (const oldest of given) if (given.size > PORTS_OF_A_WORKER / 2) given.delete(oldest);
    server.close();
    await once(server, 'close');
    return port;
  }
}
