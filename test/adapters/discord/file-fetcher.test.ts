/** Files are fetched with discord.js and a real HTTP client from the fake Discord's CDN, whose URLs expire. */
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { NO_NAMES } from '../../../src/adapters/discord/channels/message-text.ts';
import { readMessage } from '../../../src/adapters/discord/channels/normalize.ts';
import { createFileFetcher } from '../../../src/adapters/discord/file-fetcher.ts';
import { messagePayload } from '../../../src/adapters/discord/payloads.ts';
import { DIRECT } from '../../../src/adapters/discord/places.ts';
import { createDiscordRest } from '../../../src/adapters/discord/rest.ts';
import type { FileRef } from '../../../src/core/types.ts';
import {
  type FakeChannel,
  type FakeDiscord,
  type FakeFile,
  type StoredMessage,
  startFakeDiscord,
} from '../../support/fake-discord/fake-discord.ts';
import { visible } from '../../support/fake-discord/world.ts';
import { makePng } from '../../support/png.ts';

const DAY_MS = 86_400_000;
const ALL_INTENTS = (1 << 26) - 1;
const text: FakeFile = {
  name: 'notes.txt',
  type: 'text/plain; charset=utf-8',
  content: Buffer.from('the roof is red'),
};
const photo: FakeFile = {
  ...{ name: 'roof.png', type: 'image/png', width: 4_000, height: 3_000 },
  content: makePng(40, 30, 60_000),
};

let discord: FakeDiscord;
let dm: FakeChannel;

beforeEach(async () => {
  discord = await startFakeDiscord();
  dm = discord.dm(discord.world.person('Ada'));
});
afterEach(async () => {
  await discord.stop();
  expect(discord.violations()).toEqual([]);
});

function say(...attachments: readonly FakeFile[]): StoredMessage {
  const author = dm.recipient ?? discord.world.bot;
  return discord.say(author, dm, 'look', { attachments });
}

/** The files of a message, as the adapter got them when it came. */
function filesOf({ message }: StoredMessage): readonly FileRef[] {
  const payload = messagePayload.parse(visible(discord.world, message, ALL_INTENTS));
  const context = {
    botId: discord.world.bot.id,
    scope: 'user',
    channel: DIRECT,
    names: NO_NAMES,
    watched: false,
  } as const;
  const reading = readMessage(payload, context);
  if (reading.kind !== 'message') throw new Error('not a message');
  const { attachments = [], quotes = [] } = reading.message;
  return [...attachments, ...quotes.flatMap(({ files = [] }) => files)];
}

interface Limits {
  readonly maxBytes?: number;
  readonly maxImageBytes?: number;
  readonly signal?: AbortSignal;
}

async function fetchFile(file: FileRef | undefined, limits: Limits = {}) {
  if (file === undefined) throw new Error('no such file');
  const rest = createDiscordRest({ token: discord.token, apiUrl: discord.url });
  const fetcher = createFileFetcher({ rest, apiUrl: discord.url, clock: { now: Date.now } });
  const { maxBytes = 1_000_000, maxImageBytes = 500_000, signal = new AbortController().signal } = limits;
  const fetched = await fetcher.fetchFile(file, { maxBytes, maxImageBytes, signal });
  return fetched.kind === 'fetched' ? Buffer.from(fetched.bytes) : fetched.why;
}

const asked = () => discord.journal.map(({ method, path, status }) => `${method} ${path} ${status}`);
const served = () => discord.world.cdn.requests.map(({ host, size, status }) => [host, size, status]);

