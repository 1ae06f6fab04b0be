/** Keeps an idle stream of server-sent events open: proxies close idle connections. */
import type { SSEStreamingApi } from 'hono/streaming';

/** Writes a comment, which clients ignore, every `everyMs` milliseconds. Returns a function that stops it. */
export function keepAlive(stream: Pick<SSEStreamingApi, 'write'>, everyMs: number): () => void {
  let writing = false;
  const timer = setInterval(async () => {
    // Comments must not pile up if the client does not read.
    if (writing) return;
    writing = true;
    await stream.write(': keep-alive\n\n');
    writing = false;
  }, everyMs);
  return () => clearInterval(timer);
}
