import { describe, expect, test } from 'vitest';
import { isLoopback, proxyHeader, type RequestOrigin, refuseForeign } from '../../../src/adapters/http/guard.ts';
import { createTestApp, postChat } from './support.ts';

function request(parts: Partial<RequestOrigin> = {}): RequestOrigin {
  const none = { origin: undefined, site: undefined, mode: undefined, dest: undefined };
  return { method: 'POST', path: '/chat', host: '127.0.0.1:8000', ...none, ...parts };
}

describe('on the loopback interface', () => {
  test.each(['127.0.0.1:8000', '127.0.0.1', '127.8.9.10:1', 'localhost:8000', 'LOCALHOST', '[::1]:8000'])(
    'the host %s is served',
    (host) => {
      expect(refuseForeign(request({ host }))).toBeUndefined();
    },
  );

  test.each([
    undefined,
    '',
    'evil.example',
    'evil.example:8000',
    'localhost.evil.example',
    '127.0.0.1.evil.example',
    'evil.example@127.0.0.1',
    '10.0.0.1:8000',
    '[::2]',
    'localhost:8000:evil',
    '0.0.0.0:8000',
  ])('the host %s is refused: a name pointed at this machine (DNS rebinding)', (host) => {
    expect(refuseForeign(request({ host }))).toMatch(/localhost only/);
  });

  test('a page of this server may call it', () => {
    expect(
      refuseForeign(request({ origin: 'http://127.0.0.1:8000', site: 'same-origin', mode: 'cors' })),
    ).toBeUndefined();
  });

  test.each([
    'https://evil.example',
    'http://127.0.0.1:3000',
    'http://localhost:8000',
    'https://127.0.0.1:8000',
    'null',
    '',
  ])('a page of the origin %j may not', (origin) => {
    expect(refuseForeign(request({ origin }))).toMatch(/another origin/);
  });

  test.each(['cross-site', 'same-site', 'sideways'])(
    'a browser that says %s is refused without an Origin too',
    (site) => {
      expect(
        refuseForeign(request({ method: 'GET', path: '/history/grace', site, mode: 'no-cors', dest: 'script' })),
      ).toMatch(/another site/);
    },
  );

  test('a link on another site may open a page, and nothing else', () => {
    const visit = { method: 'GET', site: 'cross-site', mode: 'navigate', dest: 'document' };
    expect(refuseForeign(request({ ...visit, path: '/docs' }))).toBeUndefined();
    expect(refuseForeign(request({ ...visit, path: '/history/grace' }))).toMatch(/another site/);
    expect(refuseForeign(request({ ...visit, path: '/docs', dest: 'iframe' }))).toMatch(/another site/);
    expect(refuseForeign(request({ ...visit, path: '/docs', method: 'POST' }))).toMatch(/another site/);
  });

  test.each([
    ['127.0.0.1', true],
    ['127.1.2.3', true],
    ['localhost', true],
    ['::1', true],
    ['0.0.0.0', false],
    ['::', false],
    ['192.168.1.5', false],
    ['bot.example', false],
  ])('HOST=%s is on it: %s', (host, loopback) => {
    expect(isLoopback(host)).toBe(loopback);
  });

  test('what is refused reaches no route, and is counted', async () => {
    const { app, bot, refused } = createTestApp();
    const headers = { Origin: 'https://evil.example' };
    const response = await app.request('/chat', postChat({ user_id: 'a', message: 'b' }, headers));
    expect(response.status).toBe(403);
    expect(await response.json()).toEqual({ detail: 'Web pages of another origin may not call this server.' });
    expect(response.headers.get('access-control-allow-origin')).toBeNull();
    expect((await app.request('/chat', { method: 'OPTIONS', headers })).status).toBe(403);
    expect((await app.request('http://evil.example/stats')).status).toBe(403);
    expect(bot.taken).toEqual([]);
    expect(refused).toEqual([403, 403, 403]);
  });
});

