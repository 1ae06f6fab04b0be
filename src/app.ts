/** The composition root: settings in, a running bot out. Nothing else knows all the parts. */
import type { Adapter } from './adapters/adapter.ts';
import { createDiscordAdapter } from './adapters/discord/adapter.ts';
import { createHttpAdapter } from './adapters/http/adapter.ts';
import { createChain } from './chain/index.ts';
import { createCommands } from './commands/commands.ts';
import type { Config } from './config.ts';
import { createBot, waking } from './core/bot.ts';
import type { Clock, Logger } from './core/ports.ts';
import { encodePerson } from './core/session.ts';
import { createRunningTurns } from './core/turn-watch.ts';
import { createWorker } from './core/worker.ts';
import { createInfrastructure } from './infrastructure.ts';
import { BotError, toBotError } from './errors.ts';
import { createWindow } from './memory/window.ts';
import { createMetrics } from './metrics.ts';
import { openReplies } from './replies.ts';
import { createPhrases } from './texts/phrases.ts';

export interface App {
  /** What an operator should know after the start, line by line. */
  readonly notice: readonly string[];
  /** Stops intake at once; turns that fit the grace time end, the others are handed over. */
  stop(): Promise<void>;
}

export interface AppOptions {
  readonly config: Config;
  readonly logger: Logger;
  /** More platforms than the settings switch on. */
  readonly adapters?: readonly Adapter[];
}

const systemClock: Clock = { now: () => Date.now(), monotonic: () => performance.now() };

/**
 * Starts everything. Intake begins last, so whatever comes in finds a bot that can answer.
 * @throws BotError what hinders the start, with the mend
 */
export async function startApp({ config, logger, adapters: more = [] }: AppOptions): Promise<App> {
  const clock = systemClock;
  const metrics = createMetrics();
  const phrases = createPhrases();
  const infrastructure = await createInfrastructure(config, { clock, logger, observer: metrics.storeObserver });
  const { store, scheduler, signals, limiter } = infrastructure;
  const chain = createChain(
    {
      ...(config.model.kind === 'openai' ? { ...config.model, model: config.model.name } : {}),
      systemPrompt: config.systemPrompt,
      maxContextTokens: config.memory.maxContextTokens,
    },
    { createWindow: (maxTokens) => createWindow({ maxMessages: config.memory.window, maxTokens }), clock },
  );
  const memory = waking(store, signals, logger);
  const commands = createCommands({
    memory,
    stats: store,
    clock,
    scope: config.memory.scope,
    admins: new Set(config.admins.map(encodePerson)),
    minTtl: config.memory.minTtl,
    maxTtl: config.memory.maxTtl,
    memoryWindow: config.memory.window,
    maxMessages: config.memory.maxMessages,
    visible: (messages) => chain.window.view(messages),
  });
  const http = createHttpAdapter({
    ...config.http,
    httpTimeoutMs: config.http.timeoutMs,
    ...{ minTtl: config.memory.minTtl, maxTtl: config.memory.maxTtl, defaultTtl: config.memory.defaultTtl },
    maxMessageChars: config.turns.maxMessageLength,
    store: infrastructure.kind,
    metrics: metrics.text,
    refused: metrics.httpRefused,
    ...{ phrases, logger, clock },
  });
  const discord =
    config.discord === undefined
      ? []
      : [
          createDiscordAdapter({
            ...config.discord,
            scope: config.memory.scope,
            channels: store.channels,
            ...{ clock, log: logger },
            unreconciled: () => metrics.turns.unreconciled('discord'),
          }),
        ];
  const adapters: readonly Adapter[] = [http, ...discord, ...more];
  const worker = createWorker({
    ...{ store, chain, phrases, clock, logger, scheduler, signals },
    metrics: metrics.turns,
    replies: openReplies(adapters),
    running: createRunningTurns(),
    attemptMs: config.turns.timeoutMs,
    window: config.memory.window,
    concurrency: config.turns.concurrency,
    onPending: metrics.pending,
  });
  const bot = createBot({
    ...{ store, memory, scheduler, signals, limiter, phrases, commands, logger },
    maxMessageLength: config.turns.maxMessageLength,
    received: metrics.received,
  });

  const stop = async () => {
    await settle(adapters, 'stopIntake', logger);
    await worker.stop(config.turns.shutdownGraceMs);
    await settle(adapters, 'stop', logger);
    await infrastructure.close();
  };
  try {
    await worker.start();
    await Promise.all(adapters.map((adapter) => adapter.start(bot)));
  } catch (thrown) {
    await stop();
    throw thrown;
  }
  const at = http.address();
  const url = at === undefined ? '' : `http://${at.family === 'IPv6' ? `[${at.address}]` : at.address}:${at.port}`;
  return { notice: noticeOf(config, url, chain.describe(), adapters), stop };
}

/** One adapter's trouble with its end is no reason not to end the others. */
async function settle(adapters: readonly Adapter[], step: 'stopIntake' | 'stop', logger: Logger): Promise<void> {
  const results = await Promise.allSettled(adapters.map((adapter) => adapter[step]?.()));
  for (const [index, result] of results.entries()) {
    if (result.status === 'fulfilled') continue;
    const { message } = toBotError(result.reason);
    logger.warn({ platform: adapters[index]?.platform, err: message }, `adapter did not ${step} cleanly`);
  }
}

function noticeOf(config: Config, url: string, model: string, adapters: readonly Adapter[]): string[] {
  const { redisUrl, dataDir } = config.store;
  const platforms = adapters.map(({ platform }) => platform).filter((platform) => platform !== 'http');
  return [
    redisUrl === undefined
      ? `Memory: the embedded store in ${dataDir}. It survives restarts, but serves one process only: set REDIS_URL to run several replicas.`
      : `Memory: Redis at ${hostOf(redisUrl)}.`,
    config.model.kind === 'demo'
      ? 'Model: the built-in demo model, which only shows that memory works. Set OPENAI_API_KEY, or OPENAI_BASE_URL for any compatible server.'
      : `Model: ${model}.`,
    platforms.length === 0
      ? 'Platforms: HTTP only. Set DISCORD_TOKEN, or SLACK_BOT_TOKEN with SLACK_APP_TOKEN, to go where people are.'
      : `Platforms: ${platforms.join(', ')}, and HTTP.`,
    `Talk to it: ${url}/docs, or: curl ${url}/chat -H 'content-type: application/json' -d '{"user_id":"me","message":"My name is Ada"}'`,
  ];
}

function hostOf(redisUrl: string): string {
  try {
    return new URL(redisUrl).host;
  } catch (cause) {
    throw new BotError('config_invalid', 'REDIS_URL is not a URL.', { cause });
  }
}
