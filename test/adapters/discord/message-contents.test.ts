/**
 * What messages consist of besides plain text, by payloads as Discord documents them:
 * https://docs.discord.com/developers/resources/message and https://docs.discord.com/developers/reference#message-formatting
 */
import {
  type APIEmbed,
  type APIMessage,
  type APIMessageTopLevelComponent,
  ButtonStyle,
  ComponentType,
  EmbedType,
  MessageFlags,
  MessageReferenceType,
  MessageType,
} from 'discord-api-types/v10';
import { describe, expect, test } from 'vitest';
import { type Names, readable, withoutMentionOf } from '../../../src/adapters/discord/channels/message-text.ts';
import { isToBot, type ReadingContext, readMessage } from '../../../src/adapters/discord/channels/normalize.ts';
import { DIRECT } from '../../../src/adapters/discord/places.ts';
import { ada, BOT, bob, bot, CHANNEL, GUILD, message, parsed, THREAD, user } from './payloads.ts';

const OWN_ROLE = '100000000000000021';
const MODS = '100000000000000022';
const names: Names = {
  channel: (id) => (id === CHANNEL ? 'general' : undefined),
  role: (id) =>
    id === OWN_ROLE ? { name: 'Recollect', own: true } : id === MODS ? { name: 'Mods', own: false } : undefined,
};
const here: ReadingContext = {
  botId: BOT,
  scope: 'user',
  channel: { guild: GUILD, direct: false },
  names,
  watched: false,
};
const inThread: ReadingContext = { ...here, channel: { guild: GUILD, parent: CHANNEL, direct: false }, watched: true };
const inDm: ReadingContext = { ...here, channel: DIRECT };

const read = (payload: object, around: ReadingContext) => {
  const reading = readMessage(parsed(payload), around);
  return reading.kind === 'message' ? reading.message : undefined;
};

/** https://docs.discord.com/developers/resources/message#message-reference-content-attribution-forwards */
function forward(more: Partial<APIMessage>) {
  const { type, content, embeds, attachments, timestamp, edited_timestamp, mentions, mention_roles } = message(more);
  const snapshot = {
    type,
    content,
    embeds,
    attachments,
    timestamp,
    edited_timestamp,
    mentions,
    mention_roles,
    ...more,
  };
  return {
    content: '',
    flags: 1 << 14,
    message_reference: { type: MessageReferenceType.Forward, message_id: '100000000000000077', channel_id: CHANNEL },
    message_snapshots: [{ message: snapshot }],
  };
}
const attachment = { id: '1', filename: 'plan.pdf', size: 1, url: 'u', proxy_url: 'p' };
const alert: APIEmbed = {
  type: EmbedType.Rich,
  author: { name: 'CI' },
  title: 'Build failed',
  description: 'on <#100000000000000003>',
  fields: [{ name: 'Branch', value: 'main' }],
  footer: { text: 'just now' },
};
const ALERT = 'CI\nBuild failed\non #general\nBranch: main\njust now';

describe('a forwarded message', () => {
  const quoted = (text: string) => [{ author: 'somebody, in a forwarded message', text }];

  test.each([
    ['a text', { content: `for <@${bob.id}>`, mentions: [bob] }, 'for @Bob'],
    ['embeds only', { content: '', embeds: [alert] }, ALERT],
    ['a file only', { content: '', attachments: [attachment] }, '[attached: plan.pdf]'],
    ['another forward', { ...forward({ content: 'the first' }), content: '' }, 'the first'],
    ['a forward of a forward', { ...forward({ ...forward({ content: 'the first' }) }), content: '' }, 'the first'],
  ])('of %s is quoted, in a DM and in a thread with the bot', (_, snapshot, text) => {
    for (const around of [inDm, inThread]) {
      expect(read(forward(snapshot), around)).toMatchObject({ text: '', quotes: quoted(text) });
    }
  });

  test('elsewhere is ignored, unless it mentions the bot or a reply to it does', () => {
    expect(read(forward({ content: 'x' }), here)).toBeUndefined();
    const named = { ...forward({ content: 'x' }), content: `<@${BOT}> what is it`, mentions: [bot] };
    expect(read(named, here)).toMatchObject({ text: 'what is it', quotes: quoted('x') });
    const answered = message({ author: bob, ...forward({ content: 'said before' }) });
    const reply = { type: MessageType.Reply, content: `<@${BOT}>`, mentions: [bot], referenced_message: answered };
    expect(read(reply, here)).toMatchObject({ text: '', quotes: [{ author: 'Bob', text: 'said before' }] });
  });

  test('without anything readable is ignored, and an unexpected form does not make the text unreadable', () => {
    expect(read(forward({ content: '' }), inThread)).toBeUndefined();
    expect(read({ ...forward({}), message_snapshots: [{}] }, inDm)).toMatchObject({ text: '' });
    expect(
      read({ content: 'x', message_snapshots: 'odd', embeds: [{ fields: 1 }], sticker_items: null }, inDm),
    ).toMatchObject({
      text: 'x',
    });
  });
});

