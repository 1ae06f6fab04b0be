/** From the start of the process to the first healthy answer, and what the process uses when it then has nothing to do. */
import { startFakeDiscord } from '../../test/support/fake-discord/fake-discord.ts';
import { startFakeSlack } from '../../test/support/fake-slack/fake-slack.ts';
import { startRedis } from '../../test/support/redis-server.ts';
import { figureOf, interleave } from '../figures.ts';
import { printNumber } from '../print.ts';
import type { Bar, BenchContext, Table } from '../report.ts';
import { productSettings } from '../turns/product.ts';
import type { Programs } from '../turns/programs.ts';
import { SCOPES } from '../turns/slack.ts';
import { type Idle, idleOf } from './idle.ts';

/** Milliseconds in which the product without any setting is to be healthy. */
const READY_WITHIN_MS = 1_000;

export interface StartsOptions {
  readonly rounds: number;
  readonly warmups: number;
  /** Milliseconds: see {@link idleOf}. */
  readonly idleMs: number;
  /** Whether the bar is judged. */
  readonly judged: boolean;
  readonly progress: BenchContext['progress'];
}

interface Start extends Idle {
  readonly readyMs: number;
}

export async function measureStarts(
  programs: Programs,
  { rounds, warmups, idleMs, judged, progress }: StartsOptions,
): Promise<{ readonly table: Table; readonly bars: readonly Bar[] }> {
  const redis = await startRedis();
  const discord = await startFakeDiscord();
  const slack = await startFakeSlack({ scopes: SCOPES });
  // Nobody asks it, so there need not be one.
  const withModel = productSettings('http://127.0.0.1:1/v1');
  const onRedis = { ...withModel, REDIS_URL: redis.url };
  const worlds = [
    { name: 'no settings: embedded store, demo model', settings: {} },
    { name: 'Redis and a model', settings: onRedis },
    {
      name: 'Redis, a model, Discord and Slack',
      settings: {
        ...{ ...onRedis, DISCORD_TOKEN: discord.token, DISCORD_API_URL: discord.url },
        ...{ SLACK_BOT_TOKEN: slack.botToken, SLACK_APP_TOKEN: slack.appToken, SLACK_API_URL: slack.apiUrl },
      },
    },
  ];
  try {
    const candidates = worlds.map(({ name, settings }) => async (): Promise<Start> => {
      progress(`a start with ${name}`);
      const product = await programs.startProduct(settings);
      try {
        return { readyMs: product.readyMs, ...(await idleOf(product.pid, idleMs)) };
      } finally {
        await product.stop();
      }
    });
    const results = await interleave(candidates, { rounds, warmups });
    const rows = worlds.map(({ name }, index) => {
      const of = (pick: (start: Start) => number) => figureOf((results[index] ?? []).map(pick));
      const rss = of(({ rssBytes }) => rssBytes / 2 ** 20);
      return [name, of(({ readyMs }) => readyMs), rss, of(({ cpuMsPerSecond }) => cpuMsPerSecond)];
    });
    const ready = figureOf((results[0] ?? []).map(({ readyMs }) => readyMs));
    return {
      table: {
        title: 'Start, and doing nothing',
        note:
          `${rounds} starts each, in turn, of the built product with an empty store: from before the process is started to ` +
          `its first healthy answer. Then idle: memory and CPU ${(2 * idleMs) / 1_000} s later.`,
        columns: ['settings', 'ready after ms', 'RSS MB', 'CPU ms/s'],
        rows,
      },
      bars: [
        {
          name: 'start to ready, without settings',
          wanted: `<= ${READY_WITHIN_MS} ms`,
          measured: `${printNumber(ready.median)} ms (${printNumber(ready.lowest)} to ${printNumber(ready.highest)})`,
          holds: judged ? ready.median <= READY_WITHIN_MS : 'not judged',
        },
      ],
    };
  } finally {
    await slack.close();
    await discord.stop();
    await redis.stop();
  }
}
