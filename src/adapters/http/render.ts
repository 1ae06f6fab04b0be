/** Renders results as bodies of the HTTP API. Pure. */
import type { z } from 'zod';
import type { ReceiveResult } from '../../core/bot-port.ts';
import type { Fact } from '../../core/facts.ts';
import type { History, ServiceStats } from '../../core/store.ts';
import type { Locale, TurnId } from '../../core/types.ts';
import { BotError, type ErrorCode } from '../../errors.ts';
import { messagesIn } from '../../i18n/messages.ts';
import { answerNote } from '../../replies/answer-note.ts';
import type { Settlement } from './follow-turn.ts';
import type {
  chatResponse,
  factResponse,
  factsResponse,
  historyResponse,
  pendingResponse,
  statsResponse,
} from './schemas.ts';

/** An answer that is not the one hoped for. */
export interface Refusal {
  readonly status: number;
  readonly detail: string;
  readonly headers?: Readonly<Record<string, string>>;
}

/** Codes that are not listed here are bugs: 500. */
const STATUS: Partial<Record<ErrorCode, number>> = {
  bad_input: 422,
  session_invalid: 422,
  ttl_out_of_bounds: 400,
  store_unavailable: 503,
  store_full: 507,
  model_rate_limited: 503,
  model_unavailable: 502,
  model_timeout: 504,
  model_disconnected: 502,
  model_refused_key: 502,
  model_misconfigured: 502,
  model_refused_request: 502,
  model_filtered: 422,
  model_too_long: 422,
  model_only_reasoned: 502,
  model_empty_answer: 502,
  turn_gave_up: 502,
  // Stopped before there was anything to read.
  turn_stopped: 410,
};

/** What callers read instead of the error's own text, which is for the log. */
const DETAIL: Partial<Record<ErrorCode, string>> = {
  store_unavailable: 'The memory store cannot be reached. Please try again in a moment.',
  store_full: 'The memory store is full: nothing new can be stored. What is stored can still be read.',
};

const OUR_FAULT = 'Something went wrong inside the bot. It has been logged.';

/** Codes whose error text was written for the caller. */
const FOR_CALLERS: readonly ErrorCode[] = ['bad_input', 'session_invalid', 'ttl_out_of_bounds'];

/** The answer to anything thrown while a request was handled. */
export function refusalOf(error: unknown): Refusal {
  if (!(error instanceof BotError)) return { status: 500, detail: OUR_FAULT };
  const status = STATUS[error.code] ?? 500;
  const detail = FOR_CALLERS.includes(error.code) ? error.message : (DETAIL[error.code] ?? OUR_FAULT);
  return { status, detail, ...(status === 503 ? { headers: retryAfter(error.retryAfterMs ?? 1000) } : {}) };
}

/** The answer for a turn that ended without one; `phrase` says by the code what happened, in the person's language. */
export function refusalOfTurn(
  settlement: Exclude<Settlement, { kind: 'answered' }>,
  phrase: (code: ErrorCode) => string,
): Refusal {
  if (settlement.kind === 'forgotten') {
    return {
      status: 410,
      detail: 'This conversation was forgotten, and the answer with it. Please send the message again.',
    };
  }
  const status = STATUS[settlement.code] ?? 500;
  return { status, detail: phrase(settlement.code), ...(status === 503 ? { headers: retryAfter(1000) } : {}) };
}

/** The response to a refused message, in the person's language. */
export function refusalOfMessage({ kind, text, retryAfterMs }: Extract<ReceiveResult, { text: string }>): Refusal {
  if (kind === 'too_long' || kind === 'empty') return { status: 422, detail: text };
  return { status: 429, detail: text, headers: retryAfter(retryAfterMs) };
}

/** Whole seconds, at least one: a client told to come back at once would. */
export function retryAfter(ms: number): { 'Retry-After': string } {
  return { 'Retry-After': String(Math.max(1, Math.ceil(ms / 1000))) };
}

export function secondsLeft(ms: number): number {
  return Math.max(0, Math.ceil(ms / 1000));
}

export function isoTime(ms: number): string {
  return new Date(ms).toISOString();
}

/** Which notes the worker put under an answer. */
export interface AnswerNotes {
  /** That /remember keeps something. */
  readonly rememberHint?: boolean;
  /** Which files were not read. */
  readonly noteUnread?: boolean;
}

export function renderChat(
  user: string,
  { text, cut, unread = [], timestamp, expiresInMs }: Extract<Settlement, { kind: 'answered' }>,
  locale: Locale,
  { rememberHint = false, noteUnread = true }: AnswerNotes = {},
): z.infer<typeof chatResponse> {
  const about = {
    ...(cut === undefined ? {} : { cut }),
    ...(unread.length === 0 || !noteUnread ? {} : { unread }),
  };
  const hint = rememberHint ? { rememberHint } : {};
  const note = answerNote({ kind: 'answered', text, stopped: false, ...about, ...hint }, messagesIn(locale));
  return {
    response: text,
    user_id: user,
    timestamp: isoTime(timestamp),
    ttl_remaining: secondsLeft(expiresInMs),
    ...(cut === undefined ? {} : { cut }),
    ...(unread.length === 0 ? {} : { unread: [...unread] }),
    ...(note === undefined ? {} : { note }),
  };
}

/** The response while the turn continues without its caller. */
export function renderPending(user: string, turnId: TurnId): z.infer<typeof pendingResponse> {
  return {
    status: 'pending',
    turn_id: turnId,
    user_id: user,
    detail: `The answer is not ready yet. It will be in GET ${historyPath(user)}.`,
  };
}

export function historyPath(user: string): string {
  return `/history/${encodeURIComponent(user)}`;
}

export function renderHistory(user: string, history: History): z.infer<typeof historyResponse> {
  return {
    user_id: user,
    messages: history.messages.map(({ role, content, timestamp, files = [] }) => ({
      role,
      content,
      timestamp: isoTime(timestamp),
      ...(files.length === 0 ? {} : { files: files.map(({ name }) => name) }),
    })),
    total_messages: history.total,
    ttl_remaining: secondsLeft(history.expiresInMs),
  };
}

export function renderFact({ id, text, saidAt, expiresAt }: Fact): z.infer<typeof factResponse> {
  return { id, text, said_at: isoTime(saidAt), expires_at: isoTime(expiresAt) };
}

export function renderFacts(user: string, facts: readonly Fact[]): z.infer<typeof factsResponse> {
  return { user_id: user, facts: facts.map(renderFact) };
}

export function renderStats({ conversations, messages, server }: ServiceStats): z.infer<typeof statsResponse> {
  const totals = { total_users: conversations, total_messages: messages };
  if (server.store === 'sqlite') {
    return { ...totals, redis_version: null, used_memory_human: null, connected_clients: null, store: 'sqlite' };
  }
  return {
    ...totals,
    redis_version: server.version,
    used_memory_human: server.usedMemoryHuman,
    connected_clients: server.connectedClients,
  };
}
