/** The interfaces between core and the other modules. Core knows only these; app/compose.ts puts the implementations in. */
import type { ErrorCode } from '../errors.ts';
import type { Fact } from './facts.ts';
import type { SessionId } from './session.ts';
import type {
  AnswerCut,
  IncomingMessage,
  JsonValue,
  Locale,
  MessageRef,
  MessageRefs,
  ReplyEnd,
  ReplyTarget,
  Role,
  TurnId,
  UsedMemory,
} from './types.ts';

/** The part of a stored message that a model is shown. */
export interface HistoryMessage {
  readonly role: Role;
  readonly content: string;
  readonly author?: string;
  /** Tells whether two halves belong together, where it is known. */
  readonly turn?: TurnId;
  /** Unix milliseconds; of a person's message, when it was sent. */
  readonly timestamp?: number;
}

/** A fact that a person told the bot to keep, as the model is shown it. */
export type KeptFact = Pick<Fact, 'id' | 'text' | 'saidAt'>;

/** What can be shown to the model beside the message to answer. */
export interface ContextSources<M extends HistoryMessage> {
  /** The newest messages or all that are stored, oldest first. */
  readonly history: readonly M[];
  /** Oldest first. */
  readonly facts: readonly KeptFact[];
  /** What older messages are searched for; undefined: they are not. */
  readonly question: string | undefined;
}

/** Estimated tokens. */
export interface ContextRoom {
  /** Of the whole request. */
  readonly tokens: number;
  /** Taken by the system message and the message to answer. */
  readonly reserved: number;
}

/** What each part costs as the chain writes it, in estimated tokens. A sum of these is never less than what the whole costs. */
export interface ContextCosts {
  message(message: HistoryMessage): number;
  fact(fact: KeptFact): number;
  /** What stands around all facts. */
  readonly factsFrame: number;
  recalled(message: HistoryMessage): number;
  /** What begins a passage. */
  readonly passage: number;
  /** What stands around all that is recalled. */
  readonly recallFrame: number;
}

/** An older message that has something in common with the question. */
export interface Recalled<M extends HistoryMessage> {
  readonly message: M;
  /** Its text, or an excerpt. */
  readonly text: string;
  /** It begins a passage: the message before it is not shown, or is of another talk. */
  readonly begins: boolean;
}

/** Why the window begins where it does: nothing is older, MEMORY_WINDOW, or no more tokens. */
export type WindowEnd = 'all' | 'messages' | 'tokens';

/** What the model is shown of a conversation's memory. */
export interface ContextView<M extends HistoryMessage> {
  readonly facts: readonly KeptFact[];
  /** The window: whole turns, oldest first; the halves of the newest one may be cut. */
  readonly messages: readonly M[];
  /** Oldest first. */
  readonly recalled: readonly Recalled<M>[];
  /** Estimated. */
  readonly tokens: { readonly facts: number; readonly window: number; readonly recalled: number };
  /** Most estimated tokens that recalled messages may take; 0 where nothing is older than the window, or recall is off. */
  readonly recallRoom: number;
  /** Messages older than the window. */
  readonly searched: number;
  readonly windowEnd: WindowEnd;
}

/** Chooses what the model is shown: the order in which room is given is that of `src/memory/context/context.ts`. */
export interface ContextBuilder {
  build<M extends HistoryMessage>(sources: ContextSources<M>, room: ContextRoom, costs: ContextCosts): ContextView<M>;
}

/** What the model would be shown next, and the estimated tokens of the system message. */
export interface ContextPreview<M extends HistoryMessage> extends Omit<ContextView<M>, 'tokens'> {
  readonly tokens: ContextView<M>['tokens'] & { readonly system: number };
}

/** What the chain is given for one answer. */
export interface ChainInput {
  /** Earlier turns, oldest first; the chain shows what its model can take. */
  readonly history: readonly HistoryMessage[];
  /** Oldest first. Default: none. */
  readonly facts?: readonly KeptFact[];
  readonly message: Pick<IncomingMessage, 'text' | 'author' | 'quotes' | 'attachments' | 'locale'> &
    Partial<Pick<IncomingMessage, 'sentAt'>>;
  /** Several people share this conversation: the model is told who says what. */
  readonly shared: boolean;
}

export type ChainEvent =
  /** What the model is shown of older memory from now on: before every request, so that the last one counts. */
  | { readonly kind: 'shown'; readonly used: UsedMemory }
  /** The next piece of the answer; never empty. */
  | { readonly kind: 'text'; readonly text: string }
  /** The model is at work and has nothing to say yet (it reasons). Shows nobody anything but that it is alive. */
  | { readonly kind: 'working' }
  /** What came so far was no answer (the model had thought aloud): the answer begins behind this. */
  | { readonly kind: 'restart' }
  /** The answer ends here, before its end. The last event. */
  | { readonly kind: 'cut'; readonly reason: Extract<AnswerCut, 'length' | 'filtered'> };

