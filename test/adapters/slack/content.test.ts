/** What Slack's messages say besides their text: shares, the posts of other apps, and everything they name by an id. */
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { createSlackClients } from '../../../src/adapters/slack/api/clients.ts';
import { createNames, createPeople, type Names } from '../../../src/adapters/slack/api/lookups.ts';
import { createBoltLogger } from '../../../src/adapters/slack/receive/bolt.ts';
import { plainText } from '../../../src/adapters/slack/receive/plain-text.ts';
import { createQuotes, type Quotes } from '../../../src/adapters/slack/receive/quotes.ts';
import {
  blocksText,
  messageShape,
  messageText,
  sharesOf,
  threadMessageShape,
} from '../../../src/adapters/slack/receive/raw-message.ts';
import { createLogger } from '../../../src/app/log.ts';
import { type FakeSlack, startFakeSlack } from '../../support/fake-slack/fake-slack.ts';
import { createManualClock, type ManualClock } from '../../support/manual-clock.ts';

const self = { team: 'T1', user: 'U0BOT', name: 'recollect', bot: 'B0BOT' };
const message = (more: object) => messageShape.parse({ channel: 'D1', ts: '1700000001.000100', user: 'U1', ...more });
const inThread = (more: object) => messageText(threadMessageShape.parse({ ts: '1700000001.000100', ...more }));

const richText = (...elements: object[]) => ({
  type: 'rich_text',
  elements: [{ type: 'rich_text_section', elements }],
});

describe('a share', () => {
  // slackapi/java-slack-sdk#1179, slackapi/slack-skills-plugin#149, ColeMurray/background-agents#1143
  const share = {
    ...{ is_share: true, is_msg_unfurl: true, ts: '1688651267.097029', channel_id: 'C9', channel_name: 'alerts' },
    ...{ author_id: 'U9', author_name: 'Grace', text: 'Disk is <@U2>’s', fallback: '[July 6th] Grace: Disk is full' },
    ...{ from_url: 'https://fake.slack.com/archives/C9/p1688651267097029', footer: 'Posted in #alerts' },
  };

  it('has its author, its text and its files', () => {
    const files = [{ id: 'F1', name: 'log.txt' }];
    expect(sharesOf(message({ text: '', attachments: [{ ...share, files }] }))).toEqual([
      {
        author: { name: 'Grace', id: 'U9' },
        raw: 'Disk is <@U2>’s',
        files: [{ name: 'log.txt', ref: { file: 'F1' } }],
      },
    ]);
  });

  it('without a text is read from its blocks, or else from its fallback', () => {
    const blocks = [
      { team: 'T1', channel: 'C9', ts: share.ts, message: { blocks: [richText({ type: 'text', text: 'Full' })] } },
    ];
    const raws = (more: object) =>
      sharesOf(message({ attachments: [{ ...share, text: '', ...more }] })).map(({ raw }) => raw);
    expect(raws({ message_blocks: blocks })).toEqual(['Full']);
    expect(raws({})).toEqual(['[July 6th] Grace: Disk is full']);
    expect(raws({ message_blocks: [{ message: 7 }], fallback: null })).toEqual(['']);
  });

  it('is not the preview of a link, even of a link to a message', () => {
    const preview = { from_url: 'https://a.example', title: 'A page', text: 'About it', service_name: 'A' };
    const { is_share: _, ...unfurl } = share;
    expect(sharesOf(message({ text: 'see <https://a.example>', attachments: [preview, unfurl] }))).toEqual([]);
  });

  it('that can’t be read does not prevent the message from being read', () => {
    for (const attachments of [
      null,
      7,
      [null],
      [{ is_share: 'yes' }],
      [{ is_share: true, files: 'x', text: 7, fields: [0] }],
    ])
      expect(message({ text: 'hello', attachments }).text).toBe('hello');
    expect(sharesOf(message({ attachments: [{ is_share: true }] }))).toEqual([{ author: {}, raw: '', files: [] }]);
    expect(sharesOf(message({ attachments: Array(100).fill(share) }))).toHaveLength(10);
  });
});

