/** Everything around the bot in a crash run: the store's server, the model, the platform, the replicas. */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { Redis } from 'ioredis';
import { readSpoken } from '../../src/chain/prompt.ts';
import { encodeSession, type Session } from '../../src/core/session.ts';
import type { ConversationStore } from '../../src/core/store.ts';
import { createRedisStore, type RedisStore } from '../../src/memory/redis/store.ts';
import { createSqliteStore } from '../../src/memory/sqlite/store.ts';
import { type RedisTarget, serverAt } from '../../src/redis/target.ts';
import { readFiles } from '../memory/sqlite-fixture.ts';
import { slackScopes } from '../soak/on-slack.ts';
import { startFakeDiscord } from '../support/fake-discord/fake-discord.ts';
import { startFakeSlack } from '../support/fake-slack/fake-slack.ts';
import { type FakeModel, type ModelOptions, startModel } from '../support/model.ts';
import { seededRandom } from '../support/recording-faults.ts';
import { type RecordingPlatform, startRecordingPlatform } from '../support/recording-platform.ts';
import { dumpRedis } from '../support/redis-dump.ts';
import { type RedisServer, startRedis, WRITES_AT_ONCE } from '../support/redis-server.ts';
import { createGuests, type Guests } from './guests.ts';
import { createReplicas, type Replicas } from './replicas.ts';
import { startTopology, type Topology, type TopologyKind } from './topology.ts';

export interface World {
  readonly platform: RecordingPlatform;
  readonly model: FakeModel;
  readonly replicas: Replicas;
  /** The one server; undefined on the embedded store and where there are several. */
  readonly redis: RedisServer | undefined;
  /** The servers where there are several. */
  readonly topology: Topology | undefined;
  readonly random: () => number;
  /** People on the real platforms; undefined where these were not asked for. */
  readonly guests: Guests | undefined;
  /** The product's own reading of the store, once no replica needs it alone. */
  openStore(): Promise<ConversationStore>;
  /** Everything that is stored, as text: every key of Redis with its value, the queue's too, or the bytes of every file. */
  dump(): Promise<string>;
  close(): Promise<void>;
}

export interface WorldOptions {
  readonly store: 'redis' | 'sqlite' | TopologyKind;
  readonly seed: number;
  readonly model?: ModelOptions;
  /** Milliseconds for an ack; default: the platform's. */
  readonly ackTimeoutMs?: number;
  readonly settings?: Readonly<Record<string, string>>;
  /** Slack and Discord are switched on, and talked on. Default: false. */
  readonly platforms?: boolean;
}

/** Of the model's calls, in every run: they die in mid-answer. */
const CUT_SHARE = 0.1;

const MAX_SLACK_DELAY_MS = 300;

const LIMITS = {
  defaultTtl: 1_800,
  minTtl: 60,
  maxTtl: 2_592_000,
  factsTtl: 2_592_000,
  maxMessages: 200,
  maxWaiting: 20,
};

/** A conversation of the crash runs, by number. */
export function sessionOf(number: number): { readonly parts: Required<Omit<Session, 'thread'>>; readonly id: string } {
  const parts = { place: { platform: 'recording', workspace: 'w', channel: `c${number}` }, user: `u${number}` };
  return { parts, id: encodeSession(parts) };
}

const observer = { badElement() {}, error() {} };

export function openRedisStore(url: string): Promise<RedisStore> {
  return openTarget(serverAt(url));
}

function openTarget(redis: RedisTarget): Promise<RedisStore> {
  return createRedisStore({
    ...LIMITS,
    observer,
    redis,
    prefix: 'conversation',
    allowEviction: false,
    warn() {},
  });
}

/** Slack, whose calls take their time as they do in life, and Discord. */
async function startRealPlatforms(seed: number) {
  const random = seededRandom(seed + 2);
  const slack = await startFakeSlack({
    ...{ scopes: slackScopes(), rateLimits: false, delayMs: () => random() * MAX_SLACK_DELAY_MS },
  });
  const discord = await startFakeDiscord();
  return {
    ...{ slack, discord },
    settings: {
      ...{ SLACK_BOT_TOKEN: slack.botToken, SLACK_APP_TOKEN: slack.appToken, SLACK_API_URL: slack.apiUrl },
      ...{ DISCORD_TOKEN: discord.token, DISCORD_API_URL: discord.url },
    },
    async close() {
      await slack.close();
      await discord.stop();
    },
  };
}

export async function createWorld({
  store,
  seed,
  model: modelOptions,
  settings = {},
  ackTimeoutMs,
  platforms = false,
}: WorldOptions): Promise<World> {
  const random = seededRandom(seed);
  const redis = store === 'redis' ? await startRedis({ args: WRITES_AT_ONCE }) : undefined;
  const topology = store === 'redis' || store === 'sqlite' ? undefined : await startTopology(store);
  const target = topology?.target ?? (redis === undefined ? undefined : serverAt(redis.url));
  const dataDir = await mkdtemp(join(tmpdir(), 'recollect-crash-'));
  const platform = await startRecordingPlatform({ seed, ...(ackTimeoutMs === undefined ? {} : { ackTimeoutMs }) });
  const reply = { pieces: 6, firstMs: 40, betweenMs: 60 };
  const read = (content: string) => readSpoken(content).text;
  const model = await startModel({ reply, seed, cutShare: CUT_SHARE, read, ...modelOptions });
  const real = platforms ? await startRealPlatforms(seed) : undefined;
  const replicas = createReplicas({
    platformUrl: platform.url,
    modelUrl: model.url,
    settings: {
      ...(topology?.settings ?? (redis === undefined ? { DATA_DIR: dataDir } : { REDIS_URL: redis.url })),
      ...real?.settings,
      ...settings,
    },
    async ready(name) {
      while (!platform.replicas().includes(name)) await sleep(20);
      // Else all that hear Discord might be gone before this one does.
      while (real !== undefined && real.discord.gateway.connected() < replicas.alive.length) await sleep(20);
    },
  });
  const urls = () => replicas.alive.map(({ url }) => url);
  const guests =
    real === undefined ? undefined : createGuests({ ...real, urls, model, random: seededRandom(seed + 1) });
  return {
    platform,
    model,
    replicas,
    redis,
    topology,
    random,
    guests,
    openStore: () => (target === undefined ? createSqliteStore({ ...LIMITS, observer, dataDir }) : openTarget(target)),
    async dump() {
      if (redis === undefined) return await readFiles(dataDir);
      const client = new Redis(redis.url, { protocol: 2 });
      try {
        return await dumpRedis(client);
      } finally {
        client.disconnect();
      }
    },
    async close() {
      guests?.close();
      await replicas.close();
      await real?.close();
      await platform.close();
      await model.close();
      await redis?.stop();
      await topology?.stop();
      await rm(dataDir, { recursive: true, force: true });
    },
  };
}
