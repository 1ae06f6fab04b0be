/** Files in Slack: real Bolt, the fake Slack's file host, and what the model's server is sent. */
import { describe, expect, test } from 'vitest';
import { pdf } from '../files/samples.ts';
import type { FakeFile, FakeMessage, FakeSlack } from '../support/fake-slack/fake-slack.ts';
import type { FakeModel, ModelCall } from '../support/model.ts';
import { makePng } from '../support/png.ts';
import { variants } from '../support/tier.ts';
import { ADA, answersIn, CHANNEL, GRACE, scopesOf, texts, until, useSlackWorkshop } from './slack-support.ts';

const workshop = useSlackWorkshop();

function photo(name: string, padding = 0): FakeFile & { readonly bytes: Buffer } {
  return { name, mimetype: 'image/png', content: '', bytes: makePng(4, 3, padding) };
}

/** The calls whose last message contains this, in order. */
function callsWith(model: FakeModel, part: string): readonly ModelCall[] {
  return model.journal().filter(({ messages }) => messages.at(-1)?.content.includes(part));
}

const dataUrl = ({ bytes }: { readonly bytes: Buffer }) => `data:image/png;base64,${bytes.toString('base64')}`;
/** The images of each message of a request that has any. */
const imagesIn = (call: ModelCall | undefined) =>
  call?.messages.flatMap(({ images = [] }) => (images.length === 0 ? [] : [images]));
const statuses = (slack: FakeSlack) => slack.fileRequests.map(({ status }) => status);

/** The file of a message vanishes, and no event says so. */
function removeFile(slack: FakeSlack, channel: string, ts: string): void {
  for (const file of slack.workspace.find(channel, ts)?.files ?? []) file.deleted = true;
}

test.each(variants(['socket', 'http']))(
  'an image is shown to the model, and once more for the next question, over %s',
  async (transport) => {
    const { slack, model, startBot } = await workshop.makeWorld(transport);
    await startBot();
    const dm = slack.workspace.directOf(ADA);
    const roof = photo('roof.png', 1);
    const { ts } = slack.say('what is on it?', { user: ADA, files: [roof] });
    await answersIn(slack, dm, ts);
    slack.say('and which colour is the roof?', { user: ADA, thread: ts });
    await answersIn(slack, dm, ts, 2);
    const [first, second] = model.journal();
    expect(first?.messages.at(-1)?.content).toContain('roof.png');
    expect(imagesIn(first)).toEqual([[dataUrl(roof)]]);
    expect(imagesIn(second)).toEqual([[dataUrl(roof)]]);
    expect(second?.messages.at(-1)?.images).toBeUndefined();
    expect(slack.fileRequests).toMatchObject([
      { token: slack.botToken, status: 200 },
      { token: slack.botToken, status: 200 },
    ]);
  },
);

test('a snippet and a PDF are read, beside a mention, in a share, and from Slack Connect', async () => {
  const { slack, model, startBot } = await workshop.makeWorld('socket');
  await startBot();
  const { botUser, files } = slack.workspace;
  const snippet: FakeFile = { name: 'notes.txt', mode: 'snippet', content: 'The key is under the mat.' };
  const plan = { name: 'plan.pdf', mimetype: 'application/pdf', content: '', bytes: pdf(['Two rooms and a bath']) };
  const asked = slack.say(`<@${botUser}> sum it up`, { user: ADA, channel: CHANNEL, files: [snippet, plan] });
  const [answer] = await answersIn(slack, CHANNEL, asked.ts);
  expect(answer?.text).not.toContain('could not read');
  const shown = callsWith(model, 'sum it up')[0]?.messages.at(-1)?.content;
  expect(shown).toContain('"notes.txt"');
  expect(shown).toContain('The key is under the mat.');
  expect(shown).toContain('Two rooms and a bath');

  const cat = photo('cat.png', 2);
  const share = {
    ...{ is_share: true, ts: '1688651267.097029', channel_id: 'C0OTHER', author_id: GRACE, text: 'My cat' },
    files: [files.whole(files.store(cat))],
  };
  const shared = slack.say('which breed?', { user: ADA, attachments: [share] });
  await answersIn(slack, slack.workspace.directOf(ADA), shared.ts);
  expect(imagesIn(callsWith(model, 'which breed?')[0])).toEqual([[dataUrl(cat)]]);

  const dog = { ...photo('dog.png', 3), connect: true };
  const connect = slack.say(`<@${botUser}> and this one?`, { user: ADA, channel: CHANNEL, files: [dog] });
  await answersIn(slack, CHANNEL, connect.ts);
  expect(imagesIn(callsWith(model, 'and this one?')[0])).toEqual([[dataUrl(dog)]]);
  expect(slack.callsOf('files.info')).toHaveLength(1);
  expect(statuses(slack)).toEqual([200, 200, 200, 200]);
});