describe('a message in a thread', () => {
  it('by an app is read from its blocks and attachments, which hold more than its text', () => {
    const blocks = [
      { type: 'header', text: { type: 'plain_text', text: 'Deploy 42' } },
      {
        type: 'section',
        text: { type: 'mrkdwn', text: 'By <@U2> &amp; co' },
        fields: [{ type: 'mrkdwn', text: '*State:* ok' }],
      },
      { type: 'divider' },
      {
        type: 'context',
        elements: [
          { type: 'image', alt_text: 'green' },
          { type: 'mrkdwn', text: '3 min' },
        ],
      },
      {
        type: 'actions',
        elements: [{ type: 'button', text: { type: 'plain_text', text: 'Roll back' }, action_id: 'a' }],
      },
    ];
    expect(inThread({ bot_id: 'B9', text: 'New deploy', blocks })).toBe(
      'Deploy 42\nBy <@U2> &amp; co\n*State:* ok\n[green]\n3 min',
    );
    // docs.slack.dev/legacy/legacy-messaging/legacy-secondary-message-attachments
    const attachments = [
      {
        fallback: 'Alert',
        pretext: 'Fired',
        title: 'Disk',
        text: '91 %',
        fields: [{ title: 'host', value: 'web-1', short: true }],
      },
      { fallback: 'Only this' },
      { blocks: [{ type: 'section', text: { type: 'mrkdwn', text: 'In a block' } }] },
    ];
    expect(inThread({ bot_id: 'B9', subtype: 'bot_message', text: '', attachments })).toBe(
      'Fired\nDisk\n91 %\nhost: web-1\nOnly this\nIn a block',
    );
    expect(inThread({ bot_id: 'B9', text: 'Just text' })).toBe('Just text');
  });

  it('by a person is its text with its shares, without previews', () => {
    const attachments = [
      { from_url: 'https://a.example', text: 'A page' },
      { is_share: true, text: 'Shared' },
    ];
    expect(inThread({ user: 'U1', text: 'look', attachments })).toBe('look\nShared');
  });

  it('is cut at its limit, however much it contains', () => {
    const deep = (depth: number): object =>
      depth === 0 ? { type: 'text', text: 'x' } : { type: 'rich_text', elements: [deep(depth - 1)] };
    expect(blocksText([deep(500)])).toBe('');
    expect(
      blocksText(Array(20_000).fill(richText({ type: 'text', text: 'y'.repeat(100) }))).length,
    ).toBeLessThanOrEqual(20_000);
    expect(inThread({ text: 'z'.repeat(40_000) })).toHaveLength(20_000);
  });
});

it('rich text is read as people see it', () => {
  // docs.slack.dev/reference/block-kit/blocks/rich-text-block
  const section = richText(
    { type: 'text', text: 'Hi <b> ' },
    { type: 'user', user_id: 'U2' },
    { type: 'text', text: ' in ' },
    { type: 'channel', channel_id: 'C1' },
    { type: 'text', text: ' and ' },
    { type: 'usergroup', usergroup_id: 'S1' },
    { type: 'emoji', name: 'wave', unicode: '1f44b' },
    { type: 'broadcast', range: 'here' },
    { type: 'link', url: 'https://a.example', text: 'page' },
    { type: 'date', timestamp: 1, format: '{date}', fallback: 'today' },
  );
  const list = {
    type: 'rich_text',
    elements: [{ type: 'rich_text_list', style: 'bullet', elements: [section.elements[0], section.elements[0]] }],
  };
  const line = 'Hi &lt;b&gt; <@U2> in <#C1> and <!subteam^S1>:wave:<!here><https://a.example|page>today';
  expect(blocksText([section])).toBe(line);
  expect(blocksText([list])).toBe(`${line}\n${line}`);
  expect(plainText(line, self)).toBe('Hi <b> @U2 in #C1 and @group:wave:@herepage (https://a.example)today');
});

