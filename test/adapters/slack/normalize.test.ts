import type { types } from '@slack/bolt';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { type Scopes, sessionAt } from '../../../src/adapters/slack/ids.ts';
import type { SlackInput, SlackMessage } from '../../../src/adapters/slack/receive/inputs.ts';
import { originOf, readEvent, toIncoming } from '../../../src/adapters/slack/receive/normalize.ts';
import { addressesAnother, namedIn, plainText } from '../../../src/adapters/slack/receive/plain-text.ts';
import { parseSessionId } from '../../../src/core/session.ts';

const self = { team: 'T1', user: 'U0BOT', name: 'recollect', bot: 'B0BOT' };
const TS = '1700000001.000100';
const ROOT = '1700000000.000100';

const plain: types.GenericMessageEvent = {
  ...{ type: 'message', subtype: undefined, channel: 'C1', channel_type: 'channel', user: 'U1', ts: TS, event_ts: TS },
  ...{ text: '<@U0BOT> hello', client_msg_id: 'c-1', team: 'T1' },
};

function envelope(event: object, more: object = {}): object {
  return {
    ...{ type: 'event_callback', event_id: 'Ev1', team_id: 'T1', api_app_id: 'A1', event_time: 1_700_000_001 },
    authorizations: [{ team_id: 'T1', user_id: 'U0BOT', is_bot: true }],
    ...more,
    event,
  };
}

const read = (event: object, more: object = {}): SlackInput => readEvent(envelope(event, more), self);

function message(event: object = plain, more: object = {}): SlackMessage {
  const input = read(event, more);
  if (input.kind !== 'message') throw new Error(`It was read as ${input.kind}.`);
  return input;
}

