import type { Server } from 'node:http';

/** Milliseconds between two looks for connections that have become idle. */
const LOOK_MS = 25;

/** Stops listening and resolves when every connection is closed: idle ones at once, the others after `graceMs` at most. */
export async function closeServer(server: Server, graceMs: number): Promise<void> {
  const closed = new Promise<void>((resolve) => server.close(() => resolve()));
  // A connection that was busy when the server closed would otherwise be kept open for a while when it becomes idle.
  const sweep = setInterval(() => server.closeIdleConnections(), LOOK_MS);
  const deadline = setTimeout(() => server.closeAllConnections(), graceMs);
  await closed;
  clearInterval(sweep);
  clearTimeout(deadline);
}
