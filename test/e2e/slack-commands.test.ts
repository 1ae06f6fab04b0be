/** The memory commands in Slack: by slash, umbrella, shortcut, text and buttons; answers for one person alone. */
import { describe, expect, test } from 'vitest';
import { z } from 'zod';
import { messagesIn } from '../../src/i18n/messages.ts';
import type { FakeSlack, Interaction } from '../support/fake-slack/fake-slack.ts';
import { variants } from '../support/tier.ts';
import { ADA, answersIn, CHANNEL, GRACE, texts, until, useSlackWorkshop } from './slack-support.ts';

const workshop = useSlackWorkshop();

const actionsShape = z.object({
  type: z.literal('actions'),
  elements: z.array(z.object({ value: z.string(), text: z.object({ text: z.string() }) })),
});

/** The buttons of an answer: what they mean, by their labels. */
function buttonsOf(blocks: readonly unknown[]): ReadonlyMap<string, string> {
  const rows = blocks.flatMap((block) => actionsShape.safeParse(block).data?.elements ?? []);
  return new Map(rows.map(({ text, value }) => [text.text, value]));
}

/** The one answer, for the person alone. */
async function answerTo({ answers }: Interaction) {
  await until(() => expect(answers).toHaveLength(1));
  const [answer] = answers;
  expect(answer?.ephemeral).toBe(true);
  if (answer === undefined) throw new Error('There is no answer.');
  return answer;
}

async function turn(slack: FakeSlack, text: string, user = ADA): Promise<string> {
  const { ts } = slack.say(text, { user });
  await answersIn(slack, slack.workspace.directOf(user), ts);
  return ts;
}

describe.each(variants(['socket', 'http']))('over %s', (transport) => {
  test('every command answers, by its own name and by the umbrella', async () => {
    const { slack, startBot } = await workshop.makeWorld(transport);
    await startBot();
    await turn(slack, 'Remember this');
    const ask = async (command: string, text = '') =>
      (await answerTo(slack.command(command, text, { user: ADA }))).text;
    expect(await ask('/history')).toContain('Remember this');
    expect(await ask('/memory', 'history 5')).toContain('echo: Remember this');
    expect(await ask('/ttl', '600')).toMatch(/10 minutes/);
    expect(await ask('/memory', 'ttl')).toMatch(/10 minutes/);
    expect(await ask('/memstats')).toMatch(/Messages: 2/);
    expect(await ask('/memory', 'stats')).toMatch(/Messages: 2/);
    expect(await ask('/help')).toMatch(/\/forget/);
    expect(await ask('/memory', 'histroy')).toContain('/memory history');
    expect(await ask('/ttl', 'soon')).toContain('/ttl');
    expect(await ask('/forget')).toMatch(/Forgotten: 1 conversation, 2 messages/);
    expect(await ask('/history')).toMatch(/remember nothing/);
    expect(slack.workspace.ephemerals).toEqual([]);
  });

  test('a shortcut on a message means its thread, and erases after a confirmation by its owner alone', async () => {
    const { slack, model, startBot } = await workshop.makeWorld(transport);
    await startBot();
    const { botUser } = slack.workspace;
    const root = slack.say(`<@${botUser}> Remember this`, { user: ADA, channel: CHANNEL });
    const [reply] = await answersIn(slack, CHANNEL, root.ts);
    if (reply === undefined) throw new Error('There is no reply.');
    const shortcut = (name: string, user: string) =>
      slack.shortcut(`memory_${name}`, { user, channel: CHANNEL, message: reply });
    expect((await answerTo(shortcut('history', ADA))).text).toContain('Remember this');
    expect((await answerTo(shortcut('history', GRACE))).text).toMatch(/remember nothing/);
    const question = await answerTo(shortcut('forget', ADA));
    const [confirm] = [...buttonsOf(question.blocks).values()];
    const press = (user: string) => slack.press(confirm ?? '', { user, channel: CHANNEL, thread: root.ts });
    expect((await answerTo(press(GRACE))).text).toMatch(/somebody else/);
    const done = await answerTo(press(ADA));
    expect(done).toMatchObject({ text: expect.stringMatching(/Forgotten: 1 conversation/), replaces: true });
    // Who had it forgotten is not followed there any more.
    slack.say(`<@${botUser}> What did I say?`, { user: ADA, channel: CHANNEL, thread: root.ts });
    await answersIn(slack, CHANNEL, root.ts, 2);
    expect(model.journal().at(-1)?.messages).toHaveLength(2);
  });

  test('a typed command runs once, however often it is delivered, and only its writer sees the answer', async () => {
    const { slack, model, startBot } = await workshop.makeWorld(transport);
    await startBot();
    await startBot();
    const { botUser } = slack.workspace;
    const root = slack.say(`<@${botUser}> Remember this`, { user: ADA, channel: CHANNEL });
    await answersIn(slack, CHANNEL, root.ts);
    const asked = slack.say(`<@${botUser}> /history`, { user: ADA, channel: CHANNEL, thread: root.ts });
    await Promise.all([asked.acked, ...Array.from({ length: 11 }, () => slack.again(asked.ts, CHANNEL).acked)]);
    await until(() => expect(slack.workspace.ephemerals).toHaveLength(1));
    const [answer] = slack.workspace.ephemerals;
    expect(answer).toMatchObject({ user: ADA, channel: CHANNEL, thread: root.ts });
    expect(answer?.text).toContain('Remember this');
    expect(slack.replies(CHANNEL, root.ts)).toHaveLength(1);
    await slack.say('history', { user: ADA, channel: CHANNEL, thread: root.ts }).acked;
    await answersIn(slack, CHANNEL, root.ts, 2);
    expect(slack.workspace.ephemerals).toHaveLength(1);
    expect(model.count('history')).toBe(1);
  });

  test('an export comes as files by DM', async () => {
    const { slack, startBot } = await workshop.makeWorld(transport);
    await startBot();
    const { botUser } = slack.workspace;
    const root = slack.say(`<@${botUser}> Remember this`, { user: ADA, channel: CHANNEL });
    await answersIn(slack, CHANNEL, root.ts);
    const answer = await answerTo(slack.command('/history', 'export', { user: ADA, channel: CHANNEL }));
    expect(answer.text).toMatch(/direct messages/);
    const dm = slack.workspace.directOf(ADA);
    const files = slack.workspace.messages.filter(({ channel }) => channel === dm).flatMap((message) => message.files);
    expect(files.map(({ name }) => name.replace(/\d{4}-\d\d-\d\d/, 'day'))).toEqual([
      'conversation-day.json',
      'conversation-day.md',
    ]);
    const json = z
      .object({ messages: z.array(z.object({ content: z.string() })) })
      .parse(JSON.parse(files[0]?.content ?? ''));
    expect(json.messages.map(({ content }) => content)).toEqual(['Remember this', 'echo: Remember this']);
  });
});

