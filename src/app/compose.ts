/** The composition root: assembles the bot from its settings. The only module that knows all others. */
import type { Adapter } from '../adapters/adapter.ts';
import { createHttpAdapter } from '../adapters/http/adapter.ts';
import { createWebAdapter } from '../adapters/web/adapter.ts';
import { createSamples, type StatsSink } from '../adapters/web/samples.ts';
import { createChain } from '../chain/index.ts';
import { createCommands } from '../commands/commands.ts';
import type { Config } from '../config/config.ts';
import { createAnnouncements } from '../core/announcements.ts';
import { createBot, waking } from '../core/bot.ts';
import type { BotPort } from '../core/bot-port.ts';
import { createHeartbeat } from '../core/heartbeat.ts';
import { createOlderMessages } from '../core/older-messages.ts';
import type { Clock, Logger, TurnMetrics } from '../core/ports.ts';
import { encodePerson, isOwn } from '../core/session.ts';
import type { StoreObserver } from '../core/store.ts';
import { createRunningTurns } from '../core/turn-watch.ts';
import { createWorker } from '../core/worker.ts';
import { toBotError } from '../errors.ts';
import { createFileReader } from '../files/reader.ts';
import { createCoreMessages, operatorTexts, type Texts } from '../i18n/messages.ts';
import { createBodyRoom } from '../lib/body-room.ts';
import { createContext } from '../memory/context/context.ts';
import { bannerOf } from './banner.ts';
import { createInfrastructure, driverOf } from './drivers.ts';
import { createMetrics } from './metrics.ts';
import { createPlatforms, DESCRIPTORS } from './platforms.ts';
import { openReplies } from './reply-opener.ts';

export interface App {
  /** The startup banner, line by line. */
  readonly banner: readonly string[];
  /** Stops receiving at once. Turns that end within the grace period complete; the others are handed over. */
  stop(): Promise<void>;
}

export interface AppOptions {
  readonly config: Config;
  readonly logger: Logger;
  /** Adapters in addition to those that the settings enable. */
  readonly adapters?: readonly Adapter[];
}

const systemClock: Clock = { now: () => Date.now(), monotonic: () => performance.now() };

/**
 * Starts everything. Adapters start last, so the bot can answer every message that arrives.
 * @throws BotError if the bot cannot start; the message says how to fix it
 */