describe('a name that a text gives as an id', () => {
  let slack: FakeSlack;
  let clock: ManualClock;
  let names: Names;
  let quotes: Quotes;
  const SCOPES = ['users:read', 'channels:read', 'usergroups:read'];

  async function start(scopes: readonly string[]): Promise<void> {
    slack = await startFakeSlack({ scopes });
    slack.addUser({ id: 'U2', name: 'Grace' });
    slack.workspace.channels.set('C1', { name: 'general', isPrivate: false });
    slack.workspace.channels.set('C2', { name: 'secret-merger', isPrivate: true });
    slack.workspace.groups.set('S1', 'crew');
    clock = createManualClock();
    const logger = createLogger({ level: 'silent', secrets: [] });
    const clients = createSlackClients({
      ...{ botToken: slack.botToken, apiUrl: slack.apiUrl, logger: createBoltLogger(logger), onInvalidToken() {} },
    });
    const deps = { clients, clock, timers: clock, logger };
    names = createNames({ ...deps, people: createPeople(deps), self });
    quotes = createQuotes({ ...deps, names, self });
  }
  const shown = async (raw: string) => plainText(raw, self, await names.of([raw]));
  beforeEach(() => start(SCOPES));
  afterEach(() => slack.close());

  it('is replaced by the name, which is looked up once', async () => {
    const raw = '<@U0BOT> tell <@U2> in <#C1|> and <#C1>, <!subteam^S1>, <@U3|ada>, <#C4|random>, <!subteam^S2|@ops>';
    const text = 'tell @Grace in #general and #general, @crew, @ada, #random, @ops';
    expect(await shown(raw)).toBe(text);
    expect(await shown(raw)).toBe(text);
    expect(slack.calls.map(({ method }) => method).sort()).toEqual([
      'conversations.info',
      'usergroups.list',
      'users.info',
    ]);
  });

  it('stays an id if the channel is private, or has no name', async () => {
    expect(await shown('<#C2> <#C9> <@U9> <!subteam^S9>')).toBe('#C2 #C9 @U9 @group');
    await shown('<#C2> <#C9> <@U9> <!subteam^S9>');
    expect(slack.callsOf('conversations.info')).toHaveLength(2);
    expect(slack.callsOf('users.info')).toHaveLength(1);
  });

  it('stays an id without the scopes, and is not looked up each time', async () => {
    await slack.close();
    await start([]);
    for (let number = 0; number < 5; number += 1)
      expect(await shown('<@U2> <#C1> <!subteam^S1>')).toBe('@U2 #C1 @group');
    expect(slack.calls).toHaveLength(3);
  });

  it('stays an id if Slack takes too long', async () => {
    slack.fail('users.info', { kind: 'silent' });
    const text = shown('<@U2>, hello');
    await vi.waitFor(() => expect(slack.callsOf('users.info')).toHaveLength(1));
    await clock.advance(500);
    expect(await text).toBe('@U2, hello');
  });

  it('is looked up only within the limits, however many names there are', async () => {
    const many = (from: number) => Array.from({ length: 30 }, (_, index) => `<@U${from + index}>`).join(' ');
    for (let from = 100; from < 400; from += 30) await shown(many(from));
    expect(slack.callsOf('users.info').length).toBeLessThanOrEqual(60);
    await clock.advance(60_000);
    expect(await shown('<@U2>')).toBe('@Grace');
  });

  it('is not looked up during a rate limit', async () => {
    slack.fail('users.info', { kind: 'rate_limited', retryAfter: 30 });
    expect(await shown('<@U2>')).toBe('@U2');
    expect(await shown('<@U7> <@U2>')).toBe('@U7 @U2');
    expect(slack.callsOf('users.info')).toHaveLength(1);
    await clock.advance(30_000);
    expect(await shown('<@U2>')).toBe('@Grace');
  });

  it('and threads are not read during a rate limit', async () => {
    await slack.close();
    await start(['channels:history', 'users:read']);
    const root = slack.say('The launch', { user: 'U2', channel: 'C1' });
    const asked = slack.workspace.nextTs();
    slack.fail('conversations.replies', { kind: 'rate_limited', retryAfter: 30 });
    for (let number = 0; number < 3; number += 1) expect(await quotes.before('C1', root.ts, asked)).toEqual([]);
    expect(slack.callsOf('conversations.replies')).toHaveLength(1);
    await clock.advance(30_000);
    expect(await quotes.before('C1', root.ts, asked)).toEqual([{ author: 'Grace', text: 'The launch' }]);
  });
});
