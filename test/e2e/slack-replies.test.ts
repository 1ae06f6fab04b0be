/** Replies in Slack when Slack makes trouble: rates, dying streams, lost answers; and what people do to them meanwhile. */
import { describe, expect, test } from 'vitest';
import { messagesIn } from '../../src/i18n/messages.ts';
import { variants } from '../support/tier.ts';
import { ADA, answersIn, CHANNEL, GRACE, texts, until, useSlackWorkshop } from './slack-support.ts';

const workshop = useSlackWorkshop();

const LONG = Array.from({ length: 60 }, (_, index) => `Sentence number ${index}.`).join(' ');
/** Takes about 4 s, so it is streamed. */
const SLOWLY = { text: LONG, pieces: 60, betweenMs: 60 };
/** Most of it, for three seconds: also for a bot that was held up there is more to stream. The rest comes when the model is released. */
const BEGUN = { ...SLOWLY, sent: 55, end: 'hang' } as const;
/** All that a streamed reply and a short one ask Slack for; without streams the others are not asked for. */
const LIMITED = [
  'users.info',
  'assistant.threads.setStatus',
  'agents.sessions.setStatus',
  'chat.appendStream',
  'chat.stopStream',
  'chat.postMessage',
];

/** What Slack makes of a method, twice. */
const FAULTS = [
  ['the answer to chat.startStream is lost', 'chat.startStream', { kind: 'lost' }],
  ['the answer to chat.appendStream is lost', 'chat.appendStream', { kind: 'lost' }],
  ['the answer to chat.stopStream is lost', 'chat.stopStream', { kind: 'lost' }],
  ['chat.startStream is asked for too often', 'chat.startStream', { kind: 'rate_limited', retryAfter: 1 }],
  ['Slack has trouble with chat.startStream', 'chat.startStream', { kind: 'status', status: 503 }],
  ['Slack has trouble with chat.appendStream', 'chat.appendStream', { kind: 'status', status: 500 }],
] as const;

describe.each(variants(['socket', 'http']))('a reply, over %s,', (transport) => {
  test('whose stream dies is continued, never repeated', async () => {
    const { slack, model, startBot } = await workshop.makeWorld(transport);
    await startBot();
    model.script('Tell me', BEGUN);
    const { ts } = slack.say('Tell me', { user: ADA });
    const dm = slack.workspace.directOf(ADA);
    await until(() => expect(slack.callsOf('chat.appendStream').length).toBeGreaterThan(0));
    slack.expireStreams();
    model.release();
    expect(texts(await answersIn(slack, dm, ts))).toEqual([LONG]);
    expect(slack.calls.some(({ result }) => result === 'message_not_in_streaming_state')).toBe(true);
  });

  test('is posted and edited where streaming is not to be had, and streaming is not tried again', async () => {
    const { slack, model, startBot } = await workshop.makeWorld(transport);
    await startBot();
    slack.fail('chat.startStream', { kind: 'error', error: 'feature_not_enabled' }, 1_000);
    model.script('Tell me', BEGUN, BEGUN);
    for (const user of [ADA, GRACE]) {
      const { ts } = slack.say('Tell me', { user });
      const dm = slack.workspace.directOf(user);
      await until(() => expect(slack.replies(dm, ts)[0]?.edits).toBeGreaterThan(0));
      model.release();
      const [reply, ...more] = await answersIn(slack, dm, ts);
      expect(more).toEqual([]);
      expect(reply?.text).toBe(LONG);
      expect(reply?.metadata).toEqual({ event_type: 'recollect_reply', event_payload: { turn: ts, part: 1 } });
    }
    expect(slack.callsOf('chat.startStream')).toHaveLength(1);
  });

  test('is whole and there once although Slack finds that everything is asked for too often', async () => {
    const { slack, model, startBot } = await workshop.makeWorld(transport);
    await startBot();
    for (const method of LIMITED) slack.fail(method, { kind: 'rate_limited', retryAfter: 1 }, 2);
    const wasLimited = (method: string) =>
      expect(slack.callsOf(method).map(({ result }) => result)).toContain('rate_limited');
    model.script('Tell me', BEGUN);
    const long = slack.say('Tell me', { user: ADA });
    const short = slack.say('Hello', { user: GRACE });
    await until(() => wasLimited('chat.appendStream'));
    model.release();
    expect(texts(await answersIn(slack, slack.workspace.directOf(ADA), long.ts))).toEqual([LONG]);
    expect(texts(await answersIn(slack, slack.workspace.directOf(GRACE), short.ts))).toEqual(['echo: Hello']);
    LIMITED.forEach(wasLimited);
  });

  test.each(variants(FAULTS, 3))(
    'is whole and there once although %s, in a DM and in a channel',
    async (_, method, fault) => {
      const { slack, model, startBot } = await workshop.makeWorld(transport);
      await startBot();
      slack.fail(method, fault, 2);
      const hasFailed = () =>
        expect(slack.callsOf(method).filter(({ result }) => result !== 'ok').length).toBeGreaterThan(1);
      model.script('Tell me', BEGUN, BEGUN);
      const direct = slack.say('Tell me', { user: ADA });
      const mention = slack.say(`<@${slack.workspace.botUser}> Tell me`, { user: GRACE, channel: CHANNEL });
      if (method !== 'chat.stopStream') await until(hasFailed);
      model.release();
      expect(texts(await answersIn(slack, slack.workspace.directOf(ADA), direct.ts))).toEqual([LONG]);
      expect(texts(await answersIn(slack, CHANNEL, mention.ts))).toEqual([LONG]);
      hasFailed();
    },
  );
});

