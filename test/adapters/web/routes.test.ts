/** The routes of the playground on the whole bot: its own store, the demo model, the guards of the HTTP server. */
import { mkdtemp, readdir, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import Database from 'libsql';
import { afterAll, beforeAll, describe, expect, onTestFinished, test, vi } from 'vitest';
import { z } from 'zod';
import { sessionOf } from '../../../src/adapters/web/normalize.ts';
import { feedEvents, memoryAnswer, overviewAnswer, sent, setupAnswer } from '../../../src/adapters/web/schemas.ts';
import { type App, startApp } from '../../../src/app/compose.ts';
import { loadConfig } from '../../../src/config/config.ts';
import type { ConversationStore } from '../../../src/core/store.ts';
import { createSqliteStore } from '../../../src/memory/sqlite/store.ts';
import { answerOf, LIMITS, messageOf, runTurn } from '../../contracts/store/support.ts';
import { freePort } from '../../support/free-port.ts';
import { keepLog, postChat, readEvents } from '../http/support.ts';

/** What is built of the page, once for all tests. */
const PUBLIC = fileURLToPath(new URL('../../../dist/adapters/web/public/', import.meta.url));
/** Of the whole page, in bytes: it is sent uncompressed where no proxy does that, and is to be there at once. */
const MAX_WEIGHT = 190_000;
const KEY = 'correct-horse';
const AUTHORISED = { Authorization: `Bearer ${KEY}` };

let apps: App[] = [];
let folders: string[] = [];
let url = '';
let locked = '';
let ids = 0;

/** @param fill puts something into the store before the bot has it */
async function open(
  settings: Record<string, string>,
  fill: (store: ConversationStore) => Promise<void> = async () => {},
): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'recollect-web-'));
  folders.push(folder);
  const observer = { badElement() {}, error() {} };
  const limits = { ...LIMITS, maxMessages: Number(settings.MAX_MESSAGES ?? LIMITS.maxMessages) };
  const store = await createSqliteStore({ ...limits, observer, dataDir: join(folder, 'data') });
  await fill(store);
  await store.close();
  const port = String(await freePort());
  const config = loadConfig({ PORT: port, DATA_DIR: 'data', SHUTDOWN_GRACE: '1', ...settings }, { cwd: folder });
  apps.push(await startApp({ config, logger: keepLog([]) }));
  return `http://127.0.0.1:${port}`;
}

beforeAll(async () => {
  url = await open({ MAX_MESSAGE_LENGTH: '500' });
  locked = await open({ API_KEY: KEY });
});
afterAll(async () => {
  for (const app of apps) await app.stop();
  for (const folder of folders) await rm(folder, { recursive: true, force: true });
  apps = [];
  folders = [];
});

const nextId = () => {
  ids += 1;
  return String(ids).padStart(20, 'x');
};
const api = (path: string) => `${url}/playground/api/${path}`;
const message = (user: string, text: string, id = nextId()) => postChat({ user, channel: 'general', id, text });

async function memoryOf(user: string, base = url) {
  const response = await fetch(`${base}/playground/api/memory?user=${encodeURIComponent(user)}&channel=general`);
  return memoryAnswer.strict().parse(await response.json());
}

/** The first events of a conversation, until one of them is as wanted. */
async function untilState(
  user: string,
  track: readonly string[],
  wanted: (state: z.infer<typeof feedEvents.state>) => boolean,
  base = url,
) {
  const query = new URLSearchParams({ user, channel: 'general' });
  for (const id of track) query.append('track', id);
  const response = await fetch(`${base}/playground/api/events?${query}`);
  expect(response.headers.get('content-type')).toMatch(/^text\/event-stream/);
  for await (const { event, data } of readEvents(response)) {
    if (event !== 'state') continue;
    const state = feedEvents.state.strict().parse(data);
    if (wanted(state)) return state;
  }
  throw new Error('The stream ended.');
}

