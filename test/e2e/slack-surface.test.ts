/** What surrounds talking in Slack: what starts nothing, quotes, files, scopes, teams, the app's own life, signatures. */
import { once } from 'node:events';
import { connect } from 'node:net';
import { expect, test } from 'vitest';
import { signatureOf } from '../support/fake-slack/deliveries.ts';
import { ADA, answersIn, CHANNEL, GRACE, texts, until, useSlackWorkshop } from './slack-support.ts';

const workshop = useSlackWorkshop();

test('other bots, itself, joins, previews and edits start nothing', async () => {
  const { slack, model, startBot } = await workshop.makeWorld('socket');
  await startBot();
  const { botUser } = slack.workspace;
  const root = slack.say(`<@${botUser}> Hello`, { user: ADA, channel: CHANNEL });
  await answersIn(slack, CHANNEL, root.ts);
  await slack.sayAsBot(`<@${botUser}> answer me`, { channel: CHANNEL }).acked;
  await slack.sayAsBot('in the thread', { channel: CHANNEL, thread: root.ts }).acked;
  const joined = {
    type: 'message',
    subtype: 'channel_join',
    channel: CHANNEL,
    user: ADA,
    ts: slack.workspace.nextTs(),
  };
  await slack.event({ ...joined, text: `<@${ADA}> has joined <@${botUser}>` }).acked;
  await slack.edit(root.ts, CHANNEL, `<@${botUser}> Hello!`).acked;
  await slack.event({ type: 'message', channel: 7 }).acked;
  await slack.event({ type: 'something_new' }).acked;
  slack.say('Last', { user: ADA, channel: CHANNEL, thread: root.ts });
  await answersIn(slack, CHANNEL, root.ts, 2);
  expect(model.journal().map(({ text }) => text)).toEqual(['Hello', 'Last']);
});

test('called into a thread, the model is shown its last messages as quotes, which are not remembered', async () => {
  const { slack, model, startBot } = await workshop.makeWorld('socket');
  await startBot();
  const root = slack.say('The launch is on Friday', { user: GRACE, channel: CHANNEL });
  const remarks = Array.from({ length: 20 }, (_, index) =>
    slack.say(`Remark ${index + 1}`, { user: GRACE, channel: CHANNEL, thread: root.ts }),
  );
  // The thread is looked up within a second, which is little for a process that deals with all these as well.
  await Promise.all(remarks.map(({ acked }) => acked));
  const { botUser } = slack.workspace;
  slack.say(`<@${botUser}> When is it?`, { user: ADA, channel: CHANNEL, thread: root.ts });
  await answersIn(slack, CHANNEL, root.ts);
  const first = model.journal()[0]?.text ?? '';
  expect(first).toContain('"Grace" wrote:\n> Remark 20');
  expect(first).not.toContain('Remark 5\n');
  expect(first.endsWith('When is it?')).toBe(true);
  slack.say('Thanks', { user: ADA, channel: CHANNEL, thread: root.ts });
  await answersIn(slack, CHANNEL, root.ts, 2);
  const second = model.journal()[1]?.messages.map(({ content }) => content) ?? [];
  expect(second.slice(1)).toEqual(['When is it?', expect.any(String), 'Thanks']);
});

test('files are named to the model, and read', async () => {
  const { slack, model, startBot } = await workshop.makeWorld('socket');
  await startBot();
  const { ts } = slack.say('What is in it?', { user: ADA, files: [{ name: 'report.pdf', content: 'secret' }] });
  await answersIn(slack, slack.workspace.directOf(ADA), ts);
  expect(model.journal()[0]?.text).toContain('"report.pdf"');
  expect(model.journal()[0]?.text).toContain('secret');
});

test('with SLACK_DM_SCOPE=channel a DM is one conversation', async () => {
  const { slack, model, startBot } = await workshop.makeWorld('socket');
  await startBot({ SLACK_DM_SCOPE: 'channel' });
  const dm = slack.workspace.directOf(ADA);
  const first = slack.say('My name is Ada', { user: ADA });
  await answersIn(slack, dm, first.ts);
  const second = slack.say('What is my name?', { user: ADA });
  await answersIn(slack, dm, second.ts);
  expect(model.journal()[1]?.messages).toHaveLength(4);
});

