/** Files in Discord: real discord.js, the fake Discord's CDN, and what the model's server is sent. */
import { describe, expect, test } from 'vitest';
import type { FakeFile, StoredMessage } from '../support/fake-discord/fake-discord.ts';
import type { FakeModel, ModelCall } from '../support/model.ts';
import { makePng } from '../support/png.ts';
import {
  PATIENTLY,
  shareDiscord,
  textsOf,
  untilAnswered,
  untilLoggedIn,
  useDiscord,
  withDiscord,
} from './discord-support.ts';
import { makeRedisStore, useWorkshop, withModel } from './http-support.ts';

const workshop = useWorkshop();
const { makeFolder, makeModel, start, startProcess } = workshop;
const { make } = useDiscord();

const DAY_MS = 86_400_000;

function photo(name: string, padding = 0): FakeFile {
  return { name, type: 'image/png', width: 4, height: 3, content: makePng(4, 3, padding) };
}

function textFile(name: string, text: string): FakeFile {
  return { name, type: 'text/plain; charset=utf-8', content: Buffer.from(text) };
}

/** A PDF of one page with this text (ISO 32000-1, 7.5). */
function pdfFile(name: string, text: string): FakeFile {
  const stream = `BT /F1 24 Tf 72 700 Td (${text}) Tj ET`;
  const objects = [
    '<< /Type /Catalog /Pages 2 0 R >>',
    '<< /Type /Pages /Kids [3 0 R] /Count 1 >>',
    '<< /Type /Page /Parent 2 0 R /MediaBox [0 0 612 792] /Contents 4 0 R /Resources << /Font << /F1 5 0 R >> >> >>',
    `<< /Length ${stream.length} >>\nstream\n${stream}\nendstream`,
    '<< /Type /Font /Subtype /Type1 /BaseFont /Helvetica >>',
  ];
  let body = '%PDF-1.4\n';
  const offsets = objects.map((object, index) => {
    const at = body.length;
    body += `${index + 1} 0 obj\n${object}\nendobj\n`;
    return `${String(at).padStart(10, '0')} 00000 n \n`;
  });
  const table = `xref\n0 ${objects.length + 1}\n0000000000 65535 f \n${offsets.join('')}`;
  body += `${table}trailer << /Size ${objects.length + 1} /Root 1 0 R >>\nstartxref\n${body.length}\n%%EOF\n`;
  return { name, type: 'application/pdf', content: Buffer.from(body, 'latin1') };
}

/** The calls whose last message contains this, in order. */
function callsWith(model: FakeModel, part: string): readonly ModelCall[] {
  return model.journal().filter(({ messages }) => messages.at(-1)?.content.includes(part));
}

async function untilCalled(model: FakeModel, part: string): Promise<ModelCall> {
  await expect.poll(() => callsWith(model, part).length, PATIENTLY).toBe(1);
  const [call] = callsWith(model, part);
  if (call === undefined) throw new Error('It was called.');
  return call;
}

const dataUrl = ({ content }: FakeFile) => `data:image/png;base64,${content.toString('base64')}`;
/** The images of each message of a request that has any. */
const imagesIn = ({ messages }: ModelCall) =>
  messages.flatMap(({ images = [] }) => (images.length === 0 ? [] : [images]));

