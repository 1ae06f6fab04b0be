/** What a file is, by its content. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { identify } from '../../src/files/kinds.ts';
import { runs } from '../support/tier.ts';
import { gif, jpeg, pdf, png, webp } from './samples.ts';

const is = (bytes: Uint8Array, type?: string) => identify(bytes, type === undefined ? {} : { type });
const malformed = { kind: 'unread', why: 'malformed' };
const unsupported = { kind: 'unread', why: 'unsupported' };

describe('images', () => {
  const images = [
    ['image/png', png()],
    ['image/jpeg', jpeg()],
    ['image/gif', gif()],
    ['image/webp', webp()],
  ] as const;

  it.each(images)('knows %s, whatever its declared type', (mime, bytes) => {
    for (const declared of [mime, undefined, 'text/plain', 'image/png', 'application/pdf']) {
      expect(is(bytes, declared)).toEqual({ kind: 'image', mime });
    }
  });

  it.each(images)('calls a cut %s malformed, wherever it is cut', (mime, bytes) => {
    // A GIF needs no trailer, and one byte more may be the end of its frame.
    const whole = mime === 'image/gif' ? bytes.length - 1 : bytes.length;
    for (let end = 1; end < whole; end += 1) expect(is(bytes.subarray(0, end), mime)).toEqual(malformed);
  });

  it('accepts what cameras append, and many frames', () => {
    expect(is(Buffer.concat([jpeg(), Buffer.from('MPF')]))).toMatchObject({ kind: 'image' });
    const frame = gif().subarray(19, gif().length - 1);
    expect(is(Buffer.concat([gif().subarray(0, -1), frame, gif().subarray(-1)]))).toMatchObject({ kind: 'image' });
  });

  it.each(['image/png', 'image/jpeg', 'image/webp', 'image/gif', 'application/pdf', 'IMAGE/PNG; charset=utf-8'])(
    'calls HTML in place of %s malformed',
    (type) => {
      expect(is(Buffer.from('<!doctype html><title>Sign in</title>'), type)).toEqual(malformed);
    },
  );

  it('does not know other images', () => {
    expect(is(Buffer.from('49492a0008000000', 'hex'), 'image/tiff')).toEqual(unsupported);
    expect(is(Buffer.from('<svg xmlns="http://www.w3.org/2000/svg"/>'), 'image/svg+xml')).toMatchObject({
      kind: 'text',
    });
  });
});

describe('PDF', () => {
  it('knows it by its header, also after other bytes if it is declared', () => {
    expect(is(pdf(['a']))).toEqual({ kind: 'pdf' });
    const later = Buffer.concat([Buffer.from('\n\n'), pdf(['a'])]);
    expect(is(later, 'application/pdf')).toEqual({ kind: 'pdf' });
    expect(is(Buffer.from('A file starts with %PDF-1.7.'))).toMatchObject({ kind: 'text' });
  });
});

describe('texts', () => {
  const german = 'Grüße aus Köln: die Straße ist schön, der Fluß ist groß, und für 5 € gibt es Öl.';
  const latin1 = (text: string) => Buffer.from(text.replaceAll('€', '\x80'), 'latin1');
  // The bytes are Python's, of codecs gb18030 and shift_jis.
  const chinese = '今天天气很好，我们去公园散步吧。机器人的记忆是可以信任的。';
  const gb18030 = Buffer.from(
    'bdf1ccecccecc6f8badcbac3a3acced2c3c7c8a5b9abd4b0c9a2b2bdb0c9a1a3bbfac6f7c8cbb5c4bcc7d2e4cac7bfc9d2d4d0c5c8ceb5c4a1a3',
    'hex',
  );
  const japanese = '吾輩は猫である。名前はまだ無い。どこで生れたかとんと見当がつかぬ。';
  const shiftJis = Buffer.from(
    '8ce1947982cd944c82c582a082e9814296bc914f82cd82dc82be96b382a2814282c782b182c590b682ea82bd82a982c682f182c68ca9939682aa82c282a982ca8142',
    'hex',
  );

  it.each([
    ['UTF-8', Buffer.from(german), german],
    ['UTF-8 with a mark', Buffer.from(`\ufeff${german}`), german],
    ['UTF-16 LE with a mark', Buffer.from(`\ufeff${chinese}`, 'utf16le'), chinese],
    ['UTF-16 BE with a mark', Buffer.from(`\ufeff${chinese}`, 'utf16le').swap16(), chinese],
    ['UTF-16 LE', Buffer.from(german, 'utf16le'), german],
    ['UTF-16 BE', Buffer.from(german, 'utf16le').swap16(), german],
    ['Windows-1252', latin1(german), german],
    ['a short text in Windows-1252', latin1('Grüße'), 'Grüße'],
    ['GB18030', gb18030, chinese],
    ['Shift_JIS', shiftJis, japanese],
  ])('reads %s', (_, bytes, text) => {
    expect(is(bytes, 'text/plain')).toEqual({ kind: 'text', text });
  });

  it.each(['text/csv', 'application/json', 'application/octet-stream', 'video/mp2t', undefined])(
    'reads a text that is declared %s',
    (type) => {
      expect(is(Buffer.from('a,b\r\n1,2\r'), type)).toEqual({ kind: 'text', text: 'a,b\n1,2\n' });
    },
  );

  it('reads an empty file, and colours in a log', () => {
    expect(is(Buffer.alloc(0))).toEqual({ kind: 'text', text: '' });
    expect(is(Buffer.from('\x1b[31merror\x1b[0m'))).toMatchObject({ kind: 'text' });
  });

  it('does not take binary files for texts', () => {
    const zip = Buffer.from('504b0304140000000800', 'hex');
    expect(is(zip, 'application/zip')).toEqual(unsupported);
    expect(is(zip)).toEqual(unsupported);
    expect(is(zip, 'text/plain')).toEqual(malformed);
  });

  it('reads any text in UTF-8 and UTF-16', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'grapheme' }), (text) => {
        fc.pre(!/\p{Cc}|\ufeff|\ufffd|^GIF|^%PDF/u.test(text));
        expect(is(Buffer.from(text))).toEqual({ kind: 'text', text });
        expect(is(Buffer.from(`\ufeff${text}`, 'utf16le'))).toEqual({ kind: 'text', text });
      }),
      { numRuns: runs(1_000) },
    );
  });
});
