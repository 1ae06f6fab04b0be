/** Everything around the bot in a soak run: Redis, the model, both platforms, and the bot's own processes. */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { type BotBuild, buildBot } from '../support/bot-process.ts';
import { type FakeDiscord, startFakeDiscord } from '../support/fake-discord/fake-discord.ts';
import { type FakeSlack, startFakeSlack } from '../support/fake-slack/fake-slack.ts';
import { type FakeModel, startModel } from '../support/model.ts';
import { type RedisServer, startRedis, WRITES_AT_ONCE } from '../support/redis-server.ts';
import { createDiscordSurface, type DiscordSurface } from './on-discord.ts';
import { createHttpSurface, type HttpSurface } from './on-http.ts';
import { createSlackSurface, slackScopes } from './on-slack.ts';
import { type Replicas, startReplicas } from './replicas.ts';
import type { Surface } from './surface.ts';

export interface World {
  readonly redis: RedisServer;
  readonly model: FakeModel;
  readonly discord: FakeDiscord;
  readonly slack: FakeSlack;
  readonly replicas: Replicas;
  readonly surfaces: { readonly discord: DiscordSurface; readonly slack: Surface; readonly http: HttpSurface };
  /** Slack delivers by sockets, or over HTTP to those that listen. */
  deliverBy(kind: 'socket' | 'http'): void;
  close(): Promise<void>;
}

/** Conversations outlive the run, so that they can be judged at its end; nobody is told to wait. Seconds. */
const SETTINGS = {
  DEFAULT_TTL: '1209600',
  RATE_LIMIT: '100000/s',
  MAX_WAITING: '100',
  // A model that hangs is noticed soon, so that many can be had in a run.
  FIRST_TOKEN_TIMEOUT: '8',
  TURN_TIMEOUT: '8',
  HTTP_TIMEOUT: '10',
  SHUTDOWN_GRACE: '2',
  LOG_FORMAT: 'json',
  OPENAI_MODEL: 'fake',
};

/** Of the model's calls: they die in mid-answer. */
const CUT_SHARE = 0.12;

export async function createWorld(seed: number, count: number): Promise<World> {
  const ends: (() => Promise<void>)[] = [];
  const close = async () => {
    for (const end of ends.splice(0).reverse()) await end();
  };
  try {
    const build: BotBuild = await buildBot();
    ends.push(() => build.remove());
    const cwd = await mkdtemp(join(tmpdir(), 'recollect-soak-'));
    ends.push(() => rm(cwd, { recursive: true, force: true }));
    const redis = await startRedis({ args: WRITES_AT_ONCE });
    ends.push(() => redis.stop());
    const model = await startModel({ seed, reply: { pieces: 4, firstMs: 40, betweenMs: 60 }, cutShare: CUT_SHARE });
    ends.push(async () => {
      model.release();
      await model.close();
    });
    const discord = await startFakeDiscord();
    ends.push(() => discord.stop());
    const slack = await startFakeSlack({ scopes: slackScopes() });
    ends.push(() => slack.close());
    const slackSettings = { SLACK_BOT_TOKEN: slack.botToken, SLACK_API_URL: slack.apiUrl };
    const replicas = await startReplicas({
      ...{ build, cwd, count },
      settings: {
        ...SETTINGS,
        ...{ REDIS_URL: redis.url, OPENAI_BASE_URL: model.url },
        ...{ DISCORD_TOKEN: discord.token, DISCORD_API_URL: discord.url },
      },
      slack: {
        socket: { ...slackSettings, SLACK_APP_TOKEN: slack.appToken },
        http: { ...slackSettings, SLACK_SIGNING_SECRET: slack.signingSecret },
      },
    });
    ends.push(() => replicas.close());
    const surfaces = {
      discord: createDiscordSurface(discord),
      slack: createSlackSurface(slack),
      http: createHttpSurface(() => replicas.all.map(({ url }) => url)),
    };
    ends.push(async () => surfaces.http.stop());
    await replicas.untilUp();
    while (discord.gateway.connected() < count || discord.commands.registered.length === 0) await sleep(20);
    while (slack.deliveries.connections() < Math.ceil(count / 2)) await sleep(20);
    const urls = () => replicas.all.flatMap(({ slackUrl }) => slackUrl ?? []);
    return {
      ...{ redis, model, discord, slack, replicas, surfaces, close },
      deliverBy: (kind) => slack.setTransport(kind === 'socket' ? { kind } : { kind, urls }),
    };
  } catch (thrown) {
    await close();
    throw thrown;
  }
}
