/** The interface of the bot to its adapters. */
import type { Commands } from './commands.ts';
import type { Facts } from './facts.ts';
import type { Flags } from './flags.ts';
import type { ContextPreview } from './ports.ts';
import type { Place, SessionId } from './session.ts';
import type { Memory, Stats, TurnRef } from './store.ts';
import type { ChatMessage, FileRef, IncomingMessage, JsonValue, TurnId, TurnRecord } from './types.ts';

export type StoreHealth =
  | { readonly ok: true }
  /** `reachable`: the store answers but accepts no writes. `reason` is public. */
  | { readonly ok: false; readonly reachable: boolean; readonly reason: string };

export type ReceiveResult =
  /** Stored: acknowledge it to the platform. */
  | { readonly kind: 'queued'; readonly turnId: TurnId; readonly ahead: number }
  /** Stored before: acknowledge it, without a reply. */
  | { readonly kind: 'duplicate'; readonly sessionId: SessionId; readonly turnId: TurnId }
  /** Refused permanently: acknowledge it, and send `text` to the person if `tell` is set (once per flood of messages). */
  | {
      readonly kind: 'rate_limited' | 'inbox_full' | 'too_long' | 'empty';
      readonly text: string;
      readonly retryAfterMs: number;
      readonly tell: boolean;
    };

/** Times of a message that was edited or deleted, as far as the platform sends them. Unix milliseconds. */
export interface ChangedMessage {
  /** When the message was sent. If known, a recent message that was never stored needs no further look-up. */
  readonly sentAt?: number;
  /** When it was edited: edits may arrive twice and in any order. */
  readonly editedAt?: number;
  /** The files that it has now, if they are known. */
  readonly attachments?: readonly FileRef[];
}

export interface BotPort {
  /**
   * Receives a message. When it resolves, the message is stored, or was refused with a text for the person.
   * @param whole returns the complete message if something must be looked up for it; `message` must not be longer than that. It is
   * called after the checks of length and rate, so a refused message costs no look-up.
   * @throws BotError `store_unavailable` or `store_full`: not stored, so do not acknowledge the message
   */
  receive(message: IncomingMessage, whole?: () => Promise<IncomingMessage>): Promise<ReceiveResult>;
  /** The memory commands: parses and runs them. */
  readonly commands: Commands;
  /** Stops a turn in any process. The adapter must check that the author asks for it. False: there is nothing to stop. */
  stop(sessionId: SessionId, turnId: TurnId): Promise<boolean>;
  /**
   * The author edited (`text`) or deleted (`null`) a message. A waiting message is answered with its new text; if that is too long, its
   * author gets an error instead. If the message was answered, or is being answered, its text in memory is replaced. A deleted message is
   * removed from memory.
   * @param text undefined: the platform does not send the new text. A waiting message is answered unchanged; in memory, the text is removed
   */
  amended(place: Place, source: string, text: string | null | undefined, about?: ChangedMessage): Promise<void>;
  /** Whether a message waits, is being answered or is in memory, by the platform's id of the message. */
  remembers(place: Place, source: string, about?: Pick<ChangedMessage, 'sentAt'>): Promise<boolean>;
  /** The record of a turn. */
  record(sessionId: SessionId, turnId: TurnId): Promise<TurnRecord | undefined>;
  /** The unfinished turns of a conversation, the running one first. */
  waiting(sessionId: SessionId): Promise<readonly TurnId[]>;
  /** Which turn an idempotency key belongs to, for 24 h. */
  locate(place: Place, idempotencyKeys: readonly string[]): Promise<TurnRef | undefined>;
  /**
   * Calls `listener` with the events of a turn, in whichever process it runs. Resolves when active; the returned function unsubscribes.
   * @param stored the turn is stored already, so its worker must learn of this follower. Otherwise `receive` does that when it stores the
   * message
   */
  follow(
    sessionId: SessionId,
    turnId: TurnId,
    listener: (event: JsonValue) => void,
    stored?: 'stored',
  ): Promise<() => Promise<void>>;
  /** Sends an event to the followers of a turn, for adapters whose replies go to a waiting connection. */
  announce(sessionId: SessionId, turnId: TurnId, event: JsonValue): Promise<void>;
  readonly memory: Memory;
  /** The part of the conversation that the model would be shown now. */
  seen(sessionId: SessionId): Promise<ContextPreview<ChatMessage>>;
  readonly flags: Flags;
  /** What people told the bot to keep. */
  readonly facts: Facts;
  readonly stats: Stats;
  ping(): Promise<void>;
  /** Whether messages can be stored and answered, as far as known. */
  health(): StoreHealth;
}
