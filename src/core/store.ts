/**
 * The interface of a store. A driver implements several small interfaces, and `ping` and `close`. `test/contracts/store.contract.ts`
 * tests every driver.
 *
 * All methods reject with a BotError within a few seconds: `store_unavailable` (retryable; the outcome of a write may be unknown, and
 * the same call may be repeated) or `store_full`.
 */
import type { BotError, ErrorCode } from '../errors.ts';
import type { Channels } from './channels.ts';
import type { Fact, Facts } from './facts.ts';
import type { Flags } from './flags.ts';
import type { Area, Person, Place, SessionId, Team } from './session.ts';
import type {
  AnswerCut,
  ChatMessage,
  FileRef,
  IncomingMessage,
  MessageRef,
  Token,
  TurnId,
  TurnLease,
  TurnRecord,
  UnreadFile,
  UsedMemory,
} from './types.ts';

export type EnqueueResult =
  /** Stored, and the token owns the turn, because nothing else waits in this conversation. */
  | { readonly kind: 'claimed'; readonly turn: ClaimedTurn }
  | {
      readonly kind: 'queued';
      /** Number of messages of this conversation before it. */
      readonly ahead: number;
      /** The owner of the conversation's head; undefined if nobody runs it. */
      readonly owner: Token | undefined;
    }
  | {
      readonly kind: 'duplicate';
      readonly sessionId: SessionId;
      readonly turnId: TurnId;
      /** The turn is unfinished, and nobody runs it. */
      readonly unowned: boolean;
    }
  | { readonly kind: 'full' /** Messages waiting, which is the limit. */; readonly waiting: number };

export type ClaimResult =
  | { readonly kind: 'claimed'; readonly turn: ClaimedTurn }
  /** The head has another owner than expected. */
  | { readonly kind: 'owned'; readonly owner: Token | undefined }
  | { readonly kind: 'empty' };

export type CompleteResult =
  /** The next token owns the next message's turn. */
  | { readonly kind: 'claimed'; readonly turn: ClaimedTurn }
  | { readonly kind: 'left' /** Messages that still wait. */; readonly waiting: number }
  /** Another worker has the turn; nothing was changed. */
  | { readonly kind: 'fenced' };

/** A claimed turn. If the message was forgotten or withdrawn while it waited, its text is empty and its record is `forgotten`. */
export interface ClaimedTurn {
  readonly lease: TurnLease;
  readonly record: TurnRecord;
  readonly message: IncomingMessage;
  /** The conversation's newest messages, as by {@link Memory.open}; at most {@link StoreOptions.window}. */
  readonly messages: readonly ChatMessage[];
  /** Messages in the conversation, as {@link OpenConversation.total}. */
  readonly total: number;
  /** As {@link OpenConversation.facts}. */
  readonly facts: readonly Fact[];
  /** Names of the processes that follow the turn. */
  readonly followers: readonly string[];
}

export interface Answer {
  readonly text: string;
  /** Unix milliseconds. */
  readonly timestamp: number;
  readonly stopped: boolean;
  /** Absent: the answer is complete, or was stopped. */
  readonly cut?: AnswerCut;
  /** As {@link ChatMessage.used}. */
  readonly used?: UsedMemory;
  /** As {@link ChatMessage.unread}. */
  readonly unread?: readonly UnreadFile[];
  /** Estimated tokens of both halves, for the statistics. */
  readonly tokens: number;
}

/** `fenced`: another worker has the turn; nothing was changed. `known`: it was committed before; nothing was changed. */
export type CommitResult = 'committed' | 'known' | 'forgotten' | 'fenced';

export type AmendResult = 'amended' | 'running' | 'stored' | 'unknown';

export type LeaseState = 'held' | 'stopped' | 'forgotten' | 'lost';

export interface TurnCheck {
  readonly state: LeaseState;
  /** As in {@link ClaimedTurn}. */
  readonly followers: readonly string[];
}

export interface DueConversation {
  readonly sessionId: SessionId;
  /** What {@link WorkIndex.clearPending} needs. */
  readonly mark: string;
}

export interface EnqueueOptions {
  /** Becomes the owner of the turn if nothing else waits. */
  readonly token?: Token | undefined;
  /** Name of the process that follows the turn from the start. */
  readonly follower?: string | undefined;
}

/** A message found by one of its idempotency keys. */
export interface TurnRef {
  readonly sessionId: SessionId;
  readonly turnId: TurnId;
}

