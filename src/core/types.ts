/** The shared data types. They are plain data, so that any replica can read them from the store and continue. */
import { createHash } from 'node:crypto';
import type { ErrorCode } from '../errors.ts';
import type { SessionId } from './session.ts';

export type JsonValue = string | number | boolean | null | readonly JsonValue[] | { readonly [key: string]: JsonValue };

/** Whether a value is plain JSON. */
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

/** Identifies a turn within its conversation; at most {@link MAX_TURN_ID_LENGTH} characters of `[A-Za-z0-9._-]`. */
export type TurnId = string;

/** So that `<turn>:<part>` fits Discord's nonce of 25 characters. */
export const MAX_TURN_ID_LENGTH = 20;

/**
 * Derives the turn id from a platform's message id: the id itself if it fits (snowflakes and Slack timestamps do), otherwise 20
 * characters of its SHA-256. Deterministic.
 */
export function turnIdOf(messageId: string): TurnId {
  if (messageId.length <= MAX_TURN_ID_LENGTH && /^[A-Za-z0-9._-]+$/.test(messageId)) return messageId;
  return createHash('sha256').update(messageId).digest('base64url').slice(0, MAX_TURN_ID_LENGTH);
}

/** The languages of the bot's own texts. The model answers in the person's language. */
export type Locale = 'en' | 'zh-CN';

/** The author of a message. `name` is for display only. */
export interface Author {
  readonly id: string;
  readonly name: string;
}

/**
 * Where a reply goes: plain JSON that only the adapter of `platform` parses, because it comes from the store. Core passes it on
 * unread.
 */
export interface ReplyTarget {
  readonly platform: string;
  readonly [key: string]: JsonValue;
}

/**
 * A file of a message. The platform keeps the file; the bot keeps this, and fetches the file when a turn needs it.
 */
export interface FileRef {
  readonly name: string;
  /** MIME type by the platform. What the file contains decides how it is read. */
  readonly type?: string;
  /** Bytes, by the platform. */
  readonly size?: number;
  /**
   * What it takes to fetch the file: plain JSON that only the platform's adapter parses, because it comes from the store. Without it (and
   * without `data`), the file cannot be read; the model is told its name.
   */
  readonly ref?: { readonly [key: string]: JsonValue };
  /** The file itself in base64, where no platform keeps it (HTTP). It is stored until the turn completes, and never in memory. */
  readonly data?: string;
  /** A text that the platform made a file because it was too long for a message: it is what the person says. */
  readonly longText?: true;
}

/**
 * Why a file was not read. `gone`: the platform no longer has it; `too_large`: over a limit; `refused`: the platform did not give it;
 * `malformed`: it is not what it says it is, or damaged; `unsupported`: files of this kind are not read; `no_vision`: the model cannot see
 * images; `failed`: the platform could not be reached.
 */
export const FILE_FAULTS = ['gone', 'too_large', 'refused', 'malformed', 'unsupported', 'no_vision', 'failed'] as const;
export type FileFault = (typeof FILE_FAULTS)[number];

/** A file that the model was not shown. */
export interface UnreadFile {
  readonly name: string;
  readonly why: FileFault;
}

/** Another message that the model is shown as quoted, untrusted text. It is not stored in memory, and neither are its files. */
export interface Quote {
  readonly author: string;
  readonly text: string;
  readonly files?: readonly FileRef[];
}

