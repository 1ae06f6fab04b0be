/** Clients of Slack's Web API, and what their errors mean. */
import { AsyncLocalStorage } from 'node:async_hooks';
import { RespondError, type Logger as SlackLogger, webApi } from '@slack/bolt';
import { BotError, toBotError } from '../../../errors.ts';

export type SlackClient = webApi.WebClient;

/** One client for replies, one for look-ups, one for everything that may wait. All methods reject with a BotError `platform_*`. */
export interface SlackClients {
  /**
   * For the messages of a turn. The client neither queues nor retries: a rate limit or a lost answer rejects at once, because
   * after one 429 an ordinary client holds back all of its calls (measured: an unrelated post waited for 2 s). `check` runs just
   * before the request is sent; what it throws is passed on.
   */
  write<T>(check: () => void, call: (client: SlackClient) => Promise<T>): Promise<T>;
  /** For what is looked up while a message is received. Neither queues nor retries. */
  lookUp<T>(call: (client: SlackClient) => Promise<T>): Promise<T>;
  /** For answers to commands and the like. Waits and retries. */
  answer<T>(call: (client: SlackClient) => Promise<T>): Promise<T>;
}

export interface SlackClientsOptions {
  readonly botToken: string;
  /** Default: Slack's own. */
  readonly apiUrl: string | undefined;
  readonly logger: SlackLogger;
  /** Sends the requests. Default: Node's own. */
  readonly fetch?: typeof fetch;
  /** Called when Slack rejects the token. */
  readonly onInvalidToken: (error: BotError) => void;
}

/** Milliseconds for one request: less than the time after which a live reply gives up on a write (10 s). */
const REQUEST_TIMEOUT_MS = 9_000;

export function createSlackClients(options: SlackClientsOptions): SlackClients {
  const send = options.fetch ?? fetch;
  const checks = new AsyncLocalStorage<() => void>();
  const common = {
    ...(options.apiUrl === undefined ? {} : { slackApiUrl: options.apiUrl }),
    timeout: REQUEST_TIMEOUT_MS,
    logger: options.logger,
    fetch: send,
  };
  const once = { rejectRateLimitedCalls: true, retryConfig: { retries: 0 } };
  // Each client has its own options object: it writes its token into the headers of the options.
  const replies = new webApi.WebClient(options.botToken, {
    ...{ ...common, ...once },
    // Not before the call: a client sends at most 100 requests at a time, the others wait.
    fetch: async (url, init) => {
      checks.getStore()?.();
      return await send(url, init);
    },
  });
  const lookUps = new webApi.WebClient(options.botToken, { ...common, ...once });
  const answers = new webApi.WebClient(options.botToken, { ...common, retryConfig: { retries: 3, maxTimeout: 4_000 } });

  async function translated<T>(action: () => Promise<T>): Promise<T> {
    try {
      return await action();
    } catch (thrown) {
      const error = toPlatformError(thrown);
      if (error.code === 'platform_credentials') options.onInvalidToken(error);
      throw error;
    }
  }

  return {
    write: (check, call) => translated(() => checks.run(check, () => call(replies))),
    lookUp: (call) => translated(() => call(lookUps)),
    answer: (call) => translated(() => call(answers)),
  };
}

/** Error codes that mean the token is not valid. */
const INVALID_TOKEN: ReadonlySet<string> = new Set([
  'invalid_auth',
  'not_authed',
  'account_inactive',
  'token_revoked',
  'token_expired',
  'not_allowed_token_type',
]);

/** Error codes of Slack's own failures. Whether the call took effect is not known. */
const SERVER_FAILURE: ReadonlySet<string> = new Set([
  'internal_error',
  'fatal_error',
  'service_unavailable',
  'request_timeout',
  'http_request_failed',
]);

/**
 * Error codes for blocks that Slack does not accept: too many, too long, unknown to the workspace, or not allowed in this message
 * (docs.slack.dev, errors of chat.postMessage and chat.update; slackapi/bolt-js#2509). Each concerns one message: Slack may
 * accept the next one.
 */
const BLOCKS: ReadonlySet<string> = new Set([
  'invalid_blocks',
  'invalid_blocks_format',
  'msg_blocks_too_long',
  'block_mismatch',
  'invalid_markdown',
  'markdown_text_conflict',
]);

/** Whether Slack refused a message because of its blocks. */
export function refusesBlocks(thrown: unknown): boolean {
  // A response_url only answers with a status.
  const answered = thrown instanceof BotError ? thrown.cause : thrown;
  if (answered instanceof RespondError && answered.statusCode === 400) return true;
  return BLOCKS.has(refusalOf(thrown) ?? '');
}

/** Where Slack names no time. Milliseconds. */
const DEFAULT_RETRY_MS = 1_000;

/** Slack's error code (`message_not_found`); undefined for everything else that can be thrown. */
export function refusalOf(thrown: unknown): string | undefined {
  if (thrown instanceof BotError) return refusalOf(thrown.cause);
  return thrown instanceof webApi.WebAPIPlatformError ? thrown.data.error : undefined;
}

/**
 * `platform_rate_limited` (the call had no effect), `platform_unavailable` (retryable; the outcome is unknown),
 * `platform_credentials` or `platform_refused` (permanent; the call had no effect). BotErrors pass unchanged.
 */
export function toPlatformError(thrown: unknown): BotError {
  if (thrown instanceof BotError) return thrown;
  if (thrown instanceof webApi.WebAPIRateLimitedError) return limited(thrown.retryAfter * 1_000, thrown);
  if (thrown instanceof webApi.WebAPIRequestError) {
    return thrown.original instanceof BotError ? thrown.original : unavailable('Slack could not be reached.', thrown);
  }
  if (thrown instanceof webApi.WebAPIHTTPError) {
    const { statusCode } = thrown;
    if (statusCode >= 500) return unavailable(`Slack answered with status ${statusCode}.`, thrown);
    return new BotError('platform_refused', `Slack answered with status ${statusCode}.`, { cause: thrown });
  }
  if (!(thrown instanceof webApi.WebAPIPlatformError)) return unavailable(toBotError(thrown).message, thrown);
  const { error } = thrown.data;
  if (error === 'ratelimited' || error === 'rate_limited') return limited(DEFAULT_RETRY_MS, thrown);
  if (SERVER_FAILURE.has(error)) return unavailable(`Slack failed: ${error}.`, thrown);
  if (INVALID_TOKEN.has(error)) {
    const message = `Slack rejects the token (${error}). Reinstall the app, then set SLACK_BOT_TOKEN and SLACK_APP_TOKEN.`;
    return new BotError('platform_credentials', message, { cause: thrown });
  }
  const fix = error === 'missing_scope' ? ' Update the app from slack/manifest.json and reinstall it.' : '';
  return new BotError('platform_refused', `Slack refused the call: ${error}.${fix}`, { cause: thrown });
}

function limited(retryAfterMs: number, cause: unknown): BotError {
  return new BotError('platform_rate_limited', 'Slack rate limit reached.', {
    ...{ retryable: true, retryAfterMs, cause },
  });
}

function unavailable(message: string, cause: unknown): BotError {
  return new BotError('platform_unavailable', message, { retryable: true, cause });
}
