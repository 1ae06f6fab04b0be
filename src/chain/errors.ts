/** Tells apart what can go wrong with a model. */
import { BotError, type ErrorCode, toBotError } from '../errors.ts';

/**
 * The BotError of anything thrown while asking a model; a BotError among its causes passes through unchanged.
 *
 * | code | when | retryable |
 * | --- | --- | --- |
 * | `model_rate_limited` | 429 | yes, after `retryAfterMs` where the server named it |
 * | `model_unavailable` | 5xx, 409, no connection, an error event within the stream | yes |
 * | `model_timeout` | 408, 504, the time limits of the connection | yes |
 * | `model_disconnected` | the connection broke, or the stream ended, in the middle of the answer | yes |
 * | `model_refused_key` | 401, 403; no credit left (402, 429 `insufficient_quota`) | no |
 * | `model_refused_request` | every other 4xx | no |
 * | `internal` | anything else: a fault of ours | no |
 *
 * What the server wrote is not repeated, save for its error code and a 404's text: servers echo keys and prompts in their
 * error texts, and these errors are logged. `now`: Unix milliseconds.
 */
export async function toModelError(thrown: unknown, now: number): Promise<BotError> {
  const chain = causesOf(thrown);
  const own = chain.find((error) => error instanceof BotError);
  if (own !== undefined) return own;
  // LangChain turns one kind of refusal into an error of its own, which has lost the status.
  if (chain.some(({ name }) => name === 'ContextOverflowError')) return tooLong();
  // Whoever uses it has loaded it before; the demo model starts without it.
  const { OpenAIClient } = await import('@langchain/openai');
  const answer = chain.find((error) => error instanceof OpenAIClient.APIError && typeof error.status === 'number');
  if (answer !== undefined) return fromStatus(readAnswer(answer), now);
  if (chain.some(isTimeout)) return retryable('model_timeout', 'The model did not answer in time.', thrown);
  if (chain.some((error) => error instanceof OpenAIClient.APIConnectionError)) {
    const code = chain.map(codeOf).findLast((found) => found !== undefined);
    const why = code === undefined ? '' : ` (${code})`;
    return retryable('model_unavailable', `The model's server cannot be reached${why}; see OPENAI_BASE_URL.`, thrown);
  }
  const event = chain.find((error) => error instanceof OpenAIClient.APIError);
  if (event !== undefined) return fromErrorEvent(readAnswer(event), now);
  // undici says `TypeError: terminated` when the connection breaks while the body is read (measured with Node 20).
  if (chain.some((error) => error.message === 'terminated' || BROKEN.has(codeOf(error) ?? ''))) {
    return retryable('model_disconnected', 'The connection to the model broke in the middle of the answer.', thrown);
  }
  // A piece of the stream that is no JSON. Its text holds a part of the answer, so it is not kept as the cause.
  if (chain.some((error) => error instanceof SyntaxError)) {
    return retryable('model_disconnected', 'The model sent a stream that cannot be read.');
  }
  return toBotError(thrown);
}

/** What to throw for an aborted signal: its reason, but for a timeout, which is the model's. */
export function fromAbort(signal: AbortSignal): unknown {
  const reason: unknown = signal.reason;
  if (!(reason instanceof Error) || reason.name !== 'TimeoutError') return reason;
  return retryable('model_timeout', 'The model did not answer in time.', reason);
}

/** An answer without a word in it. A content filter would swallow it again, so that is not retried. */
export function emptyAnswer(finishReason: unknown): BotError {
  if (finishReason === 'content_filter') {
    return new BotError('model_refused_request', "The model's content filter withheld the answer.");
  }
  return retryable('model_empty_answer', 'The model gave an empty answer.');
}

/** What a server answered instead of a stream. */
interface ServerAnswer {
  readonly status: number | undefined;
  /** The server's own short name of the fault. */
  readonly code: string | undefined;
  readonly type: string | undefined;
  readonly param: string | undefined;
  readonly text: string;
  readonly header: (name: string) => string | undefined;
}

function fromStatus(answer: ServerAnswer, now: number): BotError {
  const { status = 0, code, type } = answer;
  const what = describe(answer);
  const retryAfterMs = retryAfter(answer.header, now);
  const again = (errorCode: ErrorCode, message: string) =>
    new BotError(errorCode, message, {
      retryable: true,
      ...(retryAfterMs === undefined ? {} : { retryAfterMs }),
    });
  // Waiting does not fill an account: no retry, and the operator has to act, as with a refused key.
  if (status === 402 || (status === 429 && [code, type].some((name) => name !== undefined && NO_CREDIT.test(name)))) {
    return new BotError('model_refused_key', `The account of OPENAI_API_KEY has no credit left (${what}).`);
  }
  if (status === 429) return again('model_rate_limited', `The model's server limits the rate of requests (${what}).`);
  if (status === 408 || status === 504) return again('model_timeout', `The model did not answer in time (${what}).`);
  if (status === 409 || status >= 500) return again('model_unavailable', `The model's server has a fault (${what}).`);
  if (status === 401 || status === 403) {
    return new BotError('model_refused_key', `The model's server refused OPENAI_API_KEY (${what}).`);
  }
  if (status === 404) {
    const text = answer.text.replace(/\s+/g, ' ').slice(0, 200);
    return new BotError(
      'model_refused_request',
      `Not found; see OPENAI_MODEL and OPENAI_BASE_URL (${what}${text && ': '}${text}).`,
    );
  }
  if (code === 'context_length_exceeded' || status === 413) return tooLong();
  return new BotError('model_refused_request', `The model's server refused the request (${what}).`);
}

