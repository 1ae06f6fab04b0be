/** Who may call: checked before anything else is looked at. The checks themselves are pure. */
import { createHash, timingSafeEqual } from 'node:crypto';
import type { MiddlewareHandler } from 'hono';
import { refuse } from './refuse.ts';

/** The parts of a request by which a browser gives away where it comes from. */
export interface RequestOrigin {
  readonly method: string;
  readonly path: string;
  readonly host: string | undefined;
  readonly origin: string | undefined;
  /** Sec-Fetch-Site, -Mode and -Dest: https://www.w3.org/TR/fetch-metadata/ */
  readonly site: string | undefined;
  readonly mode: string | undefined;
  readonly dest: string | undefined;
}

/** Pages that a link on somebody else's page may open; they show nothing of anybody's memory by themselves. */
const PAGES = ['/', '/docs'];

const LOOPBACK_NAME = /^(?:localhost|127(?:\.\d{1,3}){3}|\[::1\])(?::\d{1,5})?$/i;

/** Is this the name or address of the loopback interface, as `HOST` has it? */
export function isLoopback(host: string): boolean {
  return LOOPBACK_NAME.test(host) || host === '::1';
}

/**
 * Why a request must not reach a server that trusts everyone on this machine; undefined: it may.
 * A foreign Host is DNS rebinding (the page's own name was pointed at 127.0.0.1), a foreign Origin a page elsewhere.
 */
export function refuseForeign(request: RequestOrigin): string | undefined {
  const { host, origin, site } = request;
  if (host === undefined || !LOOPBACK_NAME.test(host)) {
    return 'This server answers to localhost only; the Host header names another one.';
  }
  if (origin !== undefined && origin.toLowerCase() !== `http://${host.toLowerCase()}`) {
    return 'Web pages of another origin may not call this server.';
  }
  const foreign = site !== undefined && site !== 'same-origin' && site !== 'none';
  if (foreign && !isPageVisit(request)) return 'Web pages of another site may not call this server.';
  return undefined;
}

function isPageVisit({ method, path, mode, dest }: RequestOrigin): boolean {
  return method === 'GET' && mode === 'navigate' && dest === 'document' && PAGES.includes(path);
}

/** Lets through what {@link refuseForeign} accepts; else 403. */
export function localOnly(): MiddlewareHandler {
  return async (c, next) => {
    const reason = refuseForeign({
      method: c.req.method,
      path: c.req.path,
      // Made without a socket (in process), a request has no Host header but the one of its URL.
      host: c.req.header('host') ?? new URL(c.req.url).host,
      origin: c.req.header('origin'),
      site: c.req.header('sec-fetch-site'),
      mode: c.req.header('sec-fetch-mode'),
      dest: c.req.header('sec-fetch-dest'),
    });
    if (reason !== undefined) throw refuse(403, reason);
    await next();
  };
}

/**
 * What proxies, balancers and content networks add to a request: RFC 9110 (`Via`), RFC 7239 (`Forwarded`), RFC 8586
 * (`CDN-Loop`) and what came of use (`X-Forwarded-For`, `X-Real-IP`, `X-Client-IP`, `X-Cluster-Client-IP`,
 * `CF-Connecting-IP`, `True-Client-IP`, `Fastly-Client-IP`, `Fly-Client-IP`, `X-Azure-ClientIP`, `X-Original-Host`,
 * `X-Envoy-External-Address`, `X-Amzn-Trace-Id`, `CF-Ray`). A proxy may also add none of them: nginx by itself does not.
 */
const PROXY_HEADERS: readonly ((name: string) => boolean)[] = [
  (name) => ['via', 'cdn-loop', 'cf-ray', 'x-amzn-trace-id'].includes(name),
  (name) => ['x-original-', 'x-envoy-', 'x-proxy'].some((beginning) => name.startsWith(beginning)),
  (name) => name.includes('forwarded'),
  (name) =>
    ['client-ip', 'clientip', 'real-ip', 'connecting-ip', 'connecting-ipv6', 'user-ip'].some((end) =>
      name.endsWith(end),
    ),
];

/** The first header that says that a request came through a proxy; undefined: it seems to come from this machine. */
export function proxyHeader(names: Iterable<string>): string | undefined {
  for (const name of names) if (PROXY_HEADERS.some((matches) => matches(name.toLowerCase()))) return name;
  return undefined;
}

/**
 * Without a key, everyone on this machine may call; behind a proxy on this machine that would be everybody whom the
 * proxy serves. Lets through what bears no sign of one, and every open path; else 403.
 */
export function notProxied(isOpen: (path: string) => boolean): MiddlewareHandler {
  return async (c, next) => {
    const header = isOpen(c.req.path) ? undefined : proxyHeader(c.req.raw.headers.keys());
    if (header !== undefined) {
      throw refuse(
        403,
        `This request came through a proxy (it has the header ${header}), and no API key is set, so anybody could read every ` +
          'conversation. Set API_KEY, and send it as "Authorization: Bearer <key>".',
      );
    }
    await next();
  };
}

/** Wants `Authorization: Bearer <key>` on every route that is not open; else 401. */
export function bearerKey(key: string, isOpen: (path: string) => boolean): MiddlewareHandler {
  const expected = digest(key);
  return async (c, next) => {
    const [, given] = /^Bearer +(\S+) *$/i.exec(c.req.header('authorization') ?? '') ?? [];
    // Digests have one length, so the comparison takes the same time for every key.
    const right = given !== undefined && timingSafeEqual(digest(given), expected);
    if (!right && !isOpen(c.req.path)) {
      throw refuse(401, 'Send the API key as "Authorization: Bearer <key>".', { 'WWW-Authenticate': 'Bearer' });
    }
    await next();
  };
}

function digest(text: string): Buffer {
  return createHash('sha256').update(text).digest();
}
