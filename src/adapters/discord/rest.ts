/** Requests to Discord's REST API, their failures as BotErrors. Rate limits are discord.js's to keep, retries the caller's. */
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
  /** False where the token in the route is the authority. Default: true. */
  readonly auth?: boolean;
  readonly signal?: AbortSignal;
  /** Called just before the request leaves, behind any wait for a rate limit. What it throws is thrown. */
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
   * One request, tried once. Gives the parsed body.
   * @throws BotError `platform_rate_limited` (nothing was done), `platform_unavailable` (retryable, outcome unknown),
   * `platform_refused` or `platform_credentials` (nothing was done), or what `check` throws
   */
  request(method: RestMethod, route: `/${string}`, request?: RestRequest): Promise<unknown>;
}

/** Waits for a rate limit that are no longer than this happen in discord.js's queue, in order of arrival: that is fair. */
const MAX_QUEUE_MS = 3_000;
const TIMEOUT_MS = 10_000;
/** "Maximum number of edits to messages older than 1 hour reached": how long that lasts is documented nowhere. */
const OLD_EDITS = 30_046;
const OLD_EDITS_WAIT_MS = 60_000;

export interface RestOptions {
  readonly token: string;
  /** `https://discord.com/api` unless it is a proxy's or a test server's. */
  readonly apiUrl?: string | undefined;
}

/** Where the API is, without a slash at its end; undefined: Discord's own. */
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
    // Of a limit that Discord answers with, only `retryAfter` is sure to be told; of one that is foreseen, both are.
    rejectOnRateLimit: ({ timeToReset, retryAfter }) => Math.max(timeToReset, retryAfter) > MAX_QUEUE_MS,
    makeRequest: (url, init) => {
      checks.getStore()?.();
      return DefaultRestOptions.makeRequest(url, init);
    },
  });

  return {
    async request(method, route, { body, query, files = [], auth = true, signal, check = () => {} } = {}) {
      // A refused key makes discord.js forget it; a proxy may have refused it by mistake.
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

/** Discord's own error code (its reference of JSON error codes), where it said no. */
export function codeOf(thrown: unknown): number | undefined {
  const cause = thrown instanceof BotError ? thrown.cause : thrown;
  return cause instanceof DiscordAPIError && typeof cause.code === 'number' ? cause.code : undefined;
}

/** What a failure means. `auth`: the bot's token was sent, so a refusal is one of the token. */
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
  return new BotError('platform_rate_limited', 'Discord takes no more of these requests for now.', {
    cause,
    retryable: true,
    retryAfterMs,
  });
}

function reasonOf(thrown: unknown): string {
  return thrown instanceof Error ? thrown.message : String(thrown);
}
