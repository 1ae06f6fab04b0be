/** Server-sent events over a connection on which nothing happens for long: proxies would close it. */
import type { SSEStreamingApi } from 'hono/streaming';

/** Writes a comment, which readers ignore, every so many milliseconds. Returns what ends it. */
export function keepAlive(stream: Pick<SSEStreamingApi, 'write'>, everyMs: number): () => void {
  let writing = false;
  const timer = setInterval(async () => {
    // A caller who does not read must not make a heap of comments.
    if (writing) return;
    writing = true;
    await stream.write(': keep-alive\n\n');
    writing = false;
  }, everyMs);
  return () => clearInterval(timer);
}
