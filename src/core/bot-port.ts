/** What an adapter is handed: the whole of the bot as adapters see it. */
import type { Commands } from './commands.ts';
import type { Facts } from './facts.ts';
import type { Flags } from './flags.ts';
import type { ContextPreview } from './ports.ts';
import type { Place, SessionId } from './session.ts';
import type { Memory, Stats, TurnRef } from './store.ts';
import type { ChatMessage, IncomingMessage, JsonValue, TurnId, TurnRecord } from './types.ts';

export type StoreHealth =
  | { readonly ok: true }
  /** `reachable`: the store answers, though it takes nothing. `reason` is for anybody to read. */
  | { readonly ok: false; readonly reachable: boolean; readonly reason: string };

export type ReceiveResult =
  /** Stored: ack the platform. */
  | { readonly kind: 'queued'; readonly turnId: TurnId; readonly ahead: number }
  /** Stored before: ack the platform, say nothing. */
  | { readonly kind: 'duplicate'; readonly sessionId: SessionId; readonly turnId: TurnId }
  /** Refused for good: ack, and tell the person (`text`) when `tell` is set (once per wave, so that floods get one answer). */
  | {
      readonly kind: 'rate_limited' | 'inbox_full' | 'too_long' | 'empty';
      readonly text: string;
      readonly retryAfterMs: number;
      readonly tell: boolean;
    };

export interface BotPort {
  /**
   * Takes a message in. When it resolves, the message is stored or was refused for a reason the person is told.
   * @param whole gives the message with what has to be looked up for it, where that is anything: `message` is then no longer
   * than the whole one. It is asked once the message is short enough and its author may send it: a refusal costs no look-up.
   * @throws BotError `store_unavailable` or `store_full`: not stored, do not ack.
   */
  receive(message: IncomingMessage, whole?: () => Promise<IncomingMessage>): Promise<ReceiveResult>;
  /** The memory commands: how they are read, and run for the person in their context. */
  readonly commands: Commands;
  /** Stops the turn, wherever it runs. That only its author may ask is the adapter's to check. False: nothing to stop. */
  stop(sessionId: SessionId, turnId: TurnId): Promise<boolean>;
  /**
   * The author edited (`text`) or deleted (`null`) a message. One that waits is answered as it reads then (too long, it is not
   * answered, and told so). One that was answered, or is being answered, is remembered as it reads then; a deleted one leaves memory.
   * @param text undefined: the platform does not tell what it was changed to. One that waits is answered as it was; one that was
   * answered, or is being answered, is remembered without its text
   * @param editedAt Unix milliseconds of the edit, where the platform tells: edits may come twice, and in any order
   */
  amended(place: Place, source: string, text: string | null | undefined, editedAt?: number): Promise<void>;
  /** The record of a turn: what became of a message, whichever replica ran it. */
  record(sessionId: SessionId, turnId: TurnId): Promise<TurnRecord | undefined>;
  /** The unfinished turns of a conversation, the running one first. */
  waiting(sessionId: SessionId): Promise<readonly TurnId[]>;
  /** Which turn an idempotency key belongs to, for 24 h. */
  locate(place: Place, idempotencyKeys: readonly string[]): Promise<TurnRef | undefined>;
  /**
   * Hears what is announced of a turn, wherever it runs. Resolves when in force; the returned function ends it.
   * @param stored the turn is in the store already, so its worker has to be told of this follower. Without it `receive` sees to
   * that when the message is stored.
   */
  follow(
    sessionId: SessionId,
    turnId: TurnId,
    listener: (event: JsonValue) => void,
    stored?: 'stored',
  ): Promise<() => Promise<void>>;
  /** Tells the followers of a turn; for adapters whose replies go to a waiting connection. */
  announce(sessionId: SessionId, turnId: TurnId, event: JsonValue): Promise<void>;
  readonly memory: Memory;
  /** What of the conversation the model would be shown now. */
  seen(sessionId: SessionId): Promise<ContextPreview<ChatMessage>>;
  readonly flags: Flags;
  /** What people told the bot to keep. */
  readonly facts: Facts;
  readonly stats: Stats;
  ping(): Promise<void>;
  /** Whether messages can be stored and handed to workers, as far as that is known now. */
  health(): StoreHealth;
}
