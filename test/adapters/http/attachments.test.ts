/** Files in the body of POST /chat. */
import { describe, expect, test } from 'vitest';
import { MAX_FILE_BYTES, MAX_FILES } from '../../../src/adapters/attachments.ts';
import { chatResponse, historyResponse } from '../../../src/adapters/http/schemas.ts';
import { allEvents, createTestApp, postChat } from './support.ts';

/** The smallest PNG, 67 bytes: https://evanhahn.com/worlds-smallest-png/ */
const PNG = 'iVBORw0KGgoAAAANSUhEUgAAAAEAAAABAQAAAAA3bvkkAAAACklEQVR4AWNgAAAAAgABc3UBGAAAAABJRU5ErkJggg==';
const HOUSE = { name: 'house.png', type: 'image/png', data: PNG };

/** Base64 of this many bytes; a multiple of three. */
const ofSize = (bytes: number) => 'A'.repeat((bytes / 3) * 4);

/** As a socket brings it: with its size. */
function post(body: unknown, headers: Readonly<Record<string, string>> = {}): RequestInit {
  const text = typeof body === 'string' ? body : JSON.stringify(body);
  return postChat(text, { ...headers, 'Content-Length': String(Buffer.byteLength(text)) });
}

function answering(options: Parameters<typeof createTestApp>[0] = {}) {
  const made = createTestApp(options);
  made.bot.answerWith = ({ attachments = [] }) => `${attachments.length} files`;
  return made;
}

describe('attachments', () => {
  test('go with the message, which may have no text of its own', async () => {
    const { app, bot } = answering();
    const attachments = [HOUSE, { name: '说明.txt', data: 'SGk=' }];
    const response = await app.request('/chat', postChat({ user_id: 'a', message: '', attachments }));
    expect(response.status).toBe(200);
    expect(bot.taken[0]).toMatchObject({
      text: '',
      attachments: [
        { ...HOUSE, size: 67 },
        { name: '说明.txt', size: 2, data: 'SGk=' },
      ],
    });
  });

  test('are in the history by name', async () => {
    const { app } = answering();
    await app.request('/chat', postChat({ user_id: 'a', message: 'What is it?', attachments: [HOUSE] }));
    const text = await (await app.request('/history/a')).text();
    expect(text).not.toContain(PNG.slice(0, 20));
    const { messages } = historyResponse.parse(JSON.parse(text));
    expect(messages.map(({ files }) => files)).toEqual([['house.png'], undefined]);
  });

  test.each([
    ['no list', { a: 1 }, /attachments must be a list/],
    ['no object', ['house.png'], /Each attachment must be an object/],
    ['no name', [{ data: PNG }], /needs a name/],
    ['an empty name', [{ name: ' ', data: PNG }], /name of an attachment must not be empty/],
    ['a long name', [{ name: 'a'.repeat(256), data: PNG }], /at most 255 characters/],
    ['a lone surrogate in the name', [{ name: '\ud83d', data: PNG }], /lone surrogate/],
    ['a type that is no text', [{ name: 'a', type: 1, data: PNG }], /type of an attachment must be a string/],
    ['no data', [{ name: 'a' }], /must be the file in base64/],
    ['empty data', [{ name: 'a', data: '' }], /must be the file in base64/],
    ['a data: URL', [{ name: 'a', data: `data:image/png;base64,${PNG}` }], /must be the file in base64/],
    ['base64 with line breaks', [{ name: 'a', data: 'AAAA\nAAA' }], /must be the file in base64/],
    ['base64 without its padding', [{ name: 'a', data: 'SGk' }], /must be the file in base64/],
    ['padding in the middle', [{ name: 'a', data: 'SG==SGk=' }], /must be the file in base64/],
    ['padding alone', [{ name: 'a', data: '====' }], /must be the file in base64/],
    ['the URL alphabet', [{ name: 'a', data: 'SG-_' }], /must be the file in base64/],
    ['too many', Array.from({ length: MAX_FILES + 1 }, () => HOUSE), /at most 10 files/],
  ])('with %s get 422, and nothing is stored', async (_, attachments, detail) => {
    const { app, bot } = createTestApp();
    const response = await app.request('/chat', postChat({ user_id: 'a', message: 'b', attachments }));
    expect(response.status).toBe(422);
    expect(await response.json()).toEqual({ detail: expect.stringMatching(detail) });
    expect(bot.taken).toEqual([]);
  });

  test('may be as large as allowed together, and not a byte more', async () => {
    const { app, bot } = answering();
    const size = MAX_FILE_BYTES / 5 - 2;
    const files = Array.from({ length: 4 }, (_, index) => ({ name: String(index), data: ofSize(size - (size % 3)) }));
    const rest = MAX_FILE_BYTES - files.length * (size - (size % 3));
    const last = (bytes: number) => ({ name: 'last', data: Buffer.alloc(bytes).toString('base64') });
    const send = (bytes: number) =>
      app.request('/chat', post({ user_id: 'a', message: 'b', attachments: [...files, last(bytes)] }));
    expect((await send(rest)).status).toBe(200);
    const refused = await send(rest + 1);
    expect(refused.status).toBe(413);
    expect(await refused.json()).toEqual({ detail: expect.stringContaining('at most 5000000 bytes with one message') });
    expect(bot.taken).toHaveLength(1);
  });

  test('that were not read are named with the reason, and a note says it in the language of the caller', async () => {
    const { app, bot } = createTestApp();
    const headers = { 'Accept-Language': 'zh-CN' };
    const waiting = app.request('/chat', postChat({ user_id: 'a', message: 'b', attachments: [HOUSE] }, headers));
    await expect.poll(() => bot.taken).toHaveLength(1);
    const unread = [{ name: 'house.png', why: 'no_vision' as const }];
    bot.commit(bot.taken[0]?.turnId ?? '', 'A house?', unread);
    const answer = chatResponse.strict().parse(await (await waiting).json());
    expect(answer).toMatchObject({ response: 'A house?', unread, note: expect.stringContaining('house.png') });
    expect(answer.note).toMatch(/模型/);
  });

  test('work with a stream, which names the unread ones in its last event', async () => {
    const { app, bot } = createTestApp();
    const headers = { Accept: 'text/event-stream' };
    const response = app.request('/chat', postChat({ user_id: 'a', message: 'b', attachments: [HOUSE] }, headers));
    await expect.poll(() => bot.taken).toHaveLength(1);
    bot.commit(bot.taken[0]?.turnId ?? '', 'A house?', [{ name: 'house.png', why: 'malformed' }]);
    const done = (await allEvents(await response)).at(-1);
    expect(done).toMatchObject({ event: 'done', data: { unread: [{ name: 'house.png', why: 'malformed' }] } });
  });

  test('are part of what an Idempotency-Key names', async () => {
    const { app, bot } = answering();
    const headers = { 'Idempotency-Key': 'one' };
    const post = (attachments: readonly object[]) =>
      app.request('/chat', postChat({ user_id: 'a', message: 'b', attachments }, headers));
    expect((await post([HOUSE])).status).toBe(200);
    expect((await post([HOUSE])).status).toBe(200);
    expect((await post([{ ...HOUSE, name: 'b.png' }])).status).toBe(422);
    expect((await post([{ ...HOUSE, data: 'SGk=' }])).status).toBe(422);
    expect((await post([])).status).toBe(422);
    expect(bot.taken).toHaveLength(1);
  });
});

