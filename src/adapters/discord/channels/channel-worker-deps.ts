/** The interface of a channel worker, and what it needs: how to read, store and change messages, and how to wait. */
import type { Clock, Logger } from '../../../core/ports.ts';
import type { IncomingMessage } from '../../../core/types.ts';
import type { Delays } from '../../../lib/delay.ts';
import type { MessagePayload } from '../payloads.ts';
import type { ChannelInfo } from '../places.ts';
import type { ChannelEvent } from './channel-queue.ts';
import type { Reading } from './normalize.ts';

export interface HandleOptions {
  /** Until then (monotonic milliseconds) it waits for room in a full conversation. */
  readonly waitUntil: number;
  /** The first message to the bot in this channel. */
  readonly isFirst: boolean;
  /** An edit made it a message to the bot: it may have been handled before. */
  readonly isEdited: boolean;
}

export interface ChannelWorkerDeps {
  /** Looks up the channel. @throws BotError `platform_unavailable`, `platform_rate_limited` */
  readonly channelInfo: () => Promise<ChannelInfo>;
  /** Classifies and parses a message. Pure. */
  readonly read: (message: MessagePayload, info: ChannelInfo, watched: boolean) => Reading;
  /**
   * Resolves when the message is stored, or was refused and its author was told.
   * @throws BotError `store_unavailable`, `store_full`
   */
  readonly handleMessage: (message: IncomingMessage, info: ChannelInfo, options: HandleOptions) => Promise<void>;
  /** The bot was dismissed from this thread and not mentioned there since. @throws as `handleMessage` */
  readonly isDismissed: (info: ChannelInfo) => Promise<boolean>;
  /** Tells the author that the store is full, at most once in a while: the message waits until there is room. Never throws. */
  readonly reportStoreFull: (message: IncomingMessage) => Promise<void>;
  /** Applies an edit, or a deletion (`null`), to what is stored. @throws as `handleMessage` */
  readonly applyChange: (info: ChannelInfo, id: string, message: MessagePayload | null) => Promise<void>;
  /** Saves the channel, with its cursor, in the registry. @throws as `handleMessage` */
  readonly saveCursor: (info: ChannelInfo, cursor: string) => Promise<void>;
  /** Up to a page of messages after this id, oldest first, and whether there may be more. @throws BotError `platform_*` */
  readonly readHistory: (
    after: string,
  ) => Promise<{ readonly messages: readonly MessagePayload[]; readonly more: boolean }>;
  /** Resolves when the store answers again, or the process ends. */
  readonly untilStoreAnswers: () => Promise<void>;
  /** The oldest message id that is still worth an answer. */
  readonly oldestId: () => string;
  /** The worker has nothing left to do. */
  readonly onIdle: () => void;
  readonly clock: Pick<Clock, 'monotonic'>;
  readonly delays: Delays;
  readonly log: Logger;
}

/** Where a worker begins. */
export interface ChannelWorkerStart {
  readonly info?: ChannelInfo | undefined;
  readonly cursor: string;
  /** The bot has been addressed in this channel before. */
  readonly watched: boolean;
  /** Messages up to here were read over REST. */
  readonly readUpTo?: string;
}

export interface ChannelWorker {
  push(event: ChannelEvent): void;
  /** From now on events are only queued: messages before them may have been missed. A new worker is paused, too. */
  pause(): void;
  /**
   * Continues. In a watched channel, messages that were missed are read first, unless `missed` is false. `known` is the
   * registry's entry: another replica may be further ahead.
   */
  resume(how?: { readonly known?: ChannelWorkerStart | undefined; readonly missed?: boolean }): void;
  /** The process ends: what is queued is still processed, unless something before it was missed. */
  stop(): void;
  /** The channel is gone: drops what is queued, for good. */
  close(): void;
  readonly watched: () => boolean;
  readonly info: () => ChannelInfo | undefined;
  /** Where another worker of this channel would begin; undefined while there is work to do or a cursor to save. */
  readonly snapshot: () => ChannelWorkerStart | undefined;
  /** The cursor, if the registry does not have it yet. */
  readonly unsavedCursor: () => string | undefined;
  cursorSaved(cursor: string): void;
  /** Resolves when no step is being performed. */
  settled(): Promise<void>;
}
