/**
 * Channels that the bot was talked to in, for platforms that deliver nothing again: what was sent there while the bot or its
 * store was away has to be asked for, from the last message that was dealt with (docs/turns.md).
 */
import type { JsonValue } from './types.ts';

/** Milliseconds that a channel is kept after the last time the bot was talked to there, whatever the TTL. */
export const KEEP_CHANNEL_MS = 7 * 86_400_000;

export interface WatchedChannel {
  /** The platform's id of the channel (or of the thread, where threads are channels). */
  readonly id: string;
  /** What the adapter wants to know of it again. Plain JSON; the adapter parses it. */
  readonly about: JsonValue;
  /**
   * Every message up to this id was stored or was deliberately ignored. At most {@link MAX_CURSOR_DIGITS} decimal digits, by
   * whose number the platform's messages are in order (a snowflake).
   */
  readonly cursor: string;
}

/** So many digits has the greatest number of 64 bits. */
export const MAX_CURSOR_DIGITS = 20;

/** One registry for all replicas. All methods reject as the rest of the store does. */
export interface Channels {
  /** Keeps the channel for {@link KEEP_CHANNEL_MS} from now. A cursor only moves forwards: an older one changes nothing. */
  watch(platform: string, channel: WatchedChannel): Promise<void>;
  /** Moves cursors forwards, by channel id; channels that are not watched are left alone, none is kept any longer by it. */
  advance(platform: string, cursors: ReadonlyMap<string, string>): Promise<void>;
  watched(platform: string): Promise<readonly WatchedChannel[]>;
  /** Forgets channels that are no more. */
  unwatch(platform: string, ids: readonly string[]): Promise<void>;
}
