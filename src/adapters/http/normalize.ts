/** Parses requests of HTTP callers. Pure; invalid ones throw a BotError. */
import { createHash } from 'node:crypto';
import { parseAccept } from 'hono/utils/accept';
import type { z } from 'zod';
import { encodeSession, type SessionId } from '../../core/session.ts';
import type { FileRef, IncomingMessage, Locale, TurnId } from '../../core/types.ts';
import { BotError } from '../../errors.ts';
import { localeOf } from '../../i18n/locale.ts';
import { fileRefs } from '../attachments.ts';
import { type chatRequestSchema, factRequest, userId } from './schemas.ts';

export interface ChatRequest {
  readonly userId: string;
  readonly text: string;
  /** Whole seconds. */
  readonly ttl?: number;
  readonly attachments?: readonly FileRef[];
}

/** What the message is made of besides the body. */
export interface ChatContext {
  readonly idempotencyKey: string | undefined;
  readonly locale: Locale;
  /** Unix milliseconds. */
  readonly now: number;
  /** At least 10 characters of `[A-Za-z0-9_-]`. */
  readonly random: string;
}

/** A turn id is 10 random characters (60 bits) and 10 of the body's fingerprint. */
const RANDOM_LENGTH = 10;
const FINGERPRINT_LENGTH = 10;
/** Of an Idempotency-Key; a UUID has 36. */
export const MAX_KEY_LENGTH = 255;

/** The conversation of one user_id: the place alone, so no HTTP caller ever reaches another platform's. */
export function sessionOf(user: string): SessionId {
  return encodeSession({ place: { platform: 'http', channel: user } });
}

/**
 * Reads the body of POST /chat.
 * @throws BotError `ttl_out_of_bounds` when only the ttl is wrong, else `bad_input`; HTTPException 413 when the attachments are too
 * large. The messages are for the caller.
 */
export function parseChat(schema: ReturnType<typeof chatRequestSchema>, body: unknown): ChatRequest {
  const parsed = schema.safeParse(body);
  if (!parsed.success) {
    const issues = parsed.error.issues;
    const other = issues.find((issue) => issue.path[0] !== 'ttl');
    throw new BotError(other === undefined ? 'ttl_out_of_bounds' : 'bad_input', textOf(other ?? issues[0]));
  }
  const { user_id, message, ttl, attachments } = parsed.data;
  const files = fileRefs(attachments ?? []);
  return {
    ...{ userId: user_id, text: message },
    ...(typeof ttl === 'number' ? { ttl } : {}),
    ...(files.length === 0 ? {} : { attachments: files }),
  };
}

/**
 * The user_id of a path like `/history/<user_id>`, decoded once: a router that decodes `%25` on its own account would let
 * one person's path name another person. @throws BotError `bad_input`.
 */
export function parsePathUser(url: string): string {
  const [, , segment = ''] = new URL(url).pathname.split('/');
  let decoded: string;
  try {
    decoded = decodeURIComponent(segment);
  } catch (cause) {
    throw new BotError('bad_input', 'user_id must be percent-encoded UTF-8.', { cause });
  }
  const parsed = userId.safeParse(decoded);
  if (!parsed.success) throw new BotError('bad_input', textOf(parsed.error.issues[0]));
  return parsed.data;
}

/**
 * The `new_ttl` of PUT /ttl, whole seconds. @throws BotError `ttl_out_of_bounds`, naming the bound.
 */
export function parseNewTtl(text: string | undefined, { minTtl, maxTtl }: { minTtl: number; maxTtl: number }): number {
  if (text === undefined || !/^-?\d+$/.test(text)) {
    throw new BotError('ttl_out_of_bounds', 'new_ttl must be a whole number of seconds.');
  }
  const seconds = Number(text);
  if (seconds < minTtl) throw new BotError('ttl_out_of_bounds', `TTL must be at least ${minTtl} seconds`);
  if (seconds > maxTtl) throw new BotError('ttl_out_of_bounds', `TTL must be at most ${maxTtl} seconds`);
  return seconds;
}

/** A yes or no in the query. Default: no. @throws BotError `bad_input` */
export function parseFlag(name: string, text: string | undefined): boolean {
  if (text !== undefined && text !== 'true' && text !== 'false') {
    throw new BotError('bad_input', `${name} must be true or false.`);
  }
  return text === 'true';
}

/** The text of POST /facts. @throws BotError `bad_input`; the message is for the caller. */
export function parseFactText(body: unknown): string {
  const parsed = factRequest.safeParse(body);
  if (!parsed.success) throw new BotError('bad_input', textOf(parsed.error.issues[0]));
  return parsed.data.text;
}

/**
 * The message for the bot. Its turn id ends in the fingerprint of the body, so that a later repeat of the same
 * Idempotency-Key, which finds this turn, can tell whether it asks the same thing ({@link asksTheSame}).
 * @throws BotError `bad_input` for an Idempotency-Key that is empty or too long.
 */
export function toMessage(request: ChatRequest, context: ChatContext): IncomingMessage {
  const turnId = context.random.slice(0, RANDOM_LENGTH) + fingerprint(request);
  const { userId: id, text, ttl, attachments } = request;
  return {
    id: turnId,
    turnId,
    idempotencyKeys: [
      context.idempotencyKey === undefined ? turnId : `idem:${hashOf(checkedKey(context.idempotencyKey))}`,
    ],
    platform: 'http',
    sessionId: sessionOf(id),
    author: { id, name: id },
    text,
    sentAt: context.now,
    isDirect: true,
    isMention: false,
    locale: context.locale,
    replyTo: { platform: 'http' },
    ...(ttl === undefined ? {} : { ttl }),
    ...(attachments === undefined ? {} : { attachments }),
  };
}

/** Was the turn `found` made from the same body as `message`? */
export function asksTheSame(message: IncomingMessage, found: TurnId): boolean {
  return found.slice(RANDOM_LENGTH) === message.turnId.slice(RANDOM_LENGTH);
}

/** The bot's language that the caller likes best; English when they name none of them. */
export function preferredLocale(acceptLanguage: string | undefined): Locale {
  const spoken = parseAccept(acceptLanguage ?? '').filter(({ type, q }) => q > 0 && /^(?:en|zh)(?:-|$)/i.test(type));
  return localeOf(spoken[0]?.type);
}

/** True when the caller would rather have the answer as server-sent events than as JSON. */
export function wantsStream(accept: string | undefined): boolean {
  const [best] = parseAccept(accept ?? '').filter(
    ({ type }) => type === 'text/event-stream' || type === 'application/json',
  );
  return best?.type === 'text/event-stream' && best.q > 0;
}

function checkedKey(key: string): string {
  if (key.length === 0 || key.length > MAX_KEY_LENGTH) {
    throw new BotError('bad_input', `Idempotency-Key must have 1 to ${MAX_KEY_LENGTH} characters.`);
  }
  return key;
}

function fingerprint({ text, ttl, attachments = [] }: ChatRequest): string {
  const hash = createHash('sha256').update(JSON.stringify([text, ttl ?? null]));
  // The size says where the data ends, so no two lists of files make the same bytes.
  for (const { name, type, size, data = '' } of attachments) {
    hash.update(JSON.stringify([name, type ?? null, size])).update(data);
  }
  return hash.digest('base64url').slice(0, FINGERPRINT_LENGTH);
}

function hashOf(text: string): string {
  return createHash('sha256').update(text).digest('base64url');
}

function textOf(issue: z.core.$ZodIssue | undefined): string {
  return issue?.message ?? 'The body is not what this route takes.';
}
