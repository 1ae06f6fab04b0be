/** Callers of the HTTP API: behind a load balancer that knows nothing, with an Idempotency-Key, trying again as clients should. */
import { setTimeout as sleep } from 'node:timers/promises';
import { z } from 'zod';
import { sessionOf } from '../../src/adapters/http/normalize.ts';
import { chatResponse, errorResponse, historyResponse } from '../../src/adapters/http/schemas.ts';
import { allEvents, postChat } from '../adapters/http/support.ts';
import { saysFailed } from '../support/visible-text.ts';
import {
  AGAIN_MS,
  CHOSEN_TTL,
  type CommandName,
  NOTHING,
  type Outcome,
  type Spoken,
  type Surface,
  type Talk,
} from './surface.ts';

const PAUSE_MS = 250;
const TRIES = 100;
/**
 * Statuses that say "again": the turn still runs, the server is not ready, or the request stood still on its way while the
 * process was stopped (https://www.rfc-editor.org/rfc/rfc9110#section-15.5.9: the client may repeat it on a new connection).
 */
const ASK_AGAIN: ReadonlySet<number> = new Set([202, 408, 503]);
/** A caller gives a connection up behind that: the process may be asleep. */
const PATIENCE_MS = 15_000;

export interface HttpSurface extends Surface {
  /** Nobody tries again any more. */
  stop(): void;
}

/** What a caller reads. */
interface Reading {
  readonly status: number;
  readonly text: string;
}

const deltaShape = z.object({ text: z.string() });
const failureShape = errorResponse.extend({ status: z.int() });

/** @param urls where the bot's processes listen */
export function createHttpSurface(urls: () => readonly string[]): HttpSurface {
  const outcomes = new Map<string, Outcome>();
  const complaints: string[] = [];
  const stopped = new AbortController();
  let turns = 0;

  async function request(path: string, init: RequestInit): Promise<Response | undefined> {
    turns += 1;
    const all = urls();
    const url = all[turns % all.length] ?? '';
    const signal = AbortSignal.any([AbortSignal.timeout(PATIENCE_MS), stopped.signal]);
    return await fetch(`${url}${path}`, { ...init, signal }).catch(() => undefined);
  }

  /** Undefined: the connection was lost on the way. */
  async function read(response: Response, streams: boolean): Promise<Reading | undefined> {
    if (!streams || response.status !== 200) {
      const text = await response.text().catch(() => undefined);
      if (text === undefined) return undefined;
      if (response.status === 200) return { status: 200, text: chatResponse.parse(JSON.parse(text)).response };
      if (response.status === 202) return { status: 202, text: '' };
      return { status: response.status, text: errorResponse.parse(JSON.parse(text)).detail };
    }
    const events = await allEvents(response).catch(() => []);
    const done = events.find(({ event }) => event === 'done');
    const failure = events.find(({ event }) => event === 'error');
    if (failure !== undefined) {
      const { status, detail } = failureShape.parse(failure.data);
      return { status, text: detail };
    }
    if (done === undefined) return undefined;
    const since = events.slice(events.findLastIndex(({ event }) => event === 'reset') + 1);
    const pieces = since.filter(({ event }) => event === 'delta').map(({ data }) => deltaShape.parse(data).text);
    const text = chatResponse.parse(done.data).response;
    if (pieces.join('') !== text)
      complaints.push(`http: pieces that are not the answer: ${pieces.join('|').slice(0, 200)}`);
    return { status: 200, text };
  }

  async function ask(user: string, text: string, key: string, streams: boolean): Promise<void> {
    const headers = { 'Idempotency-Key': key, ...(streams ? { Accept: 'text/event-stream' } : {}) };
    while (!stopped.signal.aborted) {
      const response = await request('/chat', postChat({ user_id: user, message: text }, headers));
      const reading = response && (await read(response, streams));
      if (reading !== undefined && (reading.status === 200 || reading.status === 410 || saysFailed(reading.text))) {
        const position = String(outcomes.size).padStart(12, '0');
        outcomes.set(key, { replies: 1, text: reading.text, half: false, position });
        return;
      }
      if (reading !== undefined && !ASK_AGAIN.has(reading.status)) {
        complaints.push(`http: ${key} was answered with ${reading.status}: ${reading.text.slice(0, 200)}`);
      }
      await sleep(PAUSE_MS);
    }
  }

  const COMMANDS: Readonly<Record<CommandName, (user: string) => readonly [path: string, method: string]>> = {
    forget: (user) => [`/history/${user}`, 'DELETE'],
    ttl: (user) => [`/ttl/${user}?new_ttl=${CHOSEN_TTL}`, 'PUT'],
    history: (user) => [`/history/${user}`, 'GET'],
  };

  async function command(user: string, name: CommandName) {
    let sure = true;
    const [path, method] = COMMANDS[name](user);
    for (let tries = 1; tries <= TRIES && !stopped.signal.aborted; tries += 1) {
      const response = await request(path, { method });
      const text = await response?.text().catch(() => undefined);
      // Nothing is remembered, or not any more.
      if (response?.status === 404) return { text: '', sure };
      if (response?.status === 200 && text !== undefined)
        return { text: name === 'history' ? contents(text) : text, sure };
      if (response !== undefined && response.status !== 503)
        complaints.push(`http: ${method} ${path}: ${response.status}`);
      sure = false;
      await sleep(AGAIN_MS);
    }
    throw new Error(`${method} ${path} was never answered`);
  }

  return {
    name: 'http',
    begin(number): Talk {
      const user = `caller-${number}`;
      let count = 0;
      return {
        sessionId: () => sessionOf(user),
        mayBegin: () => true,
        say(text): Spoken {
          count += 1;
          const key = `${user}-${count}`;
          return { id: key, taken: ask(user, text, key, number % 3 === 0) };
        },
        command: (name) => command(user, name),
      };
    },
    look: () => (id) => outcomes.get(id) ?? NOTHING,
    complaints: () => complaints,
    stop: () => stopped.abort(),
  };
}

function contents(body: string): string {
  return historyResponse
    .parse(JSON.parse(body))
    .messages.map(({ content }) => content)
    .join('\n');
}
