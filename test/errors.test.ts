/** Every code of the one error class: what raises it, what it says of itself, and what the person reads of it. */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Redis } from 'ioredis';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { parseChat, parseNewTtl } from '../src/adapters/http/normalize.ts';
import { responseTo } from '../src/adapters/http/refuse.ts';
import { chatRequestSchema } from '../src/adapters/http/schemas.ts';
import { createChain } from '../src/chain/index.ts';
import { loadConfig } from '../src/config/config.ts';
import { toSessionId } from '../src/core/session.ts';
import type { ConversationStore } from '../src/core/store.ts';
import { BotError, ERROR_CODES, type ErrorCode } from '../src/errors.ts';
import { messagesIn } from '../src/i18n/messages.ts';
import { systemTimers } from '../src/lib/timers.ts';
import { createSqliteStore } from '../src/memory/sqlite/store.ts';
import { createLiveReply } from '../src/replies/live-reply.ts';
import { LIMITS as HTTP_LIMITS, postChat } from './adapters/http/support.ts';
import { ask, input, testChain } from './chain/harness.ts';
import { LIMITS, messageOf, sessionOf } from './contracts/store/support.ts';
import { openRedisStore } from './crash/world.ts';
import {
  during,
  interrupted,
  logger,
  modelThrows,
  observer,
  slackThrows,
  thrownBy,
  withRedis,
} from './errors/raising.ts';
import {
  expectTold,
  failing,
  notTaken,
  run,
  sixDeaths,
  toldByHttp,
  toldByTheTurn,
  undelivered,
} from './errors/seeing.ts';
import { type BotSettings, launchBot } from './support/bot-process.ts';
import { builtBot } from './support/built-bot.ts';
import { startApi, startOldRedis } from './support/far-ends.ts';
import { startModel } from './support/model.ts';

interface Pairing {
  /** Gives what the product throws. */
  readonly raise: () => Promise<unknown>;
  readonly retryable: boolean;
  readonly retryAfterMs?: number;
  /** The name of what was thrown below it; absent where nothing was. */
  readonly cause?: string;
  /** What it tells whoever reads the log or the terminal. */
  readonly message: RegExp;
  /** Looks at what the person gets to see of this very error, in each language. */
  readonly seen: (thrown: BotError) => Promise<void>;
}

let folder = '';
let build: Awaited<ReturnType<typeof builtBot>>;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'recollect-errors-'));
  build = await builtBot();
}, 120_000);
afterAll(async () => {
  await rm(folder, { recursive: true, force: true });
});

const openSqlite = () => createSqliteStore({ ...LIMITS, observer, dataDir: join(folder, 'data') });

/** The process ends with this code, and the last thing in the terminal is what it says, whatever the language. */
async function expectExit(settings: BotSettings, exitCode: number, text: RegExp): Promise<void> {
  const bot = await launchBot(build, folder, settings);
  try {
    expect(await bot.exited).toBe(exitCode);
    expect(bot.output()).toMatch(text);
    expect(bot.output()).not.toMatch(/^\s+at .*\.js/m);
  } finally {
    await bot.release();
  }
}

