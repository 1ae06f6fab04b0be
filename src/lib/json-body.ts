/** Reads the JSON body of a request, with a limit on its size. */
import { HTTPException } from 'hono/http-exception';

/** JSON needs at most six bytes for a UTF-16 unit (`\u0000`); the rest is for the other fields and spaces. */
export function bodyLimit(maxMessageChars: number): number {
  return maxMessageChars * 6 + 8192;
}

/**
 * The parsed body. @throws HTTPException 415 unless the content type is JSON (which also prevents cross-site form posts), 413
 * for a body over `limit` bytes (before reading it if Content-Length is over), 400 if it is not UTF-8 or not JSON.
 */
export async function readJson(request: Request, limit: number): Promise<unknown> {
  const type = (request.headers.get('content-type') ?? '').toLowerCase().replaceAll(' ', '');
  if (!/^application\/json(?:;charset="?utf-?8"?)?$/.test(type)) {
    throw refuse(415, 'Send the body as JSON, with Content-Type: application/json.');
  }
  if ((request.headers.get('content-encoding') ?? 'identity') !== 'identity') {
    throw refuse(415, 'Send the body without Content-Encoding.');
  }
  const bytes = await readBytes(request, limit);
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
  const tooLarge = refuse(413, `The body is too large: it may have at most ${limit} bytes.`);
  if (Number(request.headers.get('content-length') ?? 0) > limit) throw tooLarge;
  const chunks: Uint8Array[] = [];
  let size = 0;
  try {
    // Throwing leaves the loop, which cancels the stream, so the rest of the body is not read.
    for await (const chunk of request.body ?? []) {
      size += chunk.length;
      if (size > limit) throw tooLarge;
      chunks.push(chunk);
    }
  } catch (error) {
    throw error === tooLarge ? error : refuse(400, 'The body broke off.');
  }
  return Buffer.concat(chunks);
}

function refuse(status: 400 | 413 | 415, detail: string): HTTPException {
  return new HTTPException(undefined, { message: detail, res: Response.json({ detail }, { status }) });
}