describe('an event', () => {
  it('of a person’s message is read with all ids', () => {
    expect(read(plain)).toEqual({
      ...{ kind: 'message', team: 'T1', channel: 'C1', ts: TS, user: 'U1', raw: '<@U0BOT> hello' },
      ...{ direct: false, mention: true, eventId: 'Ev1', clientMsgId: 'c-1', files: [], shares: [] },
    });
  });

  it('of the mention that comes with a message is the same message under another event id', () => {
    const mention: types.AppMentionEvent = {
      ...{ type: 'app_mention', user: 'U1', text: '<@U0BOT> hello', ts: TS, channel: 'C1', event_ts: TS },
      client_msg_id: 'c-1',
    };
    expect(read(mention, { event_id: 'Ev2' })).toEqual({ ...message(), eventId: 'Ev2' });
    expect(read({ ...mention, text: 'hello' })).toMatchObject({ mention: true });
  });

  it('in a DM needs no mention, and one outside of threads has no thread', () => {
    const { text: _, ...rest } = plain;
    const dm = { ...rest, channel: 'D1', channel_type: 'im', text: 'hi', thread_ts: '' };
    expect(message(dm)).toMatchObject({ direct: true, mention: false });
    expect(message(dm)).not.toHaveProperty('thread');
    expect(message({ ...dm, thread_ts: TS })).not.toHaveProperty('thread');
    expect(message({ ...dm, thread_ts: ROOT })).toMatchObject({ thread: ROOT });
  });

  it('with files refers to them', () => {
    const files = [{ id: 'F1', name: 'report.pdf' }, { id: 'F2', name: null, title: 'Notes' }, { id: 'F3' }, {}];
    expect(message({ ...plain, subtype: 'file_share', files }).files).toEqual([
      { name: 'report.pdf', ref: { file: 'F1' } },
      { name: 'Notes', ref: { file: 'F2' } },
      { name: 'F3', ref: { file: 'F3' } },
      { name: '?' },
    ]);
  });

  const bot: types.BotMessageEvent = {
    ...{ type: 'message', subtype: 'bot_message', channel: 'C1', channel_type: 'channel', ts: TS, event_ts: TS },
    ...{ text: '<@U0BOT> hello', bot_id: 'B9' },
  };
  it.each<[string, object]>([
    ['of another app', bot],
    ['of an app that writes as a person', { ...plain, bot_id: 'B9' }],
    ['of an app with a profile only', { ...plain, bot_profile: { id: 'B9' } }],
    ['of the bot itself', { ...plain, user: 'U0BOT' }],
    ['of Slackbot', { ...plain, user: 'USLACKBOT' }],
    ['that somebody joined', { ...plain, subtype: 'channel_join' }],
    ['that a topic was set', { ...plain, subtype: 'channel_topic' }],
    ['without an author', { ...plain, user: undefined }],
    ['of an unknown type', { type: 'star_added', user: 'U1' }],
    ['that the home tab was opened', { type: 'app_home_opened', user: 'U1', channel: 'D1', tab: 'home' }],
  ])('%s is ignored', (_, event) => {
    expect(read(event)).toEqual({ kind: 'ignored' });
  });

  const changed = (text: string, before: string, more: object = {}) => ({
    ...{ type: 'message', subtype: 'message_changed', channel: 'C1', ts: '1700000009.000100', hidden: true },
    message: { ...plain, text, edited: { user: 'U1', ts: TS }, ...more },
    previous_message: { ...plain, text: before },
  });
  const place = { platform: 'slack', workspace: 'T1', channel: 'C1' };

  it('of an edit or a deletion names the message', () => {
    const raw = '<@U0BOT> new';
    expect(read(changed(raw, '<@U0BOT> old'))).toEqual({
      kind: 'edited',
      place,
      files: [],
      ts: TS,
      raw,
      editedAt: 1_700_000_001_000,
    });
    expect(read(deletion())).toEqual({ kind: 'deleted', place, ts: TS, forBot: false });
    // As the documentation has it, without the message itself (docs.slack.dev/reference/events/message/message_deleted).
    expect(read(deletion({ previous_message: undefined }))).toEqual({ kind: 'deleted', place, ts: TS, forBot: true });
  });

  const deletion = (more: object = {}) => ({
    ...{ ...changed('', 'old'), subtype: 'message_deleted', deleted_ts: TS, message: undefined },
    ...more,
  });

  /** As Slack sent it (slack-edge/slack-edge#10, hackclub/toriel#238, 42wim/matterbridge#600). */
  const tombstone = {
    ...{ type: 'message', subtype: 'tombstone', text: 'This message was deleted.', user: 'USLACKBOT', hidden: true },
    ...{ ts: TS, thread_ts: TS, parent_user_id: 'USLACKBOT', reply_count: 1, reply_users: ['U0BOT'], is_locked: false },
  };
  it.each<[string, object]>([
    ['is emptied, since it has replies', changed('', '<@U0BOT> old', { ...tombstone, bot_id: undefined })],
    ['is emptied by another person', { ...changed('', '<@U0BOT> old'), message: { ...tombstone, edited: undefined } }],
    [
      'is emptied, without its earlier version',
      { ...changed('', ''), message: tombstone, previous_message: undefined },
    ],
    ['was emptied before its last reply was deleted', deletion({ previous_message: tombstone })],
    [
      'was broadcast from its thread',
      deletion({ previous_message: { ...plain, subtype: 'thread_broadcast', thread_ts: ROOT } }),
    ],
    [
      'was redacted by administrators',
      changed('', '<@U0BOT> old', { subtype: 'ekm_access_denied', user: 'UREVOKEDU' }),
    ],
    ['is replaced by a message without a subtype', changed('', '<@U0BOT> old', { ...tombstone, subtype: undefined })],
  ])('of a message that %s is a deletion', (_, event) => {
    expect(read(event)).toEqual({ kind: 'deleted', place, ts: TS, forBot: true });
  });

  it('of a deleted channel names the channel', () => {
    // docs.slack.dev/reference/events/channel_deleted, …/group_deleted
    for (const type of ['channel_deleted', 'group_deleted'])
      expect(read({ type, channel: 'C1' })).toEqual({ kind: 'channel_deleted', place });
    // It can be opened again, and who left may come back.
    for (const type of ['channel_archive', 'group_archive', 'im_close', 'channel_left', 'member_left_channel'])
      expect(read({ type, channel: 'C1', user: 'U1' })).toEqual({ kind: 'ignored' });
  });

  const edited = (ts: string) => ({ edited: { user: 'U1', ts } });
  const mention = { ...plain, type: 'app_mention', text: '<@U0BOT> hello' };
  it('that repeats an edited mention is ignored, however late it arrives', () => {
    // slackapi/bolt-js#960, PostHog/posthog#59517
    for (const ts of ['1700000002.000000', '1700900000.000000'])
      expect(read({ ...mention, ...edited(ts) }, { event_id: 'Ev9' })).toEqual({ kind: 'ignored' });
  });

  it('of an edit that adds a mention carries the message, while idempotency keys are kept', () => {
    const call = (before: string | undefined, ts: string) =>
      read({
        ...changed('<@U0BOT> hello', before ?? '', edited(ts)),
        ...(before === undefined ? { previous_message: undefined } : {}),
      });
    const editedAt = 1_700_000_060_000;
    expect(call('hello', '1700000060.000000')).toEqual({
      ...{
        kind: 'edited',
        place,
        ts: TS,
        raw: '<@U0BOT> hello',
        files: [],
        editedAt,
        newMention: { ...message(), editedAt },
      },
    });
    expect(call('hello', '1700090000.000000')).not.toHaveProperty('called');
    expect(call('hello', 'soon')).not.toHaveProperty('called');
    expect(call('<@U0BOT> hallo', '1700000060.000000')).not.toHaveProperty('called');
    expect(call(undefined, '1700000060.000000')).not.toHaveProperty('called');
  });

  it.each<[string, object]>([
    ['a link preview', changed('same', 'same')],
    [
      'a deletion of an app’s message',
      {
        ...{ type: 'message', subtype: 'message_deleted', channel: 'C1', ts: TS, deleted_ts: TS },
        previous_message: { ...plain, bot_id: 'B9' },
      },
    ],
    [
      'a deletion of a root by the bot',
      { ...changed('', ''), message: tombstone, previous_message: { ...plain, user: 'U0BOT' } },
    ],
    ['a change that is not an edit', changed('new', 'old', { edited: undefined })],
    ['an edit of the bot’s message', changed('new', 'old', { user: 'U0BOT', bot_id: 'B0BOT' })],
    [
      'a deletion of the bot’s message',
      {
        ...{ type: 'message', subtype: 'message_deleted', channel: 'C1', ts: TS, deleted_ts: TS },
        previous_message: { ...plain, bot_id: 'B0BOT' },
      },
    ],
  ])('that is %s is ignored', (_, event) => {
    expect(read(event)).toEqual({ kind: 'ignored' });
  });

  it('about the app itself has a kind of its own', () => {
    const stopped: types.AgentSessionStoppedEvent = {
      ...{ type: 'agent_session_stopped', channel: 'D1', user: 'U1', thread_ts: ROOT, event_ts: TS },
      streaming_message_ts: [TS],
    };
    expect(read(stopped)).toEqual({ kind: 'stop', team: 'T1', channel: 'D1', thread: ROOT, user: 'U1' });
    const opened: types.AppHomeOpenedEvent = {
      ...{ type: 'app_home_opened', user: 'U1', channel: 'D1', tab: 'messages', event_ts: TS },
    };
    expect(read(opened)).toEqual({ kind: 'opened', channel: 'D1', user: 'U1' });
    expect(read({ type: 'app_uninstalled' })).toEqual({ kind: 'uninstalled', team: 'T1' });
    expect(read({ type: 'tokens_revoked', tokens: { bot: ['U0BOT'] } })).toEqual({ kind: 'revoked' });
    expect(readEvent({ type: 'app_rate_limited', team_id: 'T1' }, self)).toEqual({ kind: 'rate_limited' });
    expect(read({ type: 'tokens_revoked', tokens: { oauth: ['U1'] } })).toEqual({ kind: 'ignored' });
  });

  it('that can’t be read is malformed, with the reason', () => {
    expect(readEvent(undefined, self).kind).toBe('malformed');
    expect(read({ type: 'message', channel: 7 }).kind).toBe('malformed');
    const dm = { type: 'message', channel: 'D1', channel_type: 'im', ts: TS, user: 'U1', text: 'hi' };
    // Ids that no conversation can be named by: stored they can't be, and no other delivery would bring better ones.
    for (const id of ['T'.repeat(129), 'T\ud800']) {
      const event = { type: 'event_callback', team_id: 'T1', event: dm };
      expect(readEvent({ ...event, authorizations: [{ team_id: id }] }, self).kind).toBe('malformed');
      expect(readEvent({ ...event, team_id: id }, self).kind).toBe('malformed');
      for (const field of ['channel', 'user', 'thread_ts', 'ts'])
        expect(read({ ...dm, [field]: id }).kind).toBe('malformed');
    }
    fc.assert(
      fc.property(fc.anything(), (body) => {
        expect(readEvent(body, self).kind).toBe('malformed');
      }),
    );
    fc.assert(
      fc.property(fc.object(), (event) => {
        expect(['ignored', 'malformed']).toContain(read({ ...event, type: 'message' }).kind);
      }),
    );
  });
});

