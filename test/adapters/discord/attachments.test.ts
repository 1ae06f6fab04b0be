/** Files of messages, by payloads as Discord documents them: https://docs.discord.com/developers/resources/message#attachment-object */
import { type APIAttachment, MessageReferenceType, MessageType } from 'discord-api-types/v10';
import { describe, expect, test } from 'vitest';
import { NO_NAMES } from '../../../src/adapters/discord/channels/message-text.ts';
import { type ReadingContext, readEdit, readMessage } from '../../../src/adapters/discord/channels/normalize.ts';
import { DIRECT } from '../../../src/adapters/discord/places.ts';
import { isJsonValue } from '../../../src/core/types.ts';
import { BOT, bob, bot, CHANNEL, GUILD, message, parsed } from './payloads.ts';

const inDm: ReadingContext = { botId: BOT, scope: 'user', channel: DIRECT, names: NO_NAMES, watched: false };
const inServer: ReadingContext = { ...inDm, channel: { guild: GUILD, direct: false } };
const atBot = { content: `<@${BOT}>`, mentions: [bot] };

const CDN = 'https://cdn.discordapp.com/attachments/1012345678900020080/1234567891233211234';
const SIGNATURE = 'ex=65d903de&is=65c68ede&hm=2481f30dd67f503f54d020ae3b5533b9987fae4e55f2b4e3926e08a3fa3ee24f&';
const image: APIAttachment = {
  id: '1234567891233211234',
  filename: 'my_image.png',
  size: 70_000,
  url: `${CDN}/my_image.png?${SIGNATURE}`,
  proxy_url: `https://media.discordapp.net/attachments/1012345678900020080/1234567891233211234/my_image.png?${SIGNATURE}`,
  width: 640,
  height: 480,
  content_type: 'image/png',
};
const paste: APIAttachment = {
  id: '1234567891233211235',
  filename: 'message.txt',
  size: 2_100,
  url: `${CDN}/message.txt?${SIGNATURE}`,
  proxy_url: `https://media.discordapp.net/message.txt?${SIGNATURE}`,
  content_type: 'text/plain; charset=utf-8',
};
const refOf = (payload: { id: string; channel_id: string }, { id, url }: APIAttachment) => ({
  ...{ channel: payload.channel_id, message: payload.id, attachment: id, url },
});
const sized = { proxy: image.proxy_url, width: 640, height: 480 };

function read(payload: Parameters<typeof parsed>[0], context = inDm) {
  const reading = readMessage(parsed(payload), context);
  return reading.kind === 'message' ? reading.message : undefined;
}

describe('the files of a message', () => {
  test('have what it takes to fetch them again; images also their smaller variant’s address', () => {
    const files = read({ content: 'look', attachments: [image, { ...paste, filename: 'notes.txt' }] })?.attachments;
    expect(files).toEqual([
      { name: 'my_image.png', type: 'image/png', size: 70_000, ref: { ...refOf(message(), image), ...sized } },
      { name: 'notes.txt', type: 'text/plain; charset=utf-8', size: 2_100, ref: refOf(message(), paste) },
    ]);
    expect(isJsonValue(files?.[0]?.ref)).toBe(true);
  });

  // https://github.com/discord/discord-api-docs/pull/6945
  test.each([
    ['Отчёт', 'c953b519a8c28c42.pdf', 'Отчёт.pdf'],
    ['8月.PDF', 'c953.pdf', '8月.PDF'],
    [' ', 'plan.pdf', 'plan.pdf'],
    ['no extension', 'file', 'no extension'],
  ])('with the title %s are called as their sender knows them', (title, filename, name) => {
    expect(read({ attachments: [{ ...image, title, filename }] })?.attachments).toMatchObject([{ name }]);
  });

  test('that are stickers, or have no address, are only named', () => {
    const sticker_items = [{ id: '1', name: 'Wave', format_type: 1 }];
    expect(read({ content: '', sticker_items, attachments: [] })?.attachments).toEqual([{ name: 'sticker Wave' }]);
    const odd = JSON.parse('{"filename":"odd.bin","url":5,"size":"big","width":0}');
    expect(read({ content: '', attachments: [odd] })?.attachments).toEqual([{ name: 'odd.bin' }]);
  });

  test('of the message replied to belong to the quote, and are fetched from that message', () => {
    const answered = message({ id: '100000000000000055', author: bob, content: 'the roof', attachments: [image] });
    const quotes = read({ content: 'which colour?', type: MessageType.Reply, referenced_message: answered })?.quotes;
    const files = [expect.objectContaining({ name: 'my_image.png', ref: { ...refOf(answered, image), ...sized } })];
    expect(quotes).toEqual([{ author: 'Bob', text: 'the roof\n[attached: my_image.png]', files }]);
  });

  // https://docs.discord.com/developers/resources/message#message-snapshot-object
  test('of a forwarded message belong to the quote, and are fetched from the message that forwards it', () => {
    const { type, content, embeds, timestamp, edited_timestamp, mentions } = message({ content: '' });
    const snapshot = { type, content, embeds, timestamp, edited_timestamp, mentions, mention_roles: [] };
    const forward = {
      content: '',
      message_reference: { type: MessageReferenceType.Forward, message_id: '100000000000000077', channel_id: CHANNEL },
      message_snapshots: [{ message: { ...snapshot, attachments: [image], sticker_items: [] } }],
    };
    const received = read(forward);
    expect(received?.attachments).toBeUndefined();
    expect(received?.quotes).toMatchObject([{ files: [{ ref: refOf(message(), image) }] }]);
    // A reply to a forward shows what was forwarded.
    const answered = message({ id: '100000000000000055', author: bob, ...forward });
    const reply = read({ content: 'this?', type: MessageType.Reply, referenced_message: answered });
    expect(reply?.quotes).toMatchObject([{ author: 'Bob', files: [{ ref: refOf(answered, image) }] }]);
  });
});

