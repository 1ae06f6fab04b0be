/**
 * Downloads a file for an adapter.
 *
 * The URL comes from a message, so the download must not become a way into the administrator's network: only https to hosts that the
 * adapter names, no redirects, no addresses that are not public, and limits on bytes and time.
 */
import type { LookupAddress } from 'node:dns';
import { lookup as lookupHost } from 'node:dns/promises';
import { request as httpRequest, type IncomingMessage } from 'node:http';
import { request as httpsRequest } from 'node:https';
import { isIP, type LookupFunction } from 'node:net';
import { pipeline, type Readable } from 'node:stream';
import { createBrotliDecompress, createGunzip, createInflate } from 'node:zlib';
import type { FileFault } from '../core/types.ts';
import { backoff } from '../lib/backoff.ts';
import { delay } from '../lib/delay.ts';
import { systemTimers } from '../lib/timers.ts';
import { isPublicAddress } from './addresses.ts';

export interface FetchBytesOptions {
  /** Host names that may be reached over https on port 443, each exactly as in the URL. */
  readonly hosts: readonly string[];
  /**
   * Origins that the administrator configured, such as `http://127.0.0.1:8080` for a proxy: any protocol, port and address. Default: none.
   */
  readonly origins?: readonly string[];
  /** For example, the token for this host. */
  readonly headers?: Readonly<Record<string, string>>;
  /** Larger files are `too_large`; bytes, after decompression. */
  readonly maxBytes: number;
  readonly signal: AbortSignal;
  /** For everything, retries included, in milliseconds. Default: {@link FETCH_TIMEOUT_MS}. */
  readonly timeoutMs?: number;
  /** Longest time without a byte, in milliseconds. Default: {@link FETCH_STALL_MS}. */
  readonly stallMs?: number;
  /** All addresses of a host. Default: those of the operating system. */
  readonly resolve?: Resolve;
}

export type Resolve = (host: string) => Promise<readonly LookupAddress[]>;

export type FetchedBytes =
  | {
      readonly kind: 'fetched';
      readonly bytes: Uint8Array;
      /** MIME type by the server, in lower case and without parameters. An HTML page may be a login page instead of the file. */
      readonly contentType: string | undefined;
    }
  /** `status`: the HTTP status that says so. */
  | { readonly kind: 'unread'; readonly why: FileFault; readonly status?: number | undefined };

const FETCH_TIMEOUT_MS = 20_000;
const FETCH_STALL_MS = 8_000;

const TRIES = 3;
const MAX_BACKOFF_MS = 2_000;
const FIRST_BUFFER_BYTES = 65_536;

/** The try failed, but another one may succeed. */
interface Again {
  readonly kind: 'again';
  readonly status?: number;
  readonly retryAfterMs?: number;
}

/**
 * Downloads a file into memory. 404 and 410 are `gone`; redirects, other 4xx and URLs that are not allowed are `refused`; 429, 5xx and
 * broken connections are tried again while there is time, and then `failed`. Rejects only with the signal's reason.
 */
export async function fetchBytes(url: string, options: FetchBytesOptions): Promise<FetchedBytes> {
  const { signal, timeoutMs = FETCH_TIMEOUT_MS } = options;
  signal.throwIfAborted();
  const target = allowedUrl(url, options);
  if (target === undefined) return { kind: 'unread', why: 'refused' };
  const until = performance.now() + timeoutMs;
  const controller = new AbortController();
  const end = () => controller.abort();
  signal.addEventListener('abort', end);
  const cancel = systemTimers.after(timeoutMs, end);
  try {
    for (let failures = 1; ; failures += 1) {
      const result = await attempt(target, options, controller.signal);
      signal.throwIfAborted();
      if (result.kind !== 'again') return result;
      const waitMs = Math.max(result.retryAfterMs ?? 0, backoff(failures, MAX_BACKOFF_MS, 250));
      const isLast = failures >= TRIES || performance.now() + waitMs >= until;
      if (isLast) return { kind: 'unread', why: 'failed', status: result.status };
      await delay(waitMs, controller.signal);
      signal.throwIfAborted();
    }
  } finally {
    cancel();
    signal.removeEventListener('abort', end);
  }
}

interface Target {
  readonly url: URL;
  /** Its origin was configured, so that its address need not be public. */
  readonly configured: boolean;
}

function allowedUrl(text: string, { hosts, origins = [] }: FetchBytesOptions): Target | undefined {
  if (!URL.canParse(text)) return undefined;
  const url = new URL(text);
  if (url.username !== '' || url.password !== '') return undefined;
  if (url.protocol !== 'https:' && url.protocol !== 'http:') return undefined;
  if (origins.some((origin) => URL.canParse(origin) && new URL(origin).origin === url.origin)) {
    return { url, configured: true };
  }
  // Node asks no resolver about an address, so nothing would check it.
  const isAddress = isIP(url.hostname.replace(/^\[|\]$/g, '')) !== 0;
  const allowed = url.protocol === 'https:' && url.port === '' && !isAddress && hosts.includes(url.hostname);
  return allowed ? { url, configured: false } : undefined;
}