describe('a reply', () => {
  test('longer than a message goes on in the next, with its code fence, and nothing repeated', async () => {
    const { slack, model, startBot } = await workshop.makeWorld('socket');
    await startBot();
    const code = Array.from({ length: 900 }, (_, index) => `print("line ${index}")`).join('\n');
    const text = `Look:\n\n\`\`\`python\n${code}\n\`\`\`\nThat was it.`;
    model.script('Tell me', { text, pieces: 60, betweenMs: 50 });
    const { ts } = slack.say('Tell me', { user: ADA });
    const dm = slack.workspace.directOf(ADA);
    await until(() => expect(slack.replies(dm, ts).at(-1)?.text).toContain('That was it.'));
    const messages = await answersIn(slack, dm, ts, 2);
    expect(messages.every(({ streamed, edits }) => streamed && edits === 0)).toBe(true);
    for (const reply of texts(messages)) {
      expect(Buffer.byteLength(reply)).toBeLessThanOrEqual(9_000);
      expect((reply.match(/```/g) ?? []).length % 2).toBe(0);
    }
    const lines = texts(messages)
      .join('\n')
      .match(/line \d+/g);
    expect(lines).toEqual(Array.from({ length: 900 }, (_, index) => `line ${index}`));
  });

  test('is written as Slack’s own markup where neither streams nor Markdown are to be had', async () => {
    const { slack, model, startBot } = await workshop.makeWorld('socket');
    await startBot();
    slack.fail('chat.startStream', { kind: 'error', error: 'unknown_method' });
    slack.fail('chat.postMessage', { kind: 'error', error: 'invalid_blocks' });
    const text = `# Title\n\n**Bold** and more\n\n- one\n  - two\n\n${LONG}`;
    model.script('Tell me', { ...BEGUN, text });
    const { ts } = slack.say('Tell me', { user: ADA });
    const dm = slack.workspace.directOf(ADA);
    await until(() => expect(slack.replies(dm, ts)[0]?.edits).toBeGreaterThan(0));
    model.release();
    const [reply, ...more] = await answersIn(slack, dm, ts);
    expect(more).toEqual([]);
    expect(reply?.blocks).toEqual([{ type: 'section', text: { type: 'mrkdwn', text: reply?.text } }]);
    // What is invisible between a word and its star keeps Slack from reading them as one.
    const visible = reply?.text.replaceAll('\u200B', '') ?? '';
    expect(visible.startsWith('*Title*\n\n*Bold* and more\n\n')).toBe(true);
    expect(visible).toMatch(/• {1,3}one\n {1,6}• {1,3}two\n/);
    expect(visible.endsWith(LONG)).toBe(true);
    const refused = slack.calls.filter(({ result }) => result === 'invalid_blocks' || result === 'unknown_method');
    expect(refused).toHaveLength(2);
  });

  test('that was posted without an answer is found again by its metadata, also among others’ in the thread', async () => {
    const { slack, model, startBot } = await workshop.makeWorld('socket');
    const bot = await startBot();
    const { botUser } = slack.workspace;
    const root = slack.say(`<@${botUser}> Hello`, { user: ADA, channel: CHANNEL });
    await answersIn(slack, CHANNEL, root.ts);
    slack.fail('chat.postMessage', { kind: 'lost' });
    slack.say(`<@${botUser}> Me too`, { user: GRACE, channel: CHANNEL, thread: root.ts });
    expect(texts(await answersIn(slack, CHANNEL, root.ts, 2))).toEqual([
      'echo: Hello',
      expect.stringMatching(/Me too$/),
    ]);
    await until(async () => {
      const page = await (await fetch(`${bot.url}/metrics`)).text();
      expect(page).toContain('bot_turns_total{outcome="answered"} 2');
      expect(page).not.toContain('bot_unreconciled_posts_total{');
    });
    expect(model.journal()).toHaveLength(2);
  });

  test('calls nobody, whatever the model says', async () => {
    const { slack, model, startBot } = await workshop.makeWorld('socket');
    await startBot();
    const said = 'Dear <!channel> and <@U0ADA>: | a | b |\n| - | - |\n| 1 | 2 |';
    model.script('Tell me', { text: said, pieces: 30, betweenMs: 50 });
    model.script('Briefly', { text: said });
    const dm = slack.workspace.directOf(ADA);
    for (const text of ['Tell me', 'Briefly']) {
      const { ts } = slack.say(text, { user: ADA });
      const [reply] = await answersIn(slack, dm, ts);
      expect(reply?.text).not.toMatch(/<!channel>|<@U0ADA>/);
      expect(reply?.text.replaceAll('\u200B', '')).toBe(said);
    }
    const sent = slack.calls.filter(({ method }) => method.startsWith('chat.')).map(({ args }) => JSON.stringify(args));
    expect(sent.some((args) => /<!channel>|<@U0ADA>/.test(args))).toBe(false);
  });

  test('to a model that fails is one honest message, and the next is answered', async () => {
    const { slack, model, startBot } = await workshop.makeWorld('socket');
    await startBot();
    model.script('odd', { status: 400, error: { message: 'no' } });
    const { ts } = slack.say('odd question', { user: ADA });
    const dm = slack.workspace.directOf(ADA);
    expect(texts(await answersIn(slack, dm, ts))).toEqual([expect.stringContaining('did not accept the request')]);
    slack.say('Hello', { user: ADA, thread: ts });
    expect((await answersIn(slack, dm, ts, 2))[1]?.text).toBe('echo: Hello');
  });

  test('that turns out to be nothing but reasoning has none of it left', async () => {
    const { slack, model, startBot } = await workshop.makeWorld('socket');
    await startBot();
    model.script('Tell me', { ...SLOWLY, text: `${LONG}</think>` });
    const { ts } = slack.say('Tell me', { user: ADA });
    const dm = slack.workspace.directOf(ADA);
    await until(() => expect(slack.replies(dm, ts)[0]?.text).toContain('Sentence'));
    expect(texts(await answersIn(slack, dm, ts))).toEqual([messagesIn('en').failed.model_only_reasoned]);
    expect(model.count('Tell me')).toBe(1);
  });

  test('that breaks off keeps what was read, and says so behind it', async () => {
    const { slack, model, startBot } = await workshop.makeWorld('socket');
    await startBot({ TURN_TIMEOUT: '3' });
    model.script('Tell me', { ...SLOWLY, sent: 20, end: { data: '{"error":{"message":"no","type":"x"}}' } });
    for (let attempt = 0; attempt < 5; attempt += 1) model.script('Tell me', { status: 400 });
    const { ts } = slack.say('Tell me', { user: ADA });
    const [reply, ...more] = await answersIn(slack, slack.workspace.directOf(ADA), ts);
    expect(more).toEqual([]);
    expect(reply?.text.startsWith('Sentence number 0.')).toBe(true);
    expect(reply?.text).toMatch(/language model/);
  });
});

describe('a person', () => {
  test('who presses Stop stops the turn on whichever replica runs it', async () => {
    const { slack, model, startBot } = await workshop.makeWorld('socket');
    await startBot();
    await startBot();
    model.script('Tell me', { ...BEGUN, betweenMs: 100 });
    const { ts } = slack.say('Tell me', { user: ADA });
    const dm = slack.workspace.directOf(ADA);
    // By then the bot knows what the person has seen; of what it only begins to show it need not yet.
    await until(() => expect(slack.callsOf('chat.appendStream').length).toBeGreaterThan(0));
    // Slack ends the stream by itself, and leaves the session as it is.
    const [streaming] = slack.replies(dm, ts);
    if (streaming !== undefined) streaming.stream = undefined;
    slack.event({
      ...{ type: 'agent_session_stopped', channel: dm, user: ADA, thread_ts: ts, event_ts: slack.workspace.nextTs() },
      streaming_message_ts: [streaming?.ts],
    });
    const [reply, ...more] = await answersIn(slack, dm, ts);
    expect(more).toEqual([]);
    await until(() => expect(slack.replies(dm, ts)[0]?.text).toMatch(/^Sentence number 0\..*\n\n\(stopped\)$/s));
    expect(LONG.startsWith(reply?.text.replace(/\n\n\(stopped\)$/, '') ?? '-')).toBe(true);
    slack.say('And now?', { user: ADA, thread: ts });
    await answersIn(slack, dm, ts, 2);
    const [call] = model.journal().filter(({ text }) => text === 'And now?');
    expect(call?.messages[2]?.content).toMatch(/^Sentence number 0\./);
    expect(call?.messages[2]?.content).not.toContain('stopped');
  });

  test('can’t stop somebody else’s answer in a conversation that they share', async () => {
    const { slack, model, startBot } = await workshop.makeWorld('socket');
    await startBot({ SESSION_SCOPE: 'channel' });
    const { botUser } = slack.workspace;
    model.script('Tell me', BEGUN);
    const { ts } = slack.say(`<@${botUser}> Tell me`, { user: ADA, channel: CHANNEL });
    await until(() => expect(slack.callsOf('chat.appendStream').length).toBeGreaterThan(0));
    const stop = { type: 'agent_session_stopped', channel: CHANNEL, thread_ts: ts, streaming_message_ts: [] };
    await slack.event({ ...stop, user: ADA, event_ts: slack.workspace.nextTs() }).acked;
    await until(() => expect(slack.replies(CHANNEL, ts)[0]?.text).toMatch(/\(stopped\)$/));
    model.script('Once more', BEGUN);
    slack.say('Once more', { user: ADA, channel: CHANNEL, thread: ts });
    await until(() => expect(slack.replies(CHANNEL, ts)).toHaveLength(2));
    await slack.event({ ...stop, user: GRACE, event_ts: slack.workspace.nextTs() }).acked;
    model.release();
    expect(texts(await answersIn(slack, CHANNEL, ts, 2))[1]).toBe(LONG);
  });

  test('who forgets in mid-answer finds no text of it in Slack, and the model is shown none', async () => {
    const { slack, model, startBot } = await workshop.makeWorld('socket');
    await startBot();
    model.script('Tell me', { text: LONG, pieces: 60, sent: 20, end: 'hang' });
    const { ts } = slack.say('Tell me', { user: ADA });
    const dm = slack.workspace.directOf(ADA);
    await until(() => expect(slack.replies(dm, ts)[0]?.text.length).toBeGreaterThan(100));
    const { answers } = slack.command('/forget', '', { user: ADA });
    await until(() => expect(answers).toHaveLength(1));
    await until(() => expect(texts(slack.replies(dm, ts))).toEqual(['Forgotten.']));
    slack.say('What did I say?', { user: ADA, thread: ts });
    await answersIn(slack, dm, ts, 2);
    const [call] = model.journal().filter(({ text }) => text === 'What did I say?');
    expect(call?.messages).toHaveLength(2);
  });

  test('who deletes a message takes its turn out of memory', async () => {
    const { slack, model, startBot } = await workshop.makeWorld('socket');
    await startBot();
    const root = slack.say('Keep this', { user: ADA });
    const dm = slack.workspace.directOf(ADA);
    await answersIn(slack, dm, root.ts);
    const secret = slack.say('My secret', { user: ADA, thread: root.ts });
    await answersIn(slack, dm, root.ts, 2);
    await slack.deleteMessage(secret.ts, dm).acked;
    slack.say('What do you know?', { user: ADA, thread: root.ts });
    await answersIn(slack, dm, root.ts, 3);
    const [call] = model.journal().filter(({ text }) => text === 'What do you know?');
    expect(call?.messages.slice(1).map(({ content }) => content)).toEqual([
      'Keep this',
      'echo: Keep this',
      'What do you know?',
    ]);
  });

  test('who edits a message that waits is answered to what it says now', async () => {
    const { slack, model, startBot } = await workshop.makeWorld('socket');
    await startBot();
    model.script('First', { text: 'one', sent: 0, end: 'hang' });
    const root = slack.say('First', { user: ADA });
    await model.called('First');
    const second = slack.say('Secnod', { user: ADA, thread: root.ts });
    await second.acked;
    const dm = slack.workspace.directOf(ADA);
    await slack.edit(second.ts, dm, 'Second').acked;
    model.release();
    expect((await answersIn(slack, dm, root.ts, 2))[1]?.text).toBe('echo: Second');
    expect(model.count('Secnod')).toBe(0);
  });
});
