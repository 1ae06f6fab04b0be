/** The Web API of the fake Slack: form bodies in, JSON out; it checks tokens, scopes and rates, and plays the faults that a test sets. */
import type { IncomingMessage, ServerResponse } from 'node:http';
import { text as bodyText } from 'node:stream/consumers';
import { setTimeout as sleep } from 'node:timers/promises';
import { ApiError } from './block-rules.ts';
import type { MethodContext } from './method-kit.ts';
import { METHODS } from './methods.ts';

export type Fault =
  /** Answers `ok: false` with this error; the call has no effect. */
  | { readonly kind: 'error'; readonly error: string }
  /** 429 with this many seconds of Retry-After; the call has no effect. */
  | { readonly kind: 'rate_limited'; readonly retryAfter: number }
  /** An HTTP status; the call has no effect. */
  | { readonly kind: 'status'; readonly status: number }
  /** The call takes effect, and the connection is cut before the answer. */
  | { readonly kind: 'lost' }
  /** The call takes effect, and is never answered. */
  | { readonly kind: 'silent' }
  /** The call takes effect and is answered when `release` resolves. */
  | { readonly kind: 'held'; readonly release: Promise<void> };

/** One call that reached the API, whatever the result. */
export interface ApiCall {
  readonly method: string;
  readonly args: Readonly<Record<string, string>>;
  /** `ok`, the error code, or the kind of fault. */
  readonly result: string;
}

export interface WebApiOptions {
  readonly botToken: () => string;
  readonly appToken: string;
  readonly scopes: ReadonlySet<string>;
  readonly rateLimits: boolean;
  readonly context: MethodContext;
  /** Latency of a call in milliseconds; asked for each. */
  readonly delayMs: () => number;
}

export interface WebApi {
  handle(method: string, request: IncomingMessage, response: ServerResponse): Promise<void>;
  readonly calls: ApiCall[];
  /** The next calls of `method` have this fault; by default one. */
  fail(method: string, fault: Fault, times?: number): void;
  /** Removes the faults that `fail` has set. */
  clearFaults(method: string): void;
}

const WINDOW_MS = 60_000;

export function createWebApi(options: WebApiOptions): WebApi {
  const calls: ApiCall[] = [];
  const faults: { readonly method: string; readonly fault: Fault; times: number }[] = [];
  const windows = new Map<string, number[]>();

  const limited = (method: string, perMinute: number): number | undefined => {
    if (!options.rateLimits) return undefined;
    const now = performance.now();
    const recent = (windows.get(method) ?? []).filter((at) => at > now - WINDOW_MS);
    windows.set(method, recent);
    if (recent.length >= perMinute) return Math.ceil(((recent[0] ?? now) + WINDOW_MS - now) / 1000);
    recent.push(now);
    return undefined;
  };

  function run(method: string, args: Record<string, string>, token: string | undefined): object {
    const found = METHODS[method];
    if (found === undefined) throw new ApiError('unknown_method');
    if (token === undefined) throw new ApiError('not_authed');
    if (token !== options.botToken() && token !== options.appToken) throw new ApiError('invalid_auth');
    if (token !== (found.token === 'app' ? options.appToken : options.botToken())) {
      throw new ApiError('not_allowed_token_type');
    }
    if (found.scopes.length > 0 && !found.scopes.some((scope) => options.scopes.has(scope))) {
      throw new ApiError('missing_scope');
    }
    return found.run(args, options.context);
  }

  function nextFault(method: string): Fault | undefined {
    const planned = faults.find((each) => each.method === method && each.times > 0);
    if (planned === undefined) return undefined;
    planned.times -= 1;
    return planned.fault;
  }

  return {
    calls,
    fail: (method, fault, times = 1) => void faults.push({ method, fault, times }),
    clearFaults(method) {
      for (const each of faults) if (each.method === method) each.times = 0;
    },
    async handle(method, request, response) {
      const record = (args: Readonly<Record<string, string>>, result: string) => calls.push({ method, args, result });
      const type = request.headers['content-type'];
      const raw = await bodyText(request);
      const delayMs = options.delayMs();
      if (delayMs > 0) await sleep(delayMs);
      if (type !== 'application/x-www-form-urlencoded' && raw !== '') {
        record({}, 'invalid_post_type');
        return send(response, 200, { ok: false, error: 'invalid_post_type' });
      }
      const args = Object.fromEntries(new URLSearchParams(raw));
      const token = /^Bearer (.+)$/.exec(request.headers.authorization ?? '')?.[1];
      const fault = nextFault(method);
      if (fault?.kind === 'status') {
        record(args, `status ${fault.status}`);
        return send(response, fault.status, {});
      }
      const retryAfter =
        fault?.kind === 'rate_limited' ? fault.retryAfter : limited(method, METHODS[method]?.perMinute ?? 1000);
      if (retryAfter !== undefined) {
        record(args, 'rate_limited');
        response.setHeader('retry-after', String(retryAfter));
        return send(response, 429, { ok: false, error: 'ratelimited' });
      }
      if (fault?.kind === 'held') await fault.release;
      try {
        if (fault?.kind === 'error') throw new ApiError(fault.error);
        const result = run(method, args, token);
        const unanswered = fault?.kind === 'lost' || fault?.kind === 'silent';
        record(args, unanswered ? fault.kind : 'ok');
        if (fault?.kind === 'lost') response.destroy();
        if (unanswered) return;
        return send(response, 200, { ok: true, ...result });
      } catch (thrown) {
        if (!(thrown instanceof ApiError)) throw thrown;
        record(args, thrown.code);
        return send(response, 200, { ok: false, error: thrown.code.split(':')[0] });
      }
    },
  };
}

function send(response: ServerResponse, status: number, body: object): void {
  if (response.destroyed) return;
  response.writeHead(status, { 'content-type': 'application/json; charset=utf-8' });
  response.end(JSON.stringify(body));
}
