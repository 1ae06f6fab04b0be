/** What people take back or change in Slack, told as Slack tells it: forgotten means gone, and nothing is answered twice. */
import { describe, expect, test } from 'vitest';
import { variants } from '../support/tier.ts';
import { ADA, answersIn, CHANNEL, GRACE, texts, until, useSlackWorkshop } from './slack-support.ts';

const workshop = useSlackWorkshop();

describe.each(variants(['socket', 'http']))('over %s', (transport) => {
  test('the root of a thread that is deleted is forgotten, and so is what follows', async () => {
    const { slack, model, startBot } = await workshop.makeWorld(transport);
    await startBot();
    const dm = slack.workspace.directOf(ADA);
    const root = slack.say('My name is Ada', { user: ADA });
    await answersIn(slack, dm, root.ts);
    await slack.deleteMessage(root.ts, dm).acked;
    expect(slack.thread(dm, root.ts)[0]?.tombstone).toBe(true);
    const second = slack.say('What is my name?', { user: ADA, thread: root.ts });
    await answersIn(slack, dm, root.ts, 2);
    expect(model.journal().at(-1)?.messages.slice(1)).toEqual([
      expect.objectContaining({ content: 'What is my name?' }),
    ]);
    await slack.deleteMessage(second.ts, dm).acked;
    slack.say('Anything?', { user: ADA, thread: root.ts });
    await answersIn(slack, dm, root.ts, 3);
    expect(model.journal().at(-1)?.messages.slice(1)).toEqual([expect.objectContaining({ content: 'Anything?' })]);
  });

  test('a message that is edited after it was answered, or while it is, is remembered as it reads then', async () => {
    const { slack, model, startBot } = await workshop.makeWorld(transport);
    await startBot();
    const dm = slack.workspace.directOf(ADA);
    model.script('My PIN is 1234', { text: 'Noted.' });
    model.script('It was 9876', { text: 'Noted, too.', sent: 0, end: 'hang' });
    const root = slack.say('My PIN is 1234', { user: ADA });
    await answersIn(slack, dm, root.ts);
    await slack.edit(root.ts, dm, 'My PIN is a secret').acked;
    const second = slack.say('It was 9876', { user: ADA, thread: root.ts });
    await model.called('It was 9876');
    await slack.edit(second.ts, dm, 'It was another one').acked;
    model.release();
    await answersIn(slack, dm, root.ts, 2);
    // Deliveries have no order: an edit of a minute ago, in the form of docs.slack.dev/reference/events/message/message_changed.
    const said = { type: 'message', ts: root.ts, user: ADA };
    const edited = { user: ADA, ts: `${Math.floor(Date.now() / 1000) - 60}.000000` };
    await slack.event({
      ...{ type: 'message', subtype: 'message_changed', hidden: true, channel: dm, channel_type: 'im' },
      ts: slack.workspace.nextTs(),
      message: { ...said, text: 'My PIN is 12345', edited },
      previous_message: { ...said, text: 'My PIN is 1234' },
    }).acked;
    slack.say('What do you know?', { user: ADA, thread: root.ts });
    await answersIn(slack, dm, root.ts, 3);
    const shown = JSON.stringify(model.journal().at(-1)?.messages);
    expect(shown).toContain('My PIN is a secret');
    expect(shown).toContain('It was another one');
    expect(shown).not.toMatch(/1234|9876/);
  });

  test('a mention that is edited is answered once; a message that is edited so that it mentions the bot too', async () => {
    const { slack, model, startBot } = await workshop.makeWorld(transport);
    await startBot();
    await startBot();
    const { botUser } = slack.workspace;
    const root = slack.say(`<@${botUser}> Helo`, { user: ADA, channel: CHANNEL });
    await answersIn(slack, CHANNEL, root.ts);
    await slack.edit(root.ts, CHANNEL, `<@${botUser}> Hello`).acked;
    const forgotten = slack.say('What time is it?', { user: GRACE, channel: CHANNEL });
    await forgotten.acked;
    await slack.edit(forgotten.ts, CHANNEL, `<@${botUser}> What time is it?`).acked;
    expect(texts(await answersIn(slack, CHANNEL, forgotten.ts))).toEqual(['echo: What time is it?']);
    await slack.edit(forgotten.ts, CHANNEL, `<@${botUser}> What time is it now?`).acked;
    slack.say('Last', { user: GRACE, channel: CHANNEL, thread: forgotten.ts });
    await answersIn(slack, CHANNEL, forgotten.ts, 2);
    expect(model.journal().map(({ text }) => text)).toEqual(['Helo', 'What time is it?', 'Last']);
  });
});

