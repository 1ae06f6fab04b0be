/** Classifies the errors of model servers. */
import { BotError, type ErrorCode, toBotError } from '../errors.ts';
import { field, type ServerError } from './wire/completion.ts';

/**
 * The BotError for anything thrown while a model is called. A BotError among its causes is returned unchanged.
 *
 * | code | when | retryable |
 * | --- | --- | --- |
 * | `model_rate_limited` | 429 | yes, after `retryAfterMs` if the server sent it |
 * | `model_unavailable` | 5xx, 409, no connection, an error event within the stream | yes |
 * | `model_timeout` | 408, 504, timeouts of the connection | yes |
 * | `model_disconnected` | the connection broke, or the stream ended, in the middle of the answer | yes |
 * | `model_refused_key` | 401, 403; no credit left (402, 429 `insufficient_quota`) | no |
 * | `model_misconfigured` | no such model or route, no API at this URL, a context too small for the system prompt, images refused with OPENAI_VISION=on | no |
 * | `model_filtered` | a content filter refused the message or withheld the answer | no |
 * | `model_too_long` | this message alone is longer than the model's context | no |
 * | `model_only_reasoned` | the answer had only reasoning, or reached its limit before its first word | no |
 * | `model_refused_request` | every other 4xx | no |
 * | `internal` | anything else: a bug | no |
 *
 * The server's text is not repeated, except its error code and the text of a 404: these errors are logged, and servers echo keys
 * and prompts in error texts.
 */
export async function toModelError(thrown: unknown): Promise<BotError> {
  const chain = causesOf(thrown);
  const own = chain.find((error) => error instanceof BotError);
  if (own !== undefined) return own;
  // Loaded already if it is in use; the demo model runs without it.
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
  // A chunk that is not JSON. It contains part of the answer, so the error is not kept as the cause.
  if (chain.some((error) => error instanceof SyntaxError)) {
    return retryable('model_disconnected', 'The model sent a stream that cannot be read.');
  }
  return toBotError(thrown);
}

/** The error for an aborted signal: its reason, or `model_timeout` for a timeout. */
export function fromAbort(signal: AbortSignal): unknown {
  const reason: unknown = signal.reason;
  if (!(reason instanceof Error) || reason.name !== 'TimeoutError') return reason;
  return retryable('model_timeout', 'The model did not answer in time.', reason);
}

/** The error for an answer without text. It is not retryable if the outcome would be the same again. */
export function emptyAnswer(finishReason: unknown, reasoned: boolean): BotError {
  if (finishReason === 'content_filter') {
    return new BotError('model_filtered', "The model's content filter withheld the answer.");
  }
  // Reasoning that the server does not report uses up the space, too.
  if (reasoned || finishReason === 'length') {
    return new BotError(
      'model_only_reasoned',
      "The model sent only reasoning; raise the server's limit on the length of an answer, or its context.",
    );
  }
  return retryable('model_empty_answer', 'The model sent an empty answer.');
}

/** The error for a request that exceeds the model's context even without the conversation. */
export function tooLong(tokens: { readonly system: number; readonly input: number }): BotError {
  if (tokens.input > Math.max(SMALL_MESSAGE, tokens.system)) {
    return new BotError('model_too_long', 'The message alone is longer than the context of the model.');
  }
  return new BotError(
    'model_misconfigured',
    "The context of the model's server is too small for SYSTEM_PROMPT and a short message; raise it there.",
  );
}

/** The error for a server that takes no images although the settings say that the model sees. */
export function imagesRefused(): BotError {
  return misconfigured(
    "The model's server refuses images: set OPENAI_VISION to auto or off, or OPENAI_MODEL to a model that sees images.",
  );
}

/** Estimated tokens of a message that must fit every model. */
const SMALL_MESSAGE = 256;

/** An error response of the server. */
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
  // Waiting does not add credit, so the administrator has to act, as with a refused key.
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
    return misconfigured(`There is no chat API at this URL; see OPENAI_BASE_URL (${what}).`);
  }
  return new BotError(
    'model_refused_request',
    `The model's server refused the request (${what}); see OPENAI_MODEL, the other model settings, and docs/models.md.`,
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
  // The reason follows the word "model" closely.
  const said = [...text.matchAll(MODEL)].map(({ index }) => text.slice(index, index + 150));
  return NO_SUCH_MODEL.test(text) || said.some((words) => UNKNOWN.test(words));
}

/** OpenAI: `insufficient_quota`; others mention billing. */
const NO_CREDIT = /insufficient_quota|insufficient_balance|billing/;

/** `retry-after-ms` (OpenAI, Azure) if present, otherwise `Retry-After` in seconds or as an HTTP date. */
function retryAfter(headers: Headers, now: number): number | undefined {
  const ms = Number.parseFloat(headers.get('retry-after-ms') ?? '');
  if (ms >= 0) return Math.ceil(ms);
  const text = headers.get('retry-after') ?? '';
  const seconds = Number(text);
  if (text.trim() !== '' && seconds >= 0) return Math.ceil(seconds * 1000);
  const date = Date.parse(text);
  return Number.isNaN(date) ? undefined : Math.max(0, date - now);
}

/** Such as `429 rate_limit_exceeded`, with the refused parameter if the server names it. */
function describe({ status, code, type, param }: Refusal): string {
  const names = [code ?? type, param].filter((name) => name !== undefined && /^[\w.[\]-]{1,60}$/.test(name));
  return [String(status), ...names.filter((name) => name !== String(status))].join(' ');
}

const BROKEN = new Set(['UND_ERR_SOCKET', 'ECONNRESET', 'EPIPE']);
const TIMEOUTS = new Set(['ETIMEDOUT', 'UND_ERR_CONNECT_TIMEOUT', 'UND_ERR_HEADERS_TIMEOUT', 'UND_ERR_BODY_TIMEOUT']);

/** Timeouts of the client. LangChain renames the SDK's timeout to `TimeoutError`. */
function isTimeout(error: Error): boolean {
  return error.name === 'TimeoutError' || TIMEOUTS.has(codeOf(error) ?? '');
}

function codeOf(error: Error): string | undefined {
  const code = field(error, 'code');
  return typeof code === 'string' || typeof code === 'number' ? String(code) : undefined;
}

/** The error and its chain of causes. Some Node errors have them in an AggregateError. */
export function causesOf(thrown: unknown, depth = 0): readonly Error[] {
  if (!(thrown instanceof Error) || depth > 8) return [];
  const inner: readonly unknown[] = thrown instanceof AggregateError ? thrown.errors : [];
  return [thrown, ...[thrown.cause, ...inner].flatMap((cause) => causesOf(cause, depth + 1))];
}

function retryable(code: ErrorCode, message: string, cause?: unknown): BotError {
  return new BotError(code, message, { retryable: true, cause });
}
