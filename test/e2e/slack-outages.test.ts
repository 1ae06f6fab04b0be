/** The store is away, or Slack's socket is: nothing is lost, and the health says so. */
import { Redis } from 'ioredis';
import { describe, expect, test } from 'vitest';
import { variants } from '../support/tier.ts';
import { ADA, answersIn, GRACE, healthOf, texts, until, useSlackWorkshop } from './slack-support.ts';

const workshop = useSlackWorkshop();

/** Slack's own waits, as short ones, and as they are: over HTTP it tries again at once and after a minute; there after 36 s. */
const OUTAGES = variants([
  { lasting: 'a few seconds', ackWithinMs: 500, httpRetryMs: 6_000 },
  { lasting: 'half a minute', ackWithinMs: 3_000, httpRetryMs: 36_000 },
]);

test.each(OUTAGES)(
  'while the store is down for $lasting nothing is acked on either transport, and then all is answered once',
  async ({ ackWithinMs, httpRetryMs }) => {
    const redis = { socket: await workshop.makeRedis(), http: await workshop.makeRedis() };
    const over = {
      socket: { redis: redis.socket, ...(await workshop.makeWorld('socket', { ackWithinMs }, redis.socket)) },
      http: {
        redis: redis.http,
        ...(await workshop.makeWorld('http', { httpRetriesMs: [0, httpRetryMs] }, redis.http)),
      },
    };
    const down = await Promise.all(
      [over.socket, over.http].map(async (world) => {
        const { slack, redis, startBot } = world;
        const bot = await startBot();
        await answersIn(slack, slack.workspace.directOf(GRACE), slack.say('Before', { user: GRACE }).ts);
        await redis.kill9();
        return { world, bot };
      }),
    );
    // At the same time in both: the ten tries of the one have to be over before the other is tried for the third time.
    const outages = down.map(({ world, bot }) => {
      const said = [world.slack.say('One', { user: ADA }), world.slack.say('Two', { user: GRACE })];
      return { world, bot, said, deliveries: said.flatMap(({ deliveries }) => deliveries) };
    });
    await until(() => {
      for (const { world, deliveries } of outages) {
        for (const { attempts } of deliveries) {
          // Over a socket it sends again what it gets no ack for in time.
          if (world === over.socket) expect(attempts()).toBeGreaterThan(9);
          else expect(attempts()).toBe(2);
        }
      }
    }, 60_000);
    expect(outages.flatMap(({ deliveries }) => deliveries).some(({ isAcked }) => isAcked())).toBe(false);
    for (const { world } of outages) await world.redis.restart();
    for (const { world, bot, said } of outages) {
      await Promise.all(said.map(({ acked }) => acked));
      for (const [index, [user, text]] of [[ADA, 'One'] as const, [GRACE, 'Two'] as const].entries()) {
        const dm = world.slack.workspace.directOf(user);
        expect(texts(await answersIn(world.slack, dm, said[index]?.ts ?? ''))).toEqual([`echo: ${text}`]);
        expect(world.model.count(text)).toBe(1);
      }
      expect(bot.output()).toContain('delivery not stored');
    }
  },
);

test.each(variants(['socket', 'http']))(
  'while the store is full, over %s, people are told so once, and are answered when there is room',
  async (transport) => {
    const redis = await workshop.makeRedis();
    const { slack, model, startBot } = await workshop.makeWorld(transport, { ackWithinMs: 500 }, redis);
    await startBot();
    const dm = slack.workspace.directOf(ADA);
    await answersIn(slack, dm, slack.say('Before', { user: ADA }).ts);
    const admin = new Redis(redis.url);
    await admin.config('SET', 'maxmemory', '1mb');
    const one = slack.say('One', { user: ADA });
    const full =
      'My memory is full. I can read it, but I can’t remember anything new until the bot’s administrator frees up space.';
    await until(() => expect(texts(slack.replies(dm, one.ts))).toEqual([full]));
    await until(() => expect(one.deliveries[0]?.attempts()).toBeGreaterThan(2));
    await admin.config('SET', 'maxmemory', '0');
    admin.disconnect();
    await one.acked;
    expect(texts(await answersIn(slack, dm, one.ts, 2))).toEqual([full, 'echo: One']);
    expect(model.count('One')).toBe(1);
  },
);

describe('a socket', () => {
  test('that Slack asks to connect anew loses nothing', async () => {
    const { slack, startBot } = await workshop.makeWorld('socket');
    await startBot();
    for (let round = 0; round < 3; round += 1) {
      const said = [slack.say(`Before ${round}`, { user: ADA })];
      slack.deliveries.askToReconnect();
      said.push(slack.say(`Behind ${round}`, { user: GRACE }));
      for (const [index, user] of [ADA, GRACE].entries()) {
        const dm = slack.workspace.directOf(user);
        expect(await answersIn(slack, dm, said[index]?.ts ?? '')).toHaveLength(1);
      }
    }
  });

  test('that is cut comes back', async () => {
    const { slack, startBot } = await workshop.makeWorld('socket');
    await startBot();
    slack.deliveries.cut();
    const { ts } = slack.say('Hello', { user: ADA });
    expect(texts(await answersIn(slack, slack.workspace.directOf(ADA), ts))).toEqual(['echo: Hello']);
  });

  test('that is deaf is noticed, and told by the health', async () => {
    const { slack, startBot } = await workshop.makeWorld('socket');
    const bot = await startBot();
    slack.fail('apps.connections.open', { kind: 'status', status: 500 }, 1_000);
    slack.deliveries.silence(true);
    await until(async () => expect((await healthOf(bot)).text).toContain('socket is not open'), 60_000);
    slack.deliveries.silence(false);
    slack.clearFaults('apps.connections.open');
    const { ts } = slack.say('Hello', { user: ADA });
    expect(texts(await answersIn(slack, slack.workspace.directOf(ADA), ts))).toEqual(['echo: Hello']);
    await until(async () => expect((await healthOf(bot)).status).toBe(200));
  });

  test('survives news without an event, and acks them', async () => {
    const { slack, startBot } = await workshop.makeWorld('socket');
    await startBot();
    const payload = { type: 'app_rate_limited', team_id: slack.workspace.team, minute_rate_limited: 1 };
    const id = 'envelope-without-event';
    slack.deliveries.sendRaw(JSON.stringify({ envelope_id: id, type: 'events_api', payload }));
    await until(() => expect(slack.deliveries.acks.has(id)).toBe(true));
    slack.deliveries.sendRaw('this is no JSON');
    const { ts } = slack.say('Hello', { user: ADA });
    expect(texts(await answersIn(slack, slack.workspace.directOf(ADA), ts))).toEqual(['echo: Hello']);
  });
});
