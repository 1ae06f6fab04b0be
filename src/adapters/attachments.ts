/** Files that come in the body of a request (HTTP and the playground), because no platform keeps them. */
import { HTTPException } from 'hono/http-exception';
import { z } from 'zod';
import { isWellFormed } from '../core/session.ts';
import type { FileRef } from '../core/types.ts';

/** Files of one message. */
export const MAX_FILES = 10;
/** Bytes of all files of one message together, decoded. */
export const MAX_FILE_BYTES = 5_000_000;
/** Bytes of JSON for the files of one message: base64 is a third longer, a slash in it may be escaped, and they have names. */
export const MAX_FILES_JSON = 7_500_000;

const MAX_NAME = 255;
/** RFC 6838 allows 127 characters on each side of the slash. */
const MAX_TYPE = 255;
const TOO_MANY = `attachments may have at most ${MAX_FILES} files.`;
const NOT_BASE64 =
  'data of an attachment must be the file in base64, not empty, without line breaks and without "data:".';

const OUTSIDE_BASE64 = /[^A-Za-z0-9+/]/;

/** Its texts are for callers. */
export const attachmentsSchema = z
  .array(
    z.object(
      {
        name: z
          .string('Each attachment needs a name.')
          .refine((name) => name.trim() !== '', 'The name of an attachment must not be empty.')
          .max(MAX_NAME, `The name of an attachment may have at most ${MAX_NAME} characters.`)
          .refine(isWellFormed, 'The name of an attachment must be well-formed Unicode: it has a lone surrogate.'),
        type: z
          .string('The type of an attachment must be a string.')
          .max(MAX_TYPE, `The type of an attachment may have at most ${MAX_TYPE} characters.`)
          .refine(isWellFormed, 'The type of an attachment must be well-formed Unicode: it has a lone surrogate.')
          .optional()
          .describe('MIME type. What the file contains decides how it is read.'),
        data: z
          .string(NOT_BASE64)
          .refine(isBase64, NOT_BASE64)
          .meta({ contentEncoding: 'base64' })
          .describe('The file in base64 (RFC 4648, padded)'),
      },
      'Each attachment must be an object with name and data.',
    ),
    'attachments must be a list.',
  )
  .max(MAX_FILES, TOO_MANY);

function isBase64(data: string): boolean {
  return data !== '' && data.length % 4 === 0 && !OUTSIDE_BASE64.test(data.slice(0, data.length - paddingOf(data)));
}

/** @throws HTTPException 413 when they have more than {@link MAX_FILE_BYTES} together. */
export function fileRefs(attachments: z.infer<typeof attachmentsSchema>): readonly FileRef[] {
  const files = attachments.map(({ name, type, data }) => ({
    ...{ name, size: (data.length / 4) * 3 - paddingOf(data), data },
    ...(type === undefined || type === '' ? {} : { type }),
  }));
  const bytes = files.reduce((sum, { size }) => sum + size, 0);
  if (bytes <= MAX_FILE_BYTES) return files;
  const detail = `The attachments have ${bytes} bytes together. Send at most ${MAX_FILE_BYTES} bytes with one message.`;
  throw new HTTPException(undefined, { message: detail, res: Response.json({ detail }, { status: 413 }) });
}

function paddingOf(data: string): number {
  return data.endsWith('==') ? 2 : data.endsWith('=') ? 1 : 0;
}