describe('the page', () => {
  test('is served with all of its files, under a policy of its own, also when it has not changed', async () => {
    const page = await fetch(url);
    expect(page.headers.get('content-type')).toMatch(/^text\/html/);
    const policy = page.headers.get('content-security-policy');
    expect(policy).toContain("script-src 'self'");
    const again = await fetch(url, { headers: { 'If-None-Match': page.headers.get('etag') ?? '' } });
    expect(again.status).toBe(304);
    expect(again.headers.get('content-security-policy')).toBe(policy);
    const files = (await readdir(PUBLIC)).filter((name) => name !== 'index.html');
    let weight = (await page.arrayBuffer()).byteLength;
    for (const name of files) {
      const response = await fetch(`${url}/playground/${name}`);
      expect([name, response.status]).toEqual([name, 200]);
      expect(response.headers.get('content-type')).toMatch(/^(text\/(javascript|css)|image\/svg)/);
      weight += (await response.arrayBuffer()).byteLength;
    }
    expect(files).toContain('main.js');
    expect(weight).toBeLessThan(MAX_WEIGHT);
  });

  test.each(['index.html', '../adapter.js', '%2e%2e%2fadapter.js', 'main.tsx', ''])(
    'nothing else is: /playground/%s',
    async (path) => {
      expect((await fetch(`${url}/playground/${path}`)).status).toBe(404);
    },
  );
});

describe('the guards', () => {
  test.each([
    ['another origin', { Origin: 'https://evil.example' }],
    ['another site', { 'Sec-Fetch-Site': 'cross-site', 'Sec-Fetch-Mode': 'cors', 'Sec-Fetch-Dest': 'empty' }],
  ])('keep out a page of %s', async (_, headers) => {
    for (const path of ['memory?user=Ada&channel=general', 'overview', 'events?user=Ada&channel=general']) {
      expect((await fetch(api(path), { headers })).status).toBe(403);
    }
  });

  test('with API_KEY set, open the page and its files to anybody, and nothing of the API', async () => {
    for (const path of ['/', '/playground/main.js', '/playground/page.css']) {
      expect((await fetch(locked + path)).status).toBe(200);
    }
    const paths = ['api/setup', 'api/overview', 'api/memory?user=a&channel=b', 'api/events?user=a&channel=b'];
    for (const path of paths) expect((await fetch(`${locked}/playground/${path}`)).status).toBe(401);
    for (const path of ['/stats', '/docs', '/playground/../stats', '/playground/%2e%2e/stats']) {
      expect((await fetch(locked + path)).status).toBe(401);
    }
    expect((await fetch(`${locked}/playground/api/overview`, { headers: AUTHORISED })).status).toBe(200);
  });
});

