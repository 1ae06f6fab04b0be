/**
 * What is stored of messages, as JSON, and how it is read back. Every driver writes and parses with these, so that data of
 * an earlier or newer version, or of a broken writer, is met by the same rules everywhere: unknown fields are ignored, and
 * what is not ours gives undefined and never throws.
 */
import { z } from 'zod';
import { isOwn, type SessionId, toSessionId } from '../core/session.ts';
import type { Answer, StoreOptions } from '../core/store.ts';
import { estimateTokens } from '../core/tokens.ts';
import {
  ANSWER_CUTS,
  type ChatMessage,
  FILE_FAULTS,
  type FileRef,
  type IncomingMessage,
  MAX_TURN_ID_LENGTH,
} from '../core/types.ts';

/** Unix milliseconds; others are no Date, and whoever shows one would throw (ECMA-262, time values). */
const instant = z.number().min(0).max(8.64e15);

const fileRef = z.object({
  name: z.string(),
  type: z.string().optional(),
  size: z.number().nonnegative().optional(),
  ref: z.record(z.string(), z.json()).optional(),
  data: z.string().optional(),
  longText: z.literal(true).optional(),
});

/** Messages that wait since before files were read have only names. */
const attachment = z.union([z.string().transform((name): FileRef => ({ name })), fileRef]);

/** Files that cannot be parsed are left out. */
const fileRefs = z
  .array(attachment.optional().catch(undefined))
  .transform((files) => files.filter((file) => file !== undefined));

export const unreadFiles = z.array(z.object({ name: z.string(), why: z.enum(FILE_FAULTS) }));

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
  saidAt: instant.optional().catch(undefined),
  editedAt: instant.optional().catch(undefined),
  used: z
    .object({ turns: z.array(z.string()), facts: z.array(z.string()) })
    .optional()
    .catch(undefined),
  files: fileRefs.optional().catch(undefined),
  unread: unreadFiles.optional().catch(undefined),
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
    quotes: z
      .array(z.object({ author: z.string(), text: z.string(), files: fileRefs.optional().catch(undefined) }))
      .optional(),
    attachments: fileRefs.optional(),
    ttl: z.number().int().positive().optional(),
    editedAt: instant.optional().catch(undefined),
  }),
);

/** What of a message is remembered, or decides how. */
export type TurnMessage = Pick<
  IncomingMessage,
  'id' | 'turnId' | 'sessionId' | 'author' | 'text' | 'sentAt' | 'isDirect' | 'ttl' | 'editedAt' | 'attachments'
>;

/** One element of a conversation's list. Lone surrogates are escaped, so the text is well-formed Unicode. */
export function serialiseElement(message: ChatMessage): string {
  return JSON.stringify(message);
}

/** The instant (Unix milliseconds) that retention is judged at, and how long a turn is kept from when it was said, in seconds. */
export interface Retention extends Pick<StoreOptions, 'maxTtl'> {
  readonly now: number;
}

/** What an answer's own time may differ by from when its turn was said, in milliseconds, before that is kept with it. */
const SAME_TIME_MS = 60_000;

/**
 * When a message counts as said, in Unix milliseconds. By the platform's clock, which may be wrong: it is not later than now, and
 * at most half of the retention ago, so that a turn is not over when it was just answered.
 */
function plausible(sentAt: number, { now, maxTtl }: Retention): number {
  const half = (maxTtl / 2) * 1_000;
  return Math.floor(Math.min(Math.max(sentAt, now - half), now));
}

/**
 * The two halves of a turn, as memory keeps them. The author's name is kept where several people share the conversation,
 * because there the model has to be told who said what.
 */
