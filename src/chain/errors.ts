/** Tells apart what can go wrong with a model. */
import { BotError, type ErrorCode, toBotError } from '../errors.ts';
import { field, type ServerError } from './wire/completion.ts';

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
 * | `model_misconfigured` | no such model or route, no API there, a context too small for the system prompt | no |
 * | `model_filtered` | a content filter refused the message, or swallowed the answer | no |
 * | `model_too_long` | this message alone is longer than the model's context | no |
 * | `model_only_reasoned` | the answer was nothing but reasoning, or reached its limit before its first word | no |
 * | `model_refused_request` | every other 4xx | no |
 * | `internal` | anything else: a bug | no |
 *
 * What the server wrote is not repeated, save for its error code and a 404's text: servers echo keys and prompts in their
 * error texts, and these errors are logged.
 */
export async function toModelError(thrown: unknown): Promise<BotError> {
  const chain = causesOf(thrown);
  const own = chain.find((error) => error instanceof BotError);
  if (own !== undefined) return own;
  // It is already loaded where it is used; the demo model starts without it.
  const { OpenAIClient } = await import('@langchain/openai');
  if (chain.some(isTimeout)) return retryable('model_timeout', 'The model did not answer in time.', thrown);
  if (chain.some((error) => error instanceof OpenAIClient.APIConnectionError)) {
    const code = chain.map(codeOf).findLast((found) => found !== undefined);
    const why = code === undefined ? '' : ` (${code})`;
    return retryable('model_unavailable', `The model's server cannot be reached${why}; see OPENAI_BASE_URL.`, thrown);
  }
  // undici says `TypeError: terminated` when the connection breaks while the body is read (measured with Node 20).
  if (chain.some((error) => error.message === 'terminated' || BROKEN.has(codeOf(error) ?? ''))) {
    return retryable('model_disconnected', 'The connection to the model broke in the middle of the answer.', thrown);
  }
  // An error event of the Responses API, whose stream is read by the SDK.
  if (chain.some((error) => error instanceof OpenAIClient.APIError)) {
    return retryable('model_unavailable', "The model's server sent an error in its stream.");
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

/** An answer without a word in it. What would come out the same again is not retried. */
export function emptyAnswer(finishReason: unknown, reasoned: boolean): BotError {
  if (finishReason === 'content_filter') {
    return new BotError('model_filtered', "The model's content filter withheld the answer.");
  }
  // Reasoning that the server does not report uses up the space, too.
  if (reasoned || finishReason === 'length') {
    return new BotError(
      'model_only_reasoned',
      "The model gave nothing but reasoning; raise the server's limit on the length of an answer, or its context.",
    );
  }
  return retryable('model_empty_answer', 'The model gave an empty answer.');
}

/** What is shown of the conversation was cut to nothing, and the request is still longer than the model's context. */
export function tooLong(tokens: { readonly system: number; readonly input: number }): BotError {
  if (tokens.input > Math.max(SMALL_MESSAGE, tokens.system)) {
    return new BotError('model_too_long', 'The message alone is longer than the context of the model.');
  }
  return new BotError(
    'model_misconfigured',
    "The context of the model's server is too small for SYSTEM_PROMPT and a short message; raise it there.",
  );
}

/** Estimated tokens of a message that every model must take. */
const SMALL_MESSAGE = 256;

/** What a server answered instead of an answer. */
export interface Refusal extends ServerError {
  readonly status: number;
  readonly headers: Headers;
}

/** `now`: Unix milliseconds. */
export function fromRefusal(refusal: Refusal, now: number): BotError {
  const { status, code, type, text } = refusal;
  const what = describe(refusal);
  const retryAfterMs = retryAfter(refusal.headers, now);
  const again = (errorCode: ErrorCode, message: string) =>
    new BotError(errorCode, message, {
      retryable: true,
      ...(retryAfterMs === undefined ? {} : { retryAfterMs }),
    });
  const names = [code, type].filter((name) => name !== undefined);
  if (status < 500 && (names.some((name) => FILTERED.test(name)) || (status !== 401 && FILTERED_WORDS.test(text)))) {
    return new BotError('model_filtered', `The model's content filter refused the message (${what}).`);
  }
  // Waiting does not fill an account: no retry, and the administrator has to act, as with a refused key.
  if (status === 402 || (status === 429 && names.some((name) => NO_CREDIT.test(name)))) {
    return new BotError('model_refused_key', `The account of OPENAI_API_KEY has no credit left (${what}).`);
  }
  if (status === 429) return again('model_rate_limited', `The model's server limits the rate of requests (${what}).`);
  if (status === 408 || status === 504) return again('model_timeout', `The model did not answer in time (${what}).`);
  const unknownModel = names.some((name) => /model_not_found|DeploymentNotFound/.test(name)) || namesUnknownModel(text);
  if (status === 404 || (status < 500 && status !== 401 && unknownModel)) {
    const words = text.replace(/\s+/g, ' ').slice(0, 200);
    return misconfigured(`Not found; see OPENAI_MODEL and OPENAI_BASE_URL (${what}${words && ': '}${words}).`);
  }
  if (status === 409 || status === 425 || status >= 500) {
    return again('model_unavailable', `The model's server failed (${what}).`);
  }
  if (status === 401 || status === 403) {
    return new BotError('model_refused_key', `The model's server refused OPENAI_API_KEY (${what}).`);
  }
  if (status === 405 || status === 410 || status === 415) {
    return misconfigured(`This is no chat API; see OPENAI_BASE_URL (${what}).`);
  }
  return new BotError(
    'model_refused_request',
    `The model's server refused the request (${what}); see OPENAI_MODEL and the settings beside it, and docs/models.md.`,
  );
}

function misconfigured(message: string): BotError {
  return new BotError('model_misconfigured', message);
}

/** OpenAI: content_policy_violation; Azure: content_filter, ResponsibleAIPolicyViolation; DashScope: data_inspection_failed. */
const FILTERED = /content_filter|content_policy|ResponsibleAI|data_inspection|moderation|safety/i;
const FILTERED_WORDS =
  /content (?:management |safety |moderation )?(?:policy|filter)|moderation|was flagged|flagged for|content exists risk|inappropriate content|safety system/i;
const NO_SUCH_MODEL = /(?:no such|unknown|invalid) model|not a valid model/i;
const MODEL = /\bmodel\b/gi;
const UNKNOWN = /not found|does not exist|doesn't exist|not exist|is not a valid|not available|unknown/i;

function namesUnknownModel(text: string): boolean {
  // What is said about the model follows the word closely.
  const said = [...text.matchAll(MODEL)].map(({ index }) => text.slice(index, index + 150));
  return NO_SUCH_MODEL.test(text) || said.some((words) => UNKNOWN.test(words));
}

/** OpenAI: `insufficient_quota`; others name their billing. */
const NO_CREDIT = /insufficient_quota|insufficient_balance|billing/;

/** `Retry-After` in seconds or as an HTTP date, `retry-after-ms` before it where OpenAI and Azure send it. */
function retryAfter(headers: Headers, now: number): number | undefined {
  const ms = Number.parseFloat(headers.get('retry-after-ms') ?? '');
  if (ms >= 0) return Math.ceil(ms);
  const text = headers.get('retry-after') ?? '';
  const seconds = Number(text);
  if (text.trim() !== '' && seconds >= 0) return Math.ceil(seconds * 1000);
  const date = Date.parse(text);
  return Number.isNaN(date) ? undefined : Math.max(0, date - now);
}

/** `429 rate_limit_exceeded`, with the parameter that was refused where the server names one. */
function describe({ status, code, type, param }: Refusal): string {
  const names = [code ?? type, param].filter((name) => name !== undefined && /^[\w.[\]-]{1,60}$/.test(name));
  return [String(status), ...names.filter((name) => name !== String(status))].join(' ');
}

const BROKEN = new Set(['UND_ERR_SOCKET', 'ECONNRESET', 'EPIPE']);
const TIMEOUTS = new Set(['ETIMEDOUT', 'UND_ERR_CONNECT_TIMEOUT', 'UND_ERR_HEADERS_TIMEOUT', 'UND_ERR_BODY_TIMEOUT']);

/** The client's own limits; LangChain renames the SDK's timeout to `TimeoutError`. */
function isTimeout(error: Error): boolean {
  return error.name === 'TimeoutError' || TIMEOUTS.has(codeOf(error) ?? '');
}

function codeOf(error: Error): string | undefined {
  const code = field(error, 'code');
  return typeof code === 'string' || typeof code === 'number' ? String(code) : undefined;
}

/** The error, its cause, the cause's cause …; some Node errors keep theirs in an AggregateError. */
export function causesOf(thrown: unknown, depth = 0): readonly Error[] {
  if (!(thrown instanceof Error) || depth > 8) return [];
  const inner: readonly unknown[] = thrown instanceof AggregateError ? thrown.errors : [];
  return [thrown, ...[thrown.cause, ...inner].flatMap((cause) => causesOf(cause, depth + 1))];
}

function retryable(code: ErrorCode, message: string, cause?: unknown): BotError {
  return new BotError(code, message, { retryable: true, cause });
}