export async function startApp({ config, logger, adapters: more = [] }: AppOptions): Promise<App> {
  const clock = systemClock;
  const metrics = createMetrics();
  const coreMessages = createCoreMessages();
  const samples = createSamples();
  const observer = observed(metrics.storeObserver, samples);
  const driver = driverOf(config);
  const infrastructure = await createInfrastructure(config, { logger, observer });
  const { store, signals, limiter, commandLimiter } = infrastructure;
  const running = createRunningTurns(signals.process);
  const announcements = createAnnouncements({ signals, running, logger });
  const chain = await createChain(
    {
      ...(config.model.kind === 'openai' ? { ...config.model, model: config.model.name } : {}),
      systemPrompt: config.systemPrompt,
      maxContextTokens: config.memory.maxContextTokens,
    },
    {
      context: createContext({ maxMessages: config.memory.window, recallTokens: config.memory.recallTokens }),
      clock,
      warn: (fields, message) => logger.warn(fields, message),
    },
  );
  const descriptors = [...DESCRIPTORS, ...more.flatMap(({ descriptor }) => descriptor ?? [])];
  const memory = waking(store, announcements);
  const recalls = config.memory.recallTokens > 0;
  const seen: BotPort['seen'] = async (sessionId) => {
    const { messages, facts } = await memory.open(
      sessionId,
      recalls ? config.memory.maxMessages : config.memory.window,
    );
    return chain.preview({ history: messages, facts, shared: !isOwn(sessionId) });
  };
  const model = config.model.kind === 'demo' ? undefined : chain.describe();
  const commands = createCommands({
    memory,
    stats: store,
    facts: store.facts,
    clock,
    limiter: commandLimiter,
    scope: config.memory.scope,
    platform: (id) => descriptors.find((each) => each.id === id),
    admins: new Set(config.admins.map(encodePerson)),
    minTtl: config.memory.minTtl,
    maxTtl: config.memory.maxTtl,
    memoryWindow: config.memory.window,
    maxMessages: config.memory.maxMessages,
    model,
    context: seen,
  });
  const bodies = createBodyRoom();
  const web = createWebAdapter({
    ...{ samples, coreMessages, logger, clock, bodies },
    scope: config.memory.scope,
    store: driver.name,
    model: chain.describe(),
    maxMessageLength: config.turns.maxMessageLength,
  });
  const http = createHttpAdapter({
    mounted: web.routes,
    ...config.http,
    httpTimeoutMs: config.http.timeoutMs,
    ...{ minTtl: config.memory.minTtl, maxTtl: config.memory.maxTtl, defaultTtl: config.memory.defaultTtl },
    maxMessageChars: config.turns.maxMessageLength,
    store: driver.name,
    metrics: metrics.text,
    refused: metrics.httpRefused,
    platforms: () =>
      adapters.flatMap(({ platform, health }) => (health === undefined ? [] : [{ platform, ...health() }])),
    ...{ coreMessages, logger, clock, bodies },
  });
  const platforms = await createPlatforms(config, { store, metrics, clock, logger });
  const adapters: readonly Adapter[] = [web, http, ...platforms, ...more];
  const heartbeat = createHeartbeat(clock);
  const worker = createWorker({
    ...{ store, chain, coreMessages, clock, logger, heartbeat },
    metrics: measured(metrics.turns, samples),
    replies: openReplies(adapters),
    running,
    files: createFileReader({
      fetcherOf: (id) => adapters.find(({ platform }) => platform === id)?.files,
      maxTokens: Math.min(config.memory.maxFileTokens, chain.fileTokens),
      logger,
    }),
    bounds: { ...config.turns, maxLength: config.turns.maxAnswerLength },
    window: config.memory.window,
    older: recalls
      ? createOlderMessages({ store, maxMessages: config.memory.maxMessages, metrics: metrics.turns })
      : undefined,
    process: signals.process,
    concurrency: config.turns.concurrency,
    onPending: metrics.pending,
  });
  const bot = createBot({
    ...{ store, memory, seen, announcements, limiter, coreMessages, commands, logger },
    process: signals.process,
    enqueue: worker.enqueue,
    editLimiter: commandLimiter,
    maxMessageLength: config.turns.maxMessageLength,
    received: metrics.received,
    health() {
      const connections = infrastructure.health();
      if (!connections.ok) return { ...connections, reachable: false };
      const writing = heartbeat.health();
      return writing.ok ? writing : { ...writing, reachable: true };
    },
  });

  const stop = async () => {
    await settle(adapters, 'stopIntake', logger);
    await worker.stop(config.turns.shutdownGraceMs);
    await settle(adapters, 'stop', logger);
    await infrastructure.close();
  };
  try {
    await announcements.start();
    await worker.start();
    await Promise.all(adapters.map((adapter) => adapter.start(bot)));
  } catch (thrown) {
    await stop();
    throw thrown;
  }
  const at = http.address();
  const url = at === undefined ? '' : `http://${at.family === 'IPv6' ? `[${at.address}]` : at.address}:${at.port}`;
  const facts = {
    store: (startup: Texts['startup']) => driver.banner(config.store, startup),
    model,
    platforms: descriptors,
    enabled: adapters.map(({ platform }) => platform),
    url,
  };
  return { banner: bannerOf(facts, operatorTexts()), stop };
}

/** Passes the figures of the metrics to the playground's overview as well. */
function measured(metrics: TurnMetrics, samples: StatsSink): TurnMetrics {
  return {
    ...metrics,
    turn(outcome, ms) {
      metrics.turn(outcome, ms);
      samples.turn(outcome, ms);
    },
    firstToken(ms) {
      metrics.firstToken(ms);
      samples.firstToken(ms);
    },
  };
}

function observed(observer: StoreObserver, samples: StatsSink): StoreObserver {
  return {
    ...observer,
    error(operation, error) {
      observer.error(operation, error);
      samples.storeError();
    },
  };
}

/** Stops all adapters, even if one of them fails to stop. */
async function settle(adapters: readonly Adapter[], step: 'stopIntake' | 'stop', logger: Logger): Promise<void> {
  const results = await Promise.allSettled(adapters.map((adapter) => adapter[step]?.()));
  for (const [index, result] of results.entries()) {
    if (result.status === 'fulfilled') continue;
    const { message } = toBotError(result.reason);
    logger.warn({ platform: adapters[index]?.platform, err: message }, `adapter failed to ${step}`);
  }
}
