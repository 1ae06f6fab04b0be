/** On Slack: through the strict fake of the tests, one for each bot, in Socket Mode. */
import { setTimeout as delay } from 'node:timers/promises';
import { type FakeSlack, startFakeSlack } from '../../test/support/fake-slack/fake-slack.ts';
import { startRedis } from '../../test/support/redis-server.ts';
import { ANSWER } from '../bots/answer.ts';
import { createAnswers } from './answers.ts';
import type { Talk } from './closed-loop.ts';
import { productSettings } from './product.ts';
import type { Surface } from './subject.ts';

/** What a bot that talks in DMs is given. */
export const SCOPES = ['chat:write', 'assistant:write', 'im:history', 'users:read'];

export const slackSurface: Surface = {
  title: 'Turns on Slack',
  note:
    'Socket Mode; each conversation is a thread of a DM. Bare: an event handler of Bolt that posts what the chain says, ' +
    'once. Between the two lies what does so over HTTP, the status that is shown before the answer and taken away behind it ' +
    '(two requests more), and what is saved before and behind the post. The fake plays no rate limits (Slack takes about ' +
    'one message a second and channel).',
  targets: { ofBare: { 32: 0.55 }, commands: 65 },
  async start(programs, modelUrl) {
    const redis = await startRedis();
    const [ours, theirs] = [await startWorld(), await startWorld()];
    const product = await programs.startProduct({
      ...productSettings(modelUrl),
      REDIS_URL: redis.url,
      SLACK_BOT_TOKEN: ours.slack.botToken,
      SLACK_APP_TOKEN: ours.slack.appToken,
      SLACK_API_URL: ours.slack.apiUrl,
    });
    const bare = await programs.startBare('slack', {
      MODEL_URL: modelUrl,
      API_URL: theirs.slack.apiUrl,
      TOKEN: theirs.slack.botToken,
      APP_TOKEN: theirs.slack.appToken,
    });
    await connected(ours.slack);
    return [
      {
        ...{ name: 'recollect on Redis', pid: product.pid, redis },
        ...{ talk: ours.talk, output: product.output },
        async stop() {
          await product.stop();
          await ours.slack.close();
          await redis.stop();
        },
      },
      {
        ...{ name: 'bare', pid: bare.pid, talk: theirs.talk, output: bare.output },
        async stop() {
          await bare.stop();
          await theirs.slack.close();
        },
      },
    ];
  },
};

async function startWorld(): Promise<{ readonly slack: FakeSlack; readonly talk: Talk }> {
  const answers = createAnswers();
  const slack = await startFakeSlack({
    ...{ scopes: SCOPES, rateLimits: false },
    onWrote({ text, channel }) {
      if (text === ANSWER) answers.stands(channel);
    },
  });
  const threads = new Map<number, string>();
  const talk: Talk = async (conversation) => {
    const user = `U0PERSON${conversation}`;
    const thread = threads.get(conversation);
    if (thread === undefined) slack.addUser({ id: user });
    const answered = answers.in(slack.workspace.directOf(user));
    const { ts } = slack.say('What did we talk about?', { user, ...(thread === undefined ? {} : { thread }) });
    threads.set(conversation, thread ?? ts);
    await answered;
  };
  return { slack, talk };
}

/** The product is healthy before its socket is open. */
async function connected(slack: FakeSlack): Promise<void> {
  while (slack.deliveries.connections() === 0) await delay(10);
}