describe('the conversation of a message', () => {
  const scopes = (scope: Scopes['scope'], dmScope: Scopes['dmScope'] = 'thread'): Scopes => ({ scope, dmScope });
  const session = (event: object, by: Scopes, more: object = {}) =>
    parseSessionId(sessionAt(originOf(message(event, more)), by));
  const reply = { ...plain, thread_ts: ROOT };
  const dm = { ...plain, channel: 'D1', channel_type: 'im' };

  it('is one person’s in the thread, or the whole thread’s', () => {
    const place = { platform: 'slack', workspace: 'T1', channel: 'C1' };
    expect(session(plain, scopes('user'))).toEqual({ place, thread: TS, user: 'U1' });
    expect(session(reply, scopes('user'))).toEqual({ place, thread: ROOT, user: 'U1' });
    expect(session(reply, scopes('channel'))).toEqual({ place, thread: ROOT });
  });

  it('in a DM is the thread’s, or the whole DM’s', () => {
    const place = { platform: 'slack', workspace: 'T1', channel: 'D1' };
    expect(session(dm, scopes('user'))).toEqual({ place, thread: TS });
    expect(session({ ...dm, thread_ts: ROOT }, scopes('channel'))).toEqual({ place, thread: ROOT });
    expect(session({ ...dm, thread_ts: ROOT }, scopes('user', 'channel'))).toEqual({ place });
  });

  it('is never another team’s, whatever the ids are', () => {
    const id = fc.string({ minLength: 1, maxLength: 12 }).filter((text) => !/\p{Surrogate}/u.test(text));
    fc.assert(
      fc.property(id, id, id, id, id, (one, other, channel, user, thread) => {
        fc.pre(one !== other);
        const of = (team: string) =>
          sessionAt({ team, channel, user, root: thread, direct: false }, { scope: 'user', dmScope: 'thread' });
        expect(of(one)).not.toBe(of(other));
      }),
    );
  });

  it('belongs to the team that installed the app, also in a shared channel', () => {
    const by = { team_id: 'T9', authorizations: [{ team_id: 'T1' }] };
    expect(session(plain, scopes('user'), by).place.workspace).toBe('T1');
    expect(session(plain, scopes('user'), { team_id: 'T9', authorizations: undefined }).place.workspace).toBe('T9');
  });
});