describe('large bodies', () => {
  const large = { user_id: 'a', message: 'b', attachments: [{ name: 'a', data: ofSize(30_000) }] };

  test('wait for room: without it 503 says when to try again, and small ones go on', async () => {
    const { app, bot } = answering({ bodyRoom: 30_000 });
    const refused = await app.request('/chat', post(large));
    expect(refused.status).toBe(503);
    expect(refused.headers.get('retry-after')).toBe('1');
    expect(await refused.json()).toEqual({ detail: expect.stringContaining('Send the message again') });
    expect((await app.request('/chat', postChat({ user_id: 'a', message: 'b' }))).status).toBe(200);
    expect(bot.taken).toHaveLength(1);
  });

  test('give their room back, also when they are refused', async () => {
    const { app } = answering({ bodyRoom: 45_000 });
    const statuses: number[] = [];
    for (const body of [
      large,
      { ...large, user_id: 1 },
      { ...large, attachments: undefined, a: 'a'.repeat(40_000) },
      large,
    ]) {
      statuses.push((await app.request('/chat', post(body))).status);
    }
    expect(statuses).toEqual([200, 422, 413, 200]);
  });

  test('keep their room while they are stored, and no longer', async () => {
    const { app, bot } = createTestApp({ bodyRoom: 45_000 });
    const first = app.request('/chat', post(large));
    // It waits for its answer: its files are stored, and another message has room.
    await expect.poll(() => bot.taken).toHaveLength(1);
    const second = app.request('/chat', post({ ...large, user_id: 'c' }));
    await expect.poll(() => bot.taken).toHaveLength(2);
    for (const { turnId } of bot.taken) bot.commit(turnId, 'ok');
    expect((await first).status).toBe(200);
    expect((await second).status).toBe(200);
  });

  test('say how large they are: no room is reserved for one that does not', async () => {
    const { app, bot } = answering();
    const response = await app.request('/chat', postChat(large));
    expect(response.status).toBe(413);
    expect(bot.taken).toEqual([]);
  });

  test.each([',', '[', '{'])('of %j alone are not parsed', async (character) => {
    const { app } = createTestApp();
    const response = await app.request('/chat', post(character.repeat(1_000_000)));
    expect(response.status).toBe(413);
    expect(await response.json()).toEqual({ detail: 'The body has too many values.' });
  });
});
