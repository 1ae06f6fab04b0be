/** The files of a request: what is read, within which limits. */
import { describe, expect, it } from 'vitest';
import type { FetchedFile, FetchLimits, FileFetcher, FileGroup, Logger } from '../../src/core/ports.ts';
import { estimateTokens, IMAGE_TOKENS } from '../../src/core/tokens.ts';
import type { FileRef } from '../../src/core/types.ts';
import { createFileReader } from '../../src/files/reader.ts';
import { pdf, png } from './samples.ts';

const { signal } = new AbortController();

interface Warning {
  readonly fields: object;
  readonly message: string;
}

/** A platform whose files are functions or bytes by their names. */
function platform(files: Readonly<Record<string, Uint8Array | ((limits: FetchLimits) => Promise<FetchedFile>)>>) {
  const fetched: string[] = [];
  const warnings: Warning[] = [];
  const fetcher: FileFetcher = {
    async fetchFile({ name }, limits) {
      fetched.push(name);
      const file = files[name];
      if (file === undefined) return { kind: 'unread', why: 'gone' };
      return typeof file === 'function' ? await file(limits) : { kind: 'fetched', bytes: file };
    },
  };
  const logger: Logger = {
    debug() {},
    info() {},
    warn: (fields, message) => void warnings.push({ fields, message }),
    error() {},
    child: () => logger,
  };
  /** Gives the contents, and releases them at once. */
  const reader = (maxTokens = 4_000) => {
    const fetcherOf = (id: string) => (id === 'discord' ? fetcher : undefined);
    const { read } = createFileReader({ fetcherOf, maxTokens, logger });
    return {
      async read(...args: Parameters<typeof read>) {
        const { contents, release } = await read(...args);
        release();
        return contents;
      },
    };
  };
  return { fetched, warnings, reader };
}

const file = (name: string, more: Partial<FileRef> = {}): FileRef => ({ name, ref: { id: name }, ...more });
const own = (...files: readonly FileRef[]): FileGroup => ({ files, quoted: false });
const unread = (why: string) => ({ kind: 'unread', why });

