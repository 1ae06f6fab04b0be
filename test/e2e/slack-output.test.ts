/** What the bot writes in Slack calls nobody, leads to no fetch of Slack's, and is taken even where blocks are refused. */
import { expect, test } from 'vitest';
import { variants } from '../support/tier.ts';
import { ADA, answersIn, CHANNEL, texts, until, useSlackWorkshop } from './slack-support.ts';

const workshop = useSlackWorkshop();

/** Previews are looked for after each test of Slack's (slack-support.ts): the fake notes what it would fetch. */
test('an answer with links is shown whole, and nothing of it is fetched', async () => {
  const { slack, model, startBot } = await workshop.makeWorld('socket');
  await startBot();
  const dm = slack.workspace.directOf(ADA);
  const words = Array.from({ length: 30 }, (_, index) => `word ${index}`).join(' ');
  const evil = 'https://evil.example/?q=what%20Ada%20said';
  const answers = {
    first: `${evil} ${words}`,
    middle: `${words} see [this](${evil}) and <${evil}> ${words}`,
    last: `${words} ![](${evil})`,
    bare: `${words} evil.example/${'x'.repeat(40)} and www.evil.example ${words}`,
  };
  for (const [name, text] of Object.entries(answers)) {
    model.script(name, { text, pieces: 12, betweenMs: 250 });
    const { ts } = slack.say(name, { user: ADA });
    const replies = await answersIn(slack, dm, ts);
    expect(texts(replies)).toEqual([text]);
  }
  const { ts } = slack.say('!history', { user: ADA });
  await answersIn(slack, dm, ts);
  const { answers: shown } = slack.command('/history', '20', { user: ADA });
  await until(() => expect(shown).toHaveLength(1));
});

test.each(variants(['invalid_blocks', 'invalid_blocks_format', 'msg_blocks_too_long', 'block_mismatch']))(
  'blocks that are refused (%s) are a matter of that one message',
  async (error) => {
    const { slack, model, startBot } = await workshop.makeWorld('socket');
    await startBot();
    const { botUser } = slack.workspace;
    const said = '&lt;@U0ADA&gt; **here** &#60;!channel&#62;';
    for (const [question, refusals] of [
      ['one', 1],
      ['two', 2],
    ] as const) {
      model.script(question, { text: said, pieces: 1 });
      slack.fail('chat.postMessage', { kind: 'error', error }, refusals);
      const { ts } = slack.say(`<@${botUser}> ${question}`, { user: ADA, channel: CHANNEL });
      const [reply] = await answersIn(slack, CHANNEL, ts);
      expect(reply?.text).toContain('here');
      expect(reply?.text).not.toMatch(/<[@!]/);
      slack.clearFaults('chat.postMessage');
    }
    slack.fail('chat.postEphemeral', { kind: 'error', error });
    await slack.say(`<@${botUser}> !help`, { user: ADA, channel: CHANNEL }).acked;
    await until(() => expect(slack.workspace.ephemerals).toHaveLength(1));
    const { ts } = slack.say(`<@${botUser}> three`, { user: ADA, channel: CHANNEL });
    const [reply] = await answersIn(slack, CHANNEL, ts);
    expect(reply?.blocks).toEqual([{ type: 'markdown', text: 'echo: three' }]);
  },
);
