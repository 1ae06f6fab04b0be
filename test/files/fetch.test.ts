/** Downloads for adapters: what may be fetched, and the limits of one download. */
import type { ServerResponse } from 'node:http';
import { brotliCompressSync, constants, gzipSync } from 'node:zlib';
import { afterEach, describe, expect, it } from 'vitest';
import { type FetchBytesOptions, fetchBytes, publicLookup, type Resolve } from '../../src/files/fetch.ts';
import { type FileServer, startFileServer } from './file-server.ts';

let server: FileServer | undefined;

afterEach(async () => {
  await server?.close();
  server = undefined;
});

const serve = async (respond: Parameters<typeof startFileServer>[0]) => {
  server = await startFileServer(respond);
  return server;
};

const OPTIONS = { hosts: [], maxBytes: 1_000_000, signal: new AbortController().signal };

/** From a server that was configured. */
const get = ({ origin }: FileServer, options: Partial<FetchBytesOptions> = {}) =>
  fetchBytes(`${origin}/file`, { ...OPTIONS, origins: [origin], ...options });

const status =
  (code: number, headers: Record<string, string> = {}) =>
  (response: ServerResponse) =>
    void response.writeHead(code, headers).end('no file');

describe('fetchBytes', () => {
  it('gives the bytes, and the type without parameters', async () => {
    const fake = await serve((response) =>
      response.setHeader('content-type', 'Text/Plain; charset=UTF-8').end('Grüße'),
    );
    const result = await get(fake, { headers: { authorization: 'Bearer xoxb-1' } });
    expect(result).toEqual({ kind: 'fetched', bytes: Buffer.from('Grüße'), contentType: 'text/plain' });
    expect(fake.requests[0]?.headers).toMatchObject({ authorization: 'Bearer xoxb-1', 'accept-encoding': 'identity' });
  });

  it('gives a large body whole', async () => {
    const body = Buffer.alloc(900_000, 'abcdefg');
    const fake = await serve((response) => {
      for (let at = 0; at < body.length; at += 7_001) response.write(body.subarray(at, at + 7_001));
      response.end();
    });
    const result = await get(fake);
    expect(result.kind === 'fetched' && body.equals(result.bytes)).toBe(true);
  });

  it('gives an empty file', async () => {
    const fake = await serve((response) => response.end());
    expect(await get(fake)).toMatchObject({ kind: 'fetched', bytes: Buffer.alloc(0) });
  });

  it('lets the caller see an HTML page in place of the file', async () => {
    const fake = await serve((response) =>
      response.setHeader('content-type', 'text/html; charset=utf-8').end('<html>'),
    );
    expect(await get(fake)).toMatchObject({ kind: 'fetched', contentType: 'text/html' });
  });

  it.each([
    [301, 'refused'],
    [302, 'refused'],
    [400, 'refused'],
    [401, 'refused'],
    [403, 'refused'],
    [404, 'gone'],
    [410, 'gone'],
    [413, 'too_large'],
    [204, 'failed'],
  ])('answers status %i with %s, without another try', async (code, why) => {
    const fake = await serve(status(code, { location: 'https://files.example/other' }));
    expect(await get(fake)).toEqual({ kind: 'unread', why, status: code });
    expect(fake.requests).toHaveLength(1);
  });

  it.each([429, 500, 503])('tries again after status %i', async (code) => {
    const fake = await serve((response) => {
      if (fake.requests.length === 1) status(code, { 'retry-after': '0' })(response);
      else response.end('file');
    });
    expect(await get(fake)).toMatchObject({ kind: 'fetched' });
    expect(fake.requests).toHaveLength(2);
  });

  it('fails after three tries', async () => {
    const fake = await serve(status(502));
    expect(await get(fake)).toEqual({ kind: 'unread', why: 'failed', status: 502 });
    expect(fake.requests).toHaveLength(3);
  });

  it.each(['3600', new Date(Date.now() + 3_600_000).toUTCString()])(
    'does not wait longer than it has time (Retry-After: %s)',
    async (retryAfter) => {
      const fake = await serve(status(429, { 'retry-after': retryAfter }));
      expect(await get(fake)).toEqual({ kind: 'unread', why: 'failed', status: 429 });
      expect(fake.requests).toHaveLength(1);
    },
  );

  it('tries again when the connection breaks in the middle', async () => {
    const fake = await serve((response) => {
      if (fake.requests.length > 1) return void response.end('whole');
      response.writeHead(200, { 'content-length': 100 });
      response.write('half', () => response.destroy());
    });
    expect(await get(fake)).toMatchObject({ kind: 'fetched', bytes: Buffer.from('whole') });
  });

  it('rejects with the reason of the signal, during the download and while it waits', async () => {
    const reason = new Error('the lease ended');
    const whileLoading = new AbortController();
    const silent = await serve((response) => response.writeHead(200).write('a', () => whileLoading.abort(reason)));
    await expect(get(silent, { signal: whileLoading.signal })).rejects.toBe(reason);
    await silent.close();

    const whileWaiting = new AbortController();
    const busy = await serve((response) => {
      status(429, { 'retry-after': '10' })(response);
      setTimeout(() => whileWaiting.abort(reason), 50);
    });
    await expect(get(busy, { signal: whileWaiting.signal })).rejects.toBe(reason);
    await expect(get(busy, { signal: whileWaiting.signal })).rejects.toBe(reason);
    expect(busy.requests).toHaveLength(1);
  });
});

