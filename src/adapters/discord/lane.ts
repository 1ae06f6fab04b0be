/**
 * One channel: its events are dealt with one by one, in order, and a cursor says up to where. Discord delivers nothing again,
 * so the cursor moves past a message only when that is stored or was deliberately ignored. What was missed (the store was
 * away, a session could not be resumed, a restart) is read over REST before anything newer of the channel (docs/turns.md).
 */
import type { Logger } from '../../core/ports.ts';
import type { IncomingMessage } from '../../core/types.ts';
import { type BotError, toBotError } from '../../errors.ts';
import type { Reading } from './normalize.ts';
import { backoff, type Pauses } from './pauses.ts';
import type { MessagePayload } from './payloads.ts';
import type { ChannelAbout } from './places.ts';
import { isNewer, justBefore, newest } from './snowflake.ts';

export type ChannelEvent =
  | { readonly kind: 'message'; readonly message: MessagePayload }
  | { readonly kind: 'edited'; readonly message: MessagePayload }
  | { readonly kind: 'deleted'; readonly ids: readonly string[] }
  /** The bot was talked to by a command, at this snowflake. */
  | { readonly kind: 'talked'; readonly id: string };

export interface LaneDeps {
  /** What is known of the channel. @throws BotError `platform_unavailable`, `platform_rate_limited` */
  readonly about: () => Promise<ChannelAbout>;
  /** Says what a message is. Pure. */
  readonly read: (message: MessagePayload, about: ChannelAbout, watched: boolean) => Reading;
  /**
   * Takes a message in: resolves when it is stored, or was refused and that was told. `patient`: it waits for room first.
   * @throws BotError `store_unavailable`, `store_full`
   */
  readonly take: (message: IncomingMessage, about: ChannelAbout, patient: boolean) => Promise<void>;
  /** An edit (`text`) or a deletion (`null`). @throws as `take` */
  readonly amend: (about: ChannelAbout, id: string, message: MessagePayload | null) => Promise<void>;
  /** Keeps the channel in the registry, with its cursor. @throws as `take` */
  readonly keep: (about: ChannelAbout, cursor: string) => Promise<void>;
  /** Up to a page of messages behind this id, oldest first, and whether there may be more. @throws BotError `platform_*` */
  readonly history: (after: string) => Promise<{ readonly messages: readonly MessagePayload[]; readonly more: boolean }>;
  /** Resolves when the store answers again, or intake ends. */
  readonly storeBack: () => Promise<void>;
  /** The oldest id that is worth catching up on. */
  readonly oldest: () => string;
  readonly pauses: Pauses;
  readonly log: Logger;
}

/** Pages read in one catch-up: behind that the channel is not worth it, and the newest matters most. */
const MAX_PAGES = 20;
/** Messages held in memory while something is away; behind that they are read over REST. */
const MAX_HELD = 200;
const MAX_BACKOFF_MS = 15_000;

export interface LaneStart {
  readonly about?: ChannelAbout | undefined;
  readonly cursor: string;
  /** The bot was talked to here before. */
  readonly watched: boolean;
}

export interface Lane {
  push(event: ChannelEvent): void;
  /** What came before now may have been missed: it is read over REST before anything else. */
  catchUp(cursor?: string): void;
  readonly watched: () => boolean;
  /** The cursor, when the registry does not have it yet. */
  readonly unsaved: () => string | undefined;
  saved(cursor: string): void;
  /** Starts working; before, events are only held. */
  release(): void;
  /** Resolves when there is nothing left to do. */
  idle(): Promise<void>;
}

