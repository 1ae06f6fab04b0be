/**
 * The error class of the codebase. Everything that can go wrong and that a person or an administrator may have to see has a
 * code from this list; `test/errors.test.ts` pairs every code with what raises it and what the person sees.
 */
export const ERROR_CODES = [
  // configuration and start
  'config_invalid',
  'store_evicting',
  'store_locked',
  'store_too_old',
  // the store
  'store_unavailable',
  'store_full',
  // input
  'bad_input',
  'session_invalid',
  'ttl_out_of_bounds',
  // the model
  'model_rate_limited',
  'model_unavailable',
  'model_timeout',
  'model_disconnected',
  'model_refused_key',
  'model_misconfigured',
  'model_refused_request',
  'model_filtered',
  'model_too_long',
  'model_only_reasoned',
  'model_empty_answer',
  // the platform
  'platform_rate_limited',
  'platform_unavailable',
  'platform_refused',
  'platform_credentials',
  // the turn
  'turn_gave_up',
  'turn_lost',
  'turn_stopped',
  'internal',
] as const;

export type ErrorCode = (typeof ERROR_CODES)[number];

export interface BotErrorOptions {
  readonly cause?: unknown;
  /** Whether the same call may succeed if it is repeated. Default: false. */
  readonly retryable?: boolean;
  /** Milliseconds to wait before a retry, if the server named them (Retry-After). */
  readonly retryAfterMs?: number;
  /** Public description, for /health: no addresses, names or text. */
  readonly reason?: string;
}

/** An error with a code from {@link ERROR_CODES}; `message` says how to fix it, `cause` is the original error. */
export class BotError extends Error {
  override readonly name = 'BotError';
  readonly code: ErrorCode;
  readonly retryable: boolean;
  readonly retryAfterMs: number | undefined;
  readonly reason: string | undefined;

  constructor(code: ErrorCode, message: string, options: BotErrorOptions = {}) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause });
    this.code = code;
    this.retryable = options.retryable ?? false;
    this.retryAfterMs = options.retryAfterMs;
    this.reason = options.reason;
  }
}

/** Wraps anything thrown into a {@link BotError}; a BotError passes through unchanged. */
export function toBotError(thrown: unknown): BotError {
  if (thrown instanceof BotError) return thrown;
  const message = thrown instanceof Error ? thrown.message : String(thrown);
  return new BotError('internal', message, { cause: thrown });
}
