/** Nothing that Slack delivers is lost or answered twice: redeliveries, kills, replicas. */
import { describe, expect, test } from 'vitest';
import { variants } from '../support/tier.ts';
import { ADA, answersIn, CHANNEL, GRACE, texts, until, useSlackWorkshop } from './slack-support.ts';

const workshop = useSlackWorkshop();

const LONG = Array.from({ length: 60 }, (_, index) => `Sentence number ${index}.`).join(' ');

describe.each(variants(['socket', 'http']))('over %s', (transport) => {
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

  test('a worker killed in mid-stream is replaced within 10 s, and the reply goes on in the same message', async () => {
    const { slack, model, startBot, startProcess } = await workshop.makeWorld(transport);
    const victim = await startProcess();
    model.script('Tell me', { text: LONG, pieces: 60, sent: 20, end: 'hang' }, { text: LONG });
    const { ts } = slack.say('Tell me', { user: ADA });
    const dm = slack.workspace.directOf(ADA);
    await until(() => expect(slack.replies(dm, ts)[0]?.text.length).toBeGreaterThan(100));
    await startBot();
    await victim.end('SIGKILL');
    const killed = performance.now();
    await model.called('Tell me', 2);
    expect(performance.now() - killed).toBeLessThan(10_000);
    const replies = await answersIn(slack, dm, ts);
    expect(texts(replies)).toEqual([LONG]);
    expect(replies[0]?.streamed).toBe(true);
  });

  test('the Stop button of a worker that was killed before its first word goes with the answer of the next', async () => {
    const { slack, model, startBot, startProcess } = await workshop.makeWorld(transport);
    const victim = await startProcess();
    model.script('Tell me', { sent: 0, end: 'hang' });
    const { ts } = slack.say('Tell me', { user: ADA });
    const dm = slack.workspace.directOf(ADA);
    await until(() => expect(slack.workspace.sessions.get(`${dm} ${ts}`)).toBe('processing'));
    await startBot();
    await victim.end('SIGKILL');
    expect(texts(await answersIn(slack, dm, ts))).toEqual(['echo: Tell me']);
  });

  test('a worker that is told to end hands its stream over', async () => {
    const { slack, model, startBot } = await workshop.makeWorld(transport);
    const ended = await startBot({ SHUTDOWN_GRACE: '0' });
    model.script('Tell me', { text: LONG, pieces: 60, sent: 20, end: 'hang' }, { text: LONG });
    const { ts } = slack.say('Tell me', { user: ADA });
    const dm = slack.workspace.directOf(ADA);
    await until(() => expect(slack.replies(dm, ts)[0]?.text.length).toBeGreaterThan(100));
    await startBot();
    await ended.release();
    expect(texts(await answersIn(slack, dm, ts))).toEqual([LONG]);
  });

  test('a single process that is killed goes on after its restart', async () => {
    const { slack, model, startBot, startProcess } = await workshop.makeWorld(transport);
    const bot = await startProcess();
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
