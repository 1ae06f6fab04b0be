/** A worker killed between Slack taking a message and the bot saving its id: the message is found, and gone on with. */
import { expect, test } from 'vitest';
import { variants } from '../support/tier.ts';
import { ADA, answersIn, CHANNEL, GRACE, texts, until, useSlackWorkshop } from './slack-support.ts';

const workshop = useSlackWorkshop();

const LONG = Array.from({ length: 60 }, (_, index) => `Sentence number ${index}.`).join(' ');
const BEGUN = { text: LONG, pieces: 60, sent: 20, end: 'hang' } as const;
const LINUS = 'U0LINUS';

test.each(variants(['socket', 'http']))(
  'over %s, streams and posts in DMs and among others’ in a thread are found after kill -9',
  async (transport) => {
    const { slack, model, startBot, startProcess } = await workshop.makeWorld(transport);
    slack.addUser({ id: LINUS, name: 'Linus' });
    const bot = await startProcess();
    const mention = `<@${slack.workspace.botUser}>`;
    model.script('Tell Grace', { ...BEGUN, betweenMs: 200 }, { text: LONG });
    model.script('Tell Ada', BEGUN, BEGUN, { text: LONG }, { text: LONG });

    // Somebody else's stream goes on in the same thread, and its id is known.
    const room = slack.say(`${mention} Tell Grace`, { user: GRACE, channel: CHANNEL });
    await until(() => expect(slack.callsOf('chat.appendStream').length).toBeGreaterThan(0));
    // Else the model would be shown the thread, and everybody's words would stand in everybody's question.
    slack.fail('conversations.replies', { kind: 'status', status: 500 }, 2);
    slack.fail('chat.startStream', { kind: 'silent' }, 2);
    slack.fail('chat.postMessage', { kind: 'silent' }, 2);
    slack.say(`${mention} Tell Ada`, { user: ADA, channel: CHANNEL, thread: room.ts });
    slack.say(`${mention} Briefly`, { user: LINUS, channel: CHANNEL, thread: room.ts });
    const direct = { ada: slack.say('Tell Ada', { user: ADA }), linus: slack.say('Briefly', { user: LINUS }) };
    await until(() => expect(slack.calls.filter(({ result }) => result === 'silent')).toHaveLength(4));
    await bot.end('SIGKILL');
    const before = slack.workspace.messages.filter(({ user }) => user === slack.workspace.botUser);
    expect(before).toHaveLength(5);

    const next = await startBot();
    const answers = [
      await answersIn(slack, slack.workspace.directOf(ADA), direct.ada.ts),
      await answersIn(slack, slack.workspace.directOf(LINUS), direct.linus.ts),
      await answersIn(slack, CHANNEL, room.ts, 3),
    ];
    await until(async () => {
      const metrics = await (await fetch(`${next.url}/metrics`)).text();
      expect(metrics).toContain('bot_turns_total{outcome="answered"} 5');
      expect(metrics).not.toContain('bot_unreconciled_posts_total{');
    });
    expect(answers.map((each) => texts(each).toSorted((a, b) => b.length - a.length))).toEqual([
      [LONG],
      ['echo: Briefly'],
      [LONG, LONG, 'echo: Briefly'],
    ]);
    const behind = slack.workspace.messages.filter(({ user }) => user === slack.workspace.botUser);
    expect(behind.map(({ ts }) => ts)).toEqual(before.map(({ ts }) => ts));
  },
);