describe('the addressee of a message', () => {
  const thread = (more: object) => read({ channel_id: THREAD, content: 'x', ...more }, inThread)?.text;

  test('a mention of the bot’s own role addresses the bot, another role does not', () => {
    const own = parsed({ content: `<@&${OWN_ROLE}> hi`, mention_roles: [OWN_ROLE] });
    expect(isToBot(own, BOT, names)).toBe(true);
    expect(read({ content: `<@&${OWN_ROLE}> hi`, mention_roles: [OWN_ROLE] }, here)).toMatchObject({
      text: 'hi',
      isMention: true,
    });
    for (const role of [MODS, '100000000000000023']) {
      expect(read({ content: `<@&${role}> hi`, mention_roles: [role] }, here)).toBeUndefined();
    }
    expect(read({ content: '@everyone hi', mention_everyone: true }, here)).toBeUndefined();
  });

  test('in a thread with the bot, a message that mentions or replies to somebody else is ignored', () => {
    const theirs = message({ author: bob });
    const other = user('100000000000000013', 'Other', { bot: true });
    expect(thread({ mentions: [bob] })).toBeUndefined();
    expect(thread({ mentions: [other] })).toBeUndefined();
    expect(thread({ mention_roles: [MODS] })).toBeUndefined();
    expect(thread({ mention_everyone: true })).toBeUndefined();
    expect(thread({ type: MessageType.Reply, referenced_message: theirs })).toBeUndefined();
    expect(thread({ type: MessageType.Reply, referenced_message: theirs, mentions: [bob] })).toBeUndefined();
  });

  test('but not one that also mentions the bot, or replies to it, to its own author or to a deleted message', () => {
    const [mine, answer] = [message({ author: ada }), message({ author: bot })];
    expect(thread({ mentions: [bob, bot] })).toBe('x');
    expect(thread({ type: MessageType.Reply, referenced_message: answer })).toBe('x');
    expect(thread({ type: MessageType.Reply, referenced_message: answer, mentions: [bot] })).toBe('x');
    expect(thread({ type: MessageType.Reply, referenced_message: mine, mentions: [ada] })).toBe('x');
    expect(thread({ type: MessageType.Reply, referenced_message: null })).toBe('x');
    expect(read({ content: 'x', mentions: [bob] }, inDm)?.text).toBe('x');
  });

  test('every type of message that Discord itself makes is ignored', () => {
    for (let type = 0; type <= 63; type += 1) {
      const reading = read({ type, content: `<@${BOT}>`, mentions: [bot] }, inDm);
      expect([type, reading !== undefined]).toEqual([type, type === 0 || type === 19]);
    }
  });
});