describe('createFileReader', () => {
  it('reads images, texts and PDFs, and names what it cannot read', async () => {
    const { reader } = platform({
      'roof.png': png(),
      'a.txt': Buffer.from('a text'),
      'a.pdf': pdf(['a page']),
      'a.zip': Buffer.from('504b0304140000000800', 'hex'),
      'login.png': Buffer.from('<!doctype html>'),
    });
    const files = [
      file('roof.png', { type: 'image/png', size: png().length }),
      file('a.txt'),
      file('a.pdf', { size: 900 }),
      file('a.zip', { size: 10 }),
      file('login.png', { type: 'image/png', size: 15 }),
      file('gone.txt', { size: 3 }),
      { name: 'nowhere.txt' },
    ];
    const contents = await reader().read('discord', [own(...files.toSpliced(1, 1)), own(file('x'))], signal);
    expect(files.map((each) => contents.get(each))).toEqual([
      { kind: 'image', mime: 'image/png', data: png().toString('base64') },
      undefined,
      { kind: 'text', text: '[page 1 of 1]\na page' },
      unread('unsupported'),
      unread('malformed'),
      unread('gone'),
      unread('unsupported'),
    ]);
    const text = file('a.txt');
    expect((await reader().read('discord', [own(text)], signal)).get(text)).toEqual({ kind: 'text', text: 'a text' });
  });

  it('reads files that came with the message, without a fetcher', async () => {
    const text = { name: 'a.txt', data: Buffer.from('a text').toString('base64') };
    const image = { name: 'a.png', type: 'image/png', data: png().toString('base64') };
    const { reader } = platform({});
    const contents = await reader().read('http', [own(text, image, file('other'))], signal);
    expect(contents.get(text)).toEqual({ kind: 'text', text: 'a text' });
    expect(contents.get(image)).toEqual({ kind: 'image', mime: 'image/png', data: image.data });
    expect(contents.size).toBe(3);
  });

  it('leaves out older files without a reference, and names those that are gone', async () => {
    const { reader } = platform({});
    const [nowhere, gone] = [{ name: 'older.png' }, file('older.txt')];
    const contents = await reader().read('discord', [own(), own(nowhere, gone)], signal);
    expect(contents.has(nowhere)).toBe(false);
    expect(contents.get(gone)).toEqual(unread('gone'));
  });

  it('shows the four newest images; those of the message that are over it are named, older ones left out', async () => {
    const { reader, fetched } = platform({ 'a.png': png() });
    const images = (count: number) =>
      Array.from({ length: count }, () => file('a.png', { type: 'image/png', size: 100 }));
    const [newest, older] = [images(3), images(3)];
    const contents = await reader(10_000).read('discord', [own(...newest), own(...older)], signal);
    expect([...newest, ...older].map((each) => contents.get(each)?.kind)).toEqual([
      ...['image', 'image', 'image', 'image'],
      ...[undefined, undefined],
    ]);
    fetched.length = 0;
    const five = images(5);
    const again = await reader(10_000).read('discord', [own(...five), own(...older)], signal);
    expect(again.get(five[4] ?? file(''))).toEqual(unread('too_large'));
    expect(older.some((each) => again.has(each))).toBe(false);
    // What cannot have room is not fetched.
    expect(fetched).toHaveLength(5);
  });

  it('counts images, and cuts texts in the middle to share the rest', async () => {
    const long = `begin ${'words and words '.repeat(5_000)} end`;
    const { reader } = platform({ 'a.png': png(), long: Buffer.from(long), short: Buffer.from('short') });
    const files = [
      file('long', { size: 90_000 }),
      file('a.png', { type: 'image/png', size: 99 }),
      file('short', { size: 5 }),
      file('long', { size: 90_000 }),
    ];
    const contents = await reader(IMAGE_TOKENS + 1_000).read('discord', [own(...files)], signal);
    const texts = [...contents.values()].flatMap((content) => (content.kind === 'text' ? [content.text] : []));
    expect(texts).toHaveLength(3);
    expect(texts[1]).toBe('short');
    for (const text of [texts[0] ?? '', texts[2] ?? '']) {
      expect(text).toMatch(/^begin [\s\S]*\n\[… cut here …\]\n[\s\S]* end$/);
      expect(estimateTokens(text)).toBeGreaterThan(400);
    }
    expect(texts.reduce((sum, text) => sum + estimateTokens(text), 0)).toBeLessThanOrEqual(1_000);
  });

  it('gives the newest message its room first', async () => {
    const { reader } = platform({ long: Buffer.from('words '.repeat(20_000)) });
    const [newest, older] = [file('long'), file('long')];
    const contents = await reader(500).read('discord', [own(newest), own(older)], signal);
    expect([...contents.keys()]).toEqual([newest]);
  });

  it('reads at most 10 MB of a message and 5 MB of an image, and asks for smaller variants', async () => {
    const asked: FetchLimits[] = [];
    const { reader, fetched } = platform({
      'huge.png': async (limits) => {
        asked.push(limits);
        return { kind: 'fetched', bytes: png() };
      },
      'lies.png': png(5_000_001),
      'edge.png': png(5_000_000),
      big: Buffer.alloc(6_000_000, 'a'),
    });
    const of = async (...files: readonly FileRef[]) => [
      ...(await reader(100_000).read('discord', [own(...files)], signal)).values(),
    ];
    expect(await of(file('huge.png', { type: 'image/png', size: 40_000_000 }))).toMatchObject([{ kind: 'image' }]);
    expect(asked).toMatchObject([{ maxBytes: 5_000_000, maxImageBytes: 5_000_000 }]);
    expect(await of(file('lies.png', { type: 'image/png' }))).toEqual([unread('too_large')]);
    expect(await of(file('lies.png', { type: 'text/plain' }))).toEqual([unread('too_large')]);
    expect(await of(file('edge.png', { type: 'image/png', size: 5_000_000 }))).toMatchObject([{ kind: 'image' }]);
    const size = 6_000_000;
    expect(await of(file('big', { size }), file('big', { size }))).toMatchObject([
      { kind: 'text' },
      unread('too_large'),
    ]);
    fetched.length = 0;
    expect(await of(file('big', { size: 10_000_001 }))).toEqual([unread('too_large')]);
    expect(fetched).toEqual([]);
  });

  it('goes on when a platform cannot be reached, and logs no names', async () => {
    const { reader, warnings } = platform({
      'secret-name.txt': async () => Promise.reject(new Error('https://cdn.example/secret-name.txt?token=1')),
      'b.txt': Buffer.from('b'),
    });
    const [broken, other] = [file('secret-name.txt', { size: 1 }), file('b.txt', { size: 1 })];
    const contents = await reader().read('discord', [own(broken, other)], signal);
    expect(contents.get(broken)).toEqual(unread('failed'));
    expect(contents.get(other)).toEqual({ kind: 'text', text: 'b' });
    expect(warnings).toEqual([
      { fields: { platform: 'discord', code: 'internal' }, message: 'fetching a file failed' },
    ]);
  });

  it('fetches again for every attempt', async () => {
    const { reader, fetched } = platform({ 'a.txt': Buffer.from('a') });
    const [files, one] = [file('a.txt'), reader()];
    await one.read('discord', [own(files)], signal);
    await one.read('discord', [own(files)], signal);
    expect(fetched).toEqual(['a.txt', 'a.txt']);
  });

  it('holds at most 64 MB at a time; others wait, and give their place up when they are aborted', async () => {
    let [running, most] = [0, 0];
    const release: (() => void)[] = [];
    const { reader } = platform({
      a: async () => {
        running += 1;
        most = Math.max(most, running);
        await new Promise<void>((resolve) => release.push(resolve));
        running -= 1;
        return { kind: 'fetched', bytes: Buffer.from('a') };
      },
    });
    const shared = reader();
    const ofTenMegabytes = (aborting = signal) =>
      shared.read('discord', [own(file('a', { size: 10_000_000 }))], aborting);
    const leaving = new AbortController();
    const reads = Array.from({ length: 6 }, () => ofTenMegabytes());
    await expect.poll(() => release.length).toBe(6);
    const left = ofTenMegabytes(leaving.signal);
    const behind = Array.from({ length: 6 }, () => ofTenMegabytes());
    const reason = new Error('the lease ended');
    leaving.abort(reason);
    await expect(left).rejects.toBe(reason);
    expect(running).toBe(6);
    while (running > 0) {
      release.shift()?.();
      await new Promise((resolve) => setImmediate(resolve));
    }
    for (const contents of await Promise.all([...reads, ...behind])) expect(contents.size).toBe(1);
    expect(most).toBe(6);
  });

  it('holds the images of a request until they are released', async () => {
    const image = png(5_000_000);
    const fetcher: FileFetcher = { fetchFile: async () => ({ kind: 'fetched', bytes: image }) };
    const logger: Logger = { debug() {}, info() {}, warn() {}, error() {}, child: () => logger };
    const one = createFileReader({ fetcherOf: () => fetcher, maxTokens: 10_000, logger });
    // Four images of four older messages: 27 MB in base64, so that two requests have room in 64 MB.
    const groups = Array.from({ length: 5 }, (_, index) =>
      own(...(index === 0 ? [] : [file(`${index}.png`, { type: 'image/png', size: image.length })])),
    );
    const [first, second] = await Promise.all([1, 2].map(() => one.read('discord', groups, signal)));
    expect(first?.contents.size).toBe(4);
    let isThere = false;
    const third = one.read('discord', groups, signal).then((read) => {
      isThere = true;
      return read;
    });
    for (let turn = 0; turn < 50; turn += 1) await new Promise((resolve) => setImmediate(resolve));
    expect(isThere).toBe(false);
    first?.release();
    (await third).release();
    second?.release();
  });

  it('rejects with the reason of the signal while it fetches', async () => {
    const controller = new AbortController();
    const reason = new Error('the lease ended');
    const { reader, warnings } = platform({
      a: async (limits) => {
        controller.abort(reason);
        limits.signal.throwIfAborted();
        return { kind: 'unread', why: 'failed' };
      },
    });
    await expect(reader().read('discord', [own(file('a'))], controller.signal)).rejects.toBe(reason);
    await expect(reader().read('discord', [own(file('a'))], controller.signal)).rejects.toBe(reason);
    expect(warnings).toEqual([]);
  });
});
