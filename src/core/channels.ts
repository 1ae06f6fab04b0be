/**
 * The registry of channels in which the bot was addressed. Some platforms do not redeliver: messages sent during an outage of the bot
 * or its store must be requested, from the last handled message on (docs/turns.md).
 */
import type { JsonValue } from './types.ts';

/** How long a channel stays registered after the bot was last addressed there, whatever the TTL. Milliseconds. */
export const KEEP_CHANNEL_MS = 7 * 86_400_000;

export interface WatchedChannel {
  /** The platform's id of the channel (or of the thread, where threads are channels). */
  readonly id: string;
  /** Data of the adapter about the channel, as plain JSON. The adapter parses it. */
  readonly about: JsonValue;
  /**
   * Every message up to this id was stored or deliberately ignored. A number of at most {@link MAX_CURSOR_DIGITS} decimal digits that
   * orders the platform's messages (a snowflake).
   */
  readonly cursor: string;
}

/** Digits of the greatest 64-bit number. */
export const MAX_CURSOR_DIGITS = 20;

/** One registry for all replicas. Methods reject like those of the store. */
export interface Channels {
  /** Registers the channel for {@link KEEP_CHANNEL_MS} from now. The cursor only moves forwards: an older one is ignored. */
  watch(platform: string, channel: WatchedChannel): Promise<void>;
  /** Moves cursors forwards, by channel id. Ignores unwatched channels, and does not extend the registration. */
  advance(platform: string, cursors: ReadonlyMap<string, string>): Promise<void>;
  watched(platform: string): Promise<readonly WatchedChannel[]>;
  /** Removes channels. */
  unwatch(platform: string, ids: readonly string[]): Promise<void>;
}
