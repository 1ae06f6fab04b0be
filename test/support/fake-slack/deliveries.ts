/** How payloads reach the bot: over its sockets or signed over HTTP, again and again until they are acked. */
import { createHmac, randomUUID } from 'node:crypto';
import type { IncomingMessage } from 'node:http';
import type { Duplex } from 'node:stream';
import { setTimeout as sleep } from 'node:timers/promises';
import { z } from 'zod';
import { acceptWebSocket, type ServerSocket } from './web-socket.ts';

export type EnvelopeType = 'events_api' | 'slash_commands' | 'interactive';

export interface Delivery {
  /** Resolves with the payload of the ack when the bot acks. */
  readonly acked: Promise<unknown>;
  /** Times it was sent so far. */
  readonly attempts: () => number;
  readonly isAcked: () => boolean;
}

export type Transport =
  | { readonly kind: 'socket' }
  /** Several urls: several replicas behind a load balancer. */
  | { readonly kind: 'http'; readonly urls: () => readonly string[] };

export interface DeliveryOptions {
  readonly transport: () => Transport;
  readonly signingSecret: string;
  /** Milliseconds without an ack after which a payload is sent again. Slack's own is 3 s. */
  readonly ackWithinMs: number;
  /** Milliseconds from one failed request over HTTP to the next; the last holds for all further ones. */
  readonly httpRetriesMs: readonly number[];
}

export interface Deliveries {
  /** Events are sent again until acked; commands and actions once, as Slack does. */
  deliver(type: EnvelopeType, payload: object): Delivery;
  accept(request: IncomingMessage, socket: Duplex): void;
  /** A WebSocket URL's ticket, good for one connection. */
  issueTicket(): string;
  connections(): number;
  /** Connections made so far. */
  connected(): number;
  /** Asks all clients to reconnect, as Slack does every few hours. */
  askToReconnect(): void;
  /** Cuts all connections. */
  cut(): void;
  /** From now on the sockets send nothing and answer no pings; false ends that. */
  silence(on: boolean): void;
  /** The present sockets stay open, answer pings and, with `pings`, send pings, but deliver nothing. New sockets work. */
  mute(how: { readonly pings: boolean }): void;
  /** Pings every socket now, except muted ones without pings. */
  ping(): void;
  /** Whether new sockets get a hello. Default: true. */
  greet(on: boolean): void;
  /** Sends a text to every socket as it is. */
  sendRaw(text: string): void;
  /** Envelope ids that were acked. */
  readonly acks: ReadonlySet<string>;
  close(): void;
}

const MAX_CONNECTIONS = 10;
const PING_MS = 5_000;
const LOOK_MS = 10;
const ackSchema = z.object({ envelope_id: z.string(), payload: z.unknown().optional() });