describe('contents besides text', () => {
  test('a sticker, a voice message and a poll are messages', () => {
    const sticker_items = [{ id: '1', name: 'Wave', format_type: 1 }];
    expect(read({ content: '', sticker_items }, inDm)).toMatchObject({ attachments: [{ name: 'sticker Wave' }] });
    const voice = { ...attachment, filename: 'voice-message.ogg', duration_secs: 2, waveform: '' };
    expect(read({ content: '', flags: 1 << 13, attachments: [voice] }, inDm)).toMatchObject({
      attachments: [{ name: 'voice-message.ogg' }],
    });
    const poll = {
      question: { text: 'Tea?' },
      answers: [
        { answer_id: 1, poll_media: { text: 'Yes' } },
        { answer_id: 2, poll_media: { emoji: { id: null, name: '🍵' } } },
      ],
      ...{ expiry: null, allow_multiselect: false, layout_type: 1 },
    };
    expect(read({ content: '', poll }, inDm)).toMatchObject({ text: '[Poll]\nTea?\n- Yes' });
  });

  test('a reply quotes embeds; the preview of a link only if there is no other text', () => {
    const answer = (embeds: readonly APIEmbed[], content: string) => {
      const referenced = message({ author: bob, content, embeds: [...embeds] });
      return read({ content: `<@${BOT}> why?`, mentions: [bot], type: 19, referenced_message: referenced }, here)
        ?.quotes;
    };
    expect(answer([alert], '')).toEqual([{ author: 'Bob', text: ALERT }]);
    expect(answer([alert], 'Look')).toEqual([{ author: 'Bob', text: `Look\n${ALERT}` }]);
    const preview = { type: EmbedType.Link, title: 'A page' };
    expect(answer([preview], 'https://example.com')).toEqual([{ author: 'Bob', text: 'https://example.com' }]);
    expect(answer([preview], '')).toEqual([{ author: 'Bob', text: 'A page' }]);
  });

  test('a message laid out in components is quoted by its texts, in order', () => {
    // https://docs.discord.com/developers/components/reference; the types are those of discord-api-types.
    const components: APIMessageTopLevelComponent[] = [
      { type: ComponentType.TextDisplay, content: '# Build failed' },
      {
        type: ComponentType.Container,
        components: [
          {
            type: ComponentType.Section,
            components: [{ type: ComponentType.TextDisplay, content: `on <#${CHANNEL}>` }],
            accessory: { type: ComponentType.Button, style: ButtonStyle.Primary, label: 'Retry', custom_id: 'retry' },
          },
          { type: ComponentType.Separator },
          { type: ComponentType.TextDisplay, content: 'Branch: main' },
        ],
      },
    ];
    const laidOut = { content: '', flags: MessageFlags.IsComponentsV2, components };
    const referenced_message = message({ author: bob, ...laidOut });
    const text = '# Build failed\non #general\nBranch: main';
    const reply = { content: `<@${BOT}> why?`, mentions: [bot], type: MessageType.Reply, referenced_message };
    expect(read(reply, here)?.quotes).toEqual([{ author: 'Bob', text }]);
    expect(read(forward(laidOut), inDm)?.quotes).toEqual([{ author: 'somebody, in a forwarded message', text }]);
    expect(read({ content: 'x', components: [{ components: null }] }, inDm)).toMatchObject({ text: 'x' });
  });

  test('an embed of the message itself is ignored, and a mention of the bot in it', () => {
    const embeds = [{ type: EmbedType.Rich, description: `<@${BOT}>` }];
    expect(read({ content: 'x', embeds }, here)).toBeUndefined();
  });
});

describe('markup', () => {
  test.each([
    [`<#${CHANNEL}> <#1>`, '#general #unknown'],
    [`<@${bob.id}> <@!${bob.id}>`, '@Bob @Bob'],
    [`<@&${MODS}> <@&1>`, '@Mods @unknown-role'],
    ['<:mmLol:216154654256398347> <a:b1nzy:392938283556143104>', ':mmLol: :b1nzy:'],
    ['</airhorn:816437322781949972> </foo group bar:123456789012345678>', '/airhorn /foo group bar'],
    ['<t:1618953630> <t:1618953630:R>', '2021-04-20 21:20 UTC 2021-04-20 21:20 UTC'],
    ['<t:1618953630:d> <t:1618953630:t> <t:1618953630:T>', '2021-04-20 21:20 UTC 21:20:30 UTC'],
    ['<t:9999999999999:f> <t:-1:D> <t:x>', '<t:9999999999999:f> 1969-12-31 <t:x>'],
    ['<id:customize> <id:linked-roles:1>', '#Channels & Roles #Linked Roles'],
    [`\`<#${CHANNEL}>\` <#${CHANNEL}>`, `\`<#${CHANNEL}>\` #general`],
    [`\`\`\`\n<@${bob.id}> \`\n\`\`\`<@${bob.id}>`, `\`\`\`\n<@${bob.id}> \`\n\`\`\`@Bob`],
    [`\` <@${bob.id}>`, '` @Bob'],
    ['a < b, <3, <https://example.com>', 'a < b, <3, <https://example.com>'],
  ])('%j is %j', (content, text) => {
    expect(readable(content, [{ ...bob, member: { nick: null } }], names)).toBe(text);
  });

  test('takes a time that is linear in the length of the text', () => {
    const texts = ['<', '`', '`` ` ', '<@', '</a', '<t:1', ' ', `<@${BOT}> `, '<id:'].map((piece) =>
      piece.repeat(100_000),
    );
    for (const text of texts) {
      expect(readable(text, [], names).length).toBeLessThanOrEqual(text.length);
      expect(withoutMentionOf(text, () => false).length).toBeLessThanOrEqual(text.length);
    }
  });
});