describe('a text that a client sent as message.txt', () => {
  test.each([
    ['alone', { content: '' }, inDm],
    ['with the mention of the bot', atBot, inServer],
    ['without a type', { content: '', attachments: [{ ...paste, content_type: undefined }] }, inDm],
  ])('%s is what the person says, and a message without other text', (_, more, context) => {
    const payload = { ...JSON.parse(JSON.stringify({ attachments: [paste], ...more })) };
    expect(read(payload, context)).toMatchObject({ text: '', attachments: [{ name: 'message.txt', longText: true }] });
  });

  test.each([
    ['beside a text', { content: 'summarise this', attachments: [paste] }],
    ['beside another file', { content: '', attachments: [paste, image] }],
    ['that would have fitted into a message', { content: '', attachments: [{ ...paste, size: 2_000 }] }],
    ['of another type', { content: '', attachments: [{ ...paste, content_type: 'application/zip' }] }],
    ['of another name', { content: '', attachments: [{ ...paste, filename: 'messages.txt' }] }],
  ])('%s is a file', (_, payload) => {
    const files = read(payload)?.attachments;
    expect(files).toHaveLength(payload.attachments.length);
    expect(files?.filter(({ longText }) => longText === true)).toEqual([]);
  });

  test('of somebody else, in a reply, is a file', () => {
    const answered = message({ id: '100000000000000055', author: bob, content: '', attachments: [paste] });
    const quotes = read({ content: 'right?', type: MessageType.Reply, referenced_message: answered })?.quotes;
    expect(quotes?.[0]?.files).toEqual([expect.not.objectContaining({ longText: true })]);
  });
});

describe('an edit', () => {
  const edit = (more: Parameters<typeof parsed>[0], context = inDm) => readEdit(parsed(more), context);

  test('brings the files that the message has now', () => {
    expect(edit({ content: 'x', attachments: [image] })).toMatchObject({ text: 'x', attachments: [{ size: 70_000 }] });
    expect(edit({ content: 'x', attachments: [] })).toEqual({ text: 'x', attachments: [] });
    expect(edit({ content: '', attachments: [image] }, inServer)).toMatchObject({ text: '', attachments: [{}] });
  });

  // https://docs.discord.com/developers/events/gateway#message-content-intent
  test('without text and files says nothing where Discord may withhold them, and elsewhere that there are none', () => {
    const empty = { content: '', attachments: [] };
    expect(edit(empty, inServer)).toEqual({ text: undefined, attachments: [] });
    expect(edit(empty, inDm)).toEqual({ text: '', attachments: [] });
    expect(edit({ ...empty, ...atBot }, inServer)).toEqual({ text: '', attachments: [] });
  });
});
