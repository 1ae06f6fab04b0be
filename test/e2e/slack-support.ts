/** What the black-box tests of Slack share: the whole bot against the fake Slack. */
import { readFileSync } from 'node:fs';
import { afterEach, expect, vi } from 'vitest';
import { z } from 'zod';
import type { BotProcess, BotSettings, RunningBot } from '../support/bot-process.ts';
import type { FakeMessage, FakeSlack } from '../support/fake-slack/fake-slack.ts';
import { type FakeSlackOptions, startFakeSlack } from '../support/fake-slack/fake-slack.ts';
import { freePort } from '../support/free-port.ts';
import type { FakeModel } from '../support/model.ts';
import type { RedisServer } from '../support/redis-server.ts';
import { makeRedisStore, useWorkshop, type Workshop, withModel } from './http-support.ts';

export type SlackTransportName = 'socket' | 'http';

const manifestShape = z.object({ oauth_config: z.object({ scopes: z.object({ bot: z.array(z.string()) }) }) });

/** The scopes that people who install the app give it: the fake refuses everything else. */
export function scopesOf(transport: SlackTransportName): readonly string[] {
  const name = transport === 'socket' ? 'manifest.json' : 'manifest.http.json';
  const manifest = JSON.parse(readFileSync(new URL(`../../slack/${name}`, import.meta.url), 'utf8'));
  return manifestShape.parse(manifest).oauth_config.scopes.bot;
}

/** A workspace with people, a model, a store in Redis, and bots that serve it. */
export interface SlackWorld {
  readonly slack: FakeSlack;
  readonly model: FakeModel;
  readonly settings: BotSettings;
  /** Where the first bot listens for Slack over HTTP. */
  readonly eventsUrl: () => string;
  /** A bot that is connected, in this process. Each further one is one more replica. */
  startBot(more?: BotSettings): Promise<RunningBot>;
  /** The same as a process of its own, which can be killed. */
  startProcess(more?: BotSettings): Promise<BotProcess>;
}

export interface SlackWorkshop extends Workshop {
  /** @param redis instead of the Redis of the run, for tests that do something to it */
  makeWorld(
    transport: SlackTransportName,
    options?: Partial<FakeSlackOptions>,
    redis?: RedisServer,
  ): Promise<SlackWorld>;
}

export const ADA = 'U0ADA';
export const GRACE = 'U0GRACE';
export const CHANNEL = 'C0ROOM';

export function useSlackWorkshop(): SlackWorkshop {
  const workshop = useWorkshop();
  const slacks: FakeSlack[] = [];
  // Registered behind the workshop's own, so it runs before: the fake ends first, and bots find nobody to talk to.
  afterEach(async () => {
    const previews: string[] = [];
    for (const slack of slacks.splice(0)) {
      await slack.close();
      previews.push(...slack.workspace.previews);
    }
    // Whatever a test is about: a preview would be fetched without a click.
    expect(previews).toEqual([]);
  });
  return {
    ...workshop,
    async makeWorld(transport, options = {}, redis) {
      const urls: string[] = [];
      const slack = await startFakeSlack({
        scopes: scopesOf(transport),
        transport: transport === 'socket' ? { kind: 'socket' } : { kind: 'http', urls: () => urls },
        ...options,
      });
      slacks.push(slack);
      slack.addUser({ id: ADA, name: 'Ada' });
      slack.addUser({ id: GRACE, name: 'Grace' });
      const model = await workshop.makeModel();
      const store = redis === undefined ? await makeRedisStore() : { REDIS_URL: redis.url };
      const settings: BotSettings = {
        ...{ ...withModel(model), ...store, SLACK_BOT_TOKEN: slack.botToken, SLACK_API_URL: slack.apiUrl },
        ...(transport === 'socket'
          ? { SLACK_APP_TOKEN: slack.appToken }
          : { SLACK_SIGNING_SECRET: slack.signingSecret }),
        LOG_LEVEL: 'debug',
      };
      /** Starts a bot, and resolves when Slack reaches it. */
      async function connect<Bot extends RunningBot>(
        start: (folder: string, settings: BotSettings) => Promise<Bot>,
        more: BotSettings,
      ): Promise<{ readonly bot: Bot; readonly leave: () => void }> {
        const port = await freePort();
        const before = slack.deliveries.connected();
        const bot = await start(await workshop.makeFolder(), { ...settings, SLACK_PORT: String(port), ...more });
        const url = `http://127.0.0.1:${port}/slack/events`;
        if (transport === 'http') urls.push(url);
        else await until(() => expect(slack.deliveries.connected()).toBeGreaterThan(before));
        return { bot, leave: () => void (urls.includes(url) && urls.splice(urls.indexOf(url), 1)) };
      }
      return {
        ...{ slack, model, settings, eventsUrl: () => urls[0] ?? '' },
        async startBot(more = {}) {
          const { bot } = await connect(workshop.start, more);
          return bot;
        },
        async startProcess(more = {}) {
          const { bot, leave } = await connect(workshop.startProcess, more);
          // As a load balancer does it.
          void bot.exited.then(leave);
          return bot;
        },
      };
    },
  };
}

/** Waits until the assertions hold; the deadline only says when to give up. */
export async function until(assertions: () => void | Promise<void>, timeout = 60_000): Promise<void> {
  await vi.waitFor(assertions, { timeout, interval: 20 });
}

/** What the bot has written in a thread, once it has ended all that it writes there. */
export async function answersIn(
  slack: FakeSlack,
  channel: string,
  root: string,
  count = 1,
): Promise<readonly FakeMessage[]> {
  await until(() => {
    const replies = slack.replies(channel, root);
    expect(replies.length).toBeGreaterThanOrEqual(count);
    for (const reply of replies) {
      expect(reply.stream).toBeUndefined();
      // The sign that more is to come.
      expect(reply.text).not.toMatch(/ …$/);
    }
    expect(slack.workspace.sessions.get(`${channel} ${root}`)).not.toBe('processing');
    expect(slack.workspace.statuses.get(`${channel} ${root}`)).toBeUndefined();
  });
  return slack.replies(channel, root);
}

export function texts(messages: readonly FakeMessage[]): readonly string[] {
  return messages.map(({ text }) => text);
}

/** What /health says. */
export async function healthOf(bot: RunningBot) {
  const response = await fetch(`${bot.url}/health`);
  return { status: response.status, text: await response.text() };
}
