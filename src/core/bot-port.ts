/** What an adapter is handed: the whole of the bot as adapters see it. */
import type { SessionId } from './session.ts';
import type { Located, Memory, Stats, TurnSelector } from './store.ts';
import type { Person, Place } from './session.ts';
import type { IncomingMessage, JsonValue, TurnId, TurnRecord, Locale } from './types.ts';
import type { CommandCall, CommandResult } from './commands.ts';

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
   * @throws BotError `store_unavailable` or `store_full`: not stored, do not ack.
   */
  receive(message: IncomingMessage): Promise<ReceiveResult>;
  /** Runs a command for the person in its context. @throws BotError as the store does. */
  run(call: CommandCall): Promise<CommandResult>;
  /** Stops the turn, wherever it runs, for the person `by` (only the author may). False: it is not running or not theirs. */
  stop(sessionId: SessionId, turnId: TurnId): Promise<boolean>;
  /** The author edited (`text`) or deleted (`null`) a message. Before it is answered it is amended; a deleted one leaves memory. */
  amended(place: Place, source: string, text: string | null): Promise<void>;
  record(sessionId: SessionId, turnId: TurnId): Promise<TurnRecord | undefined>;
  /** Wakes on every step of a turn, wherever it runs; see {@link TurnEvent}. Resolves when in force. */
  follow(sessionId: SessionId, turnId: TurnId, listener: (event: JsonValue) => void): Promise<() => Promise<void>>;
  /** Tells the followers of a turn; for adapters whose replies go to a waiting connection. */
  announce(sessionId: SessionId, turnId: TurnId, event: JsonValue): Promise<void>;
  readonly memory: Memory;
  readonly stats: Stats;
  ping(): Promise<void>;
}
