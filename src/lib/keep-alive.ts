/** Keeps a stream of server-sent events open while there is nothing to send: proxies close connections that are idle. */
import type { SSEStreamingApi } from 'hono/streaming';

/** Writes a comment, which readers ignore, every `everyMs` milliseconds. Returns a function that stops it. */
export function keepAlive(stream: Pick<SSEStreamingApi, 'write'>, everyMs: number): () => void {
  let writing = false;
  const timer = setInterval(async () => {
    // Comments must not pile up for a caller who does not read.
    if (writing) return;
    writing = true;
    await stream.write(': keep-alive\n\n');
    writing = false;
  }, everyMs);
  return () => clearInterval(timer);
}
