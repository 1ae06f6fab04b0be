/** The bot in Slack from outside: the real process against the strict fake, on both transports. */
import { describe, expect, test } from 'vitest';
import { variants } from '../support/tier.ts';
import { ADA, answersIn, CHANNEL, GRACE, texts, until, useSlackWorkshop } from './slack-support.ts';

const workshop = useSlackWorkshop();

describe.each(variants(['socket', 'http']))('over %s', (transport) => {
  test('a direct message is answered in its thread, and remembered there', async () => {
    // What is not acked within that is sent again: so long that it means lost, and not late.
    const { slack, model, startBot } = await workshop.makeWorld(transport, { ackWithinMs: 30_000 });
    await startBot();
    const first = slack.say('Hello & <goodbye>', { user: ADA });
    await first.acked;
    const dm = slack.workspace.directOf(ADA);
    expect(texts(await answersIn(slack, dm, first.ts))).toEqual(['echo: Hello & <goodbye>']);
    const second = slack.say('And again', { user: ADA, thread: first.ts });
    await second.acked;
    await until(() => expect(slack.replies(dm, first.ts)).toHaveLength(2));
    const [call] = model.journal().filter(({ text }) => text === 'And again');
    expect(call?.messages.slice(1).map(({ content }) => content)).toEqual([
      'Hello & <goodbye>',
      'echo: Hello & <goodbye>',
      'And again',
    ]);
    expect(second.deliveries.every(({ attempts }) => attempts() === 1)).toBe(true);
    expect(model.refused()).toEqual([]);
  });

  test('a mention opens a thread, whoever called goes on in it without, and nobody else does', async () => {
    const { slack, model, startBot } = await workshop.makeWorld(transport);
    await startBot();
    const { botUser } = slack.workspace;
    const root = slack.say(`<@${botUser}> My name is Ada`, { user: ADA, channel: CHANNEL });
    expect(texts(await answersIn(slack, CHANNEL, root.ts))).toEqual(['echo: My name is Ada']);
    await slack.say('I only talk to Ada', { user: GRACE, channel: CHANNEL, thread: root.ts }).acked;
    await slack.say(`<@${GRACE}> what do you think?`, { user: ADA, channel: CHANNEL, thread: root.ts }).acked;
    await slack.say('Nobody is called', { user: ADA, channel: CHANNEL }).acked;
    slack.say('What is my name?', { user: ADA, channel: CHANNEL, thread: root.ts });
    expect(texts(await answersIn(slack, CHANNEL, root.ts, 2))).toEqual([
      'echo: My name is Ada',
      'echo: What is my name?',
    ]);
    expect(model.journal().map(({ text }) => text)).toEqual(['My name is Ada', 'What is my name?']);
    expect(model.journal()[1]?.messages).toHaveLength(4);
  });

  test('a long answer is streamed while the model speaks', async () => {
    const { slack, model, startBot } = await workshop.makeWorld(transport);
    await startBot();
    const text = Array.from({ length: 40 }, (_, index) => `Sentence number ${index}.`).join(' ');
    model.script('Tell me', { text, pieces: 40, betweenMs: 100, sent: 20, end: 'hang' });
    const { ts } = slack.say('Tell me', { user: ADA });
    const dm = slack.workspace.directOf(ADA);
    // The first message takes it away again, which may be at once: so what was asked for is looked at.
    const shown = { result: 'ok', args: { channel_id: dm, thread_ts: ts, status: 'is thinking…' } };
    await until(() =>
      expect(slack.callsOf('assistant.threads.setStatus')).toContainEqual(expect.objectContaining(shown)),
    );
    await until(() => expect(slack.replies(dm, ts)[0]?.stream).toBeDefined());
    await until(() => expect(slack.workspace.sessions.get(`${dm} ${ts}`)).toBe('processing'));
    model.release();
    const [reply] = await answersIn(slack, dm, ts);
    expect(slack.workspace.sessions.get(`${dm} ${ts}`)).toBe('active');
    expect(reply?.text).toBe(text);
    expect(reply?.streamed).toBe(true);
    expect(reply?.edits).toBe(0);
    expect(slack.callsOf('chat.appendStream').length).toBeGreaterThan(1);
    expect(reply?.metadata).toEqual({ event_type: 'recollect_reply', event_payload: { turn: ts, part: 1 } });
  });
});