test('the DM that is opened is offered prompts', async () => {
  const { slack, startBot } = await workshop.makeWorld('socket');
  await startBot();
  const dm = slack.workspace.directOf(ADA);
  slack.event({ type: 'app_home_opened', user: ADA, channel: dm, tab: 'messages', event_ts: slack.workspace.nextTs() });
  await until(() => expect(slack.workspace.prompts.get(dm)?.length).toBeGreaterThan(0));
});

test('a flood is told once, in private', async () => {
  const { slack, model, startBot } = await workshop.makeWorld('socket');
  await startBot({ RATE_LIMIT: '2/h' });
  const { botUser } = slack.workspace;
  for (let number = 0; number < 5; number += 1) {
    await slack.say(`<@${botUser}> Message ${number}`, { user: ADA, channel: CHANNEL }).acked;
  }
  await until(() =>
    expect(slack.workspace.ephemerals.map(({ text }) => text)).toEqual([expect.stringMatching(/too fast/)]),
  );
  expect(model.journal().length).toBeLessThanOrEqual(2);
});

test('the same ids in another team are another conversation', async () => {
  const { slack, model, startBot } = await workshop.makeWorld('socket');
  await startBot();
  const dm = slack.workspace.directOf(ADA);
  const { ts } = slack.say('My name is Ada', { user: ADA });
  await answersIn(slack, dm, ts);
  const other = slack.workspace.nextTs();
  await slack.event(
    { type: 'message', channel: dm, channel_type: 'im', user: ADA, text: 'What is my name?', ts: other, thread_ts: ts },
    { team_id: 'T0OTHER', authorizations: [{ team_id: 'T0OTHER' }] },
  ).acked;
  await until(() => expect(model.count('What is my name?')).toBe(1));
  expect(model.journal()[1]?.messages).toHaveLength(2);
});

test('when the app is uninstalled the team’s conversations are erased, and its bot stops with a clear error', async () => {
  const { slack, model, startBot } = await workshop.makeWorld('socket');
  const bot = await startBot();
  const { ts } = slack.say('My name is Ada', { user: ADA });
  await answersIn(slack, slack.workspace.directOf(ADA), ts);
  await slack.event({ type: 'tokens_revoked', tokens: { bot: [slack.workspace.botUser] } }).acked;
  await slack.event({ type: 'app_uninstalled' }).acked;
  await until(() => expect(bot.output()).toContain('Slack has revoked the bot token'));
  await until(() => expect(bot.output()).toContain('conversations erased'));
  const health = await fetch(`${bot.url}/health`);
  expect(health.status).toBe(503);
  expect(await health.text()).toContain('Reinstall the app');
  const stats = await (await fetch(`${bot.url}/stats`)).text();
  expect(stats).toContain('"total_users":0');
  await until(() => expect(slack.deliveries.connections()).toBe(0), 30_000);
  expect(model.journal()).toHaveLength(1);
});

test('a token that Slack refuses ends the start, and says what to do', async () => {
  const { slack, settings } = await workshop.makeWorld('socket');
  const wrongBot = await workshop.launch({ ...settings, SLACK_BOT_TOKEN: 'xoxb-wrong' });
  expect(await wrongBot.exited).toBe(78);
  expect(wrongBot.output()).toContain('SLACK_BOT_TOKEN');
  const wrongApp = await workshop.launch({ ...settings, SLACK_APP_TOKEN: 'xapp-wrong' });
  expect(await wrongApp.exited).toBe(78);
  expect(wrongApp.output()).not.toContain(slack.botToken);
});

test('a port that is taken ends the start, and says which', async () => {
  const { settings, startBot } = await workshop.makeWorld('http');
  const first = await startBot();
  const second = await workshop.launch({ ...settings, HOST: '127.0.0.1', SLACK_PORT: String(first.port) });
  expect(await second.exited).toBe(78);
  expect(second.output()).toContain('SLACK_PORT');
});

