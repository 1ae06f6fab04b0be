/**
 * What core needs of a ConversationStore. A driver implements small interfaces, `Turns`, `WorkIndex`, `Beats`, `Memory` and
 * `Stats`, and `ping` and `close`; `test/contracts/store.contract.ts` says what each must do and runs on every driver.
 *
 * All methods reject with a BotError: `store_unavailable` (retryable; within a few seconds, the outcome of a write may be
 * unknown and the same call may be made again) or `store_full`.
 */
import type { BotError, ErrorCode } from '../errors.ts';
import type { Channels } from './channels.ts';
import type { Fact, Facts } from './facts.ts';
import type { Flags } from './flags.ts';
import type { Area, Person, Place, SessionId, Team } from './session.ts';
import type {
  AnswerCut,
  ChatMessage,
  IncomingMessage,
  MessageRef,
  Token,
  TurnId,
  TurnLease,
  TurnRecord,
  UsedMemory,
} from './types.ts';

export type EnqueueResult =
  /** Stored, and the turn is the token's: nothing else waits in this conversation. */
  | { readonly kind: 'claimed'; readonly turn: ClaimedTurn }
  | {
      readonly kind: 'queued';
      /** Messages of this conversation before it. */
      readonly ahead: number;
      /** Of the conversation's head; undefined when nobody runs it. */
      readonly owner: Token | undefined;
    }
  | {
      readonly kind: 'duplicate';
      readonly sessionId: SessionId;
      readonly turnId: TurnId;
      /** The turn is not finished, and nobody runs it. */
      readonly unowned: boolean;
    }
  | { readonly kind: 'full' /** Messages waiting, which is the limit. */; readonly waiting: number };

export type ClaimResult =
  | { readonly kind: 'claimed'; readonly turn: ClaimedTurn }
  /** The head has another owner than the one expected. */
  | { readonly kind: 'owned'; readonly owner: Token | undefined }
  | { readonly kind: 'empty' };

export type CompleteResult =
  /** The next message's turn is the next token's. */
  | { readonly kind: 'claimed'; readonly turn: ClaimedTurn }
  | { readonly kind: 'left' /** Messages that still wait. */; readonly waiting: number }
  /** Another worker has the turn; nothing was changed. */
  | { readonly kind: 'fenced' };

/** A claimed turn. A message that was forgotten or withdrawn while it waited has an empty text, and its record says `forgotten`. */
export interface ClaimedTurn {
  readonly lease: TurnLease;
  readonly record: TurnRecord;
  readonly message: IncomingMessage;
  /** What is remembered of the conversation, as {@link Memory.open} gives it; at most {@link StoreOptions.window}. */
  readonly messages: readonly ChatMessage[];
  /** Messages in the conversation, as {@link OpenConversation.total}. */
  readonly total: number;
  /** As {@link OpenConversation.facts}. */
  readonly facts: readonly Fact[];
  /** Processes that follow the turn, by the names of their signals. */
  readonly followers: readonly string[];
}

export interface Answer {
  readonly text: string;
  /** Unix milliseconds. */
  readonly timestamp: number;
  readonly stopped: boolean;
  /** Absent: the answer is whole, or was stopped. */
  readonly cut?: AnswerCut;
  /** As {@link ChatMessage.used}. */
  readonly used?: UsedMemory;
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
  /** Becomes the owner of the turn where nothing else waits. */
  readonly token?: Token | undefined;
  /** The process that follows the turn from the start, by the name of its signals. */
  readonly follower?: string | undefined;
}

/** A message found by one of its idempotency keys. */
export interface TurnRef {
  readonly sessionId: SessionId;
  readonly turnId: TurnId;
}

/**
 * The turn protocol (docs/turns.md). The owner of a turn's record runs it, and no owner means nobody does. Every call may be made
 * again with the same token: it changes nothing twice and gives the same answer.
 */
