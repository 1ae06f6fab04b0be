/** Small files of every kind. */
import { crc32, deflateSync } from 'node:zlib';
import fc from 'fast-check';

function pngChunk(type: string, data: Buffer): Buffer {
  const body = Buffer.concat([Buffer.from(type, 'latin1'), data]);
  const [length, crc] = [Buffer.alloc(4), Buffer.alloc(4)];
  length.writeUInt32BE(data.length);
  crc.writeUInt32BE(crc32(body));
  return Buffer.concat([length, body, crc]);
}

/** A black image, grown to a number of bytes by a private chunk. */
export function png(bytes = 0): Buffer {
  const header = Buffer.from([0, 0, 0, 1, 0, 0, 0, 1, 8, 0, 0, 0, 0]);
  const chunks = [
    pngChunk('IHDR', header),
    pngChunk('IDAT', deflateSync(Buffer.alloc(2))),
    pngChunk('IEND', Buffer.alloc(0)),
  ];
  const small = 8 + chunks.reduce((sum, { length }) => sum + length, 0);
  if (bytes >= small + 12) chunks.splice(1, 0, pngChunk('prVt', Buffer.alloc(bytes - small - 12)));
  return Buffer.concat([Buffer.from('\x89PNG\r\n\x1a\n', 'latin1'), ...chunks]);
}

/** One pixel. */
export const gif = () => Buffer.from('R0lGODlhAQABAIAAAAAAAP///yH5BAEAAAAALAAAAAABAAEAAAIBRAA7', 'base64');

/** One pixel, lossy. */
export const webp = () => Buffer.from('UklGRiIAAABXRUJQVlA4IBYAAAAwAQCdASoBAAEADsD+JaQAA3AAAAAA', 'base64');

/** Frame and scan of one block; the tables are left out. */
export const jpeg = () =>
  Buffer.from(
    'ffd8ffe000104a46494600010100000100010000ffc0000b080001000101011100ffda0008010100003f00d2cf20ffd9',
    'hex',
  );

export interface PdfOptions {
  /** Content streams by page, instead of texts. */
  readonly streams?: readonly Buffer[];
  readonly filter?: string;
  /** Entries of the trailer. */
  readonly trailer?: string;
}

/** A PDF with one line of text (ASCII without parentheses) on each page. */
export function pdf(texts: readonly string[], { streams, filter = '', trailer = '' }: PdfOptions = {}): Buffer {
  const contents = streams ?? texts.map((text) => Buffer.from(`BT /F1 12 Tf 72 700 Td (${text}) Tj ET`));
  const kids = contents.map((_, index) => `${4 + index * 2} 0 R`).join(' ');
  const objects: Buffer[] = [
    Buffer.from('<</Type/Catalog/Pages 2 0 R>>'),
    Buffer.from(`<</Type/Pages/Kids[${kids}]/Count ${contents.length}>>`),
    Buffer.from('<</Type/Font/Subtype/Type1/BaseFont/Helvetica>>'),
    ...contents.flatMap((content, index) => [
      Buffer.from(
        `<</Type/Page/Parent 2 0 R/MediaBox[0 0 612 792]/Resources<</Font<</F1 3 0 R>>>>/Contents ${5 + index * 2} 0 R>>`,
      ),
      Buffer.concat([
        Buffer.from(`<</Length ${content.length}${filter}>>\nstream\n`),
        content,
        Buffer.from('\nendstream'),
      ]),
    ]),
  ];
  const parts = [Buffer.from('%PDF-1.4\n')];
  const offsets: number[] = [];
  let at = 9;
  for (const [index, object] of objects.entries()) {
    const whole = Buffer.concat([Buffer.from(`${index + 1} 0 obj\n`), object, Buffer.from('\nendobj\n')]);
    offsets.push(at);
    at += whole.length;
    parts.push(whole);
  }
  const rows = offsets.map((offset) => `${String(offset).padStart(10, '0')} 00000 n \n`).join('');
  parts.push(
    Buffer.from(
      `xref\n0 ${objects.length + 1}\n0000000000 65535 f \n${rows}trailer\n<</Size ${objects.length + 1}/Root 1 0 R${trailer}>>\nstartxref\n${at}\n%%EOF\n`,
    ),
  );
  return Buffer.concat(parts);
}

/** A page whose content decompresses to so many megabytes. */
export function pdfBomb(megabytes: number, content = 'BT /F1 12 Tf (some text of the page) Tj ET\n'): Buffer {
  const mb = Buffer.alloc(1_000_000, content);
  return pdf([], {
    streams: [deflateSync(Buffer.concat(Array.from({ length: megabytes }, () => mb)))],
    filter: '/Filter/FlateDecode',
  });
}

/** A real file, some of whose bytes are replaced, and which is cut or repeated. */
export const damaged = (samples: readonly Buffer[]) =>
  fc
    .tuple(
      fc.constantFrom(...samples),
      fc.array(fc.tuple(fc.nat(2_000), fc.integer({ min: 0, max: 255 })), { maxLength: 8 }),
      fc.nat(2_000),
      fc.boolean(),
    )
    .map(([sample, changes, end, isCut]) => {
      const bytes = Buffer.from(sample);
      for (const [at, byte] of changes) if (bytes.length > 0) bytes[at % bytes.length] = byte;
      return isCut ? bytes.subarray(0, end % (bytes.length + 1)) : bytes;
    });