/** An error sent as an event of a stream that had begun with 200: its code is a name, or a status (OpenRouter). */
function fromErrorEvent(answer: ServerAnswer, now: number): BotError {
  const status = EVENT_STATUS.get(answer.code ?? '') ?? EVENT_STATUS.get(answer.type ?? '') ?? Number(answer.code);
  return fromStatus({ ...answer, status: status >= 400 && status < 600 ? status : 500 }, now);
}

const EVENT_STATUS: ReadonlyMap<string, number> = new Map([
  ['rate_limit_exceeded', 429],
  ['insufficient_quota', 429],
  ['context_length_exceeded', 400],
  ['invalid_request_error', 400],
]);

/** OpenAI: `insufficient_quota`; others name their billing. */
const NO_CREDIT = /insufficient_quota|insufficient_balance|billing/;

function tooLong(): BotError {
  return new BotError('model_refused_request', 'The conversation is too long for the model; lower MAX_CONTEXT_TOKENS.');
}

/** `Retry-After` in seconds or as an HTTP date, `retry-after-ms` before it where OpenAI and Azure send it. */
function retryAfter(header: ServerAnswer['header'], now: number): number | undefined {
  const ms = Number.parseFloat(header('retry-after-ms') ?? '');
  if (ms >= 0) return Math.ceil(ms);
  const text = header('retry-after') ?? '';
  const seconds = Number(text);
  if (text.trim() !== '' && seconds >= 0) return Math.ceil(seconds * 1000);
  const date = Date.parse(text);
  return Number.isNaN(date) ? undefined : Math.max(0, date - now);
}

/** `429 rate_limit_exceeded`, with the parameter that was refused where the server names one. */
function describe({ status, code, type, param }: ServerAnswer): string {
  const names = [code ?? type, param].filter((name) => name !== undefined && /^[\w.[\]-]{1,60}$/.test(name));
  return [String(status), ...names].join(' ');
}

function readAnswer(error: Error): ServerAnswer {
  const headers = field(error, 'headers');
  const status = field(error, 'status');
  // What the server wrote, as it wrote it: LangChain adds advice to the message.
  const body = field(error, 'error');
  return {
    status: typeof status === 'number' ? status : undefined,
    code: textOf(field(error, 'code')),
    type: textOf(field(error, 'type')),
    param: textOf(field(error, 'param')),
    text: textOf(field(body, 'message')) ?? '',
    header: (name) => (headers instanceof Headers ? (headers.get(name) ?? undefined) : undefined),
  };
}

function textOf(value: unknown): string | undefined {
  return typeof value === 'string' || typeof value === 'number' ? String(value) : undefined;
}

const BROKEN = new Set(['UND_ERR_SOCKET', 'ECONNRESET', 'EPIPE']);
const TIMEOUTS = new Set(['ETIMEDOUT', 'UND_ERR_CONNECT_TIMEOUT', 'UND_ERR_HEADERS_TIMEOUT', 'UND_ERR_BODY_TIMEOUT']);

/** The client's own limits; LangChain renames the SDK's timeout to `TimeoutError`. */
function isTimeout(error: Error): boolean {
  return error.name === 'TimeoutError' || TIMEOUTS.has(codeOf(error) ?? '');
}

function codeOf(error: Error): string | undefined {
  return textOf(field(error, 'code'));
}

function field(value: unknown, name: string): unknown {
  return typeof value === 'object' && value !== null ? Reflect.get(value, name) : undefined;
}

/** The error, its cause, the cause's cause …; some Node errors keep theirs in an AggregateError. */
function causesOf(thrown: unknown, depth = 0): readonly Error[] {
  if (!(thrown instanceof Error) || depth > 8) return [];
  const inner: readonly unknown[] = thrown instanceof AggregateError ? thrown.errors : [];
  return [thrown, ...[thrown.cause, ...inner].flatMap((cause) => causesOf(cause, depth + 1))];
}

function retryable(code: ErrorCode, message: string, cause?: unknown): BotError {
  return new BotError(code, message, { retryable: true, cause });
}