describe('limits of a download', () => {
  it('does not download what says that it is too large', async () => {
    const fake = await serve((response) => void response.writeHead(200, { 'content-length': 5_000 }).write('a'));
    expect(await get(fake, { maxBytes: 4_999 })).toEqual({ kind: 'unread', why: 'too_large' });
  });

  it('takes a file of exactly the limit', async () => {
    const fake = await serve((response) => void response.write(Buffer.alloc(4_999), () => response.end()));
    expect(await get(fake, { maxBytes: 4_999 })).toMatchObject({ kind: 'fetched' });
    expect(await get(fake, { maxBytes: 4_998 })).toEqual({ kind: 'unread', why: 'too_large' });
  });

  it('ends an endless stream, and its connection', async () => {
    let closed = false;
    const fake = await serve((response) => {
      const more = () => void (response.destroyed || response.write(Buffer.alloc(65_536), () => setImmediate(more)));
      response.on('close', () => {
        closed = true;
      });
      more();
    });
    expect(await get(fake)).toEqual({ kind: 'unread', why: 'too_large' });
    await expect.poll(() => closed).toBe(true);
  });

  it.each([
    ['gzip', gzipSync],
    ['br', (data: Buffer) => brotliCompressSync(data, { params: { [constants.BROTLI_PARAM_QUALITY]: 1 } })],
  ])('ends a decompression bomb (%s)', async (encoding, compress) => {
    const bomb = compress(Buffer.alloc(20_000_000));
    expect(bomb.length).toBeLessThan(1_000_000);
    const fake = await serve((response) => void response.setHeader('content-encoding', encoding).end(bomb));
    expect(await get(fake)).toEqual({ kind: 'unread', why: 'too_large' });
  });

  it('decompresses a small file, and names a damaged one', async () => {
    const fake = await serve((response, { headers }) => {
      response.setHeader('content-encoding', 'gzip').end(headers['x-damaged'] ? 'not gzip' : gzipSync('a file'));
    });
    expect(await get(fake)).toMatchObject({ kind: 'fetched', bytes: Buffer.from('a file') });
    expect(await get(fake, { headers: { 'x-damaged': '1' } })).toEqual({ kind: 'unread', why: 'malformed' });
  });

  it('fails for an encoding that it does not know', async () => {
    const fake = await serve((response) => void response.setHeader('content-encoding', 'zstd').end('a file'));
    expect(await get(fake)).toEqual({ kind: 'unread', why: 'failed' });
  });

  it('gives up a server that accepts and is silent', async () => {
    const fake = await serve(() => {});
    expect(await get(fake, { stallMs: 30 })).toMatchObject({ kind: 'unread', why: 'failed' });
    expect(fake.requests).toHaveLength(3);
  });

  it('gives up a server that sends a byte at a time', async () => {
    const fake = await serve((response) => {
      const more = () => void (response.destroyed || response.write('a', () => setTimeout(more, 5)));
      more();
    });
    expect(await get(fake, { timeoutMs: 200 })).toEqual({ kind: 'unread', why: 'failed' });
  });
});

