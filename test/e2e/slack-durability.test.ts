/** Nothing that Slack delivers is lost or answered twice: redeliveries, outages, kills, replicas. */
import { describe, expect, test } from 'vitest';
import type { BotProcess } from '../support/bot-process.ts';
import { ADA, answersIn, CHANNEL, GRACE, texts, until, useSlackWorkshop } from './slack-support.ts';

const workshop = useSlackWorkshop();

const LONG = Array.from({ length: 60 }, (_, index) => `Sentence number ${index}.`).join(' ');

/** Of several replicas, the one that runs this turn. */
async function whoRuns(bots: readonly BotProcess[], turn: string): Promise<BotProcess> {
  let found: BotProcess | undefined;
  await until(() => {
    found = bots.find((bot) => bot.output().includes(`"turn":"${turn}"`) && /turn taken/.test(bot.output()));
    expect(found).toBeDefined();
  });
  if (found === undefined) throw new Error('Nobody runs the turn.');
  return found;
}

describe.each(['socket', 'http'] as const)('over %s', (transport) => {
  test('one message, delivered 11 times under new event ids and as a pair, is answered once', async () => {
    const { slack, model, startBot } = await workshop.makeWorld(transport);
    await startBot();
    await startBot();
    const { ts, acked } = slack.say(`<@${slack.workspace.botUser}> Hello`, { user: ADA, channel: CHANNEL });
    const more = Array.from({ length: 11 }, () => slack.again(ts, CHANNEL));
    await acked;
    await Promise.all(more.map((delivery) => delivery.acked));
    await answersIn(slack, CHANNEL, ts);
    await slack.again(ts, CHANNEL).acked;
    expect(texts(await answersIn(slack, CHANNEL, ts))).toEqual(['echo: Hello']);
    expect(model.count('Hello')).toBe(1);
  });

  test('the same gesture under another timestamp is answered once', async () => {
    const { slack, model, startBot } = await workshop.makeWorld(transport, {});
    await startBot();
    const { ts, acked } = slack.say('Hello', { user: ADA });
    await acked;
    const dm = slack.workspace.directOf(ADA);
    const original = slack.workspace.find(dm, ts);
    const other = slack.workspace.nextTs();
    await slack.event({
      ...{ type: 'message', channel: dm, channel_type: 'im', user: ADA, text: 'Hello', ts: other, event_ts: other },
      client_msg_id: original?.clientMsgId,
    }).acked;
    await slack.say('Next', { user: ADA }).acked;
    await until(() => expect(model.count('Next')).toBe(1));
    expect(model.count('Hello')).toBe(1);
  });

  test('two replicas answer each message once, in the order of its conversation', async () => {
    const { slack, model, startBot } = await workshop.makeWorld(transport);
    await startBot();
    await startBot();
    const roots = [ADA, GRACE].map((user) => slack.say('Message 0', { user }));
    await Promise.all(roots.map(({ acked }) => acked));
    for (let number = 1; number <= 5; number += 1) {
      for (const [index, user] of [ADA, GRACE].entries()) {
        await slack.say(`Message ${number}`, { user, thread: roots[index]?.ts ?? '' }).acked;
      }
    }
    const expected = Array.from({ length: 6 }, (_, number) => `echo: Message ${number}`);
    for (const [index, user] of [ADA, GRACE].entries()) {
      const root = roots[index]?.ts ?? '';
      expect(texts(await answersIn(slack, slack.workspace.directOf(user), root, 6))).toEqual(expected);
    }
    expect(model.journal()).toHaveLength(12);
  });

  test('while the store is down nothing is acked, and everything is answered when it is back', async () => {
    const { slack, redis, startBot } = await workshop.makeWorld(transport);
    const bot = await startBot();
    await answersIn(slack, slack.workspace.directOf(GRACE), slack.say('Before', { user: GRACE }).ts);
    await redis.kill9();
    const said = [slack.say('One', { user: ADA }), slack.say('Two', { user: GRACE })];
    // Slack sends again what it gets no ack for within 3 s: that is half a minute.
    await until(() => expect(said[0]?.deliveries[0]?.attempts()).toBeGreaterThan(9), 60_000);
    expect(said.flatMap(({ deliveries }) => deliveries).some(({ isAcked }) => isAcked())).toBe(false);
    await redis.restart();
    await Promise.all(said.map(({ acked }) => acked));
    expect(texts(await answersIn(slack, slack.workspace.directOf(ADA), said[0]?.ts ?? ''))).toEqual(['echo: One']);
    expect(texts(await answersIn(slack, slack.workspace.directOf(GRACE), said[1]?.ts ?? ''))).toEqual(['echo: Two']);
    expect(bot.output()).toContain('a delivery was not taken');
  });

  test('a worker killed in mid-stream is replaced within 10 s, and the reply goes on in the same message', async () => {
    const { slack, model, startBot } = await workshop.makeWorld(transport);
    const bots = [await startBot(), await startBot()];
    model.script('Tell me', { text: LONG, pieces: 60, sent: 20, end: 'hang' }, { text: LONG });
    const { ts } = slack.say('Tell me', { user: ADA });
    const dm = slack.workspace.directOf(ADA);
    await until(() => expect(slack.replies(dm, ts)[0]?.text.length).toBeGreaterThan(100));
    const victim = await whoRuns(bots, ts);
    await victim.end('SIGKILL');
    const killed = performance.now();
    await model.called('Tell me', 2);
    expect(performance.now() - killed).toBeLessThan(10_000);
    const replies = await answersIn(slack, dm, ts);
    expect(texts(replies)).toEqual([LONG]);
    expect(replies[0]?.streamed).toBe(true);
  });

  test('a worker that is told to end hands its stream over', async () => {
    const { slack, model, startBot } = await workshop.makeWorld(transport);
    const bots = [await startBot({ SHUTDOWN_GRACE: '0' }), await startBot({ SHUTDOWN_GRACE: '0' })];
    model.script('Tell me', { text: LONG, pieces: 60, sent: 20, end: 'hang' }, { text: LONG });
    const { ts } = slack.say('Tell me', { user: ADA });
    const dm = slack.workspace.directOf(ADA);
    await until(() => expect(slack.replies(dm, ts)[0]?.text.length).toBeGreaterThan(100));
    const ended = await whoRuns(bots, ts);
    expect(await ended.end('SIGTERM')).toBe(0);
    expect(texts(await answersIn(slack, dm, ts))).toEqual([LONG]);
  });

  test('a single process that is killed goes on after its restart', async () => {
    const { slack, model, startBot } = await workshop.makeWorld(transport);
    const bot = await startBot();
    model.script('Tell me', { text: LONG, pieces: 60, sent: 20, end: 'hang' }, { text: LONG });
    const { ts } = slack.say('Tell me', { user: ADA });
    const dm = slack.workspace.directOf(ADA);
    await until(() => expect(slack.replies(dm, ts)[0]?.text.length).toBeGreaterThan(100));
    await bot.end('SIGKILL');
    const missed = slack.say('Are you there?', { user: GRACE });
    await startBot();
    expect(texts(await answersIn(slack, dm, ts))).toEqual([LONG]);
    const grace = slack.workspace.directOf(GRACE);
    expect(texts(await answersIn(slack, grace, missed.ts))).toEqual(['echo: Are you there?']);
  });
});

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
    const health = async () => {
      const response = await fetch(`${bot.url}/health`);
      return { status: response.status, text: await response.text() };
    };
    await until(async () => expect((await health()).text).toContain('socket is not open'), 60_000);
    slack.deliveries.silence(false);
    slack.mend('apps.connections.open');
    const { ts } = slack.say('Hello', { user: ADA });
    expect(texts(await answersIn(slack, slack.workspace.directOf(ADA), ts))).toEqual(['echo: Hello']);
    await until(async () => expect((await health()).status).toBe(200));
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