test('/remember keeps in a DM at once and in a channel after a question; /facts lists and removes', async () => {
  const { slack, startBot } = await workshop.makeWorld('socket');
  await startBot();
  const { botUser } = slack.workspace;
  const ask = (command: string, text = '', channel?: string) =>
    answerTo(slack.command(command, text, { user: ADA, ...(channel === undefined ? {} : { channel }) }));
  expect((await ask('/remember')).text).toContain('/remember I am vegetarian');
  expect((await ask('/remember', 'I live in Oslo\nsince 2020')).text).toMatch(/> I live in Oslo\n> since 2020/);
  expect((await ask('/memory', 'remember I am vegetarian')).text).toContain('> I am vegetarian');
  const listed = await ask('/memory', 'facts');
  expect(listed.text).toMatch(/2 of at most 50[\s\S]*Oslo[\s\S]*vegetarian/);
  const buttons = [...buttonsOf(listed.blocks)];
  expect(buttons.map(([label]) => label)).toEqual([
    ...['Remove 1: I live in Oslo since 2020', 'Remove 2: I am vegetarian', 'Remove all'],
  ]);
  const dm = slack.workspace.directOf(ADA);
  const removed = await answerTo(slack.press(buttons[0]?.[1] ?? '', { user: ADA, channel: dm }));
  expect(removed).toMatchObject({ text: expect.stringContaining('Removed.'), replaces: true });
  expect(removed.text).not.toContain('Oslo');

  // What is kept in the DM is not known in a channel, nor the other way round.
  expect((await ask('/facts', '', CHANNEL)).text).toContain('You have not asked me');
  const question = await ask('/remember', 'my secret', CHANNEL);
  expect(question.text).toMatch(/Keep it for this channel\?\n> my secret/);
  expect((await ask('/facts', '', CHANNEL)).text).toContain('You have not asked me');
  const [keep = ''] = [...buttonsOf(question.blocks).values()];
  expect(keep).not.toContain('secret');
  expect((await answerTo(slack.press(keep, { user: GRACE, channel: CHANNEL }))).text).toMatch(/somebody else/);
  expect((await answerTo(slack.press(keep, { user: ADA, channel: CHANNEL }))).text).toContain('> my secret');
  expect((await ask('/facts', '', CHANNEL)).text).toContain('> my secret');
  expect((await ask('/facts')).text).not.toContain('secret');

  // Typed in a thread of the channel it is of the same place; names are shown as people see them, and nobody else sees it.
  const root = slack.say(`<@${botUser}> Hello`, { user: ADA, channel: CHANNEL });
  await answersIn(slack, CHANNEL, root.ts);
  const before = slack.workspace.ephemerals.length;
  slack.say(`<@${botUser}> !remember <@${GRACE}> &amp; I\nshare a desk`, {
    user: ADA,
    channel: CHANNEL,
    thread: root.ts,
  });
  await until(() => expect(slack.workspace.ephemerals).toHaveLength(before + 1));
  const typed = slack.workspace.ephemerals[before];
  expect(typed?.text).toMatch(/> @Grace (?:&|&amp;) I\n> share a desk/);
  const [confirm = ''] = [...buttonsOf(typed?.blocks ?? []).values()];
  await answerTo(slack.press(confirm, { user: ADA, channel: CHANNEL, thread: root.ts }));
  expect((await ask('/facts', '', CHANNEL)).text).toMatch(/2 of at most 50/);
  expect(slack.replies(CHANNEL, root.ts)).toHaveLength(1);
});

