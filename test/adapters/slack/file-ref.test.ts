/** Slack's file objects as the bot refers to them. */
import { describe, expect, it } from 'vitest';
import { fileShape, filesOf, readFileRef } from '../../../src/adapters/slack/files/file-ref.ts';
import { readEvent } from '../../../src/adapters/slack/receive/normalize.ts';
import { messageFiles, threadMessageShape } from '../../../src/adapters/slack/receive/raw-message.ts';

const self = { team: 'T1', user: 'U0BOT', name: 'recollect', bot: 'B0BOT' };
const ADDRESS = 'https://files.slack.com/files-pri/T1-F1/tedair.gif';

/** docs.slack.dev/reference/objects/file-object */
const file = {
  ...{ id: 'F1', created: 1_531_763_342, timestamp: 1_531_763_342, name: 'tedair.gif', title: 'tedair.gif' },
  ...{ mimetype: 'image/gif', filetype: 'gif', pretty_type: 'GIF', user: 'U1', editable: false, size: 137_531 },
  ...{ mode: 'hosted', is_external: false, external_type: '', is_public: true, url_private: ADDRESS },
  ...{ thumb_360: `${ADDRESS}_360.png`, file_access: 'visible' },
};
/** A long paste, as Slack's clients send it. */
const paste = {
  ...{ ...file, name: 'Untitled', title: 'Untitled', mimetype: 'text/plain', filetype: 'text', mode: 'snippet' },
  size: 9_000,
};

const refsOf = (...files: readonly unknown[]) => filesOf(files.map((each) => fileShape.parse(each)));

function read(event: object) {
  return readEvent(
    {
      ...{ team_id: 'T1', event_id: 'Ev1' },
      event: { type: 'message', channel: 'D1', channel_type: 'im', ts: '1700000001.000100', user: 'U1', ...event },
    },
    self,
  );
}

function filesIn(event: object) {
  const input = read(event);
  return input.kind === 'message' || input.kind === 'edited' ? input.files : input.kind;
}

describe('a file', () => {
  it('has its name, its type, its size, and what it takes to fetch it', () => {
    expect(refsOf(file)).toEqual([
      { name: 'tedair.gif', type: 'image/gif', size: 137_531, ref: { file: 'F1', url: ADDRESS } },
    ]);
    const download = `${ADDRESS}/download`;
    expect(refsOf({ ...file, url_private_download: download })[0]?.ref).toEqual({ file: 'F1', url: download });
  });

  it('is stored without a token', () => {
    const urlOf = (query: string) => refsOf({ ...file, url_private: `${ADDRESS}${query}` })[0]?.ref;
    // grundleborg/slack-advanced-exporter#17
    expect(urlOf('?t=xoxe-1-2-3-abc')).toEqual({ file: 'F1', url: ADDRESS });
    expect(urlOf('?pub_secret=a&t=xoxe-1&t=xoxe-2')).toEqual({ file: 'F1', url: `${ADDRESS}?pub_secret=a` });
    expect(urlOf('?pub_secret=%20a')).toEqual({ file: 'F1', url: `${ADDRESS}?pub_secret=%20a` });
    expect(refsOf({ ...file, url_private: 'no URL?t=1' })[0]?.ref).toEqual({ file: 'F1', url: 'no URL?t=1' });
  });

  it('of a channel shared by Slack Connect has an id only', () => {
    // docs.slack.dev/reference/objects/file-object#slack_connect_files
    expect(refsOf({ id: 'F1', file_access: 'check_file_info' })).toEqual([{ name: 'F1', ref: { file: 'F1' } }]);
  });

  it.each([
    ['that was deleted', { id: 'F1', mode: 'tombstone' }, 'gone'],
    ['that Slack does not find', { id: 'F1', file_access: 'file_not_found' }, 'gone'],
    ['that a free workspace hides', { id: 'F1', mode: 'hidden_by_limit' }, 'refused'],
    ['that is not for the bot', { id: 'F1', file_access: 'access_denied' }, 'refused'],
    // docs.slack.dev/reference/methods/files.remote.info
    [
      'of Google Drive',
      { ...file, mode: 'external', is_external: true, url_private: 'https://docs.google.com/d' },
      'unsupported',
    ],
    ['that is a canvas', { ...file, mode: 'space', filetype: 'quip' }, 'unsupported'],
    ['that is an e-mail', { ...file, mode: 'email' }, 'unsupported'],
  ])('%s is known to be unreadable', (_, object, unread) => {
    expect(refsOf(object)[0]?.ref).toEqual({ file: 'F1', unread });
  });

  it('that can’t be read does not prevent the message from being read', () => {
    for (const files of [7, [null], 'x']) expect(filesIn({ text: 'hello', files })).toEqual([]);
    expect(filesIn({ files: [{ id: 7, name: {}, size: -1, mimetype: [] }] })).toEqual([{ name: '?' }]);
    expect(filesIn({ files: Array(100).fill(file) })).toHaveLength(20);
    expect(readFileRef({ name: 'a', ref: { attachment: 'F1' } })).toBeUndefined();
    expect(readFileRef({ name: 'a', ref: { file: 'F1', unread: 'eaten' } })).toBeUndefined();
  });
});

