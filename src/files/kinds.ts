/**
 * What a file is, by its content.
 *
 * Images are checked for being whole, as far as that is possible without decoding them: servers of models refuse a whole request for one
 * broken image.
 */
import type { ImageType } from '../core/ports.ts';
import type { FileRef } from '../core/types.ts';
import { decodeText } from './text.ts';

export type Identified =
  | { readonly kind: 'image'; readonly mime: ImageType }
  | { readonly kind: 'pdf' }
  | { readonly kind: 'text'; readonly text: string }
  | { readonly kind: 'unread'; readonly why: 'malformed' | 'unsupported' };

interface ImageFormat {
  readonly mime: ImageType;
  readonly begins: (file: Buffer) => boolean;
  readonly isWhole: (file: Buffer) => boolean;
}

const ascii = (file: Buffer, start: number, end: number) => file.toString('latin1', start, end);

const IMAGES: readonly ImageFormat[] = [
  { mime: 'image/png', begins: (file) => ascii(file, 0, 8) === '\x89PNG\r\n\x1a\n', isWhole: isWholePng },
  { mime: 'image/jpeg', begins: (file) => ascii(file, 0, 3) === '\xff\xd8\xff', isWhole: isWholeJpeg },
  { mime: 'image/gif', begins: (file) => /^GIF8[79]a$/.test(ascii(file, 0, 6)), isWhole: isWholeGif },
  {
    mime: 'image/webp',
    begins: (file) => ascii(file, 0, 4) === 'RIFF' && ascii(file, 8, 12) === 'WEBP',
    isWhole: isWholeWebp,
  },
];

/** Readers of PDF accept anything within the first kilobyte before the header. */
const PDF_HEADER_WITHIN = 1024;

/** Identifies a file. The type that the platform declares only tells `malformed` from `unsupported`. */
export function identify(bytes: Uint8Array, { type }: Pick<FileRef, 'type'>): Identified {
  const file = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const declared = type?.split(';', 1)[0]?.trim().toLowerCase() ?? '';
  const format = IMAGES.find(({ begins }) => begins(file));
  if (format !== undefined) {
    return format.isWhole(file) ? { kind: 'image', mime: format.mime } : { kind: 'unread', why: 'malformed' };
  }
  const header = file.subarray(0, PDF_HEADER_WITHIN).indexOf('%PDF-');
  if (header === 0 || (header > 0 && declared === 'application/pdf')) return { kind: 'pdf' };
  const isNotWhatItSays =
    declared === 'application/pdf' || declared === 'image/jpg' || IMAGES.some(({ mime }) => mime === declared);
  if (isNotWhatItSays) return { kind: 'unread', why: 'malformed' };
  const text = decodeText(file);
  if (text !== undefined) return { kind: 'text', text };
  return { kind: 'unread', why: declared.startsWith('text/') ? 'malformed' : 'unsupported' };
}

/** https://www.w3.org/TR/png-3/#5DataRep: chunks of length, type, data and CRC, from IHDR to IEND. */
function isWholePng(file: Buffer): boolean {
  let hasData = false;
  for (let at = 8; at + 12 <= file.length; ) {
    const length = file.readUInt32BE(at);
    const type = ascii(file, at + 4, at + 8);
    if (at + 12 + length > file.length) return false;
    if (at === 8) {
      const hasSize = length === 13 && file.readUInt32BE(at + 8) > 0 && file.readUInt32BE(at + 12) > 0;
      if (type !== 'IHDR' || !hasSize) return false;
    }
    if (type === 'IEND') return hasData;
    if (type === 'IDAT') hasData = true;
    at += 12 + length;
  }
  return false;
}

/** ITU T.81, annex B: segments up to the start of the scan, whose data ends with EOI. Cameras append more after it. */
function isWholeJpeg(file: Buffer): boolean {
  let hasSize = false;
  for (let at = 2; at + 4 <= file.length; ) {
    if (file[at] !== 0xff) return false;
    const marker = file[at + 1] ?? 0;
    if (marker === 0xff) {
      at += 1;
      continue;
    }
    if (marker === 0x01 || (marker >= 0xd0 && marker <= 0xd7)) {
      at += 2;
      continue;
    }
    const length = file.readUInt16BE(at + 2);
    if (length < 2 || at + 2 + length > file.length) return false;
    if (marker === 0xda) return hasSize && file.lastIndexOf('\xff\xd9', undefined, 'latin1') >= at + 2 + length;
    const isFrame = marker >= 0xc0 && marker <= 0xcf && marker !== 0xc4 && marker !== 0xc8 && marker !== 0xcc;
    if (isFrame) hasSize = length >= 8 && file.readUInt16BE(at + 7) > 0;
    at += 2 + length;
  }
  return false;
}

/** https://www.w3.org/Graphics/GIF/spec-gif89a.txt: the first frame must be complete, which is all that servers read. */
function isWholeGif(file: Buffer): boolean {
  if (file.length < 13 || file.readUInt16LE(6) === 0 || file.readUInt16LE(8) === 0) return false;
  let at = 13 + colorTableBytes(file[10] ?? 0);
  while (at < file.length) {
    const block = file[at];
    if (block === 0x21) {
      const end = afterSubBlocks(file, at + 2);
      if (end === undefined) return false;
      at = end;
    } else if (block === 0x2c && at + 10 < file.length) {
      return afterSubBlocks(file, at + 11 + colorTableBytes(file[at + 9] ?? 0)) !== undefined;
    } else return false;
  }
  return false;
}

const colorTableBytes = (flags: number) => ((flags & 0x80) === 0 ? 0 : 3 * 2 ** ((flags & 0x07) + 1));

/** Where sub-blocks end that start at `at`; undefined if the file ends before. */
function afterSubBlocks(file: Buffer, at: number): number | undefined {
  for (let next = at; next < file.length; ) {
    const length = file[next] ?? 0;
    if (length === 0) return next + 1;
    next += 1 + length;
  }
  return undefined;
}

/** https://developers.google.com/speed/webp/docs/riff_container: the size of the file is in its header. */
function isWholeWebp(file: Buffer): boolean {
  if (file.length < 30 || file.readUInt32LE(4) + 8 > file.length) return false;
  return ['VP8 ', 'VP8L', 'VP8X'].includes(ascii(file, 12, 16));
}
