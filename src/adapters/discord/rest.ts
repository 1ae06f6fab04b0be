/** Requests to Discord's REST API. Errors are BotErrors. discord.js keeps the rate limits; the caller retries. */
import { AsyncLocalStorage } from 'node:async_hooks';
import { DefaultRestOptions, DiscordAPIError, HTTPError, RateLimitError, REST, RequestMethod } from 'discord.js';
import { BotError } from '../../errors.ts';

export interface RestFile {
  readonly name: string;
  readonly mediaType: string;
  readonly content: string;
}

export interface RestRequest {
  readonly body?: object;
  readonly query?: Readonly<Record<string, string>>;
  readonly files?: readonly RestFile[];
  /** False for routes that have a token of their own. Default: true. */
  readonly auth?: boolean;
  readonly signal?: AbortSignal;
  /** Called just before the request is sent, after any wait for a rate limit. What it throws, `request` throws. */
  readonly check?: () => void;
}

const METHODS = {
  GET: RequestMethod.Get,
  POST: RequestMethod.Post,
  PUT: RequestMethod.Put,
  PATCH: RequestMethod.Patch,
  DELETE: RequestMethod.Delete,
} as const;
export type RestMethod = keyof typeof METHODS;

export interface DiscordRest {
  /**
   * Sends one request, once. Gives the parsed body.
   * @throws BotError `platform_rate_limited` (nothing was done), `platform_unavailable` (retryable, outcome unknown),
   * `platform_refused` or `platform_credentials` (nothing was done), or what `check` throws
   */
  request(method: RestMethod, route: `/${string}`, request?: RestRequest): Promise<unknown>;
}

/** Up to this long discord.js waits for a rate limit, in its queue, in order of arrival. Longer waits are the caller's. */
const MAX_QUEUE_MS = 3_000;
const TIMEOUT_MS = 10_000;
/** "Maximum number of edits to messages older than 1 hour reached". Discord does not document how long that lasts. */
const OLD_EDITS = 30_046;
const OLD_EDITS_WAIT_MS = 60_000;

export interface RestOptions {
  readonly token: string;
  /** Default: `https://discord.com/api`. */
  readonly apiUrl?: string | undefined;
}

/** The API's address for discord.js, without a slash at the end. Undefined: Discord's own. */
export function apiOf(apiUrl: string | undefined): { readonly api?: string } {
  return apiUrl === undefined ? {} : { api: withoutSlashes(apiUrl) };
}

function withoutSlashes(url: string): string {
  let end = url.length;
  while (url[end - 1] === '/') end -= 1;
  return url.slice(0, end);
}

export function createDiscordRest({ token, apiUrl }: RestOptions): DiscordRest {
  const checks = new AsyncLocalStorage<() => void>();
  const rest = new REST({
    ...apiOf(apiUrl),
    retries: 0,
    timeout: TIMEOUT_MS,
    // In a limit that Discord responds with, only `retryAfter` is reliable.
    rejectOnRateLimit: ({ timeToReset, retryAfter }) => Math.max(timeToReset, retryAfter) > MAX_QUEUE_MS,
    makeRequest: (url, init) => {
      checks.getStore()?.();
      return DefaultRestOptions.makeRequest(url, init);
    },
  });

  return {
    async request(method, route, { body, query, files = [], auth = true, signal, check = () => {} } = {}) {
      // discord.js drops a token that was refused once; a proxy may have refused it by mistake.
      rest.setToken(token);
      const call = {
        method: METHODS[method],
        fullRoute: route,
        auth,
        ...(body === undefined ? {} : { body }),
        ...(query === undefined ? {} : { query: new URLSearchParams(query) }),
        ...(signal === undefined ? {} : { signal }),
        files: files.map(({ name, mediaType, content }) => ({ name, contentType: mediaType, data: content })),
      };
      try {
        return await checks.run(check, () => rest.request(call));
      } catch (thrown) {
        throw toPlatformError(thrown, auth);
      }
    },
  };
}

/** Discord's JSON error code, if Discord refused the request. */
export function codeOf(thrown: unknown): number | undefined {
  const cause = thrown instanceof BotError ? thrown.cause : thrown;
  return cause instanceof DiscordAPIError && typeof cause.code === 'number' ? cause.code : undefined;
}

/** The HTTP status by which Discord refused the request. */
export function statusOf(thrown: unknown): number | undefined {
  const cause = thrown instanceof BotError ? thrown.cause : thrown;
  return cause instanceof DiscordAPIError ? cause.status : undefined;
}

/** @param auth The bot's token was sent, so status 401 means that it is invalid. */
export function toPlatformError(thrown: unknown, auth = true): BotError {
  if (thrown instanceof BotError) return thrown;
  if (thrown instanceof RateLimitError) return rateLimited(thrown, thrown.retryAfter);
  if (thrown instanceof DiscordAPIError) {
    if (codeOf(thrown) === OLD_EDITS) return rateLimited(thrown, OLD_EDITS_WAIT_MS);
    if (thrown.status === 401 && auth) return credentialsError(thrown);
    return new BotError('platform_refused', `Discord refused (${thrown.status}, code ${thrown.code}).`, {
      cause: thrown,
    });
  }
  const reason = thrown instanceof HTTPError ? `status ${thrown.status}` : reasonOf(thrown);
  return new BotError('platform_unavailable', `Discord does not answer (${reason}).`, {
    cause: thrown,
    retryable: true,
  });
}

export function credentialsError(cause: unknown): BotError {
  const message =
    'Discord refuses DISCORD_TOKEN. Set it to the token of the bot (Developer Portal, your app, Bot, Reset Token).';
  return new BotError('platform_credentials', message, { cause });
}

function rateLimited(cause: Error, retryAfterMs: number): BotError {
  return new BotError('platform_rate_limited', 'Discord limits the rate of these requests.', {
    cause,
    retryable: true,
    retryAfterMs,
  });
}

function reasonOf(thrown: unknown): string {
  return thrown instanceof Error ? thrown.message : String(thrown);
}