test('the shortcut “Remember this” keeps one’s own message and nobody else’s', async () => {
  const { slack, startBot } = await workshop.makeWorld('socket');
  await startBot();
  const { botUser } = slack.workspace;
  const { ts } = slack.say(`<@${botUser}> My boss is <@${GRACE}>`, { user: ADA, channel: CHANNEL });
  const [reply] = await answersIn(slack, CHANNEL, ts);
  const [said] = slack.thread(CHANNEL, ts);
  if (said === undefined || reply === undefined) throw new Error('There are two messages.');
  const choose = (user: string, message = said) =>
    answerTo(slack.shortcut('memory_remember', { user, channel: CHANNEL, message }));
  expect((await choose(GRACE)).text).toMatch(/not yours/);
  expect((await choose(ADA, reply)).text).toMatch(/not yours/);
  const question = await choose(ADA);
  expect(question.text).toMatch(/> My boss is @Grace/);
  const [keep = ''] = [...buttonsOf(question.blocks).values()];
  expect((await answerTo(slack.press(keep, { user: ADA, channel: CHANNEL, thread: ts }))).text).toMatch(/@Grace/);
  expect((await answerTo(slack.command('/facts', '', { user: ADA, channel: CHANNEL }))).text).toMatch(/@Grace/);
});

test('a message that asks to be remembered is answered with a note about /remember, once', async () => {
  const { slack, startBot } = await workshop.makeWorld('socket');
  await startBot();
  const note = messagesIn('en').rememberHint;
  const dm = slack.workspace.directOf(ADA);
  const texts = ['Remember that I live in Oslo', 'remember that I have a cat'];
  for (const [index, text] of texts.entries()) {
    const { ts } = slack.say(text, { user: ADA });
    const [answer] = await answersIn(slack, dm, ts);
    expect(answer?.text).toBe(index === 0 ? `echo: ${text}\n\n${note}` : `echo: ${text}`);
  }
  const history = await answerTo(slack.command('/history', 'export', { user: ADA }));
  expect(history.text).not.toContain('/remember');
});

test('where the thread is not told and there are several conversations, a picker asks, newest first', async () => {
  const { slack, startBot } = await workshop.makeWorld('socket');
  await startBot();
  await turn(slack, 'The older one');
  await turn(slack, 'The newer one');
  const question = await answerTo(slack.command('/history', '', { user: ADA }));
  const buttons = [...buttonsOf(question.blocks)];
  expect(buttons.map(([label]) => label)).toEqual([
    expect.stringContaining('The newer one'),
    expect.stringContaining('The older one'),
  ]);
  const dm = slack.workspace.directOf(ADA);
  const chosen = await answerTo(slack.press(buttons[1]?.[1] ?? '', { user: ADA, channel: dm }));
  expect(chosen.text).toContain('The older one');
  expect(chosen.text).not.toContain('The newer one');
  const place = await answerTo(slack.command('/ttl', '2h', { user: ADA }));
  expect(place.text).toMatch(/your conversations here/);
});