describe('with an API key', () => {
  const KEY = 'a-long-random-word';

  test.each([
    ['/stats', 'GET'],
    ['/metrics', 'GET'],
    ['/history/grace', 'GET'],
    ['/history/grace', 'DELETE'],
    ['/ttl/grace?new_ttl=60', 'PUT'],
    ['/chat', 'POST'],
    ['/openapi.json', 'GET'],
    ['/docs', 'GET'],
    ['/nowhere', 'GET'],
    ['/stats', 'HEAD'],
    ['/Health', 'GET'],
  ])('%s (%s) is closed without it', async (path, method) => {
    const { app } = createTestApp({ local: false, apiKey: KEY });
    const response = await app.request(path, { method });
    expect(response.status).toBe(401);
    expect(response.headers.get('www-authenticate')).toBe('Bearer');
    if (method !== 'HEAD') expect(await response.json()).toEqual({ detail: expect.stringContaining('Bearer') });
  });

  test.each([
    'Bearer wrong',
    `Bearer ${KEY}x`,
    `Bearer ${KEY.slice(1)}`,
    `Bearer ${KEY.slice(0, -1)}`,
    `Basic ${KEY}`,
    KEY,
    'Bearer ',
    `Bearer ${KEY} x`,
  ])('"%s" does not open it', async (authorization) => {
    const { app } = createTestApp({ local: false, apiKey: KEY });
    const response = await app.request('/stats', { headers: { Authorization: authorization } });
    expect(response.status).toBe(401);
  });

  test.each([`Bearer ${KEY}`, `bearer ${KEY}`])('"%s" opens it, from any host', async (authorization) => {
    const { app } = createTestApp({ local: false, apiKey: KEY });
    const response = await app.request('http://bot.example/stats', { headers: { Authorization: authorization } });
    expect(response.status).toBe(200);
  });

  test('/health is open to all', async () => {
    const { app } = createTestApp({ local: false, apiKey: KEY });
    expect((await app.request('/health')).status).toBe(200);
  });

  test('on the loopback interface both guards stand', async () => {
    const { app } = createTestApp({ local: true, apiKey: KEY });
    const headers = { Authorization: `Bearer ${KEY}` };
    expect((await app.request('/stats', { headers })).status).toBe(200);
    expect((await app.request('/stats')).status).toBe(401);
    expect((await app.request('http://evil.example/stats', { headers })).status).toBe(403);
  });
});

describe('behind a proxy', () => {
  const HEADERS = [
    'Forwarded',
    'X-Forwarded-For',
    'X-Forwarded-Host',
    'X-Forwarded-Proto',
    'X-Forwarded-Server',
    'X-Vercel-Forwarded-For',
    'X-Real-IP',
    'Via',
    'CDN-Loop',
    'CF-Connecting-IP',
    'CF-Connecting-IPv6',
    'CF-Ray',
    'True-Client-IP',
    'X-Client-IP',
    'X-Cluster-Client-IP',
    'Fastly-Client-IP',
    'Fly-Client-IP',
    'X-Azure-ClientIP',
    'X-AppEngine-User-IP',
    'X-Original-Host',
    'X-Original-URL',
    'X-Original-Forwarded-For',
    'X-Envoy-External-Address',
    'X-Amzn-Trace-Id',
  ];

  test.each(HEADERS)('a request with %s is refused while there is no key, and told what to set', async (name) => {
    const { app } = createTestApp();
    for (const [method, path] of [
      ['GET', '/history/grace'],
      ['DELETE', '/history/grace'],
      ['PUT', '/ttl/grace?new_ttl=600'],
      ['GET', '/stats'],
      ['GET', '/metrics'],
      ['GET', '/docs'],
      ['GET', '/nowhere'],
    ]) {
      const response = await app.request(`http://127.0.0.1${path}`, { method, headers: { [name]: 'anything' } });
      expect([path, response.status]).toEqual([path, 403]);
      expect(await response.json()).toEqual({ detail: expect.stringContaining('Set API_KEY') });
    }
    const said = await app.request(
      'http://127.0.0.1/chat',
      postChat({ user_id: 'grace', message: 'Hi' }, { [name]: '' }),
    );
    expect(said.status).toBe(403);
  });

  test('/health is answered: it tells nothing of anybody', async () => {
    const { app } = createTestApp();
    const response = await app.request('http://127.0.0.1/health', { headers: { 'X-Forwarded-For': '192.0.2.1' } });
    expect(response.status).toBe(200);
  });

  test('a request with the key is served', async () => {
    const { app } = createTestApp({ apiKey: 'a-long-random-word' });
    const headers = { 'X-Forwarded-For': '192.0.2.1', Via: '1.1 proxy', Authorization: 'Bearer a-long-random-word' };
    expect((await app.request('http://127.0.0.1/stats', { headers })).status).toBe(200);
  });

  test('what browsers, curl and tracing send by themselves is no sign of one', () => {
    const sent = [
      'Host',
      'User-Agent',
      'Accept',
      'Accept-Language',
      'Origin',
      'Referer',
      'Cookie',
      'Connection',
      'Priority',
    ];
    const more = [
      'Sec-Fetch-Site',
      'Sec-CH-UA',
      'X-Request-Id',
      'Traceparent',
      'Idempotency-Key',
      'DNT',
      'Upgrade-Insecure-Requests',
    ];
    expect(proxyHeader([...sent, ...more])).toBeUndefined();
  });
});