describe('a file that cannot be read', () => {
  test('for want of the scope is named under each answer; the log tells once how to fix it', async () => {
    const scopes = scopesOf('socket').filter((scope) => scope !== 'files:read');
    const { slack, model, startBot } = await workshop.makeWorld('socket', { scopes });
    const bot = await startBot();
    const dm = slack.workspace.directOf(ADA);
    for (const question of ['what is on it?', 'and now?']) {
      const { ts } = slack.say(question, { user: ADA, files: [photo('roof.png')] });
      const [answer = ''] = texts(await answersIn(slack, dm, ts));
      expect(answer).toContain(question);
      expect(answer.split('\n').at(-1)).toContain('I could not read `roof.png`');
      expect(imagesIn(callsWith(model, question)[0])).toEqual([]);
    }
    const told = bot
      .output()
      .split('\n')
      .filter((line) => line.includes('files:read'));
    expect(told).toEqual([expect.stringContaining('slack/manifest.json and reinstall it')]);
  });

  test('because it was deleted is named to the model, and under the answer', async () => {
    const { slack, model, startBot } = await workshop.makeWorld('socket');
    await startBot();
    const dm = slack.workspace.directOf(ADA);
    const { ts } = slack.say('what is in it?', { user: ADA, files: [photo('gone.png')] });
    removeFile(slack, dm, ts);
    const [answer = ''] = texts(await answersIn(slack, dm, ts));
    const [call] = callsWith(model, 'what is in it?');
    expect(call?.messages.at(-1)?.content).toContain('"gone.png" (no longer there)');
    expect(imagesIn(call)).toEqual([]);
    expect(answer.split('\n').at(-1)).toContain('I could not read `gone.png`');
  });

  test('and whose name is markup mentions nobody, in a stream and in blocks', async () => {
    const { slack, model, startBot } = await workshop.makeWorld('socket');
    await startBot();
    const { botUser } = slack.workspace;
    model.script('plainly', { text: 'The roof is red, and so is the door.', pieces: 12, betweenMs: 250 });
    model.script('with a link', { text: 'See https://example.com/roof' });
    const shown: FakeMessage[] = [];
    for (const question of ['plainly', 'with a link']) {
      const files = [photo(`<!channel> \`<@${GRACE}>\` *x*.png`)];
      const { ts } = slack.say(`<@${botUser}> ${question}`, { user: ADA, channel: CHANNEL, files });
      removeFile(slack, CHANNEL, ts);
      shown.push(...(await answersIn(slack, CHANNEL, ts)));
    }
    expect(shown.map(({ streamed }) => streamed === true)).toEqual([true, false]);
    for (const { text, blocks } of shown) {
      const all = JSON.stringify([text, blocks]);
      expect(all).toContain('could not read');
      expect(all).toContain('*x*.png');
      expect(all).not.toMatch(/<[!@]/);
    }
  });
});

test('a worker that takes over a turn fetches its files again', async () => {
  const { slack, model, startBot, startProcess } = await workshop.makeWorld('socket');
  const victim = await startProcess();
  const dm = slack.workspace.directOf(ADA);
  const roof = photo('roof.png');
  const text = 'The roof is red, and so is the door.';
  model.script('look at this', { text, pieces: 3, sent: 2, end: 'hang' }, { text });
  const { ts } = slack.say('look at this', { user: ADA, files: [roof] });
  await until(() => expect(slack.replies(dm, ts)).toHaveLength(1));
  await startBot();
  await victim.end('SIGKILL');
  await model.called('look at this', 2);
  expect(texts(await answersIn(slack, dm, ts))).toEqual([text]);
  expect(callsWith(model, 'look at this').map(imagesIn)).toEqual([[[dataUrl(roof)]], [[dataUrl(roof)]]]);
  expect(statuses(slack)).toEqual([200, 200]);
});
