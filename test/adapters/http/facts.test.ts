/** The routes of /facts, and DELETE /history with facts. */
import { describe, expect, test } from 'vitest';
import { z } from 'zod';
import { factResponse, factsRemovedResponse, factsResponse } from '../../../src/adapters/http/schemas.ts';
import { createTestApp, NOW, postChat, type TestApp } from './support.ts';

function helpers({ app }: TestApp) {
  const detail = z.object({ detail: z.string() }).strict();
  return {
    keep: (text: unknown, user = 'ada') => app.request(`/facts/${user}`, postChat({ text })),
    async list(user = 'ada') {
      const response = await app.request(`/facts/${user}`);
      expect(response.status).toBe(200);
      return factsResponse.strict().parse(await response.json()).facts;
    },
    remove: (path: string) => app.request(path, { method: 'DELETE' }),
    refused: async (response: Response) =>
      [response.status, detail.parse(await response.json()).detail] as readonly [number, string],
  };
}

describe('/facts', () => {
  test('keeps facts of a user, gives them, and keeps the same one once', async () => {
    const { keep, list } = helpers(createTestApp());
    expect(await list()).toEqual([]);
    const response = await keep('I am\r\nvegetarian\u0007 ');
    expect(response.status).toBe(201);
    const fact = factResponse.strict().parse(await response.json());
    expect(fact).toMatchObject({
      id: expect.stringMatching(/^[a-z0-9]{8}$/),
      text: 'I am\nvegetarian',
      said_at: new Date(NOW).toISOString(),
    });
    const again = await keep('I am\nvegetarian');
    expect(again.status).toBe(200);
    expect(await again.json()).toEqual(fact);
    expect(await list()).toEqual([fact]);
    expect(await list('grace')).toEqual([]);
  });

  test('refuses what is no fact, and more than can be kept', async () => {
    const { keep, list, refused } = helpers(createTestApp());
    expect(await refused(await keep('x'.repeat(501)))).toEqual([
      422,
      expect.stringContaining('at most 500 characters'),
    ]);
    for (const text of ['', ' \n ', '\u0007\u202e', undefined, 5, '\ud800']) {
      expect((await refused(await keep(text)))[0]).toBe(422);
    }
    for (let n = 0; n < 50; n += 1) expect((await keep(`fact ${n}`)).status).toBe(201);
    expect(await refused(await keep('one more'))).toEqual([409, expect.stringContaining('50')]);
    expect(await list()).toHaveLength(50);
  });

  test('removes one by its id, or all', async () => {
    const { keep, list, remove, refused } = helpers(createTestApp());
    for (const text of ['one', 'two', 'three']) await keep(text);
    const [, two] = await list();
    const removed = await remove(`/facts/ada/${two?.id}`);
    expect(factsRemovedResponse.strict().parse(await removed.json())).toMatchObject({ user_id: 'ada', removed: 1 });
    expect((await list()).map(({ text }) => text)).toEqual(['one', 'three']);
    expect((await refused(await remove(`/facts/ada/${two?.id}`)))[0]).toBe(404);
    expect((await refused(await remove('/facts/grace')))[0]).toBe(404);
    expect(await (await remove('/facts/ada')).json()).toEqual({ message: 'Facts removed', user_id: 'ada', removed: 2 });
    expect(await list()).toEqual([]);
  });

  test('takes every user_id that a path can carry, decoded once', async () => {
    const { keep, list, remove } = helpers(createTestApp());
    const user = encodeURIComponent('a/b%2Fc 你好');
    await keep('one', user);
    const [fact] = await list(user);
    expect(fact?.text).toBe('one');
    expect((await remove(`/facts/${user}/${fact?.id}`)).status).toBe(200);
    expect(await list(user)).toEqual([]);
  });

  test('counts against the limit of the person', async () => {
    const world = createTestApp();
    const { keep, remove } = helpers(world);
    const limited = { retryAfterMs: 4_200, tell: true };
    world.bot.limited = { kind: 'refused', text: 'Slowly', actions: [], files: [], limited };
    for (const response of [await keep('one'), await remove('/facts/ada'), await remove('/facts/ada/abcdefgh')]) {
      expect(response.status).toBe(429);
      expect(response.headers.get('retry-after')).toBe('5');
    }
  });
});

describe('DELETE /history', () => {
  test('removes facts too, unless it is told to keep them', async () => {
    const world = createTestApp();
    world.bot.answerWith = () => 'answer';
    const { keep, list, remove, refused } = helpers(world);
    const say = () => world.app.request('/chat', postChat({ user_id: 'ada', message: 'Hello' }));
    await say();
    await keep('one');
    expect((await remove('/history/ada?keep_facts=true')).status).toBe(200);
    expect(await list()).toHaveLength(1);
    expect((await refused(await remove('/history/ada?keep_facts=true')))[0]).toBe(404);
    expect(await refused(await remove('/history/ada?keep_facts=1'))).toEqual([
      422,
      'keep_facts must be true or false.',
    ]);
    // There is no conversation any more, and yet something to remove.
    expect((await remove('/history/ada')).status).toBe(200);
    expect(await list()).toEqual([]);
    await say();
    await keep('one');
    expect((await remove('/history/ada?keep_facts=false')).status).toBe(200);
    expect(await list()).toEqual([]);
    expect((await refused(await remove('/history/ada')))[0]).toBe(404);
  });
});
