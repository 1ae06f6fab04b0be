import { MessageType } from 'discord-api-types/v10';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { NO_NAMES } from '../../../src/adapters/discord/channels/message-text.ts';
import {
  canManage,
  mayWrite,
  type ReadingContext,
  readChat,
  readMessage,
  readText,
} from '../../../src/adapters/discord/channels/normalize.ts';
import { interactionPayload } from '../../../src/adapters/discord/payloads.ts';
import { DIRECT, interactionChannelInfo } from '../../../src/adapters/discord/places.ts';
import { ada, BOT, bob, bot, CHANNEL, GUILD, message, parsed, THREAD, user } from './payloads.ts';

const here: ReadingContext = {
  botId: BOT,
  scope: 'user',
  watched: false,
  names: NO_NAMES,
  channel: { guild: GUILD, direct: false },
};
const inThread = { ...here, channel: { guild: GUILD, parent: CHANNEL, direct: false } };
const inDm = { ...here, channel: DIRECT };
const mention = { content: `<@${BOT}> Hello`, mentions: [bot] };

describe('a message', () => {
  test('that mentions the bot is read with everything needed to answer it', () => {
    const payload = parsed({ ...mention, id: '100000000000000099' });
    expect(readMessage(payload, here)).toEqual({
      kind: 'message',
      message: {
        id: '100000000000000099',
        turnId: '100000000000000099',
        idempotencyKeys: ['100000000000000099'],
        platform: 'discord',
        sessionId: `{discord:${GUILD}:${CHANNEL}}:u-${ada.id}`,
        author: { id: ada.id, name: 'Ada' },
        text: 'Hello',
        sentAt: Date.UTC(2026, 7, 1, 12),
        isDirect: false,
        isMention: true,
        locale: 'en',
        replyTo: {
          platform: 'discord',
          via: 'channel',
          channel: CHANNEL,
          trigger: '100000000000000099',
          asker: ada.id,
        },
      },
    });
  });

  test('to somebody else or to everybody is ignored', () => {
    const elsewhere = { kind: 'ignored', reason: 'elsewhere' };
    expect(readMessage(parsed({ content: 'Hello' }), here)).toEqual(elsewhere);
    expect(readMessage(parsed({ content: `<@${bob.id}>`, mentions: [bob] }), here)).toEqual(elsewhere);
    expect(readMessage(parsed({ content: '@everyone', mention_everyone: true }), here)).toEqual(elsewhere);
    // A channel that the bot was talked to in is no thread: everybody goes on talking to each other there.
    expect(readMessage(parsed({ content: 'Hello' }), { ...here, watched: true })).toEqual(elsewhere);
    expect(readMessage(parsed({ content: 'Hello' }), inThread)).toEqual(elsewhere);
  });

  test('in a thread with the bot is read, unless Discord withholds its text', () => {
    const payload = { channel_id: THREAD, content: 'go on' };
    expect(readMessage(parsed(payload), { ...inThread, watched: true })).toMatchObject({
      kind: 'message',
      message: { text: 'go on', isMention: false, sessionId: `{discord:${GUILD}:${CHANNEL}}:t-${THREAD}:u-${ada.id}` },
    });
    const kept = parsed({ ...payload, content: '' });
    expect(readMessage(kept, { ...inThread, watched: true })).toEqual({ kind: 'ignored', reason: 'unreadable' });
    const reply = { content: '', type: MessageType.Reply, referenced_message: message({ author: bot }) };
    expect(readMessage(parsed(reply), here)).toEqual({ kind: 'ignored', reason: 'unreadable' });
    expect(readMessage(parsed({ ...reply, mentions: [bot] }), here)).toMatchObject({ message: { text: '' } });
  });

  test('in a DM is read, in a conversation of the channel', () => {
    expect(readMessage(parsed({ content: 'Hello' }), inDm)).toMatchObject({
      message: { sessionId: `{discord:%40me:${CHANNEL}}`, isDirect: true, isMention: false },
    });
    expect(readMessage(parsed({ content: '' }), inDm)).toMatchObject({ message: { text: '' } });
  });

  test('in a conversation shared by the channel has no user in its session id', () => {
    expect(readMessage(parsed(mention), { ...here, scope: 'channel' })).toMatchObject({
      message: { sessionId: `{discord:${GUILD}:${CHANNEL}}` },
    });
  });

  test.each([
    ['a bot', { author: bot }],
    ['another bot', { author: user('100000000000000013', 'Other', { bot: true }) }],
    ['a webhook', { webhook_id: '100000000000000014' }],
    ['the platform', { author: user('100000000000000015', 'System', { system: true }) }],
    ['a pin', { type: MessageType.ChannelPinnedMessage }],
    ['a join', { type: MessageType.UserJoin }],
    ['a thread that begins', { type: MessageType.ThreadStarterMessage }],
    ['an answer to a command', { type: MessageType.ChatInputCommand }],
  ])('of %s starts nothing, whatever it says', (_, more) => {
    for (const around of [here, inDm, { ...inThread, watched: true }]) {
      expect(readMessage(parsed({ ...mention, ...more }), around)).toEqual({ kind: 'ignored', reason: 'other' });
    }
  });

  test('that replies to the bot is read, and quotes the replied message', () => {
    const referenced = message({ author: bot, content: 'I said this' });
    const payload = parsed({ content: 'and?', type: MessageType.Reply, referenced_message: referenced });
    expect(readMessage(payload, here)).toMatchObject({
      message: { text: 'and?', isMention: true, quotes: [{ author: 'Recollect', text: 'I said this' }] },
    });
  });

  test('that replies to somebody quotes that message, cut to a length; not a deleted or empty one', () => {
    const long = message({ author: bob, content: 'x'.repeat(4_000) });
    const quoting = readMessage(parsed({ ...mention, type: MessageType.Reply, referenced_message: long }), here);
    expect(quoting).toMatchObject({ message: { quotes: [{ author: 'Bob', text: 'x'.repeat(2_000) }] } });
    for (const referenced of [null, message({ author: bob, content: '' })]) {
      const reading = readMessage(parsed({ ...mention, referenced_message: referenced }), here);
      expect(reading.kind === 'message' && reading.message.quotes).toBeUndefined();
    }
  });

  test('names attached files', () => {
    const attachment = { id: '1', filename: 'plan.pdf', size: 1, url: 'u', proxy_url: 'p' };
    expect(readMessage(parsed({ ...mention, attachments: [attachment] }), here)).toMatchObject({
      message: { attachments: [{ name: 'plan.pdf' }] },
    });
  });

  test('shows people by their names in the server', () => {
    const member = { nick: 'Countess', roles: [], joined_at: null, deaf: false, mute: false, flags: 0 };
    expect(readMessage(parsed({ ...mention, member }), here)).toMatchObject({
      message: { author: { name: 'Countess' } },
    });
    const plain = { ...ada, global_name: null };
    expect(readMessage(parsed({ ...mention, author: plain }), here)).toMatchObject({
      message: { author: { name: 'ada' } },
    });
  });

  test('is in Chinese if it is written in Chinese, else in the server’s language', () => {
    const localeIn = (content: string, language?: string) => {
      const reading = readMessage(parsed({ ...mention, content }), { ...here, language });
      return reading.kind === 'message' ? reading.message.locale : undefined;
    };
    expect(localeIn('你好')).toBe('zh-CN');
    expect(localeIn('日本語です', 'en-US')).toBe('en');
    expect(localeIn('hello')).toBe('en');
    expect(localeIn('hello', 'zh-CN')).toBe('zh-CN');
  });
});

