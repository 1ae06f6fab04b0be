/** Fetching the files of Slack's messages, from the fake Slack. */
import { afterEach, describe, expect, it } from 'vitest';
import { createSlackClients } from '../../../src/adapters/slack/api/clients.ts';
import { createSlackFiles } from '../../../src/adapters/slack/files/fetch-file.ts';
import { fileShape, filesOf } from '../../../src/adapters/slack/files/file-ref.ts';
import { createBoltLogger } from '../../../src/adapters/slack/receive/bolt.ts';
import { createLogger } from '../../../src/app/log.ts';
import type { FetchedFile, FileFetcher } from '../../../src/core/ports.ts';
import type { FileRef } from '../../../src/core/types.ts';
import { type FakeFile, type FakeSlack, startFakeSlack } from '../../support/fake-slack/fake-slack.ts';

interface Stage {
  readonly slack: FakeSlack;
  readonly files: FileFetcher;
  readonly log: readonly string[];
  /** A file in a DM, as the adapter refers to it. */
  refer(file: Partial<FakeFile>): { readonly id: string; readonly ref: FileRef };
  fetched(
    ref: FileRef,
    limits?: { maxBytes?: number; maxImageBytes?: number; signal?: AbortSignal },
  ): Promise<FetchedFile>;
}

const slacks: FakeSlack[] = [];
afterEach(async () => {
  for (const slack of slacks.splice(0)) await slack.close();
});

async function makeStage(scopes: readonly string[] = ['files:read']): Promise<Stage> {
  const slack = await startFakeSlack({ scopes });
  slacks.push(slack);
  const log: string[] = [];
  const logger = createLogger({ level: 'debug', secrets: [] }, { write: (line: string) => void log.push(line) });
  const { botToken, apiUrl } = slack;
  const clients = createSlackClients({ botToken, apiUrl, logger: createBoltLogger(logger), onInvalidToken() {} });
  const files = createSlackFiles({ clients, botToken, apiUrl, logger });
  return {
    ...{ slack, files, log },
    refer(file) {
      const given = { name: 'note.txt', content: 'hello', ...file };
      const [stored] = slack.workspace.add({ channel: 'D1', user: 'U1', text: '', files: [given] }).files;
      if (stored === undefined) throw new Error('not stored');
      const [ref] = filesOf([fileShape.parse(slack.workspace.files.inEvent(stored))]);
      if (ref === undefined) throw new Error('no reference');
      return { id: stored.id, ref };
    },
    fetched: async (ref, { maxBytes = 10_000, maxImageBytes = 5_000, signal = new AbortController().signal } = {}) =>
      await files.fetchFile(ref, { maxBytes, maxImageBytes, signal }),
  };
}

const textOf = (file: FetchedFile) => (file.kind === 'fetched' ? Buffer.from(file.bytes).toString() : file.why);
const PNG = { name: 'roof.png', mimetype: 'image/png' };

describe('a file of Slack', () => {
  it('is fetched with the token, in one request', async () => {
    const { slack, refer, fetched } = await makeStage();
    expect(textOf(await fetched(refer({ content: 'hello' }).ref))).toBe('hello');
    expect(slack.fileRequests).toMatchObject([{ token: slack.botToken, status: 200 }]);
    expect(slack.calls).toEqual([]);
  });

  it('of a channel shared by Slack Connect is looked up first', async () => {
    const { slack, refer, fetched } = await makeStage();
    expect(textOf(await fetched(refer({ content: 'hello', connect: true }).ref))).toBe('hello');
    expect(slack.callsOf('files.info')).toHaveLength(1);
  });

  it('that is too large is not fetched', async () => {
    const { refer, fetched } = await makeStage();
    expect(await fetched(refer({ content: 'x'.repeat(11) }).ref, { maxBytes: 10 })).toEqual({
      kind: 'unread',
      why: 'too_large',
    });
  });

  it('that is HTML is no login page', async () => {
    const { refer, fetched } = await makeStage();
    const { ref } = refer({ name: 'a.html', mimetype: 'text/html', content: '<html></html>' });
    expect(textOf(await fetched(ref))).toBe('<html></html>');
  });

  it('at an address that is not Slack’s gets no request', async () => {
    const { slack, refer, fetched } = await makeStage();
    const { ref, id } = refer({});
    for (const url of [
      'https://files.slack.com.evil.example/a',
      'http://127.0.0.1:9/a',
      'https://slack.com/a',
      'file:///etc',
    ]) {
      // Slack is asked where it is, and the file comes from there.
      expect(textOf(await fetched({ ...ref, ref: { file: id, url } }))).toBe('hello');
    }
    expect(slack.fileRequests).toHaveLength(4);
    expect(await fetched({ name: 'a', ref: { attachment: '1' } })).toEqual({ kind: 'unread', why: 'refused' });
    expect(await fetched({ name: 'a' })).toEqual({ kind: 'unread', why: 'refused' });
  });
});