test('requests that Slack did not sign, or not now, are refused', async () => {
  const { slack, model, startBot, eventsUrl } = await workshop.makeWorld('http');
  await startBot();
  const dm = slack.workspace.directOf(ADA);
  const ts = slack.workspace.nextTs();
  const body = JSON.stringify({
    ...{ type: 'event_callback', event_id: 'Ev1', team_id: slack.workspace.team },
    event: { type: 'message', channel: dm, channel_type: 'im', user: ADA, text: 'Forged', ts },
  });
  const FORM = 'application/x-www-form-urlencoded';
  const post = async (headers: Record<string, string>, text = body, path = '', type = 'application/json') => {
    const response = await fetch(eventsUrl() + path, {
      method: 'POST',
      headers: { ...headers, 'Content-Type': type },
      body: text,
    });
    return response.status;
  };
  const minute = 60_000;
  const signed = (atMs: number) => signatureOf(slack.signingSecret, body, atMs);
  expect(await post(signatureOf('another secret', body))).toBe(401);
  expect(await post({})).toBe(401);
  expect(await post(signed(Date.now() - 6 * minute))).toBe(401);
  expect(await post(signed(Date.now() + 6 * minute))).toBe(401);
  expect(await post({ ...signed(Date.now()), 'X-Slack-Request-Timestamp': 'now' })).toBe(401);
  expect(await post(signed(Date.now()), body.replace('Forged', 'Changed'))).toBe(401);
  expect(await post(signed(Date.now()), body, '/elsewhere')).toBe(404);
  // Nothing is made of a body that Slack has not signed: JSON's null would be refused as such.
  expect(await post({}, 'null')).toBe(401);
  expect(await post(signed(Date.now()), 'null')).toBe(401);
  expect(await post({ ...signed(Date.now()), 'X-Slack-Signature': 'v0=abc' })).toBe(401);
  expect(await post(signed(Date.now()), body, '', 'text/plain')).toBe(415);
  const long = JSON.stringify({ type: 'unknown', text: 'x'.repeat(3 * 1024 * 1024) });
  expect(await post(signatureOf(slack.signingSecret, long), long)).toBe(200);
  const tooLong = JSON.stringify({ type: 'unknown', text: 'x'.repeat(4 * 1024 * 1024) });
  expect(await post(signatureOf(slack.signingSecret, tooLong), tooLong)).toBe(413);
  // Whoever sends a part of it only is not waited for.
  const { port } = new URL(eventsUrl());
  const socket = connect(Number(port), '127.0.0.1');
  const head = Object.entries({
    ...signed(Date.now()),
    Host: 'bot',
    'Content-Type': 'application/json',
    'Content-Length': '100',
  });
  socket.write(`POST /slack/events HTTP/1.1\r\n${head.map(([name, value]) => `${name}: ${value}\r\n`).join('')}\r\n{`);
  socket.on('error', () => {});
  await once(socket.resume(), 'close');
  // What Bolt reads as nothing would end the process.
  expect(await post(signatureOf(slack.signingSecret, 'null'), 'null')).toBe(400);
  expect(await post(signatureOf(slack.signingSecret, 'payload=null'), 'payload=null', '', FORM)).toBe(400);
  expect((await fetch(eventsUrl())).status).toBe(404);
  expect(model.journal()).toEqual([]);
  const challenge = JSON.stringify({ type: 'url_verification', challenge: 'abc', token: 't' });
  const answered = await fetch(eventsUrl(), {
    method: 'POST',
    headers: { ...signatureOf(slack.signingSecret, challenge), 'Content-Type': 'application/json' },
    body: challenge,
  });
  expect(await answered.json()).toEqual({ challenge: 'abc' });
  expect(await post(signed(Date.now()), body, '', 'application/json; charset=utf-8')).toBe(200);
  await until(() => expect(model.count('Forged')).toBe(1));
});

test('in the log there is no token, and no text of anybody', async () => {
  const { slack, startBot } = await workshop.makeWorld('socket');
  const bot = await startBot();
  const { ts } = slack.say('A very private matter', { user: GRACE });
  expect(texts(await answersIn(slack, slack.workspace.directOf(GRACE), ts))).toEqual(['echo: A very private matter']);
  expect(bot.output()).not.toContain('private matter');
  for (const secret of [slack.botToken, slack.appToken]) expect(bot.output()).not.toContain(secret);
});
