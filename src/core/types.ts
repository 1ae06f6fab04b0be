/** The vocabulary of the codebase: plain data, so that any replica can take any of it from the store and go on. */
import { createHash } from 'node:crypto';
import type { ErrorCode } from '../errors.ts';
import type { SessionId } from './session.ts';

export type JsonValue = string | number | boolean | null | readonly JsonValue[] | { readonly [key: string]: JsonValue };

/** Whether a value of unknown origin is plain JSON. */
export function isJsonValue(value: unknown): value is JsonValue {
  switch (typeof value) {
    case 'string':
    case 'number':
    case 'boolean':
      return true;
    case 'object':
      return value === null || Object.values(value).every(isJsonValue);
    default:
      return false;
  }
}

/** Names a turn within its conversation; at most {@link MAX_TURN_ID_LENGTH} of `[A-Za-z0-9._-]`. */
export type TurnId = string;

/** So that `<turn>:<part>` fits Discord's nonce of 25 characters. */
export const MAX_TURN_ID_LENGTH = 20;

/**
 * The turn id of a platform's message id: the id itself where it fits (snowflakes and Slack timestamps do), else 20
 * characters of its SHA-256. The same message id always gives the same turn id.
 */
export function turnIdOf(messageId: string): TurnId {
  if (messageId.length <= MAX_TURN_ID_LENGTH && /^[A-Za-z0-9._-]+$/.test(messageId)) return messageId;
  return createHash('sha256').update(messageId).digest('base64url').slice(0, MAX_TURN_ID_LENGTH);
}

/** The languages the bot speaks itself. Model answers follow the person. */
export type Locale = 'en' | 'zh-CN';

/** The one who wrote a message. `name` is for showing only and never identifies anybody. */
export interface Author {
  readonly id: string;
  readonly name: string;
}

/**
 * Where a reply goes: plain JSON that only the adapter of `platform` reads (and parses again, since it comes back from
 * the store). Core passes it on and never looks inside.
 */
export interface ReplyTarget {
  readonly platform: string;
  readonly [key: string]: JsonValue;
}

/** Text of somebody else's message that the model is shown as quoted, untrusted text. It is never stored in memory. */
export interface Quote {
  readonly author: string;
  readonly text: string;
}

/** A message of a person, as an adapter's `normalize` makes it. */
export interface IncomingMessage {
  /** The platform's id of the message: the `source` of the turn, by which it is edited or removed later. */
  readonly id: string;
  readonly turnId: TurnId;
  /** All ids under which this same message may arrive again, unique within the place; the first is the main one. */
  readonly idempotencyKeys: readonly string[];
  readonly platform: string;
  readonly sessionId: SessionId;
  readonly author: Author;
  readonly text: string;
  /** Unix milliseconds, by the platform's clock. */
  readonly sentAt: number;
  /** A DM: nobody else reads along. */
  readonly isDirect: boolean;
  readonly isMention: boolean;
  readonly locale: Locale;
  readonly replyTo: ReplyTarget;
  readonly quotes?: readonly Quote[];
  /** Names of attached files, which the bot does not read yet and says so. */
  readonly attachments?: readonly string[];
  /** Unix milliseconds of the edit that `text` is of, where the platform tells. */
  readonly editedAt?: number;
  /** HTTP's `ttl`, whole seconds: at or above MIN_TTL the conversation's choice from now on, below it for now only. */
  readonly ttl?: number;
}

export type Role = 'user' | 'assistant';

/**
 * Why an answer ends before its end: `length`: the model's server stopped at its own limit; `filtered`: a content filter
 * stopped it; `maximum`: it reached MAX_ANSWER_LENGTH; `time`: it reached ANSWER_TIMEOUT. What was received up to there is the
 * answer; platforms show a note under it (`cut` in the texts), which is never a part of it.
 */
