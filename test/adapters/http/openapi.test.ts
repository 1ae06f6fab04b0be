import { describe, expect, test } from 'vitest';
import { z } from 'zod';
import { openApiDocument } from '../../../src/adapters/http/openapi.ts';
import { streamEvents } from '../../../src/adapters/http/schemas.ts';
import { createTestApp, LIMITS, postChat } from './support.ts';

/** The parts of a document that these tests look at. */
const documentShape = z.object({
  openapi: z.string(),
  security: z.array(z.unknown()).optional(),
  components: z.object({ schemas: z.record(z.string(), z.record(z.string(), z.unknown())) }),
  paths: z.record(
    z.string(),
    z.record(z.string(), z.looseObject({ operationId: z.string(), responses: z.record(z.string(), z.unknown()) })),
  ),
});

const document = documentShape.parse(openApiDocument({ limits: LIMITS, withKey: false }));

describe('the OpenAPI document', () => {
  test('is served as it is', async () => {
    const { app } = createTestApp();
    const response = await app.request('/openapi.json');
    expect(response.headers.get('content-type')).toBe('application/json');
    expect(documentShape.parse(await response.json())).toEqual(document);
  });

  test('describes every route but its own page, and no other', () => {
    const { app } = createTestApp();
    const routes = app.routes
      .filter(({ method, path }) => method !== 'ALL' && !path.startsWith('/docs') && path !== '/openapi.json')
      .map(({ method, path }) => `${method} ${path.replace(/:(\w+)/g, '{$1}')}`);
    const described = Object.entries(document.paths).flatMap(([path, operations]) =>
      Object.keys(operations).map((method) => `${method.toUpperCase()} ${path}`),
    );
    expect(described.sort()).toEqual(routes.sort());
  });

  test('refers to nothing that is not there', () => {
    const references = [...JSON.stringify(document).matchAll(/#\/components\/schemas\/(\w+)/g)].map(([, name]) => name);
    expect(references.length).toBeGreaterThan(10);
    for (const name of references) expect(document.components.schemas).toHaveProperty(name ?? '');
  });

  test('names the bounds', () => {
    expect(document.components.schemas.ChatRequest).toMatchObject({
      required: ['user_id', 'message'],
      properties: {
        user_id: { type: 'string', minLength: 1, maxLength: 128 },
        message: { type: 'string', maxLength: LIMITS.maxMessageChars },
      },
    });
    expect(JSON.stringify(document.components.schemas.ChatRequest)).toContain('"maximum":2592000');
    expect(JSON.stringify(document.paths['/ttl/{user_id}'])).toContain('"minimum":60,"maximum":2592000');
  });

  test('names every event of the stream', () => {
    const chat = JSON.stringify(document.paths['/chat']);
    for (const name of Object.keys(streamEvents)) {
      expect(chat).toContain(`\`${name}\``);
      expect(document.components.schemas).toHaveProperty(`Event_${name}`);
    }
  });

  test('asks for the key where the server does', async () => {
    expect(document.security).toBeUndefined();
    const withKey = documentShape.parse(openApiDocument({ limits: LIMITS, withKey: true }));
    expect(withKey.security).toEqual([{ bearer: [] }]);
    expect(withKey.paths['/stats']?.get?.responses).toHaveProperty('401');
  });

  test('names the status of each of these answers', async () => {
    const { app, bot } = createTestApp({ timings: { answerMs: 5 } });
    const seen: (readonly [path: string, method: string, status: number])[] = [];
    const ask = async (described: string, path: string, init: RequestInit = {}) => {
      const { status } = await app.request(path, init);
      seen.push([described, (init.method ?? 'GET').toLowerCase(), status]);
    };
    await ask('/chat', '/chat', postChat({ user_id: 'a', message: 'b' }));
    bot.answerWith = () => 'c';
    await ask('/chat', '/chat', postChat({ user_id: 'a', message: 'b' }));
    await ask('/chat', '/chat', postChat('{'));
    await ask('/chat', '/chat', postChat({}));
    await ask('/chat', '/chat', postChat('x'.repeat(20_000)));
    await ask('/chat', '/chat', postChat({}, { 'Content-Type': 'text/plain' }));
    bot.next({ kind: 'rate_limited', text: 'Slowly', retryAfterMs: 1, tell: true });
    await ask('/chat', '/chat', postChat({ user_id: 'a', message: 'b' }));
    await ask('/history/{user_id}', '/history/a');
    await ask('/history/{user_id}', '/history/nobody');
    await ask('/history/{user_id}', '/history/%ff');
    await ask('/ttl/{user_id}', '/ttl/a?new_ttl=60', { method: 'PUT' });
    await ask('/ttl/{user_id}', '/ttl/a?new_ttl=1', { method: 'PUT' });
    await ask('/ttl/{user_id}', '/ttl/nobody?new_ttl=60', { method: 'PUT' });
    await ask('/history/{user_id}', '/history/a', { method: 'DELETE' });
    await ask('/history/{user_id}', '/history/a', { method: 'DELETE' });
    await ask('/history/{user_id}', '/history/a?keep_facts=perhaps', { method: 'DELETE' });
    for (const text of ['one', 'one', '', 'x'.repeat(501), 5]) {
      await ask('/facts/{user_id}', '/facts/a', postChat({ text }));
    }
    await ask('/facts/{user_id}', '/facts/a', postChat('{'));
    await ask('/facts/{user_id}', '/facts/a');
    await ask('/facts/{user_id}', '/facts/%ff');
    await ask('/facts/{user_id}/{fact_id}', '/facts/a/unknown0', { method: 'DELETE' });
    await ask('/facts/{user_id}', '/facts/a', { method: 'DELETE' });
    await ask('/facts/{user_id}', '/facts/a', { method: 'DELETE' });
    for (let n = 0; n <= 50; n += 1) await ask('/facts/{user_id}', '/facts/a', postChat({ text: `fact ${n}` }));
    for (const path of ['/stats', '/health', '/metrics']) await ask(path, path);
    await ask('/stats', '/stats', { headers: { Origin: 'null' } });
    const statuses = new Set(seen.map(([, , status]) => status));
    expect([...statuses].sort()).toEqual([200, 201, 202, 400, 403, 404, 409, 413, 415, 422, 429]);
    for (const [path, method, status] of seen) {
      expect(document.paths[path]?.[method]?.responses, `${method} ${path}`).toHaveProperty(String(status));
    }
  });
});

describe('the page to try it', () => {
  test('needs no script but those of files of this server', async () => {
    const { app } = createTestApp();
    const response = await app.request('/docs');
    expect(response.headers.get('content-type')).toMatch(/^text\/html/);
    const policy = response.headers.get('content-security-policy') ?? '';
    expect(policy).toContain("script-src 'self'");
    expect(policy).not.toMatch(/unsafe|\*|https?:/);
    const page = await response.text();
    expect(page).not.toMatch(/<script(?![^>]*\bsrc=)|\son\w+=|\sstyle=|<style/);
    const files = [...page.matchAll(/(?:src|href)="([^"]+)"/g)].map(([, file]) => file ?? '');
    expect(files).toHaveLength(4);
    for (const file of files) {
      expect(file).not.toMatch(/^(?:https?:)?\/\//);
      const asset = await app.request(`/${file}`);
      expect(asset.status, file).toBe(200);
      expect(asset.headers.get('content-type'), file).not.toMatch(/json|html/);
      expect((await asset.arrayBuffer()).byteLength, file).toBeGreaterThan(50);
    }
  });

  test('opens the document of this server', async () => {
    const { app } = createTestApp();
    expect(await (await app.request('/docs/start.js')).text()).toContain("url: 'openapi.json'");
  });
});
