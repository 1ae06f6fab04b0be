/** Reads the files of messages for a request to the model. */
import { cutInTheMiddle } from '../core/cut-text.ts';
import type { FileContent, FileContents, FileFetcher, FileGroup, FileReader, Logger } from '../core/ports.ts';
import { estimateTokens, IMAGE_TOKENS } from '../core/tokens.ts';
import type { FileFault, FileRef } from '../core/types.ts';
import { toBotError } from '../errors.ts';
import { identify } from './kinds.ts';
import { createPdfReader } from './pdf.ts';
import { createQuota } from './quota.ts';

export interface FileReaderOptions {
  /** What fetches the files of a platform; undefined for one that keeps none. */
  readonly fetcherOf: (platform: string) => FileFetcher | undefined;
  /** Estimated tokens of all files of one request (MAX_FILE_TOKENS). */
  readonly maxTokens: number;
  readonly logger: Logger;
}

const MB = 1_000_000;
/** Of the files of one message. */
const MAX_MESSAGE_BYTES = 10 * MB;
/** Of one image, as it is sent to the model. */
const MAX_IMAGE_BYTES = 5 * MB;
/** Of all files that this process is reading, and of those that are shown to models now. */
const MAX_BYTES_IN_FLIGHT = 64 * MB;
/** A file may be larger than its platform declares, if that converts it for the download. */
const SIZE_TOLERANCE = 65_536;
const MAX_IMAGES = 4;
/** A text that has room for less is not worth showing (estimated tokens). */
const LEAST_OF_A_TEXT = 64;
/** Files of older messages that are fetched for one request. */
const MAX_OLDER_FILES = 8;
/** Files that one request fetches at a time. */
const CONCURRENCY = 4;

/** What is left of a request's limits. */
interface Room {
  tokens: number;
  images: number;
}

export function createFileReader({ fetcherOf, maxTokens, logger }: FileReaderOptions): FileReader {
  const inFlight = createQuota(MAX_BYTES_IN_FLIGHT);
  const pdfs = createPdfReader();

  /** One file, whole, of at most so many bytes. Rejects only with the signal's reason. */
  async function load(file: FileRef, maxBytes: number, platform: string, signal: AbortSignal): Promise<FileContent> {
    const bytes = await fetchFile(file, maxBytes, platform, signal);
    if (!(bytes instanceof Uint8Array)) return bytes;
    return bytes.length > maxBytes ? unread('too_large') : await read(bytes, file, signal);
  }

  async function fetchFile(
    file: FileRef,
    maxBytes: number,
    platform: string,
    signal: AbortSignal,
  ): Promise<Uint8Array | FileContent> {
    if (file.data !== undefined) return Buffer.from(file.data, 'base64');
    const fetcher = fetcherOf(platform);
    if (file.ref === undefined || fetcher === undefined) return unread('unsupported');
    try {
      const fetched = await fetcher.fetchFile(file, { maxBytes, maxImageBytes: maxBytes, signal });
      return fetched.kind === 'fetched' ? fetched.bytes : fetched;
    } catch (thrown) {
      signal.throwIfAborted();
      // Not the message, which may contain the file's address.
      logger.warn({ platform, code: toBotError(thrown).code }, 'fetching a file failed');
      return unread('failed');
    }
  }

  async function read(bytes: Uint8Array, file: FileRef, signal: AbortSignal): Promise<FileContent> {
    const identified = identify(bytes, file);
    switch (identified.kind) {
      case 'image':
        if (bytes.length > MAX_IMAGE_BYTES) return unread('too_large');
        return { kind: 'image', mime: identified.mime, data: file.data ?? Buffer.from(bytes).toString('base64') };
      case 'pdf':
        return await pdfs.read(bytes, signal);
      case 'text':
      case 'unread':
        return identified;
    }
  }

  /** The files of one message within its bytes. */
  async function loadGroup(
    files: readonly FileRef[],
    platform: string,
    signal: AbortSignal,
  ): Promise<readonly FileContent[]> {
    const atATime = createQuota(CONCURRENCY);
    let left = MAX_MESSAGE_BYTES;
    const loading = files.map((file) => {
      const maxBytes = Math.min(left, bytesFor(file));
      const isTooLarge = maxBytes <= 0 || (!isImage(file) && (sizeOf(file) ?? 0) > maxBytes);
      if (isTooLarge) return unread('too_large');
      if (canBeFetched(file)) left -= maxBytes;
      return atATime.hold(1, signal, () => load(file, maxBytes, platform, signal));
    });
    return await Promise.all(loading);
  }

  return {
    async read(platform, groups, signal) {
      // All at once: a request that held some and waited for more could wait for another one that does the same.
      const held = await inFlight.acquire(mostBytes(groups), signal);
      try {
        const contents = await readAll(platform, groups, signal);
        held.shrinkTo(bytesOf(contents));
        return { contents, release: held.release };
      } catch (thrown) {
        held.release();
        throw thrown;
      }
    },
  };

  async function readAll(platform: string, groups: readonly FileGroup[], signal: AbortSignal): Promise<FileContents> {
    const contents = new Map<FileRef, FileContent>();
    const room: Room = { tokens: maxTokens, images: MAX_IMAGES };
    let older = MAX_OLDER_FILES;
    for (const [index, group] of groups.entries()) {
      const isNewest = index === 0 || group.quoted;
      const files = isNewest
        ? group.files
        : group.files.filter((file) => canBeFetched(file) && hasRoom(file, room)).slice(0, older);
      if (!isNewest) older -= files.length;
      const loaded = await loadGroup(files, platform, signal);
      for (const [at, content] of fitInto(room, loaded).entries()) {
        const file = files[at];
        if (file === undefined) continue;
        if (content !== 'no_room') contents.set(file, content);
        else if (isNewest) contents.set(file, unread('too_large'));
      }
    }
    return contents;
  }
}