export function createDeliveries(options: DeliveryOptions): Deliveries {
  const sockets = new Set<ServerSocket>();
  /** Those over which nothing comes any more, and whether they are still pinged. */
  const muted = new Map<ServerSocket, { readonly pings: boolean }>();
  const tickets = new Set<string>();
  const acks = new Set<string>();
  const waiting = new Map<string, (payload: unknown) => void>();
  let silent = false;
  let greets = true;
  let closed = false;
  let turn = 0;
  let made = 0;
  const pings = setInterval(ping, PING_MS);

  function ping(): void {
    if (!silent) for (const socket of sockets) if (muted.get(socket)?.pings !== false) socket.ping();
  }

  /** One of the connections, in turn; Slack does not say which. */
  function pick<T>(candidates: readonly T[]): T | undefined {
    turn += 1;
    return candidates[turn % Math.max(1, candidates.length)];
  }

  async function overSocket(type: EnvelopeType, payload: object, attempt: number): Promise<unknown> {
    const socket = silent ? undefined : pick([...sockets]);
    if (socket === undefined) throw new Error('no connection');
    const id = randomUUID();
    const retry = attempt === 0 ? {} : { retry_attempt: attempt, retry_reason: 'timeout' };
    const answered = new Promise<unknown>((resolve) => waiting.set(id, resolve));
    const envelope = { envelope_id: id, type, payload, accepts_response_payload: true, ...retry };
    if (!muted.has(socket)) socket.send(JSON.stringify(envelope));
    const late = sleep(options.ackWithinMs, undefined, { ref: false }).then(() => {
      throw new Error('no ack');
    });
    return await Promise.race([answered, late]);
  }

  async function overHttp(urls: readonly string[], type: EnvelopeType, payload: object, attempt: number) {
    const url = pick(urls);
    if (url === undefined) throw new Error('no URL to deliver to');
    const { body, contentType } = formOf(type, payload);
    const retry: Record<string, string> =
      attempt === 0 ? {} : { 'X-Slack-Retry-Num': String(attempt), 'X-Slack-Retry-Reason': 'http_timeout' };
    const response = await fetch(url, {
      method: 'POST',
      headers: { ...signatureOf(options.signingSecret, body), 'Content-Type': contentType, ...retry },
      body,
      signal: AbortSignal.timeout(options.ackWithinMs),
    });
    const text = await response.text();
    if (response.status !== 200) throw new Error(`status ${response.status}`);
    return text === '' ? undefined : text;
  }

  function deliver(type: EnvelopeType, payload: object): Delivery {
    let attempts = 0;
    let done = false;
    const delayMs = () =>
      options.transport().kind === 'http'
        ? (options.httpRetriesMs[attempts - 1] ?? options.httpRetriesMs.at(-1) ?? 0)
        : LOOK_MS * Math.min(attempts, 20);
    const acked = (async () => {
      for (;;) {
        const transport = options.transport();
        const attempt = attempts;
        attempts += 1;
        try {
          const answer =
            transport.kind === 'socket'
              ? await overSocket(type, payload, attempt)
              : await overHttp(transport.urls(), type, payload, attempt);
          done = true;
          return answer;
        } catch (thrown) {
          if (closed || (type !== 'events_api' && attempts >= 1 && !/no connection/.test(String(thrown)))) throw thrown;
          await sleep(delayMs(), undefined, { ref: false });
        }
      }
    })();
    // Who does not wait for it need not hear of it.
    acked.catch(() => undefined);
    return { acked, attempts: () => attempts, isAcked: () => done };
  }

  return {
    deliver,
    acks,
    issueTicket() {
      const ticket = randomUUID();
      tickets.add(ticket);
      return ticket;
    },
    accept(request, stream) {
      const ticket = new URL(request.url ?? '', 'http://fake').searchParams.get('ticket') ?? '';
      if (!tickets.delete(ticket)) {
        stream.end('HTTP/1.1 403 Forbidden\r\n\r\n');
        return;
      }
      if (sockets.size >= MAX_CONNECTIONS) {
        // In place of hello (slackapi/bolt-js#2238, #2021).
        const surplus = acceptWebSocket(request, stream, { text: () => {}, closed: () => {} }, () => true);
        surplus.send('{"type":"disconnect","reason":"too_many_websockets","debug_info":{"host":"applink-10"}}');
        return;
      }
      const socket = acceptWebSocket(
        request,
        stream,
        {
          text(text) {
            const ack = ackSchema.safeParse(JSON.parse(text));
            if (!ack.success) return;
            acks.add(ack.data.envelope_id);
            waiting.get(ack.data.envelope_id)?.(ack.data.payload);
            waiting.delete(ack.data.envelope_id);
          },
          closed: () => void sockets.delete(socket),
        },
        () => !silent,
      );
      sockets.add(socket);
      made += 1;
      const hello = { type: 'hello', num_connections: sockets.size, connection_info: { app_id: 'A0APP' } };
      if (greets) socket.send(JSON.stringify(hello));
      if (!silent) socket.ping();
    },
    connections: () => sockets.size,
    connected: () => made,
    askToReconnect() {
      for (const socket of sockets) {
        sockets.delete(socket);
        socket.send(JSON.stringify({ type: 'disconnect', reason: 'refresh_requested' }));
      }
    },
    cut() {
      for (const socket of sockets) socket.destroy();
    },
    silence(on) {
      silent = on;
    },
    ping,
    greet(on) {
      greets = on;
    },
    mute(how) {
      for (const socket of sockets) muted.set(socket, how);
    },
    sendRaw(text) {
      for (const socket of sockets) socket.send(text);
    },
    close() {
      closed = true;
      clearInterval(pings);
      for (const socket of sockets) socket.destroy();
    },
  };
}

/** Events are JSON; commands are forms; actions and shortcuts are a form with JSON in `payload`. */
function formOf(type: EnvelopeType, payload: object): { readonly body: string; readonly contentType: string } {
  if (type === 'events_api') return { body: JSON.stringify(payload), contentType: 'application/json' };
  const fields = type === 'interactive' ? { payload: JSON.stringify(payload) } : stringsOf(payload);
  return { body: new URLSearchParams(fields).toString(), contentType: 'application/x-www-form-urlencoded' };
}

function stringsOf(payload: object): Record<string, string> {
  return Object.fromEntries(Object.entries(payload).map(([key, value]) => [key, String(value)]));
}

/** The headers that vouch for a body; `atMs` is when it pretends to be sent. */
export function signatureOf(secret: string, body: string, atMs = Date.now()): Record<string, string> {
  const timestamp = String(Math.floor(atMs / 1000));
  const hash = createHmac('sha256', secret).update(`v0:${timestamp}:${body}`).digest('hex');
  return { 'X-Slack-Request-Timestamp': timestamp, 'X-Slack-Signature': `v0=${hash}` };
}
