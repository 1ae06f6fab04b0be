/** The bodies of the HTTP API, in and out: what is checked at the edge, and what the OpenAPI description is made of. */
import { z } from 'zod';
import { MAX_FACT_LENGTH, MAX_FACTS } from '../../core/facts.ts';
import { isWellFormed, MAX_COMPONENT_LENGTH } from '../../core/session.ts';
import { ANSWER_CUTS, FILE_FAULTS } from '../../core/types.ts';
import { attachmentsSchema, MAX_FILE_BYTES, MAX_FILES } from '../attachments.ts';

/** Bounds of what a caller may send. TTLs in whole seconds. */
export interface HttpLimits {
  readonly minTtl: number;
  readonly maxTtl: number;
  readonly defaultTtl: number;
  /** Longest message in UTF-16 units. */
  readonly maxMessageChars: number;
}

const isoTime = z.iso.datetime().describe('ISO 8601, UTC');
const secondsLeft = z.int().nonnegative().describe('Whole seconds until the conversation is forgotten, rounded up');

/** Who speaks: any text, but nothing that cannot stand in a path of its own. */
export const userId = z
  .string('user_id must be a string.')
  .min(1, 'user_id must not be empty.')
  .max(MAX_COMPONENT_LENGTH, `user_id may have at most ${MAX_COMPONENT_LENGTH} characters.`)
  .refine(isWellFormed, 'user_id must be well-formed Unicode: it has a lone surrogate.')
  .refine((id) => id !== '.' && id !== '..', 'user_id must not be "." or "..": no path can carry it.')
  .describe('Names the conversation. Anything goes; in a path it is percent-encoded.');

/** The body of POST /chat. Its texts are answered to callers as they are. */
export function chatRequestSchema({ maxTtl, minTtl, defaultTtl, maxMessageChars }: HttpLimits) {
  const ttlBounds = `ttl must be a whole number of seconds from 1 to ${maxTtl}.`;
  const body = z.object(
    {
      user_id: userId,
      message: z
        .string('message must be a string.')
        .max(maxMessageChars, `message is too long: it may have at most ${maxMessageChars} characters.`)
        .refine(isWellFormed, 'message must be well-formed Unicode: it has a lone surrogate.')
        .describe('It may be empty when there are attachments.'),
      attachments: attachmentsSchema
        .nullish()
        .describe(
          `Images (PNG, JPEG, WebP, GIF), text files and PDFs for this message: at most ${MAX_FILES}, ${MAX_FILE_BYTES} bytes ` +
            'together (decoded). They are stored until the message is answered, and then only their names are remembered: send a file ' +
            'again to ask about it again. A memory command ignores them.',
        ),
      ttl: z
        .int(ttlBounds)
        .min(1, ttlBounds)
        .max(maxTtl, ttlBounds)
        .nullish()
        .describe(
          `Seconds until the conversation is forgotten. From ${minTtl} on it is this conversation's choice from now on; ` +
            `below, it holds for now only. Without it: the earlier choice, else ${defaultTtl}.`,
        ),
    },
    'The body must be a JSON object.',
  );
  return body.refine(({ message, attachments }) => message.trim() !== '' || (attachments ?? []).length > 0, {
    message: 'message must not be empty.',
    path: ['message'],
  });
}

const answerCut = z
  .enum(ANSWER_CUTS)
  .describe(
    'Only where the answer is not whole: the model stopped at its own limit (length), a content filter stopped it (filtered), ' +
      'it reached MAX_ANSWER_LENGTH (maximum) or ANSWER_TIMEOUT (time). `response` is what there is of it.',
  );

export const chatResponse = z.object({
  response: z.string(),
  user_id: z.string(),
  timestamp: isoTime,
  ttl_remaining: secondsLeft,
  cut: answerCut.optional(),
  unread: z
    .array(z.object({ name: z.string(), why: z.enum(FILE_FAULTS) }))
    .optional()
    .describe('Only where the answer was made without some of the attachments: which, and why.'),
  note: z
    .string()
    .optional()
    .describe(
      'What to show under the answer, in the language of the caller: why it is cut off, which attachments were not read, or that ' +
        '/remember keeps something.',
    ),
});

export const pendingResponse = z.object({
  status: z.literal('pending'),
  turn_id: z.string(),
  user_id: z.string(),
  detail: z.string(),
});

export const historyResponse = z.object({
  user_id: z.string(),
  messages: z.array(
    z.object({
      role: z.enum(['user', 'assistant']),
      content: z.string(),
      timestamp: isoTime,
      files: z
        .array(z.string())
        .optional()
        .describe('Names of the attachments of the message. Their contents are not kept.'),
    }),
  ),
  total_messages: z.int().nonnegative(),
  ttl_remaining: secondsLeft,
});

/** The body of POST /facts. Its texts are answered to callers as they are. */
export const factRequest = z.object(
  {
    text: z
      .string('text must be a string.')
      .max(MAX_FACT_LENGTH, `text is too long: it may have at most ${MAX_FACT_LENGTH} characters.`)
      .refine((text) => text.trim() !== '', 'text must not be empty.')
      .refine(isWellFormed, 'text must be well-formed Unicode: it has a lone surrogate.')
      .describe('It may have several lines. Other control characters are dropped.'),
  },
  'The body must be a JSON object.',
);

export const factResponse = z.object({
  id: z.string().describe('Names the fact among those of its user_id'),
  text: z.string(),
  said_at: isoTime,
  expires_at: isoTime,
});

export const factsResponse = z.object({
  user_id: z.string(),
  facts: z.array(factResponse).max(MAX_FACTS).describe('Oldest first'),
});

export const factsRemovedResponse = z.object({
  message: z.literal('Facts removed'),
  user_id: z.string(),
  removed: z.int().positive(),
});

export const clearedResponse = z.object({ message: z.literal('History cleared'), user_id: z.string() });

export const ttlResponse = z.object({
  message: z.literal('TTL updated'),
  user_id: z.string(),
  new_ttl: z.int().positive(),
  ttl_remaining: secondsLeft,
});

export const statsResponse = z.object({
  total_users: z.int().nonnegative().describe('Live conversations'),
  total_messages: z.int().nonnegative(),
  redis_version: z.string().nullable(),
  used_memory_human: z.string().nullable(),
  connected_clients: z.int().nonnegative().nullable(),
  store: z.literal('sqlite').optional().describe('Only on the embedded store, where the Redis fields are null'),
});

export const healthResponse = z.object({
  status: z.enum(['healthy', 'unhealthy']),
  redis: z.enum(['connected', 'disconnected', 'not configured']),
  error: z.string().optional(),
  timestamp: isoTime,
});

export const errorResponse = z.object({ detail: z.string() });

/** The events of a streamed answer, by name. */
export const streamEvents = {
  turn: z
    .object({ turn_id: z.string(), user_id: z.string() })
    .describe('The message is stored: it will be answered, whatever becomes of this connection.'),
  delta: z.object({ text: z.string() }).describe('The next piece of the answer.'),
  reset: z.object({}).describe('Discard the pieces so far: the answer starts over.'),
  done: chatResponse.describe('The whole answer. The pieces since the last reset, joined, are its `response`.'),
  pending: pendingResponse.describe('The server is stopping; the answer will be in the history.'),
  error: errorResponse
    .extend({ status: z.int() })
    .describe('There will be no answer. `status` is what a plain POST would have got.'),
} as const;

export type StreamEvents = { readonly [Name in keyof typeof streamEvents]: z.infer<(typeof streamEvents)[Name]> };