describe('what may be fetched', () => {
  const dns =
    (...answers: readonly string[]): Resolve =>
    async () =>
      answers.map((address) => ({ address, family: address.includes(':') ? 6 : 4 }));

  const refused = { kind: 'unread', why: 'refused' };
  const hosts = ['files.example', 'localhost', '127.0.0.1', '[::1]', '169.254.169.254'];

  it.each([
    'http://files.example/a',
    'https://files.example:8443/a',
    'https://other.example/a',
    'https://sub.files.example/a',
    'https://files.example.evil.example/a',
    'https://user:password@files.example/a',
    'https://files.example@other.example/a',
    'https://files.example./a',
    'https://127.0.0.1/a',
    'https://127.1/a',
    'https://0x7f000001/a',
    'https://2130706433/a',
    'https://[::1]/a',
    'https://[::ffff:127.0.0.1]/a',
    'https://169.254.169.254/latest/meta-data/',
    'data:text/plain,secret',
    'file:///etc/passwd',
    'ftp://files.example/a',
    'javascript:alert(1)',
    'blob:https://files.example/a',
    '//files.example/a',
    '',
    'not a URL',
  ])('refuses %s', async (url) => {
    let asked = 0;
    const resolve: Resolve = async () => {
      asked += 1;
      return [{ address: '127.0.0.1', family: 4 }];
    };
    expect(await fetchBytes(url, { ...OPTIONS, hosts, resolve })).toEqual(refused);
    expect(asked).toBe(0);
  });

  it('refuses a name that the operating system resolves to loopback', async () => {
    expect(await fetchBytes('https://localhost/a', { ...OPTIONS, hosts })).toEqual(refused);
  });

  it.each([
    ['loopback', '127.0.0.1'],
    ['link-local', '169.254.169.254'],
    ['IPv6 loopback', '::1'],
    ['mapped IPv4', '::ffff:10.0.0.1'],
    ['several private', '10.0.0.1', 'fd00::1'],
  ])('refuses a host whose addresses are private: %s', async (_, ...addresses) => {
    const result = await fetchBytes('https://files.example/a', { ...OPTIONS, hosts, resolve: dns(...addresses) });
    expect(result).toEqual(refused);
  });

  it('checks what a name resolves to for every connection', async () => {
    let asked = 0;
    const resolve: Resolve = async () => {
      asked += 1;
      if (asked === 1) throw new Error('EAI_AGAIN');
      return [{ address: '127.0.0.1', family: 4 }];
    };
    expect(await fetchBytes('https://files.example/a', { ...OPTIONS, hosts, resolve })).toEqual(refused);
    expect(asked).toBe(2);
  });

  it('connects to public addresses only, in the order of the resolver', async () => {
    const lookup = publicLookup(dns('10.0.0.1', '8.8.4.4', '::1', '2606:4700::1', '8.8.8.8'));
    const all = await new Promise((resolve) => lookup('files.example', { all: true }, (_, found) => resolve(found)));
    expect(all).toEqual([
      { address: '8.8.4.4', family: 4 },
      { address: '2606:4700::1', family: 6 },
      { address: '8.8.8.8', family: 4 },
    ]);
    const one = await new Promise((resolve) =>
      lookup('files.example', {}, (_, found, family) => resolve([found, family])),
    );
    expect(one).toEqual(['8.8.4.4', 4]);
  });

  it('follows no redirect, not even within the host', async () => {
    const fake = await serve((response, { url }) => {
      if (url === '/file') status(302, { location: '/secret' })(response);
      else response.end('secret');
    });
    expect(await get(fake)).toEqual({ ...refused, status: 302 });
    expect(fake.requests).toHaveLength(1);
  });

  it('reaches loopback for a configured origin only, down to its port', async () => {
    const fake = await serve((response) => response.end('file'));
    const other = await startFileServer((response) => response.end('file'));
    expect(await fetchBytes(`${other.origin}/a`, { ...OPTIONS, hosts, origins: [fake.origin] })).toEqual(refused);
    expect(
      await fetchBytes(`${fake.origin}@${other.origin.slice(7)}/a`, { ...OPTIONS, origins: [fake.origin] }),
    ).toEqual(refused);
    expect(other.connections()).toBe(0);
    await other.close();
  });
});
