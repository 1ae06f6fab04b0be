/** The interfaces between core and the other modules. app/compose.ts connects them with their implementations. */
import type { ErrorCode } from '../errors.ts';
import type { Fact } from './facts.ts';
import type { SessionId } from './session.ts';
import type {
  AnswerCut,
  FileFault,
  FileRef,
  IncomingMessage,
  JsonValue,
  Locale,
  MessageRef,
  MessageRefs,
  ReplyEnd,
  ReplyTarget,
  Role,
  TurnId,
  UnreadFile,
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
  /** The files of a person's message. */
  readonly files?: readonly FileRef[];
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
  /** It begins a passage: the one shown before it is of another talk. */
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
  /**
   * The contents of files of the message, of its quotes and of `history`. The model is told only the names of files that are not here.
   * Default: none.
   */
  readonly files?: FileContents;
  /** Several people share this conversation: the model is told who says what. */
  readonly shared: boolean;
}

/** What a file contains, or why it is not shown. */
export type FileContent =
  /** `data` is base64. */
  | { readonly kind: 'image'; readonly mime: ImageType; readonly data: string }
  /** Cut to its share of the request. */
  | { readonly kind: 'text'; readonly text: string }
  | { readonly kind: 'unread'; readonly why: FileFault };

/** The kinds of images that model servers take (https://platform.openai.com/docs/guides/images-vision). */
export type ImageType = 'image/png' | 'image/jpeg' | 'image/webp' | 'image/gif';

/** By the object that a message has: a name may occur twice. */
export type FileContents = ReadonlyMap<FileRef, FileContent>;

/** The files of one message. */
export interface FileGroup {
  readonly files: readonly FileRef[];
  /** They are of a quoted, forwarded or replied-to message. */
  readonly quoted: boolean;
}

export interface FileReader {
  /**
   * Reads files of one platform within the limits of a request. What is over a limit, gone, refused or malformed is `unread`; files of older
   * messages that have no room are left out. Waits while other requests hold too many bytes; call `release` when the contents are no longer
   * needed. Rejects only with the signal's reason.
   * @param groups the newest message first; the first group is that of the message to answer, even if it is empty
   */
  read(platform: string, groups: readonly FileGroup[], signal: AbortSignal): Promise<ReadFiles>;
}

export interface ReadFiles {
  readonly contents: FileContents;
  release(): void;
}

/** Limits of one fetch. */
export interface FetchLimits {
  /** Larger files are refused with `too_large` (bytes). */
  readonly maxBytes: number;
  /** For larger images, the platform's own smaller variant is fetched where it has one (bytes). */
  readonly maxImageBytes: number;
  readonly signal: AbortSignal;
}

/** The part of an adapter that fetches the platform's files. */
export interface FileFetcher {
  /** Rejects only with the signal's reason, or with a BotError `platform_*`, which counts as `failed`. */
  fetchFile(file: FileRef, limits: FetchLimits): Promise<FetchedFile>;
}

export type FetchedFile =
  | { readonly kind: 'fetched'; readonly bytes: Uint8Array }
  | { readonly kind: 'unread'; readonly why: FileFault };

export type ChainEvent =
  /** What the model is shown of older memory from now on, and which files of the message it is not shown: before every request, so that the last one counts. */
  | { readonly kind: 'shown'; readonly used: UsedMemory; readonly unread: readonly UnreadFile[] }
  /** The next piece of the answer; never empty. */
  | { readonly kind: 'text'; readonly text: string }
  /** The model is working (reasoning) but has no text yet. */
  | { readonly kind: 'working' }
  /** The text so far was reasoning: the answer starts over after this event. */
  | { readonly kind: 'restart' }
  /** The answer is incomplete. The last event. */
  | { readonly kind: 'cut'; readonly reason: Extract<AnswerCut, 'length' | 'filtered'> };

export interface Chain {
  /**
   * Streams the answer. Throws a BotError `model_*` if it fails (`retryable`: another attempt makes sense), and stops at once when `signal`
   * aborts. Leaving the loop early cancels the request, so that no further tokens are billed.
   */
  stream(input: ChainInput, signal: AbortSignal): AsyncIterable<ChainEvent>;
}