test('a slash command names no thread, and yet /ttl holds at once for what is alive in the DM', async () => {
  const { slack, startBot } = await workshop.makeWorld('socket');
  await startBot();
  await turn(slack, 'The older one');
  const chosen = await turn(slack, 'The one with its own setting');
  const dm = slack.workspace.directOf(ADA);
  slack.say('!ttl 3d', { user: ADA, thread: chosen });
  await answersIn(slack, dm, chosen, 2);
  const ask = async (text: string) => (await answerTo(slack.command('/ttl', text, { user: ADA }))).text;
  expect(await ask('600')).toMatch(/\*\*10 minutes\*\*.*already applies to the conversation in progress/);
  const shorter = await ask('');
  expect(shorter).toMatch(/- forgotten in (9|10) minutes: .*The older one/);
  expect(shorter).toMatch(/- forgotten in (2|3) days: .*The one with/);
  expect(await ask('2h')).toContain('already applies');
  expect(await ask('')).toMatch(/- forgotten in (1|2) hours?: .*The older one/);
  expect(await ask('default')).toMatch(/Back to the default.*already applies/);
  expect(await ask('')).toMatch(/- forgotten in (29|30) minutes: .*The older one/);
  expect(await ask('59')).toContain('from **1 minute**');
  expect(await ask('')).toMatch(/- forgotten in (29|30) minutes: .*The older one/);
});

test('in a DM a typed command is answered in its thread, with a button that confirms', async () => {
  const { slack, startBot } = await workshop.makeWorld('socket');
  await startBot();
  const root = await turn(slack, 'Remember this');
  const dm = slack.workspace.directOf(ADA);
  slack.say('!forget', { user: ADA, thread: root });
  const [, question] = await answersIn(slack, dm, root, 2);
  const [confirm] = [...buttonsOf(question?.blocks ?? []).values()];
  const pressed = slack.press(confirm ?? '', { user: ADA, channel: dm, thread: root, ephemeral: false });
  expect((await answerTo(pressed)).text).toMatch(/Forgotten: 1 conversation/);
});

test('people are answered in their language', async () => {
  const { slack, startBot } = await workshop.makeWorld('socket');
  await startBot();
  slack.addUser({ id: 'U0ZHANG', name: '张三', locale: 'zh-CN' });
  // Who cannot be looked up within a second is answered in English, and looked up again the next time.
  await until(async () =>
    expect((await answerTo(slack.command('/history', '', { user: 'U0ZHANG' }))).text).toMatch(/\p{Script=Han}/u),
  );
  const { ts } = slack.say('   ', { user: 'U0ZHANG' });
  const dm = slack.workspace.directOf('U0ZHANG');
  await until(() => expect(texts(slack.replies(dm, ts))).toEqual([expect.stringMatching(/\p{Script=Han}/u)]));
});

test('a command that finds no store is answered all the same', async () => {
  const redis = await workshop.makeRedis();
  const { slack, startBot } = await workshop.makeWorld('socket', {}, redis);
  await startBot();
  await turn(slack, 'Hello');
  await redis.kill9();
  expect((await answerTo(slack.command('/history', '', { user: ADA }))).text).toMatch(/can’t reach my memory/);
});

test('somebody who may manage messages may wipe a shared conversation, others only their own part', async () => {
  const { slack, model, startBot } = await workshop.makeWorld('socket');
  await startBot({ SESSION_SCOPE: 'channel' });
  slack.addUser({ id: 'U0BOSS', name: 'Boss', isAdmin: true });
  const { botUser } = slack.workspace;
  const root = slack.say(`<@${botUser}> I am Ada`, { user: ADA, channel: CHANNEL });
  await answersIn(slack, CHANNEL, root.ts);
  slack.say('And I am Grace', { user: GRACE, channel: CHANNEL, thread: root.ts });
  await answersIn(slack, CHANNEL, root.ts, 2);
  expect(
    model
      .journal()[1]
      ?.messages.map(({ content }) => content)
      .join(),
  ).toContain('"Grace" says:');
  const refused = await answerTo(slack.command('/forget', 'whole', { user: GRACE, channel: CHANNEL }));
  expect(refused.text).toMatch(/only admins/);
  await answerTo(slack.command('/forget', '', { user: GRACE, channel: CHANNEL }));
  const left = (await answerTo(slack.command('/history', '', { user: ADA, channel: CHANNEL }))).text;
  expect(left).toContain('I am Ada');
  expect(left).not.toContain('I am Grace');
  slack.say('I lead here', { user: 'U0BOSS', channel: CHANNEL, thread: root.ts });
  await answersIn(slack, CHANNEL, root.ts, 3);
  const question = await answerTo(slack.command('/forget', 'whole', { user: 'U0BOSS', channel: CHANNEL }));
  const [confirm] = [...buttonsOf(question.blocks).values()];
  await answerTo(slack.press(confirm ?? '', { user: 'U0BOSS', channel: CHANNEL }));
  expect((await answerTo(slack.command('/history', '', { user: ADA, channel: CHANNEL }))).text).toMatch(/nothing/);
});
