/** The interfaces between core and the outer rooms. Core knows only these; main.ts puts the implementations in. */
import type { ErrorCode } from '../errors.ts';
import type { SessionId } from './session.ts';
import type { Handle, Handles, IncomingMessage, JsonValue, Locale, ReplyEnd, ReplyTarget, TurnId } from './types.ts';

/** What the chain is given for one answer. */
export interface ChainInput {
  /** Earlier whole turns, oldest first; the chain cuts them to what its model can take. */
  readonly history: readonly { readonly role: 'user' | 'assistant'; readonly content: string; readonly author?: string }[];
  readonly message: Pick<IncomingMessage, 'text' | 'author' | 'quotes' | 'attachments' | 'locale'>;
  /** Several people share this conversation: the model is told who says what. */
  readonly shared: boolean;
}

export interface Chain {
  /**
   * Streams the answer in pieces of text. Ends at the end of the answer; throws a BotError `model_*` when it could not be
   * had (`retryable` says whether asking again makes sense) and stops at once when `signal` aborts.
   */
  stream(input: ChainInput, signal: AbortSignal): AsyncIterable<string>;
}

/** What a worker may rely on while it drains one conversation. */
export interface Lease {
  /** Aborts when the lease was lost or the process is shutting down. */
  readonly signal: AbortSignal;
  /** True while the last renewal is younger than the lease (monotonic clock). Checked before each write to a platform. */
  alive(): boolean;
}

/** Drains one conversation by one or more turns. It never rejects for what a turn does, only when the store is away. */
export type Drain = (sessionId: SessionId, lease: Lease) => Promise<void>;

/** Hands conversations with waiting messages to workers: each to one worker at a time, as well as it can. */
export interface DrainScheduler {
  /** Makes sure that a drain of this conversation runs or will run, after the one that runs now too. */
  schedule(sessionId: SessionId): Promise<void>;
  /** Starts working; at most `concurrency` drains at a time in this process. */
  process(drain: Drain, concurrency: number): Promise<void>;
  /** True when other conversations wait for a worker. */
  othersWait(): Promise<boolean>;
  /** Stops taking drains, waits for the running ones. */
  close(): Promise<void>;
}

/** Wakes other replicas. Delivery is at most once and never needed for correctness: the record is the truth. */
export interface Signals {
  publish(topic: string, payload: JsonValue): Promise<void>;
  /** Resolves when the subscription is in force. The returned function ends it. */
  subscribe(topic: string, listener: (payload: JsonValue) => void): Promise<() => Promise<void>>;
}

/** One reply while it is being written. */
export interface Reply {
  /** Shows that an answer is being prepared. Never throws. */
  thinking(): void;
  /** The whole text so far. Coalesced at the platform's pace; never throws, faults come out at `end`. */
  update(text: string): void;
  /** What the person can read of the reply now. */
  shown(): string;
  /**
   * Brings the reply to its final text, exactly once, and takes every sign of work away. Resolves when the platform has it.
   * Nothing is posted for `forgotten` when nothing was shown.
   * @throws BotError `platform_*`; when retryable it may be called again, by another worker too.
   */
  end(end: ReplyEnd): Promise<void>;
  /** Leaves the reply as it is, for another worker to go on with: stops timers, waits for the write in flight. */
  abandon(): Promise<void>;
}

export interface ReplyContext {
  readonly sessionId: SessionId;
  readonly turnId: TurnId;
  /** Parts a dead worker has begun. */
  readonly handles: Handles;
  /** Saves a handle. @throws BotError `turn_lost` when another worker has the turn: nothing may be written then. */
  readonly saveHandle: (part: number, handle: Handle) => Promise<void>;
  readonly lease: Lease;
  readonly locale: Locale;
}

/** The part of an adapter that core uses. */
export interface ReplyOpener {
  openReply(target: ReplyTarget, context: ReplyContext): Promise<Reply>;
}

/** The text of everything that the bot says by itself, in the person's language. */
export interface Phrases {
  failed(code: ErrorCode, locale: Locale): string;
  forgotten(locale: Locale): string;
  stoppedEmpty(locale: Locale): string;
}

export interface TurnMetrics {
  /** `outcome` is answered, stopped, failed, forgotten, handed_over or lost; durations in milliseconds. */
  turn(outcome: string, totalMs: number, code?: ErrorCode): void;
  firstToken(ms: number): void;
  takeover(): void;
  retry(code: ErrorCode): void;
  unreconciled(platform: string): void;
}

export interface Logger {
  debug(fields: object, message: string): void;
  info(fields: object, message: string): void;
  warn(fields: object, message: string): void;
  error(fields: object, message: string): void;
  child(fields: object): Logger;
}

/** Time, so that tests can play it. Both in milliseconds. */
export interface Clock {
  /** Unix time. */
  now(): number;
  /** Monotonic: never jumps back, goes on while the process is stopped. */
  monotonic(): number;
}
