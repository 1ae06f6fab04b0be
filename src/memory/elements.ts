/**
 * What is stored of messages, as JSON, and how it is read back. Every driver writes and parses with these, so that data of
 * an earlier or newer version, or of a broken writer, is met by the same rules everywhere: unknown fields are ignored, and
 * what is not ours gives undefined and never throws.
 */
import { z } from 'zod';
import { isOwn, type SessionId, toSessionId } from '../core/session.ts';
import type { Answer } from '../core/store.ts';
import { ANSWER_CUTS, type ChatMessage, type IncomingMessage, MAX_TURN_ID_LENGTH } from '../core/types.ts';

/** Unix milliseconds; others are no Date, and whoever shows one would throw (ECMA-262, time values). */
const instant = z.number().min(0).max(8.64e15);

const chatMessage = z.object({
  role: z.enum(['user', 'assistant']),
  content: z.string(),
  timestamp: instant,
  turn: z.string(),
  source: z.string(),
  authorId: z.string(),
  author: z.string().optional(),
  stopped: z.literal(true).optional(),
  // A reason of a newer version costs the reason, not the message.
  cut: z.enum(ANSWER_CUTS).optional().catch(undefined),
});

const sessionId = z.string().transform((text, context): SessionId => {
  try {
    return toSessionId(text);
  } catch {
    context.addIssue({ code: 'custom', message: 'not a session id' });
    return z.NEVER;
  }
});

/** Messages that wait since before `idempotencyKeys` had that name. */
const withIdempotencyKeys = (value: unknown): unknown => {
  if (typeof value !== 'object' || value === null || !('dedupeIds' in value)) return value;
  const { dedupeIds, ...rest } = value;
  return { idempotencyKeys: dedupeIds, ...rest };
};

const incomingMessage = z.preprocess(
  withIdempotencyKeys,
  z.object({
    id: z.string(),
    turnId: z.string().min(1).max(MAX_TURN_ID_LENGTH),
    idempotencyKeys: z.array(z.string()),
    platform: z.string(),
    sessionId,
    author: z.object({ id: z.string(), name: z.string() }),
    text: z.string(),
    sentAt: instant,
    isDirect: z.boolean(),
    isMention: z.boolean(),
    locale: z.enum(['en', 'zh-CN']),
    replyTo: z.object({ platform: z.string() }).catchall(z.json()),
    quotes: z.array(z.object({ author: z.string(), text: z.string() })).optional(),
    attachments: z.array(z.string()).optional(),
    ttl: z.number().int().positive().optional(),
  }),
);

/** What of a message is remembered, or decides how. */
export type TurnMessage = Pick<
  IncomingMessage,
  'id' | 'turnId' | 'sessionId' | 'author' | 'text' | 'sentAt' | 'isDirect' | 'ttl'
>;

/** One element of a conversation's list. Lone surrogates are escaped, so the text is well-formed Unicode. */
export function serialiseElement(message: ChatMessage): string {
  return JSON.stringify(message);
}

/**
 * The two halves of a turn, as memory keeps them. The author's name is kept where several people share the conversation,
 * because there the model has to be told who said what.
 */
export function turnHalves(message: TurnMessage, answer: Omit<Answer, 'tokens'>): readonly [ChatMessage, ChatMessage] {
  const shared = { turn: message.turnId, source: message.id, authorId: message.author.id };
  const named = !message.isDirect && !isOwn(message.sessionId);
  return [
    {
      role: 'user',
      content: message.text,
      timestamp: message.sentAt,
      ...shared,
      ...(named ? { author: message.author.name } : {}),
    },
    {
      role: 'assistant',
      content: answer.text,
      timestamp: answer.timestamp,
      ...shared,
      ...(answer.stopped ? { stopped: true } : {}),
      ...(answer.cut === undefined ? {} : { cut: answer.cut }),
    },
  ];
}

/** Undefined when the element cannot be read. */
export function parseElement(raw: string): ChatMessage | undefined {
  return chatMessage.safeParse(parseJson(raw)).data;
}

/** A message that waited in the store, already parsed from JSON. Undefined when it is not one of ours. */
export function parseStoredMessage(value: unknown): IncomingMessage | undefined {
  return incomingMessage.safeParse(value).data;
}

/** Undefined for what is no session id. */
export function parseStoredSession(text: string): SessionId | undefined {
  return sessionId.safeParse(text).data;
}

/** Undefined for what is not JSON, which no JSON text gives. */
export function parseJson(raw: string): unknown {
  try {
    return JSON.parse(raw);
  } catch {
    return undefined;
  }
}
