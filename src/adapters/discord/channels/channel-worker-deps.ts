/** What a lane is, and what it is given: how to read, store and change messages, and how to wait. */
import type { Clock, Logger } from '../../../core/ports.ts';
import type { IncomingMessage } from '../../../core/types.ts';
import type { BotError } from '../../../errors.ts';
import type { Delays } from '../../../lib/delay.ts';
import type { MessagePayload } from '../payloads.ts';
import type { ChannelAbout } from '../places.ts';
import { justBefore } from '../snowflake.ts';
import type { ChannelEvent } from './channel-event.ts';
import type { Reading } from './normalize.ts';

export interface HowTaken {
  /** Until then (monotonic milliseconds) it waits for room first. */
  readonly patientUntil: number;
  /** Here the bot was not talked to before. */
  readonly isFirst: boolean;
  /** Its author has made it one for the bot by an edit: it may have been taken before. */
  readonly isEdited: boolean;
}

export interface ChannelWorkerDeps {
  /** What is known of the channel. @throws BotError `platform_unavailable`, `platform_rate_limited` */
  readonly about: () => Promise<ChannelAbout>;
  /** Says what a message is. Pure. */
  readonly read: (message: MessagePayload, about: ChannelAbout, watched: boolean) => Reading;
  /**
   * Takes a message in: resolves when it is stored, or was refused and that was told.
   * @throws BotError `store_unavailable`, `store_full`
   */
  readonly take: (message: IncomingMessage, about: ChannelAbout, how: HowTaken) => Promise<void>;
  /** The bot was sent out of this thread, and not called in again. @throws as `take` */
  readonly wasSentOut: (about: ChannelAbout) => Promise<boolean>;
  /**
   * The store is full, and stays so until somebody makes room: the message waits, and its author is not left in silence.
   * Says so once in a while and never throws.
   */
  readonly tellFull: (message: IncomingMessage) => Promise<void>;
  /** An edit or a deletion (`null`). @throws as `take` */
  readonly amend: (about: ChannelAbout, id: string, message: MessagePayload | null) => Promise<void>;
  /** Keeps the channel in the registry, with its cursor. @throws as `take` */
  readonly keep: (about: ChannelAbout, cursor: string) => Promise<void>;
  /** Up to a page of messages behind this id, oldest first, and whether there may be more. @throws BotError `platform_*` */
  readonly history: (
    after: string,
  ) => Promise<{ readonly messages: readonly MessagePayload[]; readonly more: boolean }>;
  /** Resolves when the store answers again, or intake ends. */
  readonly storeBack: () => Promise<void>;
  /** The oldest id that is worth catching up on. */
  readonly oldest: () => string;
  /** Everything was dealt with. */
  readonly emptied: () => void;
  readonly clock: Pick<Clock, 'monotonic'>;
  readonly pauses: Delays;
  readonly log: Logger;
}

/** Smaller than any id. */
export const NOWHERE = '0';

export interface ChannelWorkerStart {
  readonly about?: ChannelAbout | undefined;
  readonly cursor: string;
  /** The bot was talked to here before. */
  readonly watched: boolean;
  /** REST has given everything up to here. */
  readonly readUpTo?: string;
}

export interface Lane {
  push(event: ChannelEvent): void;
  /** From now on events are only held: what came before them may have been missed. So it is at the beginning, too. */
  hold(): void;
  /**
   * Goes on. Where the bot was talked to before, what was missed (unless nothing was) is read over REST before anything that is
   * held. `known` is what the registry has of the channel: another replica may have dealt with more.
   */
  goOn(how?: { readonly known?: ChannelWorkerStart | undefined; readonly missed?: boolean }): void;
  /** The channel is no more: what is held is dropped, and nothing is dealt with any more. */
  drop(): void;
  readonly watched: () => boolean;
  readonly about: () => ChannelAbout | undefined;
  /** What another lane of this channel would begin with: when nothing is to be done and the registry has the cursor. */
  readonly rest: () => ChannelWorkerStart | undefined;
  /** The cursor, when the registry does not have it yet. */
  readonly unsaved: () => string | undefined;
  saved(cursor: string): void;
  /** Resolves when nothing is being dealt with. */
  idle(): Promise<void>;
}

/** Where a lane begins that is made for this event: just before it, where that is a place in the channel. */
export function beginningWith(event: ChannelEvent): ChannelWorkerStart {
  return { cursor: event.kind === 'message' ? justBefore(event.message.id) : NOWHERE, watched: false };
}

/** What is away and comes back, so that nothing is left out for it. */
export function isWaitedFor({ code, retryable }: BotError): boolean {
  if (code === 'store_unavailable' || code === 'store_full') return true;
  return retryable && (code === 'platform_unavailable' || code === 'platform_rate_limited');
}
