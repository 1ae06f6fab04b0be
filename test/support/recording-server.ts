/** The recording platform's HTTP server: reads requests, lets the faults strike, judges the manners of its clients. */
import { once } from 'node:events';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import { setTimeout as sleep } from 'node:timers/promises';
import { z } from 'zod';
import type { Faults, Route } from './recording-faults.ts';
import { REPLICA_HEADER } from './recording-protocol.ts';
import type { Task, Understand } from './recording-routes.ts';

/** One thing that a client did or that was done to it. */
export interface JournalEntry {
  /** Unix milliseconds. */
  readonly at: number;
  readonly route: Route | 'deliver' | 'other';
  readonly replica: string;
  readonly trigger?: string | undefined;
  readonly part?: number | undefined;
  readonly id?: string | undefined;
  readonly text?: string | undefined;
  /** What the client was answered; `none` when the connection broke or nothing came. */
  readonly status: number | 'none';
  /** The platform did what was asked, whatever it answered. */
  readonly done: boolean;
}

export interface ServerDeps {
  readonly understand: Understand;
  readonly faults: Faults;
  readonly violations: string[];
  readonly record: (entry: Omit<JournalEntry, 'at'>) => void;
}

export interface RecordingServer {
  readonly url: string;
  /** Breaks all connections and refuses new ones. */
  stop(): Promise<void>;
  /** Listens again, on the same port. */
  listen(): Promise<void>;
}

const BODY_LIMIT = 1_000_000;

export async function startServer({ understand, faults, violations, record }: ServerDeps): Promise<RecordingServer> {
  const writing = new Map<string, number>();
  const heldUntil = new Map<string, number>();

  async function answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const replica = request.headers[REPLICA_HEADER]?.toString() ?? 'nobody';
    const url = new URL(request.url ?? '/', 'http://platform');
    let task: Task | undefined;
    try {
      task = understand({ method: request.method ?? '', url, replica, body: await readJson(request) });
    } catch (thrown) {
      const reason = thrown instanceof z.ZodError ? z.prettifyError(thrown) : String(thrown);
      violations.push(`${replica}: ${request.method} ${url.pathname}: ${reason}`);
      record({ route: 'other', replica, status: 400, done: false });
      return send(response, 400, { error: reason });
    }
    if (task === undefined) {
      violations.push(`${replica}: unknown route ${request.method} ${url.pathname}`);
      return send(response, 404, { error: 'There is no such route.' });
    }
    const { route, trigger, part, text, run } = task;
    if (route === 'other') {
      const { status, body } = run();
      record({ route, replica, status, done: true });
      return send(response, status, body);
    }
    const about = { route, replica, trigger, part, text };
    const writes = route === 'post' || route === 'edit' || route === 'remove';
    if (writes) watchWrite(response, `${replica} ${trigger}`);

    const fault = faults.next({
      route,
      ...(trigger === undefined ? {} : { trigger }),
      ...(part === undefined ? {} : { part }),
    });
    switch (fault?.kind) {
      case 'slow':
        await sleep(fault.ms, undefined, { ref: false });
        break;
      case 'rate_limited':
        if (writes) heldUntil.set(`${replica} ${trigger}`, Date.now() + fault.ms);
        record({ ...about, status: 429, done: false });
        response.setHeader('retry-after', String(fault.ms / 1000));
        return send(response, 429, { error: 'Too many requests.' });
      case 'server_error':
        record({ ...about, status: 500, done: false });
        return send(response, 500, { error: 'An accident.' });
      case 'refused':
        record({ ...about, status: 403, done: false });
        return send(response, 403, { error: 'This is not allowed here.' });
      case 'cut':
        record({ ...about, status: 'none', done: false });
        request.socket.destroy();
        return;
      case 'hang':
        record({ ...about, status: 'none', done: false });
        return;
      default:
    }
    const { status, body, id } = run();
    const done = status < 400;
    if (fault?.kind === 'lost') {
      record({ ...about, id, status: 'none', done });
      request.socket.destroy();
    } else if (fault?.kind === 'server_error_after') {
      record({ ...about, id, status: 500, done });
      send(response, 500, { error: 'An accident, behind it all.' });
    } else {
      record({ ...about, id, status, done });
      send(response, status, body);
    }
  }

  /** Judges the manners of the writer, by replica and reply. */
  function watchWrite(response: ServerResponse, key: string): void {
    const inFlight = writing.get(key) ?? 0;
    if (inFlight > 0) violations.push(`${key}: a write while another is in flight`);
    const early = (heldUntil.get(key) ?? 0) - Date.now();
    // A few milliseconds are the difference of two clocks' grain, not impatience.
    if (early > 5) violations.push(`${key}: a write ${early} ms before its Retry-After had passed`);
    writing.set(key, inFlight + 1);
    response.once('close', () => {
      const left = (writing.get(key) ?? 1) - 1;
      if (left === 0) writing.delete(key);
      else writing.set(key, left);
    });
  }

  const server = createServer((request, response) => {
    answer(request, response).catch((thrown: unknown) => {
      violations.push(`The platform itself failed: ${String(thrown)}`);
      request.socket.destroy();
    });
  });
  // A connection that the server closes for being idle, just when a request comes, would be a fault nobody asked for.
  server.keepAliveTimeout = 0;
  await once(server.listen(0, '127.0.0.1'), 'listening');
  const address = server.address();
  if (address === null || typeof address === 'string') throw new Error('The recording platform has no port.');
  const { port } = address;

  return {
    url: `http://127.0.0.1:${port}`,
    async stop() {
      if (!server.listening) return;
      const closed = once(server, 'close');
      server.close();
      server.closeAllConnections();
      await closed;
    },
    async listen() {
      await once(server.listen(port, '127.0.0.1'), 'listening');
    },
  };
}

async function readJson(request: IncomingMessage): Promise<unknown> {
  const chunks: Buffer[] = [];
  let size = 0;
  for await (const chunk of request) {
    const bytes = Buffer.from(chunk);
    size += bytes.length;
    if (size > BODY_LIMIT) throw new Error('The body is too long.');
    chunks.push(bytes);
  }
  if (size === 0) return undefined;
  if (request.headers['content-type'] !== 'application/json') throw new Error('A body must be application/json.');
  return JSON.parse(Buffer.concat(chunks).toString());
}

function send(response: ServerResponse, status: number, body: object): void {
  response.writeHead(status, { 'content-type': 'application/json' });
  response.end(status === 204 ? undefined : JSON.stringify(body));
}