describe('an image that is too large', () => {
  const thumbs = { 360: Buffer.from('tiny'), 1024: Buffer.from('small') };

  it('is fetched as Slack made it smaller', async () => {
    const { slack, refer, fetched } = await makeStage();
    const { ref } = refer({ ...PNG, bytes: Buffer.alloc(6_000), thumbs });
    expect(textOf(await fetched(ref))).toBe('small');
    expect(slack.fileRequests.map(({ path }) => path)).toEqual([expect.stringContaining('/files-tmb/')]);
    expect(textOf(await fetched(refer({ ...PNG, bytes: Buffer.alloc(6_000), thumbs, connect: true }).ref))).toBe(
      'small',
    );
  });

  it('is not fetched if Slack made none', async () => {
    const { slack, refer, fetched } = await makeStage();
    expect(textOf(await fetched(refer({ ...PNG, bytes: Buffer.alloc(6_000) }).ref))).toBe('too_large');
    expect(slack.fileRequests).toEqual([]);
  });
});

describe('a file that Slack does not give', () => {
  it('is gone after its deletion', async () => {
    const { slack, refer, fetched } = await makeStage();
    const { id, ref } = refer({});
    slack.deleteFile(id);
    expect(textOf(await fetched(ref))).toBe('gone');
    expect(textOf(await fetched({ name: 'a', ref: { file: 'F0NEVER' } }))).toBe('gone');
  });

  it.each([
    ['hidden_by_limit', 'refused'],
    ['external', 'unsupported'],
    ['space', 'unsupported'],
  ] as const)('is refused without a request: %s', async (mode, why) => {
    const { slack, refer, fetched } = await makeStage();
    expect(textOf(await fetched(refer({ mode }).ref))).toBe(why);
    expect(slack.calls.length + slack.fileRequests.length).toBe(0);
  });

  it('for want of the scope is refused; the administrator is told once how to fix it', async () => {
    const { refer, fetched, log } = await makeStage([]);
    expect(textOf(await fetched(refer({ ...PNG }).ref))).toBe('refused');
    expect(textOf(await fetched(refer({ connect: true }).ref))).toBe('refused');
    const told = log.filter((line) => line.includes('files:read'));
    expect(told).toEqual([expect.stringContaining('reinstall')]);
  });

  it('because the token is not taken there, is refused, and the redirect to the login page is not followed', async () => {
    const { slack, refer, fetched } = await makeStage();
    const { ref } = refer({});
    slack.revokeToken();
    await expect(fetched(ref)).rejects.toMatchObject({ code: 'platform_credentials' });
    expect(slack.fileRequests.map(({ status }) => status)).toEqual([302]);
  });

  it.each(['access_denied', 'not_visible'])('is refused: %s', async (error) => {
    const { slack, refer, fetched } = await makeStage();
    slack.fail('files.info', { kind: 'error', error });
    expect(textOf(await fetched(refer({ connect: true }).ref))).toBe('refused');
  });
});

describe('when Slack limits the rate', () => {
  it('the delay that it names is kept', async () => {
    const { slack, refer, fetched } = await makeStage();
    slack.fail('files.info', { kind: 'rate_limited', retryAfter: 1 });
    slack.failFiles({ status: 429, retryAfter: 1 });
    expect(textOf(await fetched(refer({ connect: true }).ref))).toBe('hello');
    expect(slack.callsOf('files.info').map(({ result }) => result)).toEqual(['rate_limited', 'ok']);
    expect(slack.fileRequests.map(({ status }) => status)).toEqual([429, 200]);
  });

  it('a long delay is not waited for', async () => {
    const { slack, refer, fetched } = await makeStage();
    slack.fail('files.info', { kind: 'rate_limited', retryAfter: 60 });
    await expect(fetched(refer({ connect: true }).ref)).rejects.toMatchObject({ code: 'platform_rate_limited' });
  });

  it('an end of the turn ends the delay', async () => {
    const { slack, refer, fetched } = await makeStage();
    slack.fail('files.info', { kind: 'rate_limited', retryAfter: 10 });
    const turn = new AbortController();
    const end = fetched(refer({ connect: true }).ref, { signal: turn.signal });
    turn.abort(new Error('stopped'));
    await expect(end).rejects.toThrow('stopped');
  });
});