/**
 * The turn protocol (docs/turns.md). A turn is run by the owner in its record; without an owner, nobody runs it. All calls are
 * idempotent: repeated with the same token, they change nothing and return the same result.
 */
export interface Turns {
  /**
   * Stores a message and marks its conversation as pending. The message is durable when this resolves; do not acknowledge it to the
   * platform before. It is a duplicate if any of its idempotency keys is known; its other keys then lead to the same turn.
   */
  enqueue(message: IncomingMessage, options?: EnqueueOptions): Promise<EnqueueResult>;
  /** Adds a process to the followers of a stored turn. False: there is no such unfinished turn. */
  follow(sessionId: SessionId, turnId: TurnId, follower: string): Promise<boolean>;
  /** Which turn an idempotency key of this place belongs to (24 h); undefined when it is unknown. */
  locate(place: Place, idempotencyKeys: readonly string[]): Promise<TurnRef | undefined>;
  /**
   * Makes the token the owner of the conversation's head, if it has the expected owner (undefined: none). Extends the conversation's
   * lifetime to at least `turnBudgetMs` from now, so that it does not expire during the turn, unless the turn is answered, failed or
   * forgotten already.
   */
  claim(sessionId: SessionId, token: Token, expected: Token | undefined): Promise<ClaimResult>;
  /**
   * The state of a turn that this worker runs: `held` (continue), `stopped` (by the person), `forgotten` (the conversation was forgotten,
   * or the message withdrawn), `lost` (another worker has the turn). Called about once a second.
   */
  check(lease: TurnLease): Promise<TurnCheck>;
  /** Saves the intent to post one part of the reply, or its id. False: fenced. */
  saveMessageRef(lease: TurnLease, part: number, ref: MessageRef): Promise<boolean>;
  /** Counts a retryable failure in the record. Returns the new count; undefined: fenced. */
  countFailure(lease: TurnLease): Promise<number | undefined>;
  /**
   * Writes the turn to memory and its answer to the record, atomically and once per turn. If the message was edited while it was
   * answered, memory gets the newest text. Writes nothing if the message was forgotten.
   */
  commit(lease: TurnLease, message: IncomingMessage, answer: Answer): Promise<CommitResult>;
  /** Ends the turn without an answer. Memory is unchanged. False: fenced. */
  fail(lease: TurnLease, code: ErrorCode): Promise<boolean>;
  /**
   * Removes the head if it is this turn, deletes the answer from its record and marks it as finished. Makes `next` the owner of the next
   * turn if nobody runs it.
   */
  complete(lease: TurnLease, next?: Token): Promise<CompleteResult>;
  /** Requeues a running turn without an owner and without counting a takeover (shutdown, or a later retry). False: fenced. */
  requeue(lease: TurnLease): Promise<boolean>;
  /** Requests the stop of a turn. False: there is no such unfinished turn. */
  requestStop(sessionId: SessionId, turnId: TurnId): Promise<boolean>;
  /** The record of a turn, which is kept until an hour after its end. */
  record(sessionId: SessionId, turnId: TurnId): Promise<TurnRecord | undefined>;
  /** The unfinished turns of a conversation, the running one first. */
  waiting(sessionId: SessionId): Promise<readonly TurnId[]>;
  /**
   * The author edited a message, or deleted it (`text: null`). `amended`: it was waiting, and its text was replaced or it was removed.
   * `running`: it is being answered; the commit will store the new text (a deletion changes nothing here). `stored`: it was answered, and
   * its text in memory was replaced. `unknown`: there is no such message.
   * @param editedAt Unix milliseconds of the edit, default: now. An older edit never replaces a newer one.
   * @param attachments The files that the message has now, default: as before.
   */
  amend(
    sessionId: SessionId,
    source: string,
    text: string | null,
    editedAt?: number,
    attachments?: readonly FileRef[],
  ): Promise<AmendResult>;
}

/** The indexes of waiting work. The ready queue may be lost: it is rebuilt from the pending marks. */
export interface WorkIndex {
  /** Marks conversations as pending: they are scanned until their inboxes are seen empty. */
  markPending(sessionIds: readonly SessionId[]): Promise<void>;
  /** Number of conversations with unanswered messages. */
  countPending(): Promise<number>;
  /** Returns the conversations to scan now, about a hundred at most. Each is due again in two seconds unless its mark is cleared. */
  takeDue(): Promise<readonly DueConversation[]>;
  /** The owners of the heads of these inboxes, in order; `empty` if nothing waits. */
  heads(sessionIds: readonly SessionId[]): Promise<readonly ({ readonly owner: Token | undefined } | 'empty')[]>;
  /** Clears the pending mark, unless a message came after it was read. */
  clearPending(due: DueConversation): Promise<void>;
  /** Appends a conversation that nobody runs to the ready queue; `first`: puts it before all others. */
  ready(sessionId: SessionId, first?: boolean): Promise<void>;
  countReady(): Promise<number>;
  /** Removes and returns the conversations that have waited longest. */
  pop(count: number): Promise<readonly SessionId[]>;
}

