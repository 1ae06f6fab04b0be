/** What the tests of the HTTP adapter share: an app with limits small enough to be reached, and a reader of event streams. */
import type { Hono } from 'hono';
import { createHttpApp, type HttpGuards } from '../../../src/adapters/http/app.ts';
import type { HttpDeps } from '../../../src/adapters/http/deps.ts';
import { createWaitingCallers } from '../../../src/adapters/http/waiting-callers.ts';
import type { Clock, Logger } from '../../../src/core/ports.ts';
import { createCoreMessages } from '../../../src/i18n/messages.ts';
import { createBodyRoom } from '../../../src/lib/body-room.ts';
import { createEdgeBot, type EdgeBot } from '../../support/bot-port.ts';

/** 2026-01-02T03:04:05.678Z */
export const NOW = Date.UTC(2026, 0, 2, 3, 4, 5, 678);

export const LIMITS = { minTtl: 60, maxTtl: 2_592_000, defaultTtl: 1800, maxMessageChars: 200 };

/** Long enough that only a test that is about one of them ever sees it pass. */
const TIMINGS = { answerMs: 600_000, pollMs: 600_000, heartbeatMs: 600_000, healthMs: 600_000 };

export interface LogLine {
  readonly level: string;
  readonly fields: object;
  readonly message: string;
}

export interface TestApp {
  readonly app: Hono;
  readonly bot: EdgeBot;
  readonly deps: HttpDeps;
  /** Statuses of the requests that were counted as malformed. */
  readonly refused: readonly number[];
  readonly log: readonly LogLine[];
}

export interface TestAppOptions extends Partial<HttpGuards> {
  readonly timings?: Partial<typeof TIMINGS>;
  readonly store?: HttpDeps['store'];
  /** Bytes of large bodies at once. */
  readonly bodyRoom?: number;
}

export function keepLog(lines: LogLine[]): Logger {
  const at = (level: string) => (fields: object, message: string) => void lines.push({ level, fields, message });
  const logger: Logger = {
    debug: at('debug'),
    info: at('info'),
    warn: at('warn'),
    error: at('error'),
    child: () => logger,
  };
  return logger;
}

export const CLOCK: Clock = { now: () => NOW, monotonic: () => performance.now() };

export function createTestApp({
  timings,
  store = 'redis',
  local = true,
  apiKey,
  bodyRoom,
}: TestAppOptions = {}): TestApp {
  const bot = createEdgeBot();
  const refused: number[] = [];
  const log: LogLine[] = [];
  const deps: HttpDeps = {
    bot,
    limits: LIMITS,
    timings: { ...TIMINGS, ...timings },
    callers: createWaitingCallers(),
    bodies: createBodyRoom(bodyRoom),
    store,
    metrics: async () => 'bot_turns_total 1\n',
    refused: (status) => void refused.push(status),
    coreMessages: createCoreMessages(),
    logger: keepLog(log),
    clock: CLOCK,
  };
  const app = createHttpApp(deps, { local, ...(apiKey === undefined ? {} : { apiKey }) });
  return { app, bot, deps, refused, log };
}

export function postChat(body: unknown, headers: Readonly<Record<string, string>> = {}): RequestInit {
  return {
    method: 'POST',
    headers: { 'Content-Type': 'application/json', ...headers },
    body: typeof body === 'string' ? body : JSON.stringify(body),
  };
}

export interface ServerEvent {
  readonly event: string;
  readonly data: unknown;
}

/** The blocks of an event stream as they come: events, and comments as `:`. */
export async function* readEvents(response: Response): AsyncGenerator<ServerEvent> {
  if (response.body === null) return;
  let rest = '';
  for await (const piece of response.body.pipeThrough(new TextDecoderStream())) {
    const blocks = `${rest}${piece}`.split('\n\n');
    rest = blocks.pop() ?? '';
    for (const block of blocks) yield parseBlock(block);
  }
}

function parseBlock(block: string): ServerEvent {
  if (block.startsWith(':')) return { event: ':', data: block.slice(1).trim() };
  const fields = new Map(
    block.split('\n').map((line) => [line.slice(0, line.indexOf(':')), line.slice(line.indexOf(':') + 2)]),
  );
  return { event: fields.get('event') ?? '', data: JSON.parse(fields.get('data') ?? '') };
}

export async function allEvents(response: Response): Promise<ServerEvent[]> {
  const events = [];
  for await (const event of readEvents(response)) events.push(event);
  return events;
}
