/** Reads the JSON body of a request, with a limit on its size. */
import { HTTPException } from 'hono/http-exception';
import type { BodyRoom } from './body-room.ts';

/** JSON needs at most six bytes for a UTF-16 unit (`\u0000`); the rest is for the other fields and spaces. */
export function bodyLimit(maxMessageChars: number): number {
  return maxMessageChars * 6 + 8192;
}

/**
 * The parsed body. @throws HTTPException 415 unless the content type is JSON (which also prevents cross-site form posts), 413
 * for a body over `limit` bytes (before reading it if Content-Length is over), 400 if it is not UTF-8 or not JSON.
 */
export async function readJson(request: Request, limit: number): Promise<unknown> {
  return parse(await readBytes(checked(request), limit));
}

/** Limits of a body that may carry files. */
export interface LargeBodyLimits {
  /** Bodies up to this size (bytes) need no room. A larger one may hold only as many JSON values as one of this size. */
  readonly small: number;
  /** Bytes that a body with {@link field} may have. */
  readonly large: number;
  /** Without this field, a body may only be small. */
  readonly field: string;
  readonly room: BodyRoom;
}

/**
 * Passes the parsed body to `use`. A body over `small` bytes has its place in the room until `use` has settled: `use` must not keep
 * what it got. @throws HTTPException as {@link readJson}, and 503 when too many large bodies are being received.
 */
export async function withLargeJson<T>(
  request: Request,
  { small, large, field, room }: LargeBodyLimits,
  use: (body: unknown) => Promise<T>,
): Promise<T> {
  const announced = sizeOf(request);
  const free = announced > small && announced <= large ? room.take(announced) : () => {};
  if (free === undefined) {
    const detail = 'The bot is receiving too many files at the moment. Send the message again.';
    throw refuse(503, detail, { 'Retry-After': '1' });
  }
  try {
    // A body that does not say how large it is cannot have room reserved, so that it may only be small.
    const bytes = await readBytes(checked(request), announced > small ? large : small);
    // Otherwise a few large bodies of nothing but brackets would fill the memory and block the process.
    if (bytes.length > small && valuesIn(bytes) > small) throw refuse(413, 'The body has too many values.');
    const body = parse(bytes);
    const hasField = typeof body === 'object' && body !== null && Object.hasOwn(body, field);
    if (bytes.length > small && !hasField) throw tooLarge(small);
    return await use(body);
  } finally {
    free();
  }
}

/** An upper limit of the values in a JSON text. Base64 has none of these characters. */
function valuesIn(bytes: Uint8Array): number {
  let count = 1;
  for (const byte of bytes) if (byte === COMMA || byte === BRACKET || byte === BRACE) count += 1;
  return count;
}

const [COMMA, BRACKET, BRACE] = Buffer.from(',[{');

function checked(request: Request): Request {
  const type = (request.headers.get('content-type') ?? '').toLowerCase().replaceAll(' ', '');
  if (!/^application\/json(?:;charset="?utf-?8"?)?$/.test(type)) {
    throw refuse(415, 'Send the body as JSON, with Content-Type: application/json.');
  }
  if ((request.headers.get('content-encoding') ?? 'identity') !== 'identity') {
    throw refuse(415, 'Send the body without Content-Encoding.');
  }
  return request;
}

function parse(bytes: Uint8Array): unknown {
  let text: string;
  try {
    text = new TextDecoder('utf-8', { fatal: true }).decode(bytes);
  } catch {
    throw refuse(400, 'The body is not valid UTF-8.');
  }
  try {
    return JSON.parse(text);
  } catch (error) {
    throw refuse(400, `The body is not valid JSON: ${error instanceof Error ? error.message : 'it cannot be read'}.`);
  }
}

async function readBytes(request: Request, limit: number): Promise<Uint8Array> {
  if (sizeOf(request) > limit) throw tooLarge(limit);
  const chunks: Uint8Array[] = [];
  let size = 0;
  try {
    // Throwing leaves the loop, which cancels the stream, so the rest of the body is not read.
    for await (const chunk of request.body ?? []) {
      size += chunk.length;
      if (size > limit) throw tooLarge(limit);
      chunks.push(chunk);
    }
  } catch (error) {
    throw error instanceof HTTPException ? error : refuse(400, 'The body broke off.');
  }
  return Buffer.concat(chunks);
}

/** As the request announces it, in bytes; 0 where it does not. */
function sizeOf(request: Request): number {
  return Number(request.headers.get('content-length') ?? 0);
}

function tooLarge(limit: number): HTTPException {
  return refuse(413, `The body is too large: it may have at most ${limit} bytes.`);
}

function refuse(status: 400 | 413 | 415 | 503, detail: string, headers: Record<string, string> = {}): HTTPException {
  return new HTTPException(undefined, { message: detail, res: Response.json({ detail }, { status, headers }) });
}