describe('the text of a message', () => {
  const textOf = (content: string) =>
    readText({ content, mentions: [bot, bob].map((each) => ({ ...each })) }, BOT, NO_NAMES);

  test.each([
    [`<@${BOT}> hi`, 'hi'],
    [`<@!${BOT}>, hi`, 'hi'],
    [`<@${BOT}> <@${BOT}>: hi`, 'hi'],
    [`hi <@${BOT}>`, 'hi'],
    [`<@${BOT}> /forget`, '/forget'],
    [`what is <@${BOT}> for`, 'what is @Recollect for'],
    [`<@${BOT}> tell <@${bob.id}>`, 'tell @Bob'],
    ['tell <@100000000000000077>', 'tell <@100000000000000077>'],
    [`<@${BOT}>`, ''],
    ['  hi  ', 'hi'],
  ])('%j is %j', (content, text) => {
    expect(textOf(content)).toBe(text);
  });

  test('without a mention stays as it is', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary' }), (text) => {
        fc.pre(!text.includes('<@'));
        expect(textOf(text)).toBe(text.trim());
      }),
    );
  });
});

describe('an interaction', () => {
  const interaction = (more: object) =>
    interactionPayload.parse({
      id: '100000000000000099',
      application_id: '100000000000000098',
      token: 'token',
      type: 2,
      guild_id: GUILD,
      channel: { id: CHANNEL, type: 0, guild_id: GUILD },
      member: { user: ada, nick: 'Countess', permissions: String(1n << 13n) },
      app_permissions: String((1n << 10n) | (1n << 11n)),
      locale: 'zh-CN',
      context: 0,
      authorizing_integration_owners: { 0: GUILD },
      ...more,
    });
  const target = {
    platform: 'discord',
    via: 'interaction',
    channel: CHANNEL,
    asker: ada.id,
    application: 'a',
    token: 't',
    original: 'o',
    until: 0,
    present: true,
  } as const;

  test('by /chat belongs to the same conversation as messages there, in the person’s language', () => {
    expect(readChat(interaction({}), { text: ' Hello ', scope: 'user', names: NO_NAMES, target })).toMatchObject({
      id: '100000000000000099',
      idempotencyKeys: ['100000000000000099'],
      sessionId: `{discord:${GUILD}:${CHANNEL}}:u-${ada.id}`,
      author: { id: ada.id, name: 'Countess' },
      text: 'Hello',
      locale: 'zh-CN',
      isMention: true,
      replyTo: target,
    });
  });

  test('has different places in a thread, in the DM with the bot and in a DM of others', () => {
    const sessionOf = (more: object) =>
      readChat(interaction(more), { text: 'x', scope: 'user', names: NO_NAMES, target }).sessionId;
    const thread = { channel: { id: THREAD, type: 11, parent_id: CHANNEL, guild_id: GUILD } };
    expect(sessionOf(thread)).toBe(`{discord:${GUILD}:${CHANNEL}}:t-${THREAD}:u-${ada.id}`);
    const direct = { guild_id: undefined, member: undefined, user: ada, channel: { id: CHANNEL, type: 1 } };
    expect(sessionOf({ ...direct, context: 1 })).toBe(`{discord:%40me:${CHANNEL}}`);
    // Somebody else reads along there.
    expect(sessionOf({ ...direct, context: 2 })).toBe(`{discord:%40me:${CHANNEL}}:u-${ada.id}`);
  });

  test('tells whether the person may manage messages', () => {
    expect(canManage(interaction({}))).toBe(true);
    expect(canManage(interaction({ member: { user: ada, permissions: '0' } }))).toBe(false);
    expect(canManage(interaction({ member: { user: ada, permissions: 'all of them' } }))).toBe(false);
  });

  test('tells whether the bot itself may write there', () => {
    const may = (more: object) => {
      const payload = interaction(more);
      return mayWrite(payload, interactionChannelInfo(payload));
    };
    expect(may({})).toBe(true);
    expect(may({ app_permissions: String(1n << 10n) })).toBe(false);
    expect(may({ authorizing_integration_owners: { 1: ada.id } })).toBe(false);
    const thread = { channel: { id: THREAD, type: 11, parent_id: CHANNEL, guild_id: GUILD } };
    expect(may(thread)).toBe(false);
    expect(may({ ...thread, app_permissions: String((1n << 10n) | (1n << 38n)) })).toBe(true);
  });

  test('without a user or a channel is refused', () => {
    for (const more of [{ member: undefined }, { channel: undefined }]) {
      expect(() => interaction(more)).toThrow('without a user or a channel');
    }
  });
});