describe('an incoming message', () => {
  const around = { text: 'hello', name: 'Ada', locale: 'en', quotes: [] } as const;
  const scopes: Scopes = { scope: 'user', dmScope: 'thread' };

  it('is plain JSON, so that any replica can answer it', () => {
    const incoming = toIncoming(message({ ...plain, thread_ts: ROOT }), around, scopes);
    expect(JSON.parse(JSON.stringify(incoming))).toEqual(incoming);
    expect(incoming).toMatchObject({
      ...{ id: TS, turnId: TS, platform: 'slack', author: { id: 'U1', name: 'Ada' }, text: 'hello', isMention: true },
      ...{ sentAt: 1_700_000_001_000, isDirect: false, locale: 'en' },
      idempotencyKeys: [TS, 'event:Ev1', 'client:c-1'],
      replyTo: {
        ...{ platform: 'slack', team: 'T1', channel: 'C1', thread: ROOT, trigger: TS, user: 'U1' },
        direct: false,
      },
    });
    expect(incoming).not.toHaveProperty('quotes');
    expect(incoming).not.toHaveProperty('attachments');
  });

  it('has quotes and the names of files', () => {
    const quotes = [{ author: 'Grace', text: 'earlier' }];
    const withFile = { ...plain, subtype: 'file_share', files: [{ name: 'a.txt' }] };
    const incoming = toIncoming(message(withFile), { ...around, quotes }, scopes);
    expect(incoming).toMatchObject({ quotes, attachments: [{ name: 'a.txt' }] });
  });
});