async function attempt(target: Target, options: FetchBytesOptions, signal: AbortSignal): Promise<FetchedBytes | Again> {
  const { stallMs = FETCH_STALL_MS, resolve = resolveHost } = options;
  const send = target.url.protocol === 'https:' ? httpsRequest : httpRequest;
  const request = send(target.url, {
    agent: false,
    headers: { ...options.headers, 'accept-encoding': 'identity' },
    signal,
    timeout: stallMs,
    ...(target.configured ? {} : { lookup: publicLookup(resolve) }),
  });
  request.on('timeout', () => request.destroy(new Error('The server stopped sending.')));
  try {
    const response = await new Promise<IncomingMessage>((received, failed) => {
      // Also keeps errors after the response from ending the process; the response reports them, too.
      request.on('error', failed);
      request.on('response', received);
      request.end();
    });
    return await readResponse(response, options.maxBytes);
  } catch (thrown) {
    if (thrown instanceof PrivateAddressError) return { kind: 'unread', why: 'refused' };
    return { kind: 'again' };
  } finally {
    request.destroy();
  }
}

async function readResponse(response: IncomingMessage, maxBytes: number): Promise<FetchedBytes | Again> {
  const status = response.statusCode ?? 0;
  if (status !== 200) return notOk(status, response.headers['retry-after']);
  const length = Number(response.headers['content-length'] ?? 0);
  if (length > maxBytes) return { kind: 'unread', why: 'too_large' };
  const body = decoded(response, response.headers['content-encoding']);
  if (body === undefined) return { kind: 'unread', why: 'failed' };
  let buffer = Buffer.allocUnsafe(length > 0 ? length : Math.min(maxBytes, FIRST_BUFFER_BYTES));
  let size = 0;
  try {
    for await (const chunk of body) {
      if (!Buffer.isBuffer(chunk)) continue;
      const needed = size + chunk.length;
      if (needed > maxBytes) return { kind: 'unread', why: 'too_large' };
      if (needed > buffer.length) {
        const larger = Buffer.allocUnsafe(Math.min(maxBytes, Math.max(needed, buffer.length * 2)));
        buffer.copy(larger, 0, 0, size);
        buffer = larger;
      }
      chunk.copy(buffer, size);
      size = needed;
    }
  } catch (thrown) {
    // The transfer was complete and is not what its header says.
    if (response.complete && body !== response) return { kind: 'unread', why: 'malformed' };
    throw thrown;
  }
  const contentType = response.headers['content-type']?.split(';', 1)[0]?.trim().toLowerCase();
  return { kind: 'fetched', bytes: buffer.subarray(0, size), contentType };
}

/** Some servers compress even if they are asked not to. Undefined for an unknown encoding. */
function decoded(response: IncomingMessage, encoding = 'identity'): Readable | undefined {
  // The reader of the last stream sees every error.
  const ignore = () => {};
  switch (encoding.trim().toLowerCase()) {
    case '':
    case 'identity':
      return response;
    case 'gzip':
    case 'x-gzip':
      return pipeline(response, createGunzip(), ignore);
    case 'deflate':
      return pipeline(response, createInflate(), ignore);
    case 'br':
      return pipeline(response, createBrotliDecompress(), ignore);
    default:
      return undefined;
  }
}

function notOk(status: number, retryAfter: string | undefined): FetchedBytes | Again {
  if (status === 404 || status === 410) return { kind: 'unread', why: 'gone', status };
  if (status === 413) return { kind: 'unread', why: 'too_large', status };
  if (status === 408 || status === 429 || status >= 500) {
    return { kind: 'again', status, retryAfterMs: retryAfterMs(retryAfter) };
  }
  if (status >= 300 && status < 500) return { kind: 'unread', why: 'refused', status };
  return { kind: 'unread', why: 'failed', status };
}

/** Seconds or a date (RFC 9110, 10.2.3); 0 for anything else. */
function retryAfterMs(header = ''): number {
  const ms = /^\d{1,9}$/.test(header) ? Number(header) * 1000 : Date.parse(header) - Date.now();
  return Number.isNaN(ms) ? 0 : Math.max(0, ms);
}

class PrivateAddressError extends Error {
  override readonly name = 'PrivateAddressError';
}

const resolveHost: Resolve = (host) => lookupHost(host, { all: true });

/**
 * Resolves a host to its public addresses, for a connection. The connection goes to an address that was checked here: nothing resolves
 * the name again. It fails with a {@link PrivateAddressError} if no address is public.
 */
export function publicLookup(resolve: Resolve): LookupFunction {
  return (host, { all }, callback) => {
    resolve(host).then(
      (addresses) => {
        const open = addresses.filter(({ address }) => isPublicAddress(address));
        const [first] = open;
        if (first === undefined) callback(new PrivateAddressError('The host has no public address.'), '', 0);
        else if (all === true) callback(null, open);
        else callback(null, first.address, first.family);
      },
      (thrown: unknown) => callback(thrown instanceof Error ? thrown : new Error(String(thrown)), '', 0),
    );
  };
}
