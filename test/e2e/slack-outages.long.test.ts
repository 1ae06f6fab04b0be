/** Over both transports; and half a minute of silence. */
import { expect, test } from 'vitest';
import './slack-outages.test.ts';
import { ADA, answersIn, healthOf, texts, until, useSlackWorkshop } from './slack-support.ts';

const workshop = useSlackWorkshop();

test('a socket that is open, answers pings and brings nothing is noticed, told by the health and replaced; nothing is lost', async () => {
  const { slack, model, startBot } = await workshop.makeWorld('socket');
  const bot = await startBot();
  slack.deliveries.mute({ pings: false });
  slack.fail('apps.connections.open', { kind: 'status', status: 500 }, 1_000);
  const { ts } = slack.say('Hello', { user: ADA });
  await until(async () => expect((await healthOf(bot)).status).toBe(503), 60_000);
  expect((await healthOf(bot)).text).toContain('socket is not open');
  expect(bot.output()).toContain('Slack sent nothing for 30 s.');
  slack.clearFaults('apps.connections.open');
  expect(texts(await answersIn(slack, slack.workspace.directOf(ADA), ts))).toEqual(['echo: Hello']);
  expect(model.count('Hello')).toBe(1);
  await until(async () => expect((await healthOf(bot)).status).toBe(200));
});