describe('a text in Slack’s markup', () => {
  it.each([
    ['<@U0BOT> hello', 'hello'],
    ['hello <@U0BOT>', 'hello'],
    ['<@U0BOT|recollect> <@U0BOT> /forget', '/forget'],
    ['is <@U0BOT> there?', 'is @recollect there?'],
    ['<@U2> and <@U3|grace>', '@U2 and @grace'],
    ['<#C1|general> and <#C2>', '#general and #C2'],
    ['<!here> <!subteam^S1|@crew> <!subteam^S2> <!date^1^{date}|today>', '@here @crew @group today'],
    ['<https://a.example/?x=1&amp;y=2>', 'https://a.example/?x=1&y=2'],
    ['<https://a.example|the page>', 'the page (https://a.example)'],
    ['<mailto:ada@a.example|ada@a.example>', 'ada@a.example'],
    ['if (a &lt; b &amp;&amp; c &gt; d)', 'if (a < b && c > d)'],
    ['&amp;lt;', '&lt;'],
    ['  ', ''],
  ])('%j is read as %j', (raw, text) => {
    expect(plainText(raw, self)).toBe(text);
  });
});

it('reading a text takes time linear in its length, whatever the text', () => {
  // If it were quadratic, each of them would take minutes at this length; a message has 40,000 characters at most.
  const long = 400_000;
  const of = (piece: string) => piece.repeat(long / piece.length);
  const texts = [
    `/x${of(' ')}x\ny`,
    ...[
      '<',
      '<@',
      '<@U0BOT',
      '<@U0BOT|',
      '<@U0BOT> ',
      '<@U0BOT>',
      '<@U0BOT>x',
      '<a|',
      '>',
      '|',
      '&lt;',
      '<!',
      '\n ',
      ' x',
      '<@U2> ',
    ].map(of),
    `<@U0BOT|${of('x')}`,
    `x${of('<@U0BOT> ')}x`,
    `x${of(' ')}<@U0BOT>${of(' ')}x`,
  ];
  for (const text of texts) {
    const event = { ...plain, text };
    expect(['message', 'ignored']).toContain(read(event).kind);
    expect(['edited', 'ignored']).toContain(
      read({
        type: 'message',
        subtype: 'message_changed',
        channel: 'C1',
        ts: TS,
        message: { ...event, edited: { ts: TS } },
        previous_message: { ...plain, text: `${text}x` },
      }).kind,
    );
    expect(plainText(text, self).length).toBeLessThanOrEqual(2 * text.length);
    expect(namedIn(text, self, 20).length).toBeLessThanOrEqual(20);
    expect(addressesAnother(text, 'U1')).toBeTypeOf('boolean');
  }
});