export interface Chain {
  /**
   * Streams the answer in pieces of text. Ends at the end of the answer; throws a BotError `model_*` when it could not be
   * had (`retryable` says whether asking again makes sense) and stops at once when `signal` aborts. Leaving the loop early
   * breaks the request off, so that nothing more is paid for.
   */
  stream(input: ChainInput, signal: AbortSignal): AsyncIterable<ChainEvent>;
}

/** What a worker may rely on while it runs a turn: nobody else takes it over. */
export interface Lease {
  /** Aborts when the lease was lost or the process is shutting down. */
  readonly signal: AbortSignal;
  /** True while the worker's last sign of life is young enough. Checked before each write to a platform. */
  alive(): boolean;
}

/**
 * Tells other processes something. Delivery is at most once and never needed for correctness: the record is the truth.
 * All reject with BotError `store_unavailable` when nothing can be sent.
 */
export interface Signals {
  /** The name under which other processes reach this one; no other one ever has it. */
  readonly process: string;
  /** To one other process, by its name. */
  send(process: string, payload: JsonValue): Promise<void>;
  /** To all other processes. */
  broadcast(payload: JsonValue): Promise<void>;
  /** Hears what the others send. Resolves when that is in force. */
  listen(listener: (payload: JsonValue) => void): Promise<void>;
}

/** One reply while it is being written. */
export interface Reply {
  /** Shows that an answer is being prepared. Never throws. */
  showTyping(): void;
  /**
   * The whole text so far; an empty one takes back what was shown: it was no part of the answer, and nothing of it stays.
   * Coalesced at the platform's pace; never throws, faults come out at `end`.
   */
  update(text: string): void;
  /** What the person can read of the answer now. */
  shown(): string;
  /** Tells the whole text once more, where the reply is told to followers and one has come in the middle of it. */
  repeat?(): void;
  /**
   * Brings the reply to its final text, exactly once, and takes every sign of work away. Resolves when the platform has it.
   * Nothing is posted for `forgotten` when nothing was shown.
   * @throws BotError `platform_*`; when retryable it may be called again, by another worker too.
   */
  end(end: ReplyEnd): Promise<void>;
  /** Leaves the reply as it is, for another worker to go on with: stops timers, waits for the write in flight. */
  detach(): Promise<void>;
}

export interface ReplyContext {
  readonly sessionId: SessionId;
  readonly turnId: TurnId;
  /** Parts a dead worker has begun. */
  readonly messageRefs: MessageRefs;
  /** A worker had this turn before: it may have left signs of work, though no part was begun. */
  readonly resumed: boolean;
  /** Saves a message ref. @throws BotError `turn_lost` when another worker has the turn: nothing may be written then. */
  readonly saveMessageRef: (part: number, ref: MessageRef) => Promise<void>;
  readonly lease: Lease;
  readonly locale: Locale;
}

/** The part of an adapter that core uses. */
export interface ReplyOpener {
  openReply(target: ReplyTarget, context: ReplyContext): Promise<Reply>;
}

/** The text of everything that the bot says by itself, in the person's language. */
export interface CoreMessages {
  failed(code: ErrorCode, locale: Locale): string;
  forgotten(locale: Locale): string;
  rateLimited(retryAfterMs: number, locale: Locale): string;
  inboxFull(waiting: number, locale: Locale): string;
  tooLong(maxLength: number, locale: Locale): string;
  empty(locale: Locale): string;
}

/** What a person may do in a while, counted over all replicas. */
export interface RateLimiter {
  /**
   * Takes one, or what is as costly as `points` of them. `first` says that this is the first refusal of the wave: the one that
   * is worth an answer.
   */
  take(
    person: string,
    points?: number,
  ): Promise<{ readonly ok: true } | { readonly ok: false; readonly retryAfterMs: number; readonly first: boolean }>;
  /** Gives one back that was taken for a message that had come before. */
  giveBack(person: string): Promise<void>;
}

export interface TurnMetrics {
  /** `outcome` is answered, stopped, failed, forgotten, handed_over or lost; durations in milliseconds. */
  turn(outcome: string, totalMs: number): void;
  firstToken(ms: number): void;
  takeover(): void;
  retry(code: ErrorCode): void;
  /** A post whose fate nobody could find out. */
  unreconciled(platform: string): void;
  /** An answer for which older messages could not be searched in time. */
  recallSkipped(): void;
  /** An answer that its platform would not take; it is in memory. */
  undelivered(platform: string): void;
}

/** How something that the bot needs is doing. */
export type Health =
  | { readonly ok: true }
  /** `reason`: in plain words, for anybody to read: no addresses, no names, no text. */
  | { readonly ok: false; readonly reason: string };

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
