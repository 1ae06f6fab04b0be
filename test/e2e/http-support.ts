/** What the black-box tests share: bots with stores of their own, in this process or as processes, and how one talks to them. */
import { randomUUID } from 'node:crypto';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, expect, inject, vi } from 'vitest';
import { chatResponse, errorResponse, historyResponse } from '../../src/adapters/http/schemas.ts';
import { postChat } from '../adapters/http/support.ts';
import { type BotProcess, type BotSettings, launchBot, type RunningBot, startBot } from '../support/bot-process.ts';
import { builtBot } from '../support/built-bot.ts';
import { startInProcess } from '../support/in-process-bot.ts';
import { type FakeModel, type ModelOptions, startModel } from '../support/model.ts';
import { type RedisServer, startRedis, WRITES_AT_ONCE } from '../support/redis-server.ts';

/** Limits that no test meets unless it sets them. */
const ROOMY: BotSettings = { RATE_LIMIT: '100000/s', MAX_WAITING: '1000', SHUTDOWN_GRACE: '10' };

/** For bots in this process: a test that is over waits for no turn. */
const AT_ONCE: BotSettings = { SHUTDOWN_GRACE: '0' };

/** Starts things for a test and ends them behind it, whatever it comes to. */
export interface Workshop {
  /** An empty one; processes started with the same one share an embedded store. */
  makeFolder(): Promise<string>;
  makeModel(options?: ModelOptions): Promise<FakeModel>;
  makeRedis(): Promise<RedisServer>;
  /** A bot that is ready, in this process: for tests in which no process has to end. */
  start(folder: string, settings: BotSettings): Promise<RunningBot>;
  /** A bot that is ready, as a process of its own: it can be killed. */
  startProcess(folder: string, settings: BotSettings): Promise<BotProcess>;
  /** The same, and it need not become ready. */
  launch(settings: BotSettings): Promise<BotProcess>;
  /** One bot in this process for all tests of the surrounding describe; each has people of its own. */
  shareBot(settings: () => Promise<BotSettings>): { readonly bot: RunningBot };
}

/** Only bounds what hangs: a test may start the bot four times, on a machine that runs other tests besides. */
const TEST_WITHIN_MS = 180_000;

export function useWorkshop(): Workshop {
  vi.setConfig({ testTimeout: TEST_WITHIN_MS, hookTimeout: TEST_WITHIN_MS });
  const disposals: (() => Promise<void>)[] = [];
  const keep = <T>(made: T, dispose: () => Promise<void>): T => {
    disposals.push(dispose);
    return made;
  };
  afterEach(async () => {
    for (const dispose of disposals.splice(0).reverse()) await dispose();
  });

  async function makeFolder(): Promise<string> {
    const folder = await mkdtemp(join(tmpdir(), 'recollect-e2e-'));
    return keep(folder, () => rm(folder, { recursive: true, force: true }));
  }
  return {
    makeFolder,
    async makeModel(options = {}) {
      const model = await startModel(options);
      return keep(model, async () => {
        model.release();
        await model.close();
      });
    },
    async makeRedis() {
      const redis = await startRedis({ args: WRITES_AT_ONCE });
      return keep(redis, () => redis.stop());
    },
    async start(folder, settings) {
      const bot = await startInProcess(folder, { ...ROOMY, ...AT_ONCE, ...settings });
      return keep(bot, () => bot.release());
    },
    async startProcess(folder, settings) {
      const bot = await startBot(await builtBot(), folder, { ...ROOMY, ...settings });
      return keep(bot, () => bot.release());
    },
    async launch(settings) {
      const bot = await launchBot(await builtBot(), await makeFolder(), settings);
      return keep(bot, () => bot.release());
    },
    shareBot(settings) {
      let folder = '';
      let shared: RunningBot | undefined;
      beforeAll(async () => {
        folder = await mkdtemp(join(tmpdir(), 'recollect-e2e-'));
        shared = await startInProcess(folder, { ...ROOMY, ...AT_ONCE, ...(await settings()) });
      });
      afterAll(async () => {
        await shared?.release();
        await rm(folder, { recursive: true, force: true });
      });
      return {
        get bot() {
          if (shared === undefined) throw new Error('The bot is there inside of a test only.');
          return shared;
        },
      };
    },
  };
}

/** Makes the settings of a store that is empty. */
export type MakeStore = () => Promise<BotSettings>;

type NamedStore = readonly [name: string, make: MakeStore];

/** A store in the Redis of the run that nobody else uses. */
export async function makeRedisStore(): Promise<BotSettings> {
  return { REDIS_URL: inject('redisUrl'), KEY_PREFIX: `e2e-${randomUUID()}` };
}

export async function makeEmbeddedStore(): Promise<BotSettings> {
  return { DATA_DIR: 'data' };
}

export const ON_REDIS: NamedStore = ['Redis', makeRedisStore];
export const EMBEDDED: NamedStore = ['the embedded store', makeEmbeddedStore];

/** Settings for a bot that asks this model; without them it is the built-in demo. */
export function withModel({ url }: FakeModel): BotSettings {
  return { OPENAI_BASE_URL: url, OPENAI_MODEL: 'fake' };
}

export function say(
  bot: Pick<RunningBot, 'url'>,
  user: string,
  message: string,
  headers: Readonly<Record<string, string>> = {},
): Promise<Response> {
  return fetch(`${bot.url}/chat`, postChat({ user_id: user, message }, headers));
}

/** Says something that is answered; gives the answer. */
export async function ask(bot: Pick<RunningBot, 'url'>, user: string, message: string): Promise<string> {
  const response = await say(bot, user, message);
  expect(response.status).toBe(200);
  return chatResponse.strict().parse(await response.json()).response;
}

export function historyUrl(bot: Pick<RunningBot, 'url'>, user: string): string {
  return `${bot.url}/history/${encodeURIComponent(user)}`;
}

export async function history(bot: Pick<RunningBot, 'url'>, user: string) {
  const response = await fetch(historyUrl(bot, user));
  expect(response.status).toBe(200);
  return historyResponse.strict().parse(await response.json());
}

/** What was said in the conversation, oldest first. */
export async function said(bot: Pick<RunningBot, 'url'>, user: string): Promise<string[]> {
  return (await history(bot, user)).messages.map(({ content }) => content);
}

export async function detailOf(response: Response): Promise<string> {
  return errorResponse.strict().parse(await response.json()).detail;
}