export interface Turns {
  /**
   * Stores a message and notes its conversation as pending. Durable (as durable as the store is) when it resolves; until then the
   * platform must not be acked. Any known idempotency key makes it a duplicate; the others then lead to the same turn.
   */
  enqueue(message: IncomingMessage, options?: EnqueueOptions): Promise<EnqueueResult>;
  /** Adds a process to the followers of a turn that was stored before. False: there is no such unfinished turn. */
  follow(sessionId: SessionId, turnId: TurnId, follower: string): Promise<boolean>;
  /** Which turn an idempotency key of this place belongs to (24 h); undefined when it is unknown. */
  locate(place: Place, idempotencyKeys: readonly string[]): Promise<TurnRef | undefined>;
  /**
   * Makes the token the owner of the conversation's head, if the owner is the one expected (undefined: none). What is
   * remembered of the conversation lives for at least `turnBudgetMs` from then on, so that it does not expire in mid-turn; for
   * a turn that is answered, failed or forgotten already it is given no more time.
   */
  claim(sessionId: SessionId, token: Token, expected: Token | undefined): Promise<ClaimResult>;
  /**
   * What became of a turn that this worker runs: `held` (go on), `stopped` (the person asked to stop it), `forgotten`
   * (its conversation was, or its message withdrawn), `lost` (another worker has it). Asked about once a second.
   */
  check(lease: TurnLease): Promise<TurnCheck>;
  /** Saves the intent or the id of one part of the reply. False: fenced. */
  saveMessageRef(lease: TurnLease, part: number, ref: MessageRef): Promise<boolean>;
  /** Counts a failure worth a retry, so that any worker knows of it. Gives the new count; undefined: fenced. */
  countFailure(lease: TurnLease): Promise<number | undefined>;
  /**
   * Writes the turn to memory and its answer to the record, at once or not at all, once per turn. The text of a message that was
   * edited while it was answered is the newest.
   * Of a message that was forgotten nothing is written.
   */
  commit(lease: TurnLease, message: IncomingMessage, answer: Answer): Promise<CommitResult>;
  /** Ends the turn without an answer; memory is not touched. False: fenced. */
  fail(lease: TurnLease, code: ErrorCode): Promise<boolean>;
  /**
   * Removes the head if it is this turn, drops the answer from its record and marks it finished; makes `next` the owner of the
   * next turn if nobody runs it.
   */
  complete(lease: TurnLease, next?: Token): Promise<CompleteResult>;
  /** Gives a running turn back, without an owner and without counting a takeover (shutdown, or a retry later). False: fenced. */
  requeue(lease: TurnLease): Promise<boolean>;
  /** Asks the turn to stop, wherever it runs. False: there is no such unfinished turn. */
  requestStop(sessionId: SessionId, turnId: TurnId): Promise<boolean>;
  /** The record of a turn, until an hour after its end. */
  record(sessionId: SessionId, turnId: TurnId): Promise<TurnRecord | undefined>;
  /** The unfinished turns of a conversation, the running one first. */
  waiting(sessionId: SessionId): Promise<readonly TurnId[]>;
  /**
   * The author of a message edited it, or deleted it (`text: null`). One that waits has the new text from now on, or is dropped:
   * `amended`. One that is being answered is stored with the new text by the commit: `running`; nothing is done about its deletion.
   * Of one that was answered the stored text is replaced: `stored`. `unknown`: none of these here.
   * @param editedAt Unix milliseconds of the edit, default: now. An older edit never replaces a newer one.
   */
  amend(sessionId: SessionId, source: string, text: string | null, editedAt?: number): Promise<AmendResult>;
}

/** The indexes of waiting work. The ready queue may be lost: it is rebuilt from the pending marks. */
export interface WorkIndex {
  /** Marks conversations as pending: they are scanned until their inboxes are seen empty. */
  markPending(sessionIds: readonly SessionId[]): Promise<void>;
  /** How many conversations have messages that are not answered. */
  countPending(): Promise<number>;
  /** Returns the conversations to scan now, about a hundred at most. Each is due again in two seconds unless its mark is cleared. */
  takeDue(): Promise<readonly DueConversation[]>;
  /** The owners of the heads of these inboxes, in order; `empty` where nothing waits. */
  heads(sessionIds: readonly SessionId[]): Promise<readonly ({ readonly owner: Token | undefined } | 'empty')[]>;
  /** Clears the pending mark, unless a message came after it was read. */
  clearPending(due: DueConversation): Promise<void>;
  /** Appends a conversation that nobody runs to the ready queue; `first`: puts it before all others. */
  ready(sessionId: SessionId, first?: boolean): Promise<void>;
  countReady(): Promise<number>;
  /** Removes and returns the conversations that have waited longest. */
  pop(count: number): Promise<readonly SessionId[]>;
}

/** Signs of life of the workers' incarnations (core/pulse.ts). */
export interface Beats {
  /** Milliseconds after the sending of a beat for which its incarnation may go on; Infinity where nobody else could take its turns. */
  readonly lifeMs: number;
  /** Makes the first beat of an incarnation. False: there is one of that name. */
  begin(incarnation: string, listing: string): Promise<boolean>;
  /** `gone`: the beat, and with it the incarnation. `refused`: renewed, but the store takes nothing new, for this reason. */
  renew(incarnation: string, listing: string): Promise<'renewed' | 'gone' | { readonly refused: BotError }>;
  end(incarnation: string): Promise<void>;
  /** The listings of these incarnations, in order; undefined where there is no beat. */
  read(incarnations: readonly string[]): Promise<readonly (string | undefined)[]>;
}

export interface OpenConversation {
  /** The newest messages, oldest first, at most the limit asked for; may begin with an assistant's half. */
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
  /** Seconds of this conversation's own (or its person's, for the place) choice. */
  readonly choice?: number;
  /** Seconds that the next turn sets: the choice, else the default. */
  readonly effective: number;
  /** Milliseconds the conversation has left; undefined when there is none. */
  readonly expiresInMs?: number;
}

