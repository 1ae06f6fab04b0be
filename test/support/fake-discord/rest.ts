/** The HTTP server of the fake Discord: requests, faults, rate limits and error responses. */
import { once } from 'node:events';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import { setTimeout as sleep } from 'node:timers/promises';
import { ApiError, errors } from './api-error.ts';
import type { Payload } from './bodies.ts';
import type { Cdn } from './cdn.ts';
import type { Faults } from './faults.ts';

export interface ApiRequest {
  readonly method: string;
  /** After `/api/v10`. */
  readonly path: string;
  readonly query: URLSearchParams;
  readonly payload: Payload;
}

/** Handles a request. The parameters are the groups of the route's pattern. `undefined` becomes status 204. */
export type Handler = (request: ApiRequest, ...groups: string[]) => object | undefined;

export interface Route {
  readonly method: string;
  readonly pattern: RegExp;
  /** Needs no `Authorization` header: the token is in the path. */
  readonly open?: boolean;
  /** Requests per window and channel (the first group). */
  readonly limit?: number;
  readonly handle: Handler;
}

/** A request and its outcome. */
export interface JournalEntry {
  /** Unix milliseconds. */
  readonly at: number;
  readonly method: string;
  readonly path: string;
  readonly json: unknown;
  /** `none`: the connection was cut. */
  readonly status: number | 'none';
}

export interface RestOptions {
  readonly routes: readonly Route[];
  readonly faults: Faults;
  readonly token: () => string;
  /** Milliseconds. */
  readonly windowMs: number;
  readonly journal: JournalEntry[];
  /** Bodies that were refused. A correct client has none. */
  readonly violations: string[];
  /** Answers requests for files, which are not of the API. */
  readonly cdn: Cdn;
}

export interface RestServer {
  /** `http://127.0.0.1:<port>/api` */
  readonly url: string;
  stop(): Promise<void>;
}

const PREFIX = '/api/v10';

export async function startRest({
  routes,
  faults,
  token,
  windowMs,
  journal,
  violations,
  cdn,
}: RestOptions): Promise<RestServer> {
  const buckets = new Map<string, { left: number; resetsAt: number }>();

  async function answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const url = new URL(request.url ?? '/', 'http://discord');
    const method = request.method ?? '';
    if (!url.pathname.startsWith('/api/')) return cdn.serve(url, request.headers.authorization, response);
    const path = url.pathname.startsWith(PREFIX) ? url.pathname.slice(PREFIX.length) : '';
    const payload = await readPayload(request);
    const note = (status: JournalEntry['status']) =>
      void journal.push({ at: Date.now(), method, path, json: payload.json, status });
    const send = (status: number, body?: object) => {
      note(status);
      response.writeHead(status, body === undefined ? {} : { 'content-type': 'application/json' });
      response.end(body === undefined ? undefined : JSON.stringify(body));
    };
    const cut = () => {
      note('none');
      response.destroy();
    };

    const fault = faults.next(method, path);
    if (fault?.kind === 'before') return cut();
    if (fault?.kind === 'status') return send(fault.status, { message: 'as planned', code: 0 });
    if (fault?.kind === 'slow') await sleep(fault.ms, undefined, { ref: false });
    if (fault?.kind === 'rate_limited') {
      return tooMany(response, send, { retryAfterS: fault.retryAfterS, global: fault.global ?? false });
    }
    try {
      const route = routes.find((each) => each.method === method && each.pattern.test(path));
      if (route === undefined) throw errors.noRoute();
      if (route.open !== true && request.headers.authorization !== `Bot ${token()}`) throw errors.unauthorized();
      const groups = route.pattern.exec(path)?.slice(1) ?? [];
      if (route.limit !== undefined) {
        const bucket = takeFrom(`${method} ${route.pattern.source} ${groups[0]}`, route.limit);
        const resetAfter = Math.max(0, bucket.resetsAt - Date.now()) / 1_000;
        response.setHeader('X-RateLimit-Limit', String(route.limit));
        response.setHeader('X-RateLimit-Remaining', String(Math.max(0, bucket.left)));
        response.setHeader('X-RateLimit-Reset-After', resetAfter.toFixed(3));
        response.setHeader('X-RateLimit-Bucket', `${method}-${routes.indexOf(route)}`);
        if (bucket.left < 0) return tooMany(response, send, { retryAfterS: resetAfter, global: false });
      }
      const body = route.handle({ method, path, query: url.searchParams, payload }, ...groups);
      if (fault?.kind === 'lost') return cut();
      if (fault?.kind === 'elsewhere') return send(200, { ...body, url: fault.gateway });
      send(body === undefined ? 204 : 200, body);
    } catch (thrown) {
      if (!(thrown instanceof ApiError)) throw thrown;
      if (thrown.status === 400 && thrown.code !== 40_060) violations.push(`${method} ${path}: ${thrown.message}`);
      send(thrown.status, { code: thrown.code, message: thrown.message });
    }
  }

  function takeFrom(key: string, limit: number): { left: number; resetsAt: number } {
    const now = Date.now();
    const known = buckets.get(key);
    const bucket = known === undefined || now >= known.resetsAt ? { left: limit, resetsAt: now + windowMs } : known;
    bucket.left -= 1;
    buckets.set(key, bucket);
    return bucket;
  }

  const server = createServer((request, response) => {
    answer(request, response).catch((thrown: unknown) => {
      violations.push(`${request.method} ${request.url}: ${String(thrown)}`);
      response.destroy();
    });
  });
  await once(server.listen(0, '127.0.0.1'), 'listening');
  const address = server.address();
  if (address === null || typeof address === 'string') throw new Error('not listening on a port');
  const origin = `http://127.0.0.1:${address.port}`;
  cdn.open(origin);
  return {
    url: `${origin}/api`,
    async stop() {
      server.close();
      server.closeAllConnections();
      await once(server, 'close');
    },
  };
}

function tooMany(
  response: ServerResponse,
  send: (status: number, body: object) => void,
  { retryAfterS, global }: { readonly retryAfterS: number; readonly global: boolean },
): void {
  response.setHeader('Retry-After', String(retryAfterS));
  response.setHeader('X-RateLimit-Scope', global ? 'global' : 'user');
  if (global) response.setHeader('X-RateLimit-Global', 'true');
  send(429, { message: 'You are being rate limited.', retry_after: retryAfterS, global });
}

async function readPayload(request: IncomingMessage): Promise<Payload> {
  const chunks: Buffer[] = [];
  for await (const chunk of request) chunks.push(Buffer.from(chunk));
  const raw = Buffer.concat(chunks);
  const type = request.headers['content-type'] ?? '';
  if (raw.length === 0) return { json: undefined, files: [] };
  if (type.startsWith('application/json')) return { json: JSON.parse(raw.toString()), files: [] };
  const form = await new Response(raw, { headers: { 'content-type': type } }).formData();
  const files: { name: string; content: string }[] = [];
  let json: unknown = {};
  for (const [key, value] of form) {
    if (typeof value === 'string') {
      if (key === 'payload_json') json = JSON.parse(value);
    } else if (/^files\[\d+\]$/.test(key)) files.push({ name: value.name, content: await value.text() });
  }
  return { json, files };
}
