/** What Slack's client throws, in the words of the house. */
import { RespondError, webApi } from '@slack/bolt';
import { BotError, toBotError } from '../../errors.ts';

/** Slack's names for "this token is worth nothing". */
const CREDENTIALS: ReadonlySet<string> = new Set([
  'invalid_auth',
  'not_authed',
  'account_inactive',
  'token_revoked',
  'token_expired',
  'not_allowed_token_type',
]);

/** Slack's names for its own trouble; whether the call was made is not known. */
const TROUBLE: ReadonlySet<string> = new Set([
  'internal_error',
  'fatal_error',
  'service_unavailable',
  'request_timeout',
  'http_request_failed',
]);

/**
 * Slack's names for "not in these blocks": there are too many, they are too long, the workspace does not know one of them, or
 * the message has others (docs.slack.dev, errors of chat.postMessage and chat.update; slackapi/bolt-js#2509). Each is about one
 * message: the next may be taken as it is.
 */
const BLOCKS: ReadonlySet<string> = new Set([
  'invalid_blocks',
  'invalid_blocks_format',
  'msg_blocks_too_long',
  'block_mismatch',
  'invalid_markdown',
  'markdown_text_conflict',
]);

/** Slack refused the blocks of a message, whatever stands in them. */
export function refusesBlocks(thrown: unknown): boolean {
  // A response_url says so by its status alone.
  const answered = thrown instanceof BotError ? thrown.cause : thrown;
  if (answered instanceof RespondError && answered.statusCode === 400) return true;
  return BLOCKS.has(refusalOf(thrown) ?? '');
}

/** Where Slack names no time. Milliseconds. */
const DEFAULT_RETRY_MS = 1_000;

/** Slack's own name of what it refused (`message_not_found`); undefined for everything else. */
export function refusalOf(thrown: unknown): string | undefined {
  if (thrown instanceof BotError) return refusalOf(thrown.cause);
  return thrown instanceof webApi.WebAPIPlatformError ? thrown.data.error : undefined;
}

/**
 * `platform_rate_limited` (nothing was done), `platform_unavailable` (retryable, the outcome is unknown),
 * `platform_credentials` or `platform_refused` (for good, nothing was done). BotErrors pass through.
 */
export function toPlatformError(thrown: unknown): BotError {
  if (thrown instanceof BotError) return thrown;
  if (thrown instanceof webApi.WebAPIRateLimitedError) return limited(thrown.retryAfter * 1_000, thrown);
  if (thrown instanceof webApi.WebAPIRequestError) {
    return thrown.original instanceof BotError ? thrown.original : unavailable('Slack was not reached.', thrown);
  }
  if (thrown instanceof webApi.WebAPIHTTPError) {
    const { statusCode } = thrown;
    if (statusCode >= 500) return unavailable(`Slack answered with status ${statusCode}.`, thrown);
    return new BotError('platform_refused', `Slack answered with status ${statusCode}.`, { cause: thrown });
  }
  if (!(thrown instanceof webApi.WebAPIPlatformError)) return unavailable(toBotError(thrown).message, thrown);
  const { error } = thrown.data;
  if (error === 'ratelimited' || error === 'rate_limited') return limited(DEFAULT_RETRY_MS, thrown);
  if (TROUBLE.has(error)) return unavailable(`Slack has trouble: ${error}.`, thrown);
  if (CREDENTIALS.has(error)) {
    const mend = `Slack refuses the token (${error}). Install the app anew and set SLACK_BOT_TOKEN and SLACK_APP_TOKEN.`;
    return new BotError('platform_credentials', mend, { cause: thrown });
  }
  const mend = error === 'missing_scope' ? ' Update the app from slack/manifest.json and install it anew.' : '';
  return new BotError('platform_refused', `Slack refused: ${error}.${mend}`, { cause: thrown });
}

function limited(retryAfterMs: number, cause: unknown): BotError {
  return new BotError('platform_rate_limited', 'Slack takes no more of these requests for a while.', {
    ...{ retryable: true, retryAfterMs, cause },
  });
}

function unavailable(message: string, cause: unknown): BotError {
  return new BotError('platform_unavailable', message, { retryable: true, cause });
}