describe('a conversation', () => {
  test('is answered and shown, with what the model sees of it; a repeated message is the same message', async () => {
    const id = nextId();
    const said = () => fetch(api('messages'), message('Ada', 'My name is Ada', id)).then((response) => response.json());
    expect(sent.parse(await said())).toEqual({ kind: 'stored' });
    expect(sent.parse(await said())).toEqual({ kind: 'stored' });
    const { messages } = await untilState(
      'Ada',
      [],
      (state) => state.messages.length > 0 && state.waiting.length === 0,
    );
    expect(messages.map(({ role, turn }) => [role, turn])).toEqual([
      ['user', id],
      ['assistant', id],
    ]);
    const memory = await memoryOf('Ada');
    expect(memory.messages.map(({ seen }) => seen)).toEqual([true, true]);
    expect(memory.next).toMatchObject({ messages: 2, window_end: 'all', facts: 0, searched: 0 });
    expect(memory.next.tokens.window).toBeGreaterThan(0);
    expect(memory.facts).toEqual({ kept: [], max: 50 });
    expect(memory.conversation).toMatchObject({ key: '{web:playground:general}:u-Ada', turns: 1, corrupt: 0 });
    expect(memory.ttl).toMatchObject({ choice: null, effective: 1800 });
  });

  test('shows the files of a message by name, and what the model sees of them', async () => {
    const attachments = [{ name: 'notes.txt', type: 'text/plain', data: 'SGVsbG8=' }];
    const id = nextId();
    const said = { user: 'Paula', channel: 'general', id, text: '', attachments };
    const done = untilState('Paula', [], ({ messages }) => messages.length === 2);
    const body = JSON.stringify(said);
    expect(sent.parse(await (await fetch(api('messages'), postChat(body))).json())).toEqual({ kind: 'stored' });
    const { messages } = await done;
    expect(messages.map(({ role, files }) => [role, files])).toEqual([
      ['user', ['notes.txt']],
      ['assistant', undefined],
    ]);
    expect(JSON.stringify(messages)).not.toContain('SGVsbG8=');
    const memory = await memoryOf('Paula');
    expect(memory.next.files).toEqual(['notes.txt']);
    expect(memory.messages.map(({ files }) => files)).toEqual([['notes.txt'], undefined]);
  });

  test('that is not there is empty, and a message that never came is unknown', async () => {
    const id = nextId();
    const state = await untilState('Nobody', [id], () => true);
    expect(state).toEqual({
      messages: [],
      earlier: 0,
      waiting: [],
      settled: [{ turn: id, outcome: 'unknown', text: '' }],
    });
    expect(await memoryOf('Nobody')).toMatchObject({ conversation: null, messages: [] });
  });

  test('is forgotten by the button of a private answer, which is another person’s no use', async () => {
    await fetch(api('messages'), message('Grace', 'Hello'));
    await untilState('Grace', [], ({ messages }) => messages.length === 2);
    const asked = sent.parse(await (await fetch(api('messages'), message('Grace', '/forget'))).json());
    const action = asked.kind === 'answer' ? asked.answer.actions[0]?.id : undefined;
    const press = async (user: string) => {
      const response = await fetch(api('actions'), postChat({ user, channel: 'general', action }));
      const pressed = sent.parse(await response.json());
      return pressed.kind === 'answer' ? pressed.answer.kind : pressed.kind;
    };
    expect(await press('Mallory')).toBe('refused');
    expect((await memoryOf('Grace')).messages).toHaveLength(2);
    expect(await press('Grace')).toBe('done');
    expect((await memoryOf('Grace')).messages).toEqual([]);
  });

  test('loses the message that its author deletes, and the answer to it; another person deletes nothing', async () => {
    const shared = await open({ SESSION_SCOPE: 'channel' });
    const post = async (path: string, body: object) =>
      (await fetch(`${shared}/playground/api/${path}`, postChat({ channel: 'general', ...body }))).json();
    const id = nextId();
    await post('messages', { user: 'Ada', id, text: 'Hello' });
    await untilState('Ada', [], ({ messages }) => messages.length === 2, shared);
    expect(await post('messages/delete', { user: 'Mallory', id })).toEqual({ deleted: false });
    expect((await memoryOf('Ada', shared)).messages).toHaveLength(2);
    expect(await post('messages/delete', { user: 'Ada', id })).toEqual({ deleted: true });
    expect((await memoryOf('Ada', shared)).messages).toEqual([]);
    expect(await post('messages/delete', { user: 'Ada', id })).toEqual({ deleted: false });
  });

  test('shows what its person had the bot keep; another person removes nothing of it', async () => {
    const post = async (path: string, body: object) =>
      (await fetch(api(path), postChat({ channel: 'general', ...body }))).json();
    const asked = sent.parse(await post('messages', { user: 'Ruth', id: nextId(), text: '/remember I am vegetarian' }));
    const action = asked.kind === 'answer' ? asked.answer.actions[0]?.id : undefined;
    await post('actions', { user: 'Ruth', action });
    const { facts } = await memoryOf('Ruth');
    expect(facts?.kept.map(({ text }) => text)).toEqual(['I am vegetarian']);
    const id = facts?.kept[0]?.id;
    expect(await post('facts/remove', { user: 'Mallory', id })).toEqual({ removed: false });
    expect((await memoryOf('Ruth')).facts).toEqual(facts);
    expect(await post('facts/remove', { user: 'Ruth', id })).toEqual({ removed: true });
    expect((await memoryOf('Ruth')).facts).toEqual({ kept: [], max: 50 });
    expect(await post('facts/remove', { user: 'Ruth', id: 'no such id' })).toMatchObject({
      detail: expect.stringContaining('id must be the id of a fact'),
    });
  });

  test('of which several people share one has no facts', async () => {
    const shared = await open({ SESSION_SCOPE: 'channel' });
    expect((await memoryOf('Ada', shared)).facts).toBeNull();
    const body = { user: 'Ada', channel: 'general', id: 'a1b2c3d4' };
    const response = await fetch(`${shared}/playground/api/facts/remove`, postChat(body));
    expect([response.status, await response.json()]).toEqual([422, { detail: expect.stringContaining('share') }]);
  });

  test.each([
    ['no body', { method: 'POST', headers: { 'Content-Type': 'application/json' } }, 400],
    ['not JSON', postChat('{'), 400],
    ['another type', { method: 'POST', body: '{}', headers: { 'Content-Type': 'text/plain' } }, 415],
    ['another method', { method: 'PATCH' }, 405],
    ['no id', postChat({ user: 'Ada', channel: 'general', text: 'x' }), 422],
    ['a body that is too large', postChat({ user: 'Ada', channel: 'general', text: 'x'.repeat(20_000) }), 413],
  ])('is not touched by %s', async (_, init, status) => {
    const response = await fetch(api('messages'), init);
    expect(response.status).toBe(status);
    expect(await response.json()).toMatchObject({ detail: expect.stringMatching(/\w{3}/) });
  });

  test('refuses what is too long and what is empty, in the language of the page', async () => {
    const long = sent.parse(await (await fetch(api('messages'), message('Ada', 'x'.repeat(501)))).json());
    expect(long).toMatchObject({ kind: 'refused', text: expect.stringContaining('500') });
    const body = { user: 'Ada', channel: 'general', id: nextId(), text: ' ', locale: 'zh-CN' };
    const empty = sent.parse(await (await fetch(api('messages'), postChat(body))).json());
    expect(empty).toMatchObject({ kind: 'refused', text: expect.stringMatching(/\p{Script=Han}/u) });
  });
});

