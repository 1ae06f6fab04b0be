/** Clients of Slack's Web API: one for replies, one for looking things up, one for everything that may wait. */
import { AsyncLocalStorage } from 'node:async_hooks';
import { type Logger as SlackLogger, webApi } from '@slack/bolt';
import type { BotError } from '../../errors.ts';
import { toPlatformError } from './platform-error.ts';

export type SlackClient = webApi.WebClient;

export interface SlackClients {
  /**
   * For what a turn writes. Nothing is queued or tried again by the client: a rate limit and a lost answer are told at once,
   * because one 429 makes an ordinary client hold back everything it has (measured: an unrelated post waited for 2 s).
   */
  readonly replies: SlackClient;
  /** For what the reception of a message looks up; likewise. */
  readonly lookups: SlackClient;
  /** For answers to commands and the like; waits and tries again by itself. */
  readonly answers: SlackClient;
  /**
   * Makes a call of {@link replies}; `check` runs just before the request leaves, and may throw.
   * @throws BotError `platform_*`, or what `check` throws
   */
  write<T>(check: () => void, call: (client: SlackClient) => Promise<T>): Promise<T>;
  /** Makes a call of {@link lookups}. @throws BotError `platform_*` */
  look<T>(call: (client: SlackClient) => Promise<T>): Promise<T>;
  /** Makes a call of {@link answers}. @throws BotError `platform_*` */
  answer<T>(call: (client: SlackClient) => Promise<T>): Promise<T>;
}

export interface SlackClientsOptions {
  readonly botToken: string;
  /** Default: Slack's own. */
  readonly apiUrl: string | undefined;
  readonly logger: SlackLogger;
  /** Slack said that the token is worth nothing. */
  readonly refused: (error: BotError) => void;
}

/** Milliseconds for one request; below the time after which a live reply gives a write up by itself (10 s). */
const REQUEST_TIMEOUT_MS = 9_000;

export function createSlackClients(options: SlackClientsOptions): SlackClients {
  const checks = new AsyncLocalStorage<() => void>();
  const common = {
    ...(options.apiUrl === undefined ? {} : { slackApiUrl: options.apiUrl }),
    timeout: REQUEST_TIMEOUT_MS,
    logger: options.logger,
  };
  const once = { rejectRateLimitedCalls: true, retryConfig: { retries: 0 } };
  // Options of their own each: a client writes its token into the headers of those that it is given.
  const replies = new webApi.WebClient(options.botToken, {
    ...{ ...common, ...once },
    fetch: async (url, init) => {
      checks.getStore()?.();
      return await fetch(url, init);
    },
  });
  const lookups = new webApi.WebClient(options.botToken, { ...common, ...once });
  const answers = new webApi.WebClient(options.botToken, { ...common, retryConfig: { retries: 3, maxTimeout: 4_000 } });

  async function tell<T>(action: () => Promise<T>): Promise<T> {
    try {
      return await action();
    } catch (thrown) {
      const error = toPlatformError(thrown);
      if (error.code === 'platform_credentials') options.refused(error);
      throw error;
    }
  }

  return {
    replies,
    lookups,
    answers,
    write: (check, call) => tell(() => checks.run(check, () => call(replies))),
    look: (call) => tell(() => call(lookups)),
    answer: (call) => tell(() => call(answers)),
  };
}