export interface Erased {
  readonly conversations: number;
  readonly messages: number;
  /** Messages that were stored but not answered yet, and now will not be. */
  readonly waiting: number;
  /** Facts that were kept; proposed ones are removed, too, and not counted. */
  readonly facts: number;
}

export interface EraseOptions {
  readonly keepChoices?: boolean;
  readonly keepFacts?: boolean;
}

/** Whose turns, or which: by the author's id, or by the platform's id of the person's message. */
export type TurnSelector = { readonly authorId: string } | { readonly source: string };

export interface ConversationSummary {
  readonly sessionId: SessionId;
  readonly messages: number;
  /** Unix milliseconds of the newest message; 0 when only waiting messages are there. */
  readonly lastAt: number;
  readonly expiresInMs: number;
}

export interface ExportedConversation {
  readonly sessionId: SessionId;
  /** Empty where only facts are left. */
  readonly messages: readonly ChatMessage[];
  /** Kept for this place, oldest first; only with the conversation outside any thread. */
  readonly facts: readonly Fact[];
}

export interface Memory {
  /** What the model is to see: the newest `limit` messages. */
  open(sessionId: SessionId, limit: number): Promise<OpenConversation>;
  /** Messages counted from the newest: skips `offset`, gives `limit`. Undefined: nothing is remembered. */
  history(sessionId: SessionId, options?: { offset?: number; limit?: number }): Promise<History | undefined>;
  /**
   * Forgets the conversation: its messages, the texts waiting in its inbox, the answers in its turn records. A running turn
   * is not committed. Its notes go too. The TTL choice stays. The text is in no key afterwards.
   */
  forget(sessionId: SessionId): Promise<Erased>;
  ttl(sessionId: SessionId): Promise<TtlState>;
  /**
   * Sets the choice (whole seconds, remembered across expiry and forget) or takes it back (`undefined`), and applies it to
   * a living conversation. With `remember: false` it only changes what the living conversation has left.
   * @throws BotError `ttl_out_of_bounds` for anything that is not a whole number of at least 1 and at most MAX_TTL.
   */
  setTtl(sessionId: SessionId, seconds: number | undefined, options?: { remember?: boolean }): Promise<TtlState>;
  /**
   * Gives a living conversation that has no choice of its own the time that its place's choice, or the default, says now, from
   * now on. False: it has its own, or is over.
   */
  followPlaceTtl(sessionId: SessionId): Promise<boolean>;
  /**
   * Removes whole turns of one author, or the one of one message, waiting ones too. A running one is not committed. When nothing
   * is left, its notes go too.
   */
  removeTurns(sessionId: SessionId, selector: TurnSelector): Promise<Erased>;
  /**
   * The living (or waiting) conversations a person has taken part in, newest first; with `place`, of that place only.
   */
  conversations(person: Person, place?: Place): Promise<readonly ConversationSummary[]>;
  /** The living conversations of a place: all threads, all people. For finding a message's turn after its idempotency keys expired. */
  conversationsAt(place: Place): Promise<readonly SessionId[]>;
  /**
   * Erases everything of a person (their own conversations whole, in shared ones their turns), of a workspace, or of an area:
   * a channel with its threads, `{ place }`, or one thread of it, `{ place, thread }`, whoever spoke there. That is messages,
   * waiting ones too, answers in turn records, notes, index entries and, unless {@link EraseOptions} say otherwise, facts (those of
   * a place are outside its threads) and TTL choices. A running turn
   * there ends as forgotten. Nobody has to have spoken there: where nothing is, nothing is erased. It may be called again.
   */
  erase(whose: Person | Team | Area, options?: EraseOptions): Promise<Erased>;
  /** Everything of a person (in shared conversations their turns only) or of a workspace. */
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
  /** Exact: what is overdue is swept first. */
  stats(): Promise<ServiceStats>;
  conversationStats(sessionId: SessionId): Promise<ConversationStats | undefined>;
}

export interface ConversationStore extends Turns, WorkIndex, Memory, Stats {
  readonly beats: Beats;
  readonly channels: Channels;
  readonly flags: Flags;
  readonly facts: Facts;
  /** Takes what is overdue out of the indexes. Asked now and then, so that they stay small where nobody asks for figures. */
  sweep(): Promise<void>;
  /** Resolves when the store answers. @throws BotError `store_unavailable`. */
  ping(): Promise<void>;
  close(): Promise<void>;
}

/** What a driver tells of things that are nobody's answer, for metrics and logs. */
export interface StoreObserver {
  badElement(sessionId: SessionId, count: number): void;
  error(operation: string, error: Error): void;
}

/** What both drivers need to know. Times in seconds. */
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
  /** Milliseconds that a conversation lives at least from the taking of a turn (ANSWER_TIMEOUT). Default: TURN_BUDGET_MS. */
  readonly turnBudgetMs?: number;
  /** Messages that a claim answers with (MEMORY_WINDOW). Default: `maxMessages`. */
  readonly window?: number;
  readonly observer: StoreObserver;
}