/** Most bytes that a request can hold at a time: images in base64, to its end, and the texts of one message, which are then cut. */
function mostBytes(groups: readonly FileGroup[]): number {
  const files = groups.flatMap((group) => group.files.filter(canBeFetched));
  const bytes = (some: readonly FileRef[]) => some.reduce((sum, file) => sum + bytesFor(file), 0);
  const images = bytes(files.filter(isImage).slice(0, MAX_IMAGES));
  const texts = bytes(files.filter((file) => !isImage(file)));
  return Math.ceil((images * 4) / 3) + Math.min(MAX_MESSAGE_BYTES, texts);
}

/** Bytes that contents hold, of images in base64. */
function bytesOf(contents: FileContents): number {
  let bytes = 0;
  for (const content of contents.values()) {
    if (content.kind === 'image') bytes += content.data.length;
    if (content.kind === 'text') bytes += content.text.length;
  }
  return bytes;
}

const unread = (why: FileFault): FileContent => ({ kind: 'unread', why });

const canBeFetched = ({ data, ref }: FileRef) => data !== undefined || ref !== undefined;

const isImage = ({ type }: FileRef) => type?.toLowerCase().startsWith('image/') === true;

/** Declared bytes. */
const sizeOf = ({ data, size }: FileRef) => (data === undefined ? size : Math.ceil((data.length * 3) / 4));

/** Most bytes that a file may take of its message. */
function bytesFor(file: FileRef): number {
  const limit = isImage(file) ? MAX_IMAGE_BYTES : MAX_MESSAGE_BYTES;
  const size = sizeOf(file);
  return size === undefined ? limit : Math.min(limit, size + SIZE_TOLERANCE);
}

/** Whether a file can have room, before it is fetched. */
function hasRoom(file: FileRef, { tokens, images }: Room): boolean {
  return isImage(file) ? images > 0 && tokens >= IMAGE_TOKENS : tokens >= LEAST_OF_A_TEXT;
}

/** Gives files of one message room: images in order, then texts, of which the short ones stay whole. Takes it from `room`. */
function fitInto(room: Room, files: readonly FileContent[]): readonly (FileContent | 'no_room')[] {
  const fitted = files.map((file): FileContent | 'no_room' => {
    if (file.kind !== 'image') return file;
    if (room.images === 0 || room.tokens < IMAGE_TOKENS) return 'no_room';
    room.images -= 1;
    room.tokens -= IMAGE_TOKENS;
    return file;
  });
  const texts = files
    .flatMap((file, at) => (file.kind === 'text' ? [{ at, text: file.text, tokens: estimateTokens(file.text) }] : []))
    .toSorted((a, b) => a.tokens - b.tokens);
  for (const [index, { at, text, tokens }] of texts.entries()) {
    const share = Math.floor(room.tokens / (texts.length - index));
    const isWhole = tokens <= share;
    fitted[at] = isWhole || share >= LEAST_OF_A_TEXT ? { kind: 'text', text: cutInTheMiddle(text, share) } : 'no_room';
    if (fitted[at] !== 'no_room') room.tokens -= Math.min(tokens, share);
  }
  return fitted;
}