/** Heartbeats of the workers' incarnations (core/pulse.ts). */
export interface Beats {
  /** How long an incarnation may continue after it sent a beat, in milliseconds; Infinity if no other process can take its turns. */
  readonly lifeMs: number;
  /** Sends the first beat of an incarnation. False: the name is in use. */
  begin(incarnation: string, listing: string): Promise<boolean>;
  /** `gone`: the beat has expired, which ends the incarnation. `refused`: renewed, but the store accepts no other writes. */
  renew(incarnation: string, listing: string): Promise<'renewed' | 'gone' | { readonly refused: BotError }>;
  end(incarnation: string): Promise<void>;
  /** The listings of these incarnations, in order; undefined if there is no beat. */
  read(incarnations: readonly string[]): Promise<readonly (string | undefined)[]>;
}

export interface OpenConversation {
  /** The newest messages up to the limit, oldest first. May begin with an assistant's half. */
  readonly messages: readonly ChatMessage[];
  /** Messages in the conversation, those included that cannot be read. */
  readonly total: number;
  /** What the person told the bot to keep for this place, oldest first; none where several people share the conversation. */
  readonly facts: readonly Fact[];
}

export interface History {
  /** Newest last. */
  readonly messages: readonly ChatMessage[];
  /** Messages in the conversation, readable ones and bad ones; without the turns that are over. */
  readonly total: number;
  /** Elements among those asked for that could not be read. They are skipped here, counted in metrics and left alone. */
  readonly corrupt: number;
  /** Milliseconds until the conversation is forgotten. */
  readonly expiresInMs: number;
}

export interface TtlState {
  /** Override of this conversation, or of its person for the place, in seconds. */
  readonly choice?: number;
  /** TTL that the next turn sets, in seconds: the override, or the default. */
  readonly effective: number;
  /** Milliseconds the conversation has left; undefined when there is none. */
  readonly expiresInMs?: number;
}

export interface Erased {
  readonly conversations: number;
  readonly messages: number;
  /** Waiting messages, which will not be answered. */
  readonly waiting: number;
  /** Facts that were kept; proposed ones are removed, too, and not counted. */
  readonly facts: number;
}

export interface EraseOptions {
  readonly keepChoices?: boolean;
  readonly keepFacts?: boolean;
}

/** Selects turns by the author's id, or by the platform's id of the person's message. */
export type TurnSelector = { readonly authorId: string } | { readonly source: string };

export interface ConversationSummary {
  readonly sessionId: SessionId;
  readonly messages: number;
  /** Unix milliseconds of the newest message; 0 if there are only waiting messages. */
  readonly lastAt: number;
  readonly expiresInMs: number;
}

export interface ExportedConversation {
  readonly sessionId: SessionId;
  /** Empty if only facts are left. */
  readonly messages: readonly ChatMessage[];
  /** Facts for this place, oldest first; only with the conversation outside of threads. */
  readonly facts: readonly Fact[];
}

