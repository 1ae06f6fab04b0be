/** Text in any common encoding. */
import { analyse } from 'chardet';

/** So much of a file tells its encoding. */
const SAMPLE_BYTES = 16_384;

/** The encodings that chardet tells apart by the sequences of their bytes, under the names that TextDecoder knows. */
const MULTIBYTE: ReadonlyMap<string, string> = new Map([
  ['GB18030', 'gb18030'],
  ['Big5', 'big5'],
  ['Shift_JIS', 'shift_jis'],
  ['EUC-JP', 'euc-jp'],
  ['EUC-KR', 'euc-kr'],
  ['ISO-2022-JP', 'iso-2022-jp'],
]);
/** And by the frequency of letters. */
const SINGLE_BYTE: ReadonlyMap<string, string> = new Map([
  ['windows-1250', 'windows-1250'],
  ['windows-1251', 'windows-1251'],
  ['windows-1253', 'windows-1253'],
  ['windows-1255', 'windows-1255'],
  ['windows-1256', 'windows-1256'],
  ['ISO-8859-2', 'iso-8859-2'],
  ['ISO-8859-5', 'iso-8859-5'],
  ['ISO-8859-6', 'iso-8859-6'],
  ['ISO-8859-7', 'iso-8859-7'],
  ['ISO-8859-8', 'iso-8859-8'],
  ['KOI8-R', 'koi8-r'],
]);
/** chardet's confidence, of 100, below which windows-1252 is the better guess. */
const LEAST_CONFIDENCE = 25;
/** One control character in so many characters is tolerated. */
const CONTROLS_SHARE = 100;

/** The text of a file, with \n as its line end. Undefined for what is not text. */
export function decodeText(file: Buffer): string | undefined {
  const text = decode(file);
  if (text === undefined || !isText(text)) return undefined;
  return text.replace(/\r\n?/g, '\n');
}

function decode(file: Buffer): string | undefined {
  if (file[0] === 0xff && file[1] === 0xfe) return new TextDecoder('utf-16le').decode(file);
  if (file[0] === 0xfe && file[1] === 0xff) return new TextDecoder('utf-16be').decode(file);
  const utf16 = utf16WithoutMark(file);
  if (utf16 !== undefined) return new TextDecoder(utf16).decode(file);
  // No other encoding has NUL bytes in a text.
  if (file.includes(0)) return undefined;
  return decodeStrictly(file, 'utf-8') ?? decodeLegacy(file);
}

/** Latin text has a NUL in every second byte. */
function utf16WithoutMark(file: Buffer): 'utf-16le' | 'utf-16be' | undefined {
  const sample = file.subarray(0, SAMPLE_BYTES);
  const pairs = Math.floor(sample.length / 2);
  const zeros = [0, 0];
  for (let at = 0; at < pairs * 2; at += 1) if (sample[at] === 0) zeros[at % 2] = (zeros[at % 2] ?? 0) + 1;
  const [first = 0, second = 0] = zeros;
  if (pairs === 0 || file.length % 2 === 1) return undefined;
  if (first === 0 && second * 4 >= pairs) return 'utf-16le';
  if (second === 0 && first * 4 >= pairs) return 'utf-16be';
  return undefined;
}

function decodeLegacy(file: Buffer): string {
  for (const { name, confidence } of analyse(file.subarray(0, SAMPLE_BYTES))) {
    if (confidence < LEAST_CONFIDENCE) break;
    const multibyte = MULTIBYTE.get(name);
    const strict = multibyte === undefined ? undefined : decodeStrictly(file, multibyte);
    if (strict !== undefined) return strict;
    const single = SINGLE_BYTE.get(name);
    if (single !== undefined) return new TextDecoder(single).decode(file);
    if (name === 'ISO-8859-1' || name === 'windows-1252') break;
  }
  return decodeWindows1252(file);
}

/** 0x80 to 0x9F in windows-1252 (https://encoding.spec.whatwg.org/index-windows-1252.txt); the rest is ISO-8859-1. */
const WINDOWS_1252 = '€\x81‚ƒ„…†‡ˆ‰Š‹Œ\x8dŽ\x8f\x90‘’“”•–—˜™š›œ\x9džŸ';

/** TextDecoder of Node 20.18.3 and of many later releases decodes these as ISO-8859-1 (https://github.com/nodejs/node/issues/56542). */
function decodeWindows1252(file: Buffer): string {
  return file.toString('latin1').replace(/[\x80-\x9f]/g, (char) => WINDOWS_1252.charAt(char.charCodeAt(0) - 0x80));
}

function decodeStrictly(file: Buffer, encoding: string): string | undefined {
  try {
    return new TextDecoder(encoding, { fatal: true }).decode(file);
  } catch {
    return undefined;
  }
}

/** Tab, line ends, form feed, backspace and escape (colours in logs) are part of texts; other control characters are not. */
function isText(text: string): boolean {
  let controls = 0;
  for (let at = 0; at < text.length; at += 1) {
    const unit = text.charCodeAt(at);
    if (unit === 0 || unit === 0xfffd) controls += 1;
    else if (unit < 0x20 && !(unit >= 0x08 && unit <= 0x0d) && unit !== 0x1b) controls += 1;
    else if (unit >= 0x7f && unit < 0xa0) controls += 1;
  }
  return controls * CONTROLS_SHARE <= text.length;
}