export function turnHalves(
  message: TurnMessage,
  answer: Omit<Answer, 'tokens'>,
  retention: Retention,
): readonly [ChatMessage, ChatMessage] {
  const saidAt = plausible(message.sentAt, retention);
  const shared = { turn: message.turnId, source: message.id, authorId: message.author.id };
  const named = !message.isDirect && !isOwn(message.sessionId);
  return [
    {
      role: 'user',
      content: message.text,
      timestamp: message.sentAt,
      ...shared,
      ...(named ? { author: message.author.name } : {}),
      ...(saidAt === message.sentAt ? {} : { saidAt }),
      ...(message.editedAt === undefined ? {} : { editedAt: message.editedAt }),
      ...remembered(message.attachments),
    },
    {
      role: 'assistant',
      content: answer.text,
      timestamp: answer.timestamp,
      ...shared,
      ...(answer.stopped ? { stopped: true } : {}),
      ...(answer.cut === undefined ? {} : { cut: answer.cut }),
      ...(Math.abs(answer.timestamp - saidAt) <= SAME_TIME_MS ? {} : { saidAt }),
      ...(answer.used === undefined ? {} : { used: answer.used }),
      ...(answer.unread === undefined || answer.unread.length === 0 ? {} : { unread: answer.unread }),
    },
  ];
}

/** Memory keeps pointers, never the files. */
function remembered(attachments: readonly FileRef[] = []): { readonly files?: readonly FileRef[] } {
  return attachments.length === 0 ? {} : { files: attachments.map(({ data, ...pointer }) => pointer) };
}

/** A message that is to be written to memory, and the estimated tokens of its turn. */
export interface Edited<Message extends TurnMessage> {
  readonly message: Message;
  readonly tokens: number;
}

/** The same with the text and the files of an edit that came while it was answered. */
export function withEdit<Message extends TurnMessage>(
  { message, tokens }: Edited<Message>,
  edited: Pick<IncomingMessage, 'text' | 'attachments'> | undefined,
  editedAt?: number,
): Edited<Message> {
  const { text, attachments = [] } = edited ?? message;
  const more = estimateTokens(text) - estimateTokens(message.text);
  const at = editedAt === undefined || !Number.isFinite(editedAt) ? {} : { editedAt };
  return { message: { ...message, text, attachments, ...at }, tokens: tokens + more };
}

export interface MessageEdit {
  readonly text: string;
  /** Unix milliseconds. */
  readonly editedAt: number;
  /** The files that the message has now; undefined: as before. */
  readonly attachments?: readonly FileRef[] | undefined;
}

/**
 * A person's half with the text and the files of an edit, and how many estimated tokens more that is. Undefined where it changes nothing: it came
 * before, or a newer edit did.
 */
export function editedElement(
  raw: string,
  { text, editedAt, attachments }: MessageEdit,
): { readonly element: string; readonly tokens: number } | undefined {
  const half = parseElement(raw);
  if (half?.role !== 'user') return undefined;
  const { content, editedAt: before } = half;
  if (editedAt < (before ?? 0) || (content === text && editedAt === before)) return undefined;
  // Fields of a newer version stay.
  const fields = z.looseObject({}).parse(parseJson(raw));
  const files = attachments === undefined ? {} : { files: undefined, ...remembered(attachments) };
  const element = JSON.stringify({ ...fields, content: text, editedAt, ...files });
  return { element, tokens: estimateTokens(text) - estimateTokens(content) };
}

/** Undefined when the element cannot be read. */
export function parseElement(raw: string): ChatMessage | undefined {
  return chatMessage.safeParse(parseJson(raw)).data;
}

/** The instant that the retention of a message counts from, in Unix milliseconds. */
export function countsFrom({ saidAt, timestamp }: ChatMessage): number {
  return saidAt ?? timestamp;
}

/** Whether a message was said so long ago that its turn is over: it is never shown, and goes with the next turn. */
export function isOver(message: ChatMessage, { now, maxTtl }: Retention): boolean {
  return countsFrom(message) <= now - maxTtl * 1_000;
}

/** The messages among these elements, without those that are over, and how many elements cannot be read. */
export function readable(
  elements: readonly string[],
  retention: Retention,
): { readonly messages: readonly ChatMessage[]; readonly corrupt: number } {
  const all = elements.map(parseElement).filter((message) => message !== undefined);
  return { messages: all.filter((message) => !isOver(message, retention)), corrupt: elements.length - all.length };
}

/** Without the turns at the beginning that are over. What cannot be read is over with what was said after it. */
export function withoutOver(elements: readonly string[], retention: Retention): readonly string[] {
  let over = 0;
  for (const [index, element] of elements.entries()) {
    const message = parseElement(element);
    if (message === undefined) continue;
    if (!isOver(message, retention)) break;
    over = index + 1;
  }
  return elements.slice(over);
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