export function createLane(deps: LaneDeps, start: LaneStart): Lane {
  const { pauses, log } = deps;
  const queue: ChannelEvent[] = [];
  let about = start.about;
  let watched = start.watched;
  let cursor = start.cursor;
  let savedCursor = start.cursor;
  /** REST has given everything up to here: what still comes of that is known. */
  let readUpTo = '0';
  let behind = false;
  let released = false;
  let failures = 0;
  let working: Promise<void> | undefined;

  async function deal(event: ChannelEvent, here: ChannelAbout, patient: boolean): Promise<void> {
    switch (event.kind) {
      case 'message':
        return await receive(event.message, here, patient);
      case 'edited':
        return await deps.amend(here, event.message.id, event.message);
      case 'deleted':
        for (const id of event.ids) await deps.amend(here, id, null);
        return;
      case 'talked':
        return await talked(here, event.id);
    }
  }

  async function receive(message: MessagePayload, here: ChannelAbout, patient: boolean): Promise<void> {
    const reading = deps.read(message, here, watched);
    if (reading.kind === 'ignored') {
      cursor = newest(cursor, message.id);
      return;
    }
    // First of all in the registry: if storing the message fails, and this process ends, it is found there.
    if (!watched) await deps.keep(here, cursor);
    watched = true;
    await deps.take(reading.message, here, patient);
    await talked(here, message.id);
  }

  async function talked(here: ChannelAbout, id: string): Promise<void> {
    watched = true;
    cursor = newest(cursor, id);
    const now = cursor;
    try {
      await deps.keep(here, now);
      savedCursor = newest(savedCursor, now);
    } catch (thrown) {
      // The message itself is stored. The cursor is saved with the next one, or a little later.
      log.warn({ code: toBotError(thrown).code }, 'the cursor of a channel was not saved, later again');
    }
  }

  async function readMissed(here: ChannelAbout): Promise<void> {
    behind = false;
    let after = newest(cursor, deps.oldest());
    let count = 0;
    for (let page = 0; page < MAX_PAGES; page += 1) {
      if (pauses.ended()) return;
      const { messages, more } = await deps.history(after);
      for (const message of messages) {
        await deal({ kind: 'message', message }, here, true);
        after = newest(after, message.id);
        readUpTo = after;
        count += 1;
        if (pauses.ended()) return;
      }
      if (!more) {
        if (count > 0) log.info({ messages: count }, 'caught up on a channel');
        return;
      }
    }
    log.warn({ messages: count }, 'a channel has more messages than are caught up on; the others are left out');
  }

  /** Something is away: waits until it may be back. */
  async function recover(error: BotError): Promise<void> {
    failures += 1;
    const store = error.code === 'store_unavailable' || error.code === 'store_full';
    log.warn({ code: error.code, failures }, 'a channel waits: what comes is neither stored nor lost');
    await pauses.wait(Math.max(error.retryAfterMs ?? 0, backoff(failures, MAX_BACKOFF_MS)));
    if (store) await deps.storeBack();
  }

  async function step(): Promise<void> {
    about ??= await deps.about();
    if (behind && !pauses.ended()) {
      try {
        await readMissed(about);
      } catch (thrown) {
        const error = toBotError(thrown);
        if (isWaitedFor(error)) {
          behind = true;
          throw error;
        }
        // The channel is gone or closed to the bot: what is held is all there is.
        log.warn({ code: error.code, err: error.message }, 'a channel can’t be caught up on');
      }
      return;
    }
    const event = queue[0];
    if (event === undefined) return;
    const known = event.kind === 'message' && !isNewer(event.message.id, readUpTo);
    if (!known) await deal(event, about, false);
    queue.shift();
  }

  async function work(): Promise<void> {
    while ((behind && !pauses.ended()) || queue.length > 0) {
      try {
        await step();
        failures = 0;
      } catch (thrown) {
        const error = toBotError(thrown);
        if (pauses.ended()) return;
        if (isWaitedFor(error)) {
          behind = true;
          await recover(error);
        } else {
          // Not worth a standstill: one message that can't be dealt with must not stop all that follow.
          log.error({ code: error.code, err: error.message }, 'an event of a channel was left out');
          const event = queue.shift();
          if (event?.kind === 'message') cursor = newest(cursor, event.message.id);
        }
      }
    }
  }

  function run(): void {
    if (!released || working !== undefined) return;
    working = work().finally(() => {
      working = undefined;
      if (queue.length > 0 && !pauses.ended()) run();
    });
  }

  return {
    push(event) {
      if (event.kind === 'message' && queue.length >= MAX_HELD) behind = true;
      else queue.push(event);
      run();
    },
    catchUp(from = '0') {
      cursor = newest(cursor, from);
      behind = true;
      run();
    },
    watched: () => watched,
    unsaved: () => (watched && cursor !== savedCursor ? cursor : undefined),
    saved(now) {
      savedCursor = newest(savedCursor, now);
    },
    release() {
      released = true;
      run();
    },
    async idle() {
      while (working !== undefined) await working;
    },
  };
}

/** Where a lane begins that is made for this message: just before it. */
export function beginningWith(message: Pick<MessagePayload, 'id'>): LaneStart {
  return { cursor: justBefore(message.id), watched: false };
}

function isWaitedFor({ code, retryable }: BotError): boolean {
  if (code === 'store_unavailable' || code === 'store_full') return true;
  return retryable && (code === 'platform_unavailable' || code === 'platform_rate_limited');
}