export const ANSWER_CUTS = ['length', 'filtered', 'maximum', 'time'] as const;
export type AnswerCut = (typeof ANSWER_CUTS)[number];

/** Which parts of the memory an answer was made with, besides the newest messages. Ids only; what they lead to may be gone. */
export interface UsedMemory {
  /** Turns with a recalled message. */
  readonly turns: readonly TurnId[];
  /** Ids of facts. */
  readonly facts: readonly string[];
}

/** One stored half of a turn. */
export interface ChatMessage {
  readonly role: Role;
  readonly content: string;
  /** Unix milliseconds. */
  readonly timestamp: number;
  readonly turn: TurnId;
  /** The platform's id of the person's message, on both halves. */
  readonly source: string;
  /** The id of the person whose turn it is, on both halves. */
  readonly authorId: string;
  /** The name of the person, on the user's half, in conversations that several people share. */
  readonly author?: string;
  /** The person stopped this answer; it holds what they saw of it. */
  readonly stopped?: true;
  /** This answer was cut off. */
  readonly cut?: AnswerCut;
  /** Unix milliseconds of the edit that `content` is of. */
  readonly editedAt?: number;
  /** Unix milliseconds from which its retention counts, where that is not `timestamp`. */
  readonly saidAt?: number;
  /** What this answer was made with; absent: the newest messages alone. It goes with the answer. */
  readonly used?: UsedMemory;
}

/** What is known of one message (part) of a reply. First the intent is saved, after the post its id. */
export interface MessageRef {
  /** Unix milliseconds (store's clock) when the post was about to be sent. */
  readonly intentAt?: number;
  /** The platform's id of the posted message. */
  readonly id?: string;
}

/** The parts of a reply by number, from 1. */
export type MessageRefs = ReadonlyMap<number, MessageRef>;

export const TURN_STATES = ['queued', 'running', 'answered', 'failed', 'forgotten', 'finished'] as const;
export type TurnState = (typeof TURN_STATES)[number];

/** The durable record of one turn (turn protocol: docs/turns.md). */
export interface TurnRecord {
  readonly state: TurnState;
  /** Times the turn was claimed by a worker, the first included. */
  readonly attempt: number;
  /** Times it was claimed while another worker had it running. */
  readonly takeovers: number;
  /** Times the model (or the delivery, once answered) failed in a way worth a retry. */
  readonly failures: number;
  /** Unix milliseconds (store's clock) of the first claim; 0 before. */
  readonly startedAt: number;
  readonly messageRefs: MessageRefs;
  /** The person asked to stop this turn. */
  readonly stopRequested: boolean;
  /** The answer, from the commit until the turn is finished. Afterwards it is in the conversation only. */
  readonly answer?: string;
  /** The answer holds what the person saw when they stopped it. */
  readonly stopped?: boolean;
  /** The answer was cut off. Known as long as the answer is. */
  readonly cut?: AnswerCut;
  /** How a settled turn ended. It stays when the state becomes `finished`. */
  readonly outcome?: 'answered' | 'failed' | 'forgotten';
  /** Why a failed turn failed. */
  readonly code?: ErrorCode;
}

/** Who runs a turn, under a name that nobody else ever has: `<incarnation>:<n>` (core/pulse.ts). */
export type Token = string;

/** What a worker holds while it runs a turn: every write of the turn carries the token and does nothing when another one owns it. */
export interface TurnLease {
  readonly sessionId: SessionId;
  readonly turnId: TurnId;
  readonly token: Token;
}

/** How a reply ends; `text` is what the person reads at the end, above the note that some answers get. */
export type ReplyEnd =
  | {
      readonly kind: 'answered';
      readonly text: string;
      readonly stopped: boolean;
      readonly cut?: AnswerCut;
      /** A note says that /remember keeps what the person asked to be remembered. */
      readonly rememberHint?: true;
    }
  | { readonly kind: 'failed'; readonly text: string }
  | { readonly kind: 'forgotten'; readonly text: string };