export interface Memory {
  /** The newest `limit` messages, for the model. */
  open(sessionId: SessionId, limit: number): Promise<OpenConversation>;
  /** Messages counted from the newest: skips `offset`, returns `limit`. Undefined: there is no conversation. */
  history(sessionId: SessionId, options?: { offset?: number; limit?: number }): Promise<History | undefined>;
  /**
   * Forgets the conversation: its messages, the texts waiting in its inbox, the answers in its turn records, and its flags. A running
   * turn is not committed. The TTL override stays. No text is left in any key.
   */
  forget(sessionId: SessionId): Promise<Erased>;
  ttl(sessionId: SessionId): Promise<TtlState>;
  /**
   * Sets the override (whole seconds; it survives expiry and /forget) or removes it (`undefined`), and applies it to a live
   * conversation. With `remember: false` it only changes the remaining time of a live conversation.
   * @throws BotError `ttl_out_of_bounds` for anything but a whole number from 1 to MAX_TTL
   */
  setTtl(sessionId: SessionId, seconds: number | undefined, options?: { remember?: boolean }): Promise<TtlState>;
  /**
   * Applies the TTL of the place's override, or the default, to a live conversation without its own override, from now on. False: it has
   * its own override, or has expired.
   */
  followPlaceTtl(sessionId: SessionId): Promise<boolean>;
  /**
   * Removes the turns of one author or of one message, including waiting ones. A running one is not committed. When nothing
   * is left, its flags are removed as well.
   */
  removeTurns(sessionId: SessionId, selector: TurnSelector): Promise<Erased>;
  /**
   * The live (or waiting) conversations of a person, including shared ones, newest first; with `place`, only those of that place.
   */
  conversations(person: Person, place?: Place): Promise<readonly ConversationSummary[]>;
  /**
   * The conversations of a place in which a message is remembered or waits, by the platform's id of the message. May include
   * conversations that an earlier version stored and that do not have it. One look-up, however many conversations the place has.
   */
  find(place: Place, source: string): Promise<readonly SessionId[]>;
  /** The live conversations of a place: of all threads and people. */
  conversationsAt(place: Place): Promise<readonly SessionId[]>;
  /**
   * Erases everything of a person (their own conversations whole, in shared ones their turns), of a workspace, or of an area:
   * a channel with its threads, `{ place }`, or one thread, `{ place, thread }`, with all its people. This includes waiting messages,
   * answers in turn records, flags, index entries and, unless {@link EraseOptions} say otherwise, TTL overrides and facts (those of a
   * place belong to the channel outside of its threads). Running turns end as forgotten. Does nothing if there are no conversations.
   * Idempotent.
   */
  erase(whose: Person | Team | Area, options?: EraseOptions): Promise<Erased>;
  /** Everything of a person (in shared conversations only their turns) or of a workspace. */
  export(whose: Person | Team): Promise<readonly ExportedConversation[]>;
}

export interface ConversationStats {
  readonly messages: number;
  readonly turns: number;
  /** Estimated. */
  readonly tokens: number;
  /** In the store, companions included. */
  readonly bytes: number;
  /** Unix milliseconds of the first turn. */
  readonly createdAt: number;
  readonly expiresInMs: number;
  /** The key under which it is stored, for the person to see. */
  readonly key: string;
}

export interface ServiceStats {
  /** Live conversations. */
  readonly conversations: number;
  readonly messages: number;
  readonly turnsToday: number;
  readonly tokensToday: number;
  readonly pending: number;
  readonly server: {
    /** Name of the driver. */
    readonly store: string;
    readonly version: string;
    readonly usedMemoryBytes: number | null;
    readonly usedMemoryHuman: string | null;
    readonly connectedClients: number | null;
  };
}

export interface Stats {
  /** Exact, because expired conversations are swept first. */
  stats(): Promise<ServiceStats>;
  conversationStats(sessionId: SessionId): Promise<ConversationStats | undefined>;
}

export interface ConversationStore extends Turns, WorkIndex, Memory, Stats {
  readonly beats: Beats;
  readonly channels: Channels;
  readonly flags: Flags;
  readonly facts: Facts;
  /** Removes expired entries from the indexes. Called at intervals, so that they stay small without calls of `stats`. */
  sweep(): Promise<void>;
  /** Resolves when the store answers. @throws BotError `store_unavailable`. */
  ping(): Promise<void>;
  close(): Promise<void>;
}

/** Events of a driver for metrics and logs. */
export interface StoreObserver {
  badElement(sessionId: SessionId, count: number): void;
  error(operation: string, error: Error): void;
}

/** Options of all drivers. Times in seconds. */
export interface StoreOptions {
  readonly defaultTtl: number;
  readonly minTtl: number;
  /** A turn is also kept for at most this long from when it was said, however often its conversation is renewed. */
  readonly maxTtl: number;
  /** How long a fact is kept from when it was said (FACTS_TTL). */
  readonly factsTtl: number;
  /** Messages kept per conversation; even. The oldest whole turns go first. */
  readonly maxMessages: number;
  /** Bytes kept per conversation, as they are stored; the newest turn is kept however large it is. Default: no bound. */
  readonly maxBytes?: number;
  /** Messages that may wait per conversation. */
  readonly maxWaiting: number;
  /** Minimum lifetime of a conversation from the claim of a turn, in milliseconds (ANSWER_TIMEOUT). Default: TURN_BUDGET_MS. */
  readonly turnBudgetMs?: number;
  /** Messages that a claim returns (MEMORY_WINDOW). Default: `maxMessages`. */
  readonly window?: number;
  readonly observer: StoreObserver;
}