describe('a file', () => {
  test('is fetched from the CDN by the URL that came with the message', async () => {
    const [file] = filesOf(say(text));
    expect(await fetchFile(file)).toEqual(text.content);
    expect(served()).toEqual([['cdn', undefined, 200]]);
    expect(asked()).toEqual([]);
  });

  test('whose URL has expired is asked for once more by its message', async () => {
    discord.world.cdn.advance(-2 * DAY_MS);
    const stored = say(text);
    const [file] = filesOf(stored);
    discord.world.cdn.advance(2 * DAY_MS);
    expect(await fetchFile(file)).toEqual(text.content);
    expect(asked()).toEqual([`GET /channels/${dm.id}/messages/${stored.message.id} 200`]);
    expect(served()).toEqual([['cdn', undefined, 200]]);
  });

  test('that the CDN denies, although its URL should be valid, is asked for once more as well', async () => {
    const [file] = filesOf(say(text));
    discord.world.cdn.advance(2 * DAY_MS);
    expect(await fetchFile(file)).toEqual(text.content);
    expect(served()).toEqual([
      ['cdn', undefined, 404],
      ['cdn', undefined, 200],
    ]);
  });

  test('of a forwarded message and of the message replied to is found again', async () => {
    const [first, second] = [say(text), say(photo)];
    const author = dm.recipient ?? discord.world.bot;
    const forward = discord.say(author, dm, '', { forward: first });
    const reply = discord.say(author, dm, 'this?', { replyTo: second });
    const [forwarded] = filesOf(forward);
    const [answered] = filesOf(reply);
    discord.world.cdn.advance(2 * DAY_MS);
    expect(await fetchFile(forwarded)).toEqual(text.content);
    expect(await fetchFile(answered)).toEqual(photo.content);
    const ids = [forward, second].map(({ message }) => `GET /channels/${dm.id}/messages/${message.id} 200`);
    expect(asked()).toEqual(ids);
  });

  test('that was deleted is gone: with its message, from its message, or with its channel', async () => {
    const [deleted, edited] = [say(text), say(text, photo)];
    const files = [...filesOf(deleted), ...filesOf(edited)];
    deleted.deleted = true;
    discord.edit(edited, 'look', { remove: ['notes.txt'] });
    expect(await fetchFile(files[0])).toBe('gone');
    expect(await fetchFile(files[1])).toBe('gone');
    expect(await fetchFile(files[2])).toEqual(photo.content);
    discord.world.cdn.advance(2 * DAY_MS);
    discord.world.channels.delete(dm.id);
    expect(await fetchFile(files[2])).toBe('gone');
  });

  test('in a channel that the bot may no longer read is refused', async () => {
    const [file] = filesOf(say(text));
    discord.world.cdn.advance(2 * DAY_MS);
    dm.closed = true;
    expect(await fetchFile(file)).toBe('refused');
  });

  test('is not fetched while Discord does not answer', async () => {
    const [file] = filesOf(say(text));
    discord.world.cdn.advance(2 * DAY_MS);
    discord.faults.add('GET', /messages/, { kind: 'status', status: 500 });
    await expect(fetchFile(file)).rejects.toMatchObject({ code: 'platform_unavailable' });
    discord.faults.add('GET', /messages/, { kind: 'rate_limited', retryAfterS: 60 });
    await expect(fetchFile(file)).rejects.toMatchObject({ code: 'platform_rate_limited' });
  });

  test('is fetched when the CDN’s rate limit allows it', async () => {
    const [file] = filesOf(say(text));
    discord.world.cdn.limitOnce(0);
    expect(await fetchFile(file)).toEqual(text.content);
    expect(served().map(([, , status]) => status)).toEqual([429, 200]);
  });

  test('over the limit is not downloaded', async () => {
    const [file] = filesOf(say(text));
    expect(await fetchFile(file, { maxBytes: text.content.length - 1 })).toBe('too_large');
  });

  test('is fetched from Discord’s own hosts only', async () => {
    const [file] = filesOf(say(text));
    const elsewhere = { ...file?.ref, url: 'https://cdn.discordapp.com.example/attachments/1/2/a.txt' };
    expect(await fetchFile({ name: 'a.txt', ref: elsewhere })).toBe('refused');
    expect(await fetchFile({ name: 'a.txt', ref: { ...elsewhere, channel: '../../users/1' } })).toBe('refused');
    expect(await fetchFile({ name: 'a.txt' })).toBe('refused');
    expect(asked()).toEqual([]);
    expect(served()).toEqual([]);
  });

  test('is not fetched when nobody wants it any more', async () => {
    const reason = new Error('stopped');
    const [file] = filesOf(say(text));
    await expect(fetchFile(file, { signal: AbortSignal.abort(reason) })).rejects.toBe(reason);
    discord.world.cdn.advance(2 * DAY_MS);
    await expect(fetchFile(file, { signal: AbortSignal.abort(reason) })).rejects.toBe(reason);
  });
});

describe('a large image', () => {
  test('is fetched from the media proxy, scaled down to what a model sees', async () => {
    const [file] = filesOf(say(photo));
    expect(await fetchFile(file, { maxImageBytes: 50_000 })).toEqual(makePng(2_048, 1_536));
    expect(served()).toEqual([['media', '2048x1536', 200]]);
  });

  test('is fetched smaller still where that is too large, and is too large in the end', async () => {
    const [file] = filesOf(say(photo));
    const [large, small] = [makePng(2_048, 1_536), makePng(1_024, 768)];
    expect(await fetchFile(file, { maxImageBytes: large.length - 1 })).toEqual(small);
    expect(await fetchFile(file, { maxImageBytes: small.length - 1 })).toBe('too_large');
    expect(served().map(([, size]) => size)).toEqual(['2048x1536', '1024x768', '2048x1536', '1024x768']);
  });

  test('is never scaled up, and its expired URL is asked for again', async () => {
    const [file] = filesOf(say({ ...photo, width: 300, height: 3_000 }));
    discord.world.cdn.advance(2 * DAY_MS);
    expect(await fetchFile(file, { maxImageBytes: 50_000 })).toEqual(makePng(205, 2_048));
    expect(served()).toEqual([
      ['media', '205x2048', 404],
      ['media', '205x2048', 200],
    ]);
    const [narrow] = filesOf(say({ ...photo, width: 300, height: 100 }));
    expect(await fetchFile(narrow, { maxImageBytes: 50_000 })).toEqual(makePng(300, 100));
    expect(served().at(-1)).toEqual(['media', '300x100', 200]);
  });

  test('whose size Discord does not know is fetched as it is', async () => {
    const { name, type, content } = photo;
    const [file] = filesOf(say({ name, content, ...(type === undefined ? {} : { type }) }));
    expect(await fetchFile(file, { maxImageBytes: 50_000 })).toEqual(content);
    expect(served()).toEqual([['cdn', undefined, 200]]);
  });
});