const PAIRINGS: Readonly<Record<ErrorCode, Pairing>> = {
  config_invalid: {
    raise: async () => thrownBy(() => loadConfig({ PORT: 'eighty', REDIS_URL: 'localhost' }, { cwd: folder })),
    retryable: false,
    message: /PORT .*\n- REDIS_URL|REDIS_URL .*\n- PORT/,
    seen: () => expectExit({ REDIS_URL: 'localhost' }, 78, /REDIS_URL must be .*redis:\/\//),
  },
  store_evicting: {
    raise: () => withRedis(['--maxmemory-policy', 'allkeys-lru'], (url) => thrownBy(() => openRedisStore(url))),
    retryable: false,
    message: /Set it to noeviction, or ALLOW_EVICTION=true/,
    seen: () =>
      withRedis(['--maxmemory-policy', 'allkeys-lru'], (url) => expectExit({ REDIS_URL: url }, 78, /noeviction/)),
  },
  store_locked: {
    raise: () => during(openSqlite(), () => thrownBy(() => openSqlite())),
    retryable: false,
    cause: 'SqliteError',
    message: /Stop the other one, or give this one a DATA_DIR of its own; to run several, set REDIS_URL/,
    seen: () => during(openSqlite(), () => expectExit({ DATA_DIR: join(folder, 'data') }, 69, /in use by another/)),
  },
  store_too_old: {
    raise: () =>
      during(startOldRedis('6.2.14'), ({ port }) => thrownBy(() => openRedisStore(`redis://127.0.0.1:${port}`))),
    retryable: false,
    message: /Redis 6\.2\.14 is too old: use Redis 7 or newer/,
    seen: () =>
      during(startOldRedis('6.2.14'), ({ port }) =>
        expectExit({ REDIS_URL: `redis://127.0.0.1:${port}` }, 78, /use Redis 7 or newer, or Valkey/),
      ),
  },
  store_unavailable: {
    raise: async () => {
      const store = await withRedis([], openRedisStore);
      return await thrownBy(() => store.ping()).finally(store.close);
    },
    retryable: true,
    cause: 'Error',
    message: /Redis does not answer .*tried again by itself/,
    seen: notTaken(503, /cannot be reached. Please try again/),
  },
  store_full: {
    raise: () =>
      withRedis([], async (url) => {
        const store = await openRedisStore(url);
        const admin = new Redis(url, { protocol: 2 });
        await admin.config('SET', 'maxmemory', '1mb');
        admin.disconnect();
        return await thrownBy(() => store.enqueue(messageOf(sessionOf(), 'm1'))).finally(store.close);
      }),
    retryable: false,
    cause: 'SimpleError',
    message: /Give it more memory/,
    seen: async (thrown) => {
      await notTaken(507, /nothing new can be stored. What is stored can still be read/)(thrown);
      await toldByTheTurn(507)(thrown);
    },
  },
  bad_input: {
    raise: async () => thrownBy(() => parseChat(chatRequestSchema(HTTP_LIMITS), { user_id: 'a', message: 7 })),
    retryable: false,
    message: /message must be a string/,
    seen: toldByHttp(422, /message must be a string/, () => ['/chat', postChat({ user_id: 'a', message: 7 })]),
  },
  session_invalid: {
    raise: () => thrownBy(() => toSessionId('{slack:T1:C1}:u-a:b')),
    retryable: false,
    message: /Not a session id/,
    // No route lets one through that gets here; if it did, its caller would be told.
    async seen(thrown) {
      const response = responseTo(thrown);
      expect([response.status, await response.json()]).toEqual([422, { detail: thrown.message }]);
    },
  },
  ttl_out_of_bounds: {
    raise: () => thrownBy(() => parseNewTtl('5', HTTP_LIMITS)),
    retryable: false,
    message: /at least 60 seconds/,
    seen: toldByHttp(400, /at least 60 seconds/, () => ['/ttl/a?new_ttl=5', { method: 'PUT' }]),
  },
  model_rate_limited: {
    raise: () => modelThrows({ reply: { status: 429, headers: { 'retry-after': '7' } } }),
    retryable: true,
    retryAfterMs: 7_000,
    message: /limits the rate of requests \(429/,
    seen: toldByTheTurn(503),
  },
  model_unavailable: {
    raise: async () => {
      const { url } = await during(startModel(), async (model) => model);
      return (await ask(await testChain({ baseUrl: url }), input('Hello'))).thrown;
    },
    retryable: true,
    cause: 'APIConnectionError',
    message: /cannot be reached \(ECONNREFUSED\); see OPENAI_BASE_URL/,
    seen: toldByTheTurn(502),
  },
  model_timeout: {
    raise: () => modelThrows({ reply: { status: 504 } }),
    retryable: true,
    message: /did not answer in time \(504/,
    seen: toldByTheTurn(504),
  },
  model_disconnected: {
    raise: () => modelThrows({ reply: { sent: 2, end: 'reset' } }),
    retryable: true,
    cause: 'TypeError',
    message: /broke in the middle of the answer/,
    seen: toldByTheTurn(502),
  },
  model_refused_key: {
    raise: () => modelThrows({ apiKey: 'right' }, 'wrong'),
    retryable: false,
    message: /refused OPENAI_API_KEY/,
    seen: toldByTheTurn(502),
  },
  model_misconfigured: {
    raise: () => modelThrows({ reply: { status: 404, error: { message: 'no model of that name' } } }),
    retryable: false,
    message: /see OPENAI_MODEL and OPENAI_BASE_URL .*no model of that name/,
    seen: toldByTheTurn(502),
  },
  model_refused_request: {
    raise: () => modelThrows({ reply: { status: 400, error: { message: 'no', code: 'odd' } } }),
    retryable: false,
    message: /refused the request \(400 odd\); see OPENAI_MODEL/,
    seen: toldByTheTurn(502),
  },
  model_filtered: {
    raise: () => modelThrows({ reply: { status: 400, error: { message: 'no', code: 'content_filter' } } }),
    retryable: false,
    message: /content filter refused the message \(400 content_filter\)/,
    seen: toldByTheTurn(422),
  },
  model_too_long: {
    raise: () => modelThrows({ contextTokens: 100 }, undefined, 'word '.repeat(2_000)),
    retryable: false,
    message: /message alone is longer than the context/,
    seen: toldByTheTurn(422),
  },
  model_only_reasoned: {
    raise: () => modelThrows({ reply: { text: '<think>so much to think', finishReason: 'length' } }),
    retryable: false,
    message: /sent only reasoning; raise the server's limit/,
    seen: toldByTheTurn(502),
  },
  model_empty_answer: {
    raise: () => modelThrows({ reply: { text: '' } }),
    retryable: true,
    message: /empty answer/,
    seen: toldByTheTurn(502),
  },
  platform_rate_limited: {
    raise: () => slackThrows({ status: 429, headers: { 'retry-after': '3' } }),
    retryable: true,
    retryAfterMs: 3_000,
    cause: 'WebAPIRateLimitedError',
    message: /Slack rate limit reached/,
    seen: undelivered,
  },
  platform_unavailable: {
    raise: () => slackThrows({ status: 500 }),
    retryable: true,
    cause: 'WebAPIHTTPError',
    message: /status 500/,
    seen: undelivered,
  },
  platform_refused: {
    raise: () => slackThrows({ status: 200, body: { ok: false, error: 'missing_scope' } }),
    retryable: false,
    cause: 'WebAPIPlatformError',
    message: /missing_scope.* Update the app from slack\/manifest\.json and reinstall it/,
    seen: undelivered,
  },
  platform_credentials: {
    raise: () => slackThrows({ status: 200, body: { ok: false, error: 'invalid_auth' } }),
    retryable: false,
    cause: 'WebAPIPlatformError',
    message: /invalid_auth.* set SLACK_BOT_TOKEN and SLACK_APP_TOKEN/,
    async seen(thrown) {
      await undelivered(thrown);
      await during(startApi({ status: 200, body: { ok: false, error: 'invalid_auth' } }), ({ port }) => {
        const slack = { SLACK_BOT_TOKEN: 'xoxb-1-2', SLACK_APP_TOKEN: 'xapp-1-2' };
        const settings = { ...slack, SLACK_API_URL: `http://127.0.0.1:${port}/api/`, DATA_DIR: join(folder, 'slack') };
        return expectExit(settings, 78, /set SLACK_BOT_TOKEN/);
      });
    },
  },
  turn_gave_up: {
    // Nobody throws it: it is what the record says of a turn that took its workers with it.
    async raise() {
      const { code = 'internal' } = await run({ chain: await testChain(), before: sixDeaths });
      return new BotError(code, messagesIn('en').failed[code]);
    },
    retryable: false,
    message: /Your next message will be answered as usual/,
    seen: async ({ code }) => expectTold(code, { chain: await testChain(), before: sixDeaths }, 502),
  },
  turn_lost: {
    raise: async () => {
      const gone = AbortSignal.abort();
      const context = {
        sessionId: sessionOf(),
        turnId: 'm1',
        messageRefs: new Map(),
        resumed: false,
        locale: 'en',
      } as const;
      const lease = { signal: gone, alive: () => false };
      const never = () => Promise.reject(new Error('Nothing may be written.'));
      const reply = createLiveReply(
        { post: never, edit: never, remove: never },
        { ...context, lease, saveMessageRef: never },
        {
          ...{ limit: 2000, intervalMs: 0, firstPostDelayMs: 0, typingRefreshMs: 8_000, nonceTrustMs: 0, cursor: '' },
          clock: { now: () => Date.now(), monotonic: () => performance.now() },
          timers: systemTimers,
          log: logger,
          unreconciled() {},
        },
      );
      return await thrownBy(() => reply.end({ kind: 'answered', text: 'Hello', stopped: false }));
    },
    retryable: false,
    message: /This worker may not write to the reply any more/,
    // The person sees nothing of it: the worker that has the turn goes on in the same reply.
    seen: async () => {
      const lost = await interrupted('lost');
      expect(lost).toMatchObject({ code: 'turn_lost' });
      expect(await run({ chain: failing(lost) })).toEqual({
        result: 'unowned',
        end: undefined,
        remembered: 0,
        code: undefined,
      });
    },
  },
  turn_stopped: {
    raise: () => interrupted('stopped'),
    retryable: false,
    message: /The turn is stopped/,
    seen: async ({ code }) => {
      const before = (store: ConversationStore) => store.requestStop(sessionOf(), 'm1');
      await expectTold(code, { chain: await testChain(), before }, 410);
    },
  },
  internal: {
    async raise() {
      const broken = {
        build(): never {
          throw new TypeError('a bug');
        },
      };
      const settings = { systemPrompt: 'Be brief.' };
      const chain = await createChain(settings, { context: broken, clock: { now: () => Date.now() } });
      return (await ask(chain, input('Hello'))).thrown;
    },
    retryable: false,
    cause: 'TypeError',
    message: /a bug/,
    seen: toldByTheTurn(500),
  },
};

test.each(ERROR_CODES)('%s: raised, says what it is, and is seen by the person', { timeout: 120_000 }, async (code) => {
  const { raise, retryable, retryAfterMs, cause, message, seen } = PAIRINGS[code];
  const thrown = await raise();
  if (!(thrown instanceof BotError)) throw new Error('It is no BotError.', { cause: thrown });
  expect(thrown).toMatchObject({ name: 'BotError', code, retryable, retryAfterMs });
  expect(thrown.message).toMatch(message);
  expect(thrown.cause instanceof Error ? thrown.cause.constructor.name : thrown.cause).toBe(cause);
  await seen(thrown);
});
