/** What a lane is given: how to read, store and change messages, and how to wait. */
import type { Clock, Logger } from '../../core/ports.ts';
import type { IncomingMessage } from '../../core/types.ts';
import type { Reading } from './normalize.ts';
import type { Pauses } from './pauses.ts';
import type { MessagePayload } from './payloads.ts';
import type { ChannelAbout } from './places.ts';

export interface LaneDeps {
  /** What is known of the channel. @throws BotError `platform_unavailable`, `platform_rate_limited` */
  readonly about: () => Promise<ChannelAbout>;
  /** Says what a message is. Pure. */
  readonly read: (message: MessagePayload, about: ChannelAbout, watched: boolean) => Reading;
  /**
   * Takes a message in: resolves when it is stored, or was refused and that was told. Until `patientUntil` (monotonic
   * milliseconds) it waits for room first.
   * @throws BotError `store_unavailable`, `store_full`
   */
  readonly take: (message: IncomingMessage, about: ChannelAbout, patientUntil: number) => Promise<void>;
  /**
   * The store is full, and stays so until somebody makes room: the message waits, and its author is not left in silence.
   * Says so once in a while and never throws.
   */
  readonly tellFull: (message: IncomingMessage) => Promise<void>;
  /** An edit (`text`) or a deletion (`null`). @throws as `take` */
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
  readonly pauses: Pauses;
  readonly log: Logger;
}