test('an old mention that is edited days later, when nobody knows its id any more, is not answered', async () => {
  const { slack, model, startBot } = await workshop.makeWorld('socket');
  await startBot();
  const { botUser } = slack.workspace;
  const ts = `${Math.floor(Date.now() / 1000) - 5 * 86_400}.000100`;
  const edited = { user: ADA, ts: `${Math.floor(Date.now() / 1000)}.000000` };
  const old = { ts, user: ADA, client_msg_id: 'c-1', edited };
  const around = { channel: CHANNEL, channel_type: 'channel' };
  await slack.event({ ...old, type: 'app_mention', channel: CHANNEL, text: `<@${botUser}> old and edited` }).acked;
  for (const before of ['old', `<@${botUser}> old`]) {
    await slack.event({
      ...{ ...around, type: 'message', subtype: 'message_changed', hidden: true, ts: slack.workspace.nextTs() },
      message: { ...old, type: 'message', text: `<@${botUser}> old and edited` },
      previous_message: { ts, user: ADA, type: 'message', text: before },
    }).acked;
  }
  const { ts: last } = slack.say(`<@${botUser}> Last`, { user: ADA, channel: CHANNEL });
  await answersIn(slack, CHANNEL, last);
  expect(model.journal().map(({ text }) => text)).toEqual(['Last']);
});

test('the root of a thread that is deleted while it waits, or is answered, is not answered', async () => {
  const { slack, model, startBot } = await workshop.makeWorld('socket');
  await startBot({ SLACK_DM_SCOPE: 'channel' });
  const dm = slack.workspace.directOf(ADA);
  model.script('Running', { text: 'Never seen in memory', pieces: 4, sent: 2, end: 'hang' });
  const running = slack.say('Running', { user: ADA });
  await until(() => expect(model.count('Running')).toBe(1));
  const waiting = slack.say('Waiting', { user: ADA });
  const reply = slack.say('In the thread', { user: ADA, thread: waiting.ts });
  await Promise.all([waiting.acked, reply.acked]);
  await slack.deleteMessage(waiting.ts, dm).acked;
  await slack.say('Behind it', { user: ADA, thread: running.ts }).acked;
  await slack.deleteMessage(running.ts, dm).acked;
  await until(() => expect(texts(slack.replies(dm, waiting.ts))).toEqual(['echo: In the thread']));
  await until(() => expect(texts(slack.replies(dm, running.ts))).toContain('echo: Behind it'));
  expect(model.journal().map(({ text }) => text)).toEqual(['Running', 'In the thread', 'Behind it']);
  expect(JSON.stringify(model.journal().at(-1)?.messages)).not.toMatch(/Running|Waiting|Never seen/);
});

test('a message whose deletion comes before it is not answered', async () => {
  const { slack, model, startBot } = await workshop.makeWorld('socket');
  await startBot();
  const { botUser, directOf } = slack.workspace;
  for (const [channel, text] of [
    [directOf(ADA), 'Taken back'],
    [CHANNEL, `<@${botUser}> Taken back`],
  ] as const) {
    const message = slack.workspace.add({ channel, user: ADA, text });
    await slack.deleteMessage(message.ts, channel).acked;
    const type = channel === CHANNEL ? 'channel' : 'im';
    const late = { type: 'message', channel, channel_type: type, ts: message.ts, user: ADA, text };
    await slack.event(late).acked;
    if (channel === CHANNEL) await slack.event({ ...late, type: 'app_mention' }).acked;
  }
  const { ts } = slack.say('Last', { user: ADA });
  await answersIn(slack, directOf(ADA), ts);
  expect(model.journal().map(({ text }) => text)).toEqual(['Last']);
});

test.each(['channel_deleted', 'group_deleted'])('what was said in a channel goes with it: %s', async (type) => {
  const { slack, model, startBot } = await workshop.makeWorld('socket');
  const bot = await startBot();
  const { botUser } = slack.workspace;
  const root = slack.say(`<@${botUser}> My name is Ada`, { user: ADA, channel: CHANNEL });
  await answersIn(slack, CHANNEL, root.ts);
  await slack.event({ type, channel: CHANNEL, actor_id: GRACE, event_ts: slack.workspace.nextTs() }).acked;
  const stats = await (await fetch(`${bot.url}/stats`)).text();
  expect(stats).toContain('"total_users":0');
  expect(model.journal()).toHaveLength(1);
});

test('a message that waits and is edited to more than it may be is not answered, and told so', async () => {
  const { slack, model, startBot } = await workshop.makeWorld('socket');
  await startBot({ MAX_MESSAGE_LENGTH: '1000' });
  const dm = slack.workspace.directOf(ADA);
  model.script('First', { text: 'one', sent: 0, end: 'hang' });
  const root = slack.say('First', { user: ADA });
  await model.called('First');
  const [second, third] = [
    slack.say('Second', { user: ADA, thread: root.ts }),
    slack.say('Third', { user: ADA, thread: root.ts }),
  ];
  await Promise.all([second.acked, third.acked]);
  await slack.edit(second.ts, dm, 'x'.repeat(40_000)).acked;
  await slack.edit(third.ts, dm, 'y'.repeat(1_000)).acked;
  model.release();
  expect(texts(await answersIn(slack, dm, root.ts, 3))).toEqual([
    'one',
    expect.stringContaining('longer than'),
    `echo: ${'y'.repeat(1_000)}`,
  ]);
  expect(model.journal().map(({ text }) => text)).toEqual(['First', 'y'.repeat(1_000)]);
});