/** A person's message, as created by the adapter. */
export interface IncomingMessage {
  /** The platform's id of the message: the `source` of the turn, by which it is edited or removed later. */
  readonly id: string;
  readonly turnId: TurnId;
  /** All ids under which the same message may be delivered again, unique within the place. The first is the main one. */
  readonly idempotencyKeys: readonly string[];
  readonly platform: string;
  readonly sessionId: SessionId;
  readonly author: Author;
  readonly text: string;
  /** Unix milliseconds, by the platform's clock. */
  readonly sentAt: number;
  /** A DM: nobody else can read it. */
  readonly isDirect: boolean;
  readonly isMention: boolean;
  readonly locale: Locale;
  readonly replyTo: ReplyTarget;
  readonly quotes?: readonly Quote[];
  readonly attachments?: readonly FileRef[];
  /** When `text` was last edited, in Unix milliseconds, if the platform sends it. */
  readonly editedAt?: number;
  /** `ttl` of an HTTP request, in seconds. From MIN_TTL on it becomes the conversation's override; below, it applies once. */
  readonly ttl?: number;
}

export type Role = 'user' | 'assistant';

/**
 * Why an answer is incomplete. `length`: the limit of the model's server; `filtered`: a content filter; `maximum`: MAX_ANSWER_LENGTH;
 * `time`: ANSWER_TIMEOUT. The incomplete text is stored as the answer. Platforms show a note below it (`cut` in the texts), which is not
 * part of the answer.
 */
export const ANSWER_CUTS = ['length', 'filtered', 'maximum', 'time'] as const;
export type AnswerCut = (typeof ANSWER_CUTS)[number];

/** The parts of memory that an answer was made with, besides the newest messages. Ids only; they may be of deleted data. */
export interface UsedMemory {
  /** Turns with a recalled message. */
  readonly turns: readonly TurnId[];
  /** Ids of facts. */
  readonly facts: readonly string[];
}

/** One half of a turn, as stored. */
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
  /** The name of the person; only on the user's half, in conversations that several people share. */
  readonly author?: string;
  /** The person stopped this answer; it contains the text that they saw. */
  readonly stopped?: true;
  /** This answer was cut off. */
  readonly cut?: AnswerCut;
  /** Unix milliseconds of the edit that `content` is of. */
  readonly editedAt?: number;
  /** Unix milliseconds from which its retention counts, where that is not `timestamp`. */
  readonly saidAt?: number;
  /** What this answer was made with; absent: the newest messages alone. It goes with the answer. */
  readonly used?: UsedMemory;
  /** The files of a person's message, never with `data`. */
  readonly files?: readonly FileRef[];
  /** Files that this answer was made without. */
  readonly unread?: readonly UnreadFile[];
}

/** The state of one message (part) of a reply. The intent is saved before the post, the id after it. */
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
  /** How often the turn was claimed. */
  readonly attempt: number;
  /** How often it was claimed while another worker was running it. */
  readonly takeovers: number;
  /** Retryable failures of the model (or of the delivery, once answered). */
  readonly failures: number;
  /** Unix milliseconds (store's clock) of the first claim; 0 before. */
  readonly startedAt: number;
  readonly messageRefs: MessageRefs;
  /** The person asked to stop this turn. */
  readonly stopRequested: boolean;
  /** The answer, from the commit until the turn is finished. Afterwards it is only in the conversation. */
  readonly answer?: string;
  /** The person stopped the answer; it contains the text that they saw. */
  readonly stopped?: boolean;
  /** Why the answer is incomplete; present as long as the answer is. */
  readonly cut?: AnswerCut;
  /** Files that the answer was made without; present as long as the answer is. */
  readonly unread?: readonly UnreadFile[];
  /** The outcome of a settled turn. Kept when the state becomes `finished`. */
  readonly outcome?: 'answered' | 'failed' | 'forgotten';
  /** Why a failed turn failed. */
  readonly code?: ErrorCode;
}

/** The fencing token of a turn's owner: `<incarnation>:<n>` (core/pulse.ts). Never reused. */
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
      /** A note names these files and says why they were not read. */
      readonly unread?: readonly UnreadFile[];
      /** A note says that /remember keeps what the person asked to be remembered. */
      readonly rememberHint?: true;
    }
  | { readonly kind: 'failed'; readonly text: string }
  | { readonly kind: 'forgotten'; readonly text: string };