describe('the files of a message', () => {
  it('come with a mention as with a message', () => {
    // slackapi/bolt-js#2056
    const mention = { type: 'app_mention', channel: 'C1', text: '<@U0BOT>', files: [file], upload: false };
    expect(filesIn(mention)).toEqual(refsOf(file));
    expect(filesIn({ subtype: 'file_share', text: 'look', files: [file] })).toEqual(refsOf(file));
  });

  it('are its own; those of a share are the share’s', () => {
    const share = { is_share: true, author_id: 'U9', text: 'Look', files: [{ ...file, id: 'F2' }] };
    const input = read({ text: 'what is it?', files: [file], attachments: [share] });
    expect(input).toMatchObject({ files: refsOf(file), shares: [{ files: refsOf({ ...file, id: 'F2' }) }] });
  });

  it('in a thread are those of the message and of its shares', () => {
    const attachments = [{ is_share: true, files: [{ id: 'F2', name: 'b' }] }, { files: [{ id: 'F3', name: 'c' }] }];
    const message = threadMessageShape.parse({ ts: '1.1', files: [file], attachments });
    expect(messageFiles(message).map(({ name }) => name)).toEqual(['tedair.gif', 'b']);
  });
});

describe('a long paste', () => {
  const isLongText = (event: object) => {
    const found = filesIn(event);
    return typeof found !== 'string' && found.some(({ longText }) => longText === true);
  };

  it('is what the person says', () => {
    expect(isLongText({ text: '', files: [paste] })).toBe(true);
    expect(isLongText({ type: 'app_mention', channel: 'C1', text: '<@U0BOT> ', files: [paste] })).toBe(true);
  });

  it.each([
    ['a text beside it', { text: 'Summarise this', files: [paste] }],
    ['another file', { text: '', files: [paste, file] }],
    ['a share', { text: '', files: [paste], attachments: [{ is_share: true, text: 'Look' }] }],
    ['a name', { text: '', files: [{ ...paste, title: 'Minutes' }] }],
    ['a language', { text: '', files: [{ ...paste, filetype: 'python' }] }],
    ['few characters', { text: '', files: [{ ...paste, size: 4_000 }] }],
    ['been uploaded', { text: '', files: [{ ...paste, mode: 'hosted' }] }],
  ])('is a file if it has %s', (_, event) => {
    expect(isLongText(event)).toBe(false);
  });
});

describe('an edit', () => {
  const before = { type: 'message', user: 'U1', ts: '1700000001.000100', text: 'look', files: [file] };
  const change = (message: object) =>
    read({ subtype: 'message_changed', hidden: true, message: { ...before, ...message }, previous_message: before });

  it('has the files that the message has now', () => {
    const edited = { user: 'U1', ts: '1700000009.000000' };
    expect(change({ text: 'look here', edited })).toMatchObject({ kind: 'edited', files: refsOf(file) });
    expect(change({ files: undefined, edited })).toMatchObject({ kind: 'edited', raw: 'look', files: [] });
  });

  it('of a file that was deleted is one although the text is as before', () => {
    expect(change({ files: [{ id: 'F1', mode: 'tombstone' }] })).toMatchObject({
      ...{ kind: 'edited', raw: 'look' },
      files: [{ name: 'F1', ref: { file: 'F1', unread: 'gone' } }],
    });
  });

  it('is none if Slack only adds a preview or thumbnails', () => {
    expect(change({ files: [{ ...file, thumb_720: ADDRESS }], attachments: [{ from_url: ADDRESS }] })).toEqual({
      kind: 'ignored',
    });
  });
});