/** While it is alive, no other worker takes over the turn. */
export interface Lease {
  /** Aborts when the lease ends or the process shuts down. */
  readonly signal: AbortSignal;
  /** Whether the last heartbeat is recent enough. Check it before each write to a platform. */
  alive(): boolean;
}

/**
 * Signals to other processes, delivered at most once. Correctness never depends on them: the record is authoritative. All methods
 * reject with BotError `store_unavailable` if signals cannot be sent.
 */
export interface Signals {
  /** The name of this process for the others. Unique, and never reused. */
  readonly process: string;
  /** Sends to one process, by its name. */
  send(process: string, payload: JsonValue): Promise<void>;
  /** Sends to all other processes. */
  broadcast(payload: JsonValue): Promise<void>;
  /** Calls `listener` for each signal from others. Resolves when active. */
  listen(listener: (payload: JsonValue) => void): Promise<void>;
}

/** One reply while it is being written. */
export interface Reply {
  /** Shows that an answer is being prepared. Never throws. */
  showTyping(): void;
  /**
   * Shows the whole text so far. An empty text removes what was shown, because it was not part of the answer. Updates are throttled to the
   * platform's pace. Never throws: `end` reports errors.
   */
  update(text: string): void;
  /** The part of the answer that the person can read now. */
  shown(): string;
  /** Sends the whole text again, for a follower who joined later. Only for replies that are sent to followers. */
  repeat?(): void;
  /**
   * Writes the final text, exactly once, and removes the typing indicator and the Stop button. Resolves when the platform has it. Posts
   * nothing for `forgotten` if nothing was shown.
   * @throws BotError `platform_*`; if it is retryable, `end` may be called again, also by another worker
   */
  end(end: ReplyEnd): Promise<void>;
  /** Leaves the reply to another worker: stops timers and waits for the write in flight. */
  detach(): Promise<void>;
}

export interface ReplyContext {
  readonly sessionId: SessionId;
  readonly turnId: TurnId;
  /** Parts that an earlier worker has posted or begun to post. */
  readonly messageRefs: MessageRefs;
  /** Another worker ran this turn before. It may have left a typing indicator, even without any part. */
  readonly resumed: boolean;
  /** Saves a message ref. @throws BotError `turn_lost` if another worker has the turn: then write nothing */
  readonly saveMessageRef: (part: number, ref: MessageRef) => Promise<void>;
  readonly lease: Lease;
  readonly locale: Locale;
}

/** The part of an adapter that core uses. */
export interface ReplyOpener {
  openReply(target: ReplyTarget, context: ReplyContext): Promise<Reply>;
}

/** The bot's own texts, in the person's language. */
export interface CoreMessages {
  failed(code: ErrorCode, locale: Locale): string;
  forgotten(locale: Locale): string;
  rateLimited(retryAfterMs: number, locale: Locale): string;
  inboxFull(waiting: number, locale: Locale): string;
  tooLong(maxLength: number, locale: Locale): string;
  empty(locale: Locale): string;
}

/** A rate limit per person, across all replicas. */
export interface RateLimiter {
  /**
   * Uses up one point, or `points`. `first`: this is the first refusal of a flood, which should be answered.
   */
  take(
    person: string,
    points?: number,
  ): Promise<{ readonly ok: true } | { readonly ok: false; readonly retryAfterMs: number; readonly first: boolean }>;
  /** Returns a point, for a message that had been counted before. */
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

/** The state of something that the bot depends on. */
export type Health =
  | { readonly ok: true }
  /** `reason`: a public description without addresses, names or message text. */
  | { readonly ok: false; readonly reason: string };

export interface Logger {
  debug(fields: object, message: string): void;
  info(fields: object, message: string): void;
  warn(fields: object, message: string): void;
  error(fields: object, message: string): void;
  child(fields: object): Logger;
}

/** The time in milliseconds, as an interface so that tests can control it. */
export interface Clock {
  /** Unix time. */
  now(): number;
  /** Monotonic time: never jumps back, and advances while the process is suspended. */
  monotonic(): number;
}
