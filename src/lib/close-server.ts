import type { Server } from 'node:http';

/** Milliseconds between two sweeps of idle connections. */
const SWEEP_MS = 25;

/** Stops listening and resolves when all connections are closed: idle ones at once, busy ones after `graceMs` at the latest. */
export async function closeServer(server: Server, graceMs: number): Promise<void> {
  const closed = new Promise<void>((resolve) => server.close(() => resolve()));
  // Node keeps a connection that was busy at close() open for a while after it becomes idle.
  const sweep = setInterval(() => server.closeIdleConnections(), SWEEP_MS);
  const deadline = setTimeout(() => server.closeAllConnections(), graceMs);
  await closed;
  clearInterval(sweep);
  clearTimeout(deadline);
}