test('of a long conversation the newest messages are shown, and how many came before', async () => {
  const session = sessionOf({ user: 'Ada', channel: 'general' }, 'user');
  const now = Date.now();
  const turns = Array.from({ length: 130 }, nextId);
  const long = await open({ MAX_MESSAGES: '1000' }, async (store) => {
    for (const id of turns) {
      await runTurn(store, messageOf(session, id, { sentAt: now }), answerOf(`answer to ${id}`, { timestamp: now }));
    }
  });
  const state = await untilState('Ada', [], () => true, long);
  expect([state.messages.length, state.earlier]).toEqual([200, 60]);
  expect(state.messages.map(({ turn }) => turn)).toEqual(turns.slice(-100).flatMap((turn) => [turn, turn]));
  const memory = await memoryOf('Ada', long);
  expect([memory.messages.length, memory.conversation?.messages]).toEqual([200, 260]);
});

test('only a message that is stored leaves a note of who may stop its answer, not one that is refused or repeats it', async () => {
  const shared = await open({ SESSION_SCOPE: 'channel', MAX_MESSAGE_LENGTH: '500' });
  const store = new Database(join(folders.at(-1) ?? '', 'data', 'store.db'), { readonly: true });
  onTestFinished(() => void store.close());
  const count = z.object({ notes: z.number() });
  const notes = () => count.parse(store.prepare('SELECT count(*) AS notes FROM note').get()).notes;
  const say = async (user: string, text: string, id: string) =>
    sent.parse(await (await fetch(`${shared}/playground/api/messages`, message(user, text, id))).json()).kind;
  expect(await say('Ada', 'x'.repeat(501), nextId())).toBe('refused');
  expect(await say('Ada', ' ', nextId())).toBe('refused');
  expect(notes()).toBe(0);
  const id = nextId();
  expect(await say('Ada', 'Hello', id)).toBe('stored');
  expect(notes()).toBe(1);
  // In a shared conversation this would make the answer Mallory's to stop.
  expect(await say('Mallory', 'Hello', id)).toBe('stored');
  expect(notes()).toBe(1);
});

test('a person may follow a conversation on many pages, but not without end; who closes one may open another', async () => {
  const pages: AbortController[] = [];
  onTestFinished(() => {
    for (const page of pages) page.abort();
  });
  const follow = async (user: string) => {
    const page = new AbortController();
    pages.push(page);
    return (await fetch(api(`events?user=${user}&channel=general`), { signal: page.signal })).status;
  };
  let status = 200;
  while (status === 200 && pages.length < 100) status = await follow('Hoarder');
  expect([status, pages.length]).toEqual([429, 21]);
  expect(await follow('Reader')).toBe(200);
  pages[0]?.abort();
  await vi.waitFor(async () => expect(await follow('Hoarder')).toBe(200));
});

test('the setup names the commands in the language asked for; what managers may do, to managers only', async () => {
  const setup = async (query: string) => setupAnswer.strict().parse(await (await fetch(api(`setup?${query}`))).json());
  const { commands, scope, store } = await setup('locale=zh-CN');
  expect({ scope, store }).toEqual({ scope: 'user', store: 'sqlite' });
  expect(commands.map(({ name }) => name)).toEqual([
    'history',
    'forget',
    'remember',
    'facts',
    'ttl',
    'memstats',
    'help',
  ]);
  for (const { description } of commands) expect(description).toMatch(/\p{Script=Han}/u);
  const scopes = (all: typeof commands) => all.find(({ name }) => name === 'forget')?.options[0]?.values;
  expect(scopes(commands)).toEqual(['here', 'everywhere']);
  expect(scopes((await setup('can_manage=true')).commands)).toEqual(['here', 'everywhere', 'whole']);
});

test('the overview has a sample from the start', async () => {
  const { samples } = overviewAnswer.strict().parse(await (await fetch(api('overview'))).json());
  expect(samples.length).toBeGreaterThan(0);
});