describe('a file', () => {
  const shared = shareDiscord(workshop, async () => ({}));

  function newDm() {
    const ada = shared.discord.world.person('Ada');
    return { ada, dm: shared.discord.dm(ada) };
  }
  const untilReplied = (to: StoredMessage) =>
    expect.poll(() => shared.discord.replies(to).map(({ message }) => message.components), PATIENTLY).toEqual([[]]);

  test('that is an image is shown to the model, and once more for the next question', async () => {
    const { discord, model } = shared;
    const { ada, dm } = newDm();
    const roof = photo('roof.png', 1);
    const asked = discord.say(ada, dm, 'what is on it?', { attachments: [roof] });
    const first = await untilCalled(model, 'what is on it?');
    expect(imagesIn(first)).toEqual([[dataUrl(roof)]]);
    expect(first.messages.at(-1)?.content).toContain('roof.png');
    await untilReplied(asked);
    discord.say(ada, dm, 'and which colour is the roof?');
    const second = await untilCalled(model, 'and which colour is the roof?');
    expect(imagesIn(second)).toEqual([[dataUrl(roof)]]);
    expect(second.messages.at(-1)?.images).toBeUndefined();
    const fetched = discord.world.cdn.requests.filter(({ name }) => name === 'roof.png');
    expect(fetched.map(({ status }) => status)).toEqual([200, 200]);
  });

  test('with text, and a PDF, are read', async () => {
    const { discord, model } = shared;
    const { ada, dm } = newDm();
    const attachments = [
      textFile('notes.txt', 'The key is under the mat.'),
      pdfFile('plan.pdf', 'Two rooms and a bath'),
    ];
    await untilReplied(discord.say(ada, dm, 'sum it up', { attachments }));
    const { messages } = await untilCalled(model, 'sum it up');
    expect(messages.at(-1)?.content).toContain('The key is under the mat.');
    expect(messages.at(-1)?.content).toContain('Two rooms and a bath');
  });

  test('of a forwarded message and of the one replied to is shown in that turn alone', async () => {
    const { discord, model } = shared;
    const { ada, dm } = newDm();
    const bob = discord.world.person('Bob');
    const theirs = discord.dm(bob);
    const cat = photo('cat.png', 2);
    const dog = photo('dog.png', 3);
    const forward = discord.say(ada, dm, '', { forward: discord.say(bob, theirs, 'my cat', { attachments: [cat] }) });
    await untilReplied(forward);
    const [forwarded] = callsWith(model, 'my cat')
      .filter((call) => imagesIn(call).length > 0)
      .slice(-1);
    expect(forwarded?.messages.at(-1)?.images).toEqual([dataUrl(cat)]);
    const guild = discord.channel(shared.guild);
    const answered = discord.say(bob, guild, 'my dog', { attachments: [dog] });
    const mention = `<@${discord.world.bot.id}>`;
    await untilReplied(discord.say(ada, guild, `${mention} which breed?`, { replyTo: answered }));
    expect(imagesIn(await untilCalled(model, 'which breed?'))).toEqual([[dataUrl(dog)]]);
    await untilReplied(discord.say(ada, guild, `${mention} thank you`));
    expect(imagesIn(await untilCalled(model, 'thank you'))).toEqual([]);
  });

  test('that is gone is named to the model, and below the answer', async () => {
    const { discord, model } = shared;
    const { ada, dm } = newDm();
    const asked = discord.say(ada, dm, 'what is in it?', { attachments: [photo('gone.png')] });
    // Its author removed it at once; no event says so.
    asked.message.attachments = [];
    await untilReplied(asked);
    const call = await untilCalled(model, 'what is in it?');
    expect(call.messages.at(-1)?.content).toContain('"gone.png" (no longer there)');
    expect(imagesIn(call)).toEqual([]);
    const [shown = ''] = textsOf(discord.replies(asked));
    expect(shown).toContain('what is in it?');
    expect(shown.split('\n').at(-1)).toContain('I could not read `gone.png`');
  });

  test('that is gone is named in code, in the last message of an answer that fills one', async () => {
    const { discord, model } = shared;
    const { ada, dm } = newDm();
    const text = `${'word '.repeat(398)}the end.`;
    model.script('at length', { text });
    const asked = discord.say(ada, dm, 'at length', { attachments: [photo('@everyone `x` **y**.png')] });
    asked.message.attachments = [];
    await untilReplied(asked);
    await expect.poll(() => textsOf(discord.said(dm)).at(-1), PATIENTLY).toContain('I could not read');
    const parts = textsOf(discord.said(dm));
    expect(parts.length).toBe(2);
    expect(parts.at(-1)).toContain("`@everyone 'x' **y**.png`");
    expect(Math.max(...parts.map((part) => part.length))).toBeLessThanOrEqual(2_000);
    expect(parts.join(' ').replaceAll(/\s+/g, ' ')).toContain(text);
  });

  test('whose URL has expired is fetched by the one that its message has now', async () => {
    const { discord, model } = shared;
    const { ada, dm } = newDm();
    const old = photo('old.png', 4);
    discord.world.cdn.advance(-2 * DAY_MS);
    const asked = discord.say(ada, dm, 'what was that?', { attachments: [old] });
    discord.world.cdn.advance(2 * DAY_MS);
    expect(imagesIn(await untilCalled(model, 'what was that?'))).toEqual([[dataUrl(old)]]);
    const path = `/channels/${dm.id}/messages/${asked.message.id}`;
    expect(discord.journal.filter((entry) => entry.method === 'GET' && entry.path === path)).toHaveLength(1);
    await untilReplied(asked);
  });

  test('that a client made of a long text is what the person says, and never a command', async () => {
    const { discord, model } = shared;
    const { ada, dm } = newDm();
    const long = `/forget\n${'It was a long day. '.repeat(150)}The end of it.`;
    const asked = discord.say(ada, dm, '', { attachments: [textFile('message.txt', long)] });
    const { messages } = await untilCalled(model, 'The end of it.');
    expect(messages.at(-1)?.content).toContain(long);
    await untilReplied(asked);
    expect(textsOf(discord.replies(asked)).join()).not.toContain('could not read');
  });

  test('that is added or removed while the message waits counts as it is by then; without its message, none is fetched', async () => {
    const { discord, model } = shared;
    const { ada, dm } = newDm();
    model.script('slowly', { text: 'done', end: 'hang' });
    discord.say(ada, dm, 'slowly');
    await untilCalled(model, 'slowly');
    const [before, after, never] = ['before.txt', 'after.txt', 'never.txt'].map((name) => textFile(name, `in ${name}`));
    if (before === undefined || after === undefined || never === undefined) throw new Error('There are three.');
    const changed = discord.say(ada, dm, 'what does it say?', { attachments: [before] });
    const withdrawn = discord.say(ada, dm, 'and this?', { attachments: [never] });
    discord.edit(changed, 'what does it say?', { remove: ['before.txt'], add: [after] });
    discord.remove(withdrawn);
    // Events are processed in order: once this is refused, the edit and the deletion have been stored.
    await untilAnswered(discord, discord.say(ada, dm, ''), 'There was no text in that message.');
    model.release();
    await untilReplied(changed);
    const { messages } = await untilCalled(model, 'what does it say?');
    expect(messages.at(-1)?.content).toContain('in after.txt');
    expect(messages.at(-1)?.content).not.toContain('before.txt');
    expect(callsWith(model, 'and this?')).toEqual([]);
    const fetched = discord.world.cdn.requests.map(({ name }) => name);
    expect(fetched).not.toContain('before.txt');
    expect(fetched).not.toContain('never.txt');
  });
});

test('a worker that takes over a turn fetches its files again', async () => {
  const discord = await make();
  const model = await makeModel();
  const settings = { ...(await makeRedisStore()), ...withModel(model), ...withDiscord(discord) };
  const folder = await makeFolder();
  const one = await startProcess(folder, settings);
  await untilLoggedIn(discord);
  const ada = discord.world.person('Ada');
  const roof = photo('roof.png');
  const text = 'The roof is red, and so is the door.';
  model.script('look at this', { text, pieces: 3, sent: 2, end: 'hang' }, { text });
  const asked = discord.say(ada, discord.dm(ada), 'look at this', { attachments: [roof] });
  await expect.poll(() => discord.replies(asked).length, PATIENTLY).toBe(1);
  await start(folder, settings);
  await untilLoggedIn(discord, 2);
  await one.end('SIGKILL');
  await untilAnswered(discord, asked, text);
  const calls = callsWith(model, 'look at this');
  expect(calls.map(imagesIn)).toEqual([[[dataUrl(roof)]], [[dataUrl(roof)]]]);
  expect(discord.world.cdn.requests.map(({ status }) => status)).toEqual([200, 200]);
});
