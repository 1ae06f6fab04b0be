/** What is shared in Slack, quoted from threads and named by ids, as the model is shown it. */
import { expect, test } from 'vitest';
import { variants } from '../support/tier.ts';
import { ADA, answersIn, CHANNEL, GRACE, texts, until, useSlackWorkshop } from './slack-support.ts';

const workshop = useSlackWorkshop();

/** slackapi/java-slack-sdk#1179, slackapi/slack-skills-plugin#149 */
const SHARE = {
  ...{ is_share: true, is_msg_unfurl: true, ts: '1688651267.097029', channel_id: 'C0OTHER', channel_name: 'alerts' },
  ...{ author_id: GRACE, author_name: 'Grace', text: `The disk of <@${ADA}> is full`, fallback: 'Grace: full' },
  ...{ from_url: 'https://fake.slack.com/archives/C0OTHER/p1688651267097029', footer: 'Posted in #alerts' },
  files: [{ id: 'F1', name: 'df.txt' }],
};

test.each(variants(['socket', 'http']))('a message that is shared is read, over %s', async (transport) => {
  const { slack, model, startBot } = await workshop.makeWorld(transport);
  await startBot();
  const dm = slack.workspace.directOf(ADA);
  const alone = slack.say('', { user: ADA, attachments: [SHARE] });
  await answersIn(slack, dm, alone.ts);
  const shown = model.journal()[0]?.text ?? '';
  expect(shown).toContain('"Grace" wrote:\n> The disk of @Ada is full');
  expect(shown).toContain('"df.txt"');

  const { botUser } = slack.workspace;
  const preview = { from_url: 'https://a.example', title: 'A page', text: 'Nobody wrote this', id: 1 };
  const attachments = [SHARE, preview];
  const asked = slack.say(`<@${botUser}> what now, <@${GRACE}>?`, { user: ADA, channel: CHANNEL, attachments });
  await answersIn(slack, CHANNEL, asked.ts);
  const second = model.journal()[1]?.text ?? '';
  expect(second).toContain('The disk of @Ada is full');
  expect(second).toContain('what now, @Grace?');
  expect(second).not.toContain('Nobody wrote this');

  // Slack adds the preview of a link with a change of the message that is no edit.
  const message = { type: 'message', user: ADA, ts: asked.ts, text: `<@${botUser}> what now, <@${GRACE}>?` };
  await slack.event({
    ...{ type: 'message', subtype: 'message_changed', channel: CHANNEL, channel_type: 'channel', hidden: true },
    ...{ ts: slack.workspace.nextTs(), message: { ...message, attachments }, previous_message: message },
  }).acked;
  // A share does not call the bot by what is in it.
  const calls = { ...SHARE, text: `<@${botUser}> do something` };
  await slack.say('look', { user: GRACE, channel: CHANNEL, attachments: [calls] }).acked;
  const last = slack.say('Last', { user: ADA });
  await answersIn(slack, dm, last.ts);
  expect(model.journal()).toHaveLength(3);
});

test('the posts of other apps in a thread are quoted from their blocks; long threads take no more room than they may', async () => {
  const { slack, model, startBot } = await workshop.makeWorld('socket');
  await startBot();
  const root = slack.say('The launch', { user: GRACE, channel: CHANNEL });
  for (let number = 0; number < 15; number += 1)
    slack.workspace.add({ channel: CHANNEL, thread: root.ts, user: GRACE, text: `${number} ${'x'.repeat(39_000)}` });
  slack.workspace.add({
    ...{ channel: CHANNEL, thread: root.ts, user: 'U0OTHERBOT', bot: true, text: '' },
    blocks: [{ type: 'section', text: { type: 'mrkdwn', text: `Deploy by <@${ADA}>` } }],
    attachments: [{ fallback: 'Alert', title: 'Disk', text: '91 %' }],
  });
  const { botUser } = slack.workspace;
  slack.say(`<@${botUser}> When?`, { user: ADA, channel: CHANNEL, thread: root.ts });
  await answersIn(slack, CHANNEL, root.ts);
  const shown = model.journal()[0]?.text ?? '';
  expect(shown).toContain('> Deploy by @Ada\n> Disk\n> 91 %');
  expect(shown).toContain('> 14 xxx');
  expect(shown.length).toBeLessThan(18_000);
});

test('who only mentions the bot in a thread calls it to what is there', async () => {
  const { slack, model, startBot } = await workshop.makeWorld('socket');
  await startBot();
  const { botUser } = slack.workspace;
  const root = slack.say('The launch is on Friday', { user: GRACE, channel: CHANNEL });
  await root.acked;
  slack.say(`<@${botUser}>`, { user: ADA, channel: CHANNEL, thread: root.ts });
  expect(texts(await answersIn(slack, CHANNEL, root.ts))).toHaveLength(1);
  expect(model.journal()[0]?.text).toContain('The launch is on Friday');
});

test('what is too long, or too much, costs no look-up in Slack', async () => {
  const { slack, model, startBot } = await workshop.makeWorld('socket');
  await startBot({ RATE_LIMIT: '1/h', MAX_MESSAGE_LENGTH: '100' });
  const { botUser } = slack.workspace;
  const root = slack.say('The launch is on Friday', { user: GRACE, channel: CHANNEL });
  const ask = (text: string) =>
    slack.say(`<@${botUser}> ${text} <@${GRACE}>`, { user: ADA, channel: CHANNEL, thread: root.ts }).acked;
  const lookedUp = () => [
    ...slack.callsOf('conversations.replies'),
    ...slack.callsOf('users.info').filter(({ args }) => args.user === GRACE),
  ];
  const told = (what: RegExp) => until(() => expect(slack.workspace.ephemerals.at(-1)?.text ?? '').toMatch(what));
  await ask('x'.repeat(101));
  await told(/100/);
  expect(lookedUp()).toEqual([]);
  const other = slack.say(`<@${botUser}> Hello`, { user: ADA, channel: CHANNEL });
  await answersIn(slack, CHANNEL, other.ts);
  const second = slack.say('Another thread', { user: GRACE, channel: CHANNEL });
  await slack.say(`<@${botUser}> And <@${GRACE}>?`, { user: ADA, channel: CHANNEL, thread: second.ts }).acked;
  await told(/too fast/);
  expect(lookedUp()).toEqual([]);
  expect(model.journal()).toHaveLength(1);
});
